"""A generator that others leave no time is not believed; one that has its time is never suspected."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import ALONE
from .known import Known

pytestmark = pytest.mark.e2e

RUN_S = 17
SELLERS = 260
"""As many as need more than half a core, and less than would be too much of one."""
PROFILE = f"""
format = 1
[short]
description = "long enough to be judged"
sellers = {SELLERS}
spawn_per_s = {SELLERS}
ramp = "2 s"
duration = "{RUN_S} s"
"""
SPIN = f"import time\nuntil = time.monotonic() + {RUN_S}\nwhile time.monotonic() < until: pass"


def made(server: Known, load: Callable[..., Any], folder: Path, *, starved: bool, least: bool = False) -> Any:
    """Make a run; a starved generator shares its core with a loop that does nothing else, and may count less."""
    profiles = folder / "profiles.toml"
    profiles.write_text(PROFILE, "utf-8")
    settings = ("--load-profile", "short", "--profiles", str(profiles))
    with ALONE:
        running = load(server.url, *server.arguments, *settings, "AskingSeller")
        running.until_requests(1)  # starting and judging take long enough without
        core = {max(os.sched_getaffinity(0))}
        loop = None
        if starved:
            os.sched_setaffinity(running.process.pid, core)
            os.setpriority(os.PRIO_PROCESS, running.process.pid, 19 if least else 0)
            loop = subprocess.Popen([sys.executable, "-c", SPIN])
            os.sched_setaffinity(loop.pid, core)
        try:
            return running.wait()
        finally:
            if loop is not None:
                loop.kill()
                loop.wait()


def suspicions(done: Any) -> set[str]:
    return {name for name in done.doubts() if name.startswith("generator_") or name == "loop_lag"}


def held_to_be_starved(done: Any) -> None:
    assert done.code == 3, done.output
    assert "generator_starved" in suspicions(done)
    assert "of a core at" in done.output


def test_starved_generator_is_not_believed(known: Callable[[str], Known], load: Any, tmp_path: Path) -> None:
    """On any machine: with the lowest priority it is starved even where it needs little."""
    held_to_be_starved(made(known("constant"), load, tmp_path, starved=True, least=True))


@pytest.mark.accept
@pytest.mark.parametrize("_number", range(10))
def test_starved_generator_is_never_believed(
    known: Callable[[str], Known], load: Any, tmp_path: Path, _number: int
) -> None:
    held_to_be_starved(made(known("constant"), load, tmp_path, starved=True))


@pytest.mark.accept
@pytest.mark.parametrize("_number", range(10))
def test_healthy_generator_is_never_suspected(
    known: Callable[[str], Known], load: Any, tmp_path: Path, _number: int
) -> None:
    assert suspicions(made(known("constant"), load, tmp_path, starved=False)) == set()
