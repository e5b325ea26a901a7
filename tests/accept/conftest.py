"""A fresh clone, and the commands a newcomer types in it."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Typed:
    """What came of a command."""

    code: int
    output: str
    took_s: float
    folder: Path  # reports/latest as it is now

    @property
    def verdict(self) -> dict[str, Any]:
        verdict: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text("utf-8"))
        return verdict


def environment() -> dict[str, str]:
    """The environment of a newcomer: no virtual environment, none of this session's settings, not make's own."""
    dropped = {
        "DEPLOYMENT_ENV",
        "BACKEND_URL",
        "WS_URL",
        "FRONTEND_URL",
        "VIRTUAL_ENV",
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
    }
    return {name: value for name, value in os.environ.items() if name not in dropped}


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed, in an empty folder."""
    folder = tmp_path_factory.mktemp("newcomer") / "sellergate"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    return folder


@pytest.fixture(scope="session")
def type_in(clone: Path) -> Callable[..., Typed]:
    def typed(line: str, timeout_s: float = 400) -> Typed:
        began = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=clone,
            env=environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
        took_s = time.monotonic() - began
        return Typed(done.returncode, done.stdout, took_s, (clone / "reports" / "latest").resolve())

    return typed
