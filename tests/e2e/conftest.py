"""Run the real command on a real sandbox with a profile short enough for the fast suite."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]

# The demo's thresholds apply to the profile called demo; here it thinks less and ends sooner, so that every step still
# has its 59 samples and every workflow its 59 iterations.
PROFILES = """
format = 1
[demo]
description = "the demo, shortened for tests"
sellers = 60
spawn_per_s = 60
ramp = "3 s"
duration = "22 s"
think_ratio = 0.25

[demo.weights]
dashboard = 3  # one of its steps is slowed down by 3 s, and still every step needs its samples
"""


@dataclass(frozen=True)
class Done:
    """A finished command: its exit code, what it printed, the run directory it left."""

    code: int
    output: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:
        verdict: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text("utf-8"))
        return verdict

    @property
    def samples(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "samples.parquet")

    @property
    def truth(self) -> dict[str, Any]:
        truth: dict[str, Any] = json.loads((self.folder / "sandbox-truth.json").read_text("utf-8"))
        return truth

    def doubts(self) -> set[str]:
        return {doubt["name"] for doubt in self.verdict["doubts"] if doubt["invalidates"]}

    def broken(self) -> list[dict[str, Any]]:
        return [result for result in self.verdict["results"] if result["outcome"] == "fail"]


def environment(**changes: str) -> dict[str, str]:
    """The environment of a person: nothing of this session's settings."""
    dropped = ("DEPLOYMENT_ENV", "BACKEND_URL", "WS_URL", "FRONTEND_URL", "ROLLBACK_ENABLED")
    return {name: value for name, value in os.environ.items() if name not in dropped} | changes


def command(*arguments: str | Path, timeout_s: float = 120, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gate", *map(str, arguments)],
        cwd=ROOT,
        env=environment(**changes),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture(scope="session")
def sellergate() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command itself, as a person types it."""
    return command


@pytest.fixture(scope="session")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "profiles.toml"
    path.write_text(PROFILES, "utf-8")
    return path


@pytest.fixture(scope="session")
def run(profiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Done]:
    """`sellergate run --with-sandbox` with faults; each combination runs once a session."""
    kept: dict[tuple[str, ...], Done] = {}

    def once(*faults: str, arguments: tuple[str, ...] = ()) -> Done:
        key = (*faults, "--", *arguments)
        if key not in kept:
            reports = tmp_path_factory.mktemp("reports")
            flags = [part for fault in faults for part in ("--fault", fault)]
            done = command(
                "run", "--load-profile", "demo", "--profiles", profiles, "--reports", reports,
                "--with-sandbox", *flags, *arguments,
            )  # fmt: skip
            kept[key] = Done(done.returncode, done.stdout, (reports / "latest").resolve())
        return kept[key]

    return once


@pytest.fixture
def judge() -> Callable[..., Done]:
    """`sellergate judge` of a run that was recorded already."""

    def again(done: Done, *arguments: str | Path, **changes: str) -> Done:
        judged = command("judge", done.folder, *arguments, **changes)
        return Done(judged.returncode, judged.stdout, done.folder)

    return again
