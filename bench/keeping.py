"""Say what a benchmark ran on, and keep everything it measured."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil

from bench.figure import Figure
from bench.processes import CHECKOUT, k6_binary

RESULTS: Final = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Return what this machine is, and how busy it was before."""
    cpus = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")]  # fmt: skip
    return {
        "cpu": cpus[0] if cpus else platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": platform.release(),
        "load_before": os.getloadavg(),
    }


def revision() -> str:
    """Return which state of this checkout is measured."""
    return subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607  # whichever git made the checkout
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()


def versions(*names: str) -> dict[str, str]:
    """Return the versions of k6, of this checkout, of Python, and of some packages."""
    k6 = subprocess.run([str(k6_binary()), "version"], capture_output=True, text=True, check=True).stdout.strip()
    return {"k6": k6, "sellergate": revision(), "python": platform.python_version()} | {n: version(n) for n in names}


def keep(kind: str, rounds: Mapping[str, Any], figures: Sequence[Figure], about: Mapping[str, Any]) -> Path:
    """Write everything measured to bench/results/ and return where."""
    now = datetime.now(UTC)
    content = {
        "at": now.isoformat(timespec="seconds"),
        **about,
        "rounds": dict(rounds),
        "figures": [asdict(figure) for figure in figures],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{kind}-{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    return path


def told(figures: Sequence[Figure], last: int) -> int:
    """Print which targets hold, then the last figures as `name = value`; return the exit code."""
    for figure in figures:
        print(f"{'holds ' if figure.holds else 'MISSED'} {figure.name} {figure.target}")
    for figure in figures[-last:]:
        print(figure.line)
    return 0 if all(figure.holds for figure in figures) else 1
