"""A generator that others leave no time is not believed; one that has its time is never suspected."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from .conftest import ALONE

pytestmark = pytest.mark.e2e

Sandbox = Callable[..., Any]
RUN_S = 17
BUSY = 4
"""Loops beside the generator on its core: it gets a fifth of it, and needs more."""
PROFILE = f"""
format = 1
[short]
description = "long enough to be judged"
sellers = 80
spawn_per_s = 80
ramp = "2 s"
duration = "{RUN_S} s"
think_ratio = 0.15
"""
SPIN = f"import time\nuntil = time.monotonic() + {RUN_S + 20}\nwhile time.monotonic() < until: pass"


def made(sandbox: Sandbox, load: Callable[..., Any], tmp_path: Path, busy: int) -> Any:
    """Make a run of which the generator shares its one core with so many loops that do nothing else."""
    profiles = tmp_path / "profiles.toml"
    profiles.write_text(PROFILE, "utf-8")
    server = sandbox()
    with ALONE:
        running = load(server.url, "--load-profile", "short", "--profiles", str(profiles))
        core = {max(os.sched_getaffinity(0))}
        os.sched_setaffinity(running.process.pid, core)
        loops = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(busy)]
        try:
            for each in loops:
                os.sched_setaffinity(each.pid, core)
            running.until_requests(1)
            assert psutil.Process(running.process.pid).cpu_affinity() == list(core)
            return running.wait()
        finally:
            for each in loops:
                each.kill()
                each.wait()


def suspicions(done: Any) -> set[str]:
    return {name for name in done.doubts() if name.startswith("generator_") or name == "loop_lag"}


def held_to_be_starved(done: Any) -> None:
    assert done.code == 3, done.output
    assert "generator_starved" in suspicions(done)
    assert "of a core at" in done.output


def test_starved_generator_is_not_believed(sandbox: Sandbox, load: Callable[..., Any], tmp_path: Path) -> None:
    held_to_be_starved(made(sandbox, load, tmp_path, BUSY))


@pytest.mark.accept
@pytest.mark.parametrize("_number", range(10))
def test_starved_generator_is_never_believed(
    sandbox: Sandbox, load: Callable[..., Any], tmp_path: Path, _number: int
) -> None:
    held_to_be_starved(made(sandbox, load, tmp_path, BUSY))


@pytest.mark.accept
@pytest.mark.parametrize("_number", range(10))
def test_healthy_generator_is_never_suspected(
    sandbox: Sandbox, load: Callable[..., Any], tmp_path: Path, _number: int
) -> None:
    assert suspicions(made(sandbox, load, tmp_path, 0)) == set()
