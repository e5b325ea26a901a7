"""Hold our Socket.IO client against k6 on one echo server, and 2,000 sessions against their targets: make bench-ws."""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil

from bench.ws import measuring
from bench.ws.figures import SESSIONS, Figure, Rounds, figures_of
from bench.ws.processes import CHECKOUT, BenchFailed, k6_binary

RESULTS: Final = Path(__file__).parents[1] / "results"
TRIPS_ROUNDS: Final = 3
MEMORY_ROUNDS: Final = 2
_FILES: Final = SESSIONS + 500


def _machine() -> dict[str, Any]:
    cpus = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")]  # fmt: skip
    return {
        "cpu": cpus[0] if cpus else platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": platform.release(),
        "load_before": os.getloadavg(),
    }


def _versions() -> dict[str, str]:
    k6 = subprocess.run([str(k6_binary()), "version"], capture_output=True, text=True, check=True).stdout.strip()
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607  # whichever git made the checkout
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    names = ("gevent", "websocket-client", "orjson", "uvloop")
    return {"k6": k6, "sellergate": revision, "python": platform.python_version()} | {n: version(n) for n in names}


def _measure() -> Rounds:
    """Run all rounds, ours and k6's in turn, and show each as it ends."""
    trips, memory = [], []
    for number in range(1, TRIPS_ROUNDS + 1):
        mine, theirs = measuring.trips("ours"), measuring.trips("k6")
        trips.append((mine, theirs))
        print(f"round trips {number} of {TRIPS_ROUNDS}: ours {mine.cpu_us:.1f} µs at {mine.per_s:,.0f}/s, "
              f"k6 {theirs.cpu_us:.1f} µs at {theirs.per_s:,.0f}/s, ratio {mine.cpu_us / theirs.cpu_us:.3f} "
              f"(server {mine.server_cpu_us:.0f} and {theirs.server_cpu_us:.0f} µs)", flush=True)  # fmt: skip
    for number in range(1, MEMORY_ROUNDS + 1):
        small, large = measuring.memory("ours"), measuring.memory("k6")
        memory.append((small, large))
        print(f"idle sessions {number} of {MEMORY_ROUNDS}: ours {small.session_kb:.1f} kB each, "
              f"k6 {large.session_kb:.1f} kB, ratio {small.session_kb / large.session_kb:.3f}", flush=True)  # fmt: skip
    held = measuring.held()
    print(f"{held.sessions:,} sessions: {held.emitted:,} events emitted, {held.arrived:,} arrived, {held.wrong} wrong, "
          f"{held.cpu_ratio:.0%} of a core (server {held.server_cpu_ratio:.0%})", flush=True)  # fmt: skip
    return Rounds(trips, memory, held)


def _keep(rounds: Rounds, figures: list[Figure], machine: dict[str, Any], versions: dict[str, str]) -> Path:
    """Write everything measured to bench/results/ and return where."""
    now = datetime.now(UTC)
    content = {
        "at": now.isoformat(timespec="seconds"),
        "machine": machine,
        "versions": versions,
        "settings": {name: value for name, value in vars(measuring).items() if name.isupper()},
        "rounds": asdict(rounds),
        "figures": [asdict(figure) for figure in figures],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"ws-{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    return path


def main() -> int:
    """Measure, print, keep; return 0 when every target holds, 1 when one does not, 2 when it was no measurement."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _FILES:
        print(f"bench-ws: {SESSIONS} sessions need {_FILES} open files, `ulimit -Hn` allows {hard}", file=sys.stderr)
        return 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, _FILES), hard))
    began, machine, versions = time.monotonic(), _machine(), _versions()
    print(f"{versions['k6']}; sellergate {versions['sellergate']}, Python {versions['python']}; "
          f"{machine['cores']} cores of {machine['cpu']}; about four minutes", flush=True)  # fmt: skip
    try:
        rounds = _measure()
    except BenchFailed as failed:
        print(f"bench-ws: {failed}", file=sys.stderr)
        return 2
    figures = figures_of(rounds)
    path = _keep(rounds, figures, machine, versions)
    print(f"{time.monotonic() - began:.0f} s; raw results: {path.relative_to(CHECKOUT)}")
    for figure in figures:
        print(f"{'holds ' if figure.holds else 'MISSED'} {figure.name} {figure.target}")
    for figure in figures[-4:]:
        print(figure.line)
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
