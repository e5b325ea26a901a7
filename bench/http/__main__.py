"""Hold the cost of a request against k6's and FastHttpUser's on one nginx, and recording by itself: make bench."""

import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench.figure import Figure
from bench.http import measuring
from bench.http.measuring import CLIENTS, Cost, cost
from bench.http.server import Nginx
from bench.keeping import keep, machine, told, versions
from bench.processes import CHECKOUT, BenchFailed
from bench.recording import measured

ROUNDS: Final = 3
TARGETS: Final = {"k6_csv": 0.45, "k6": 0.6, "fasthttpuser": 0.45}
RECORDING_US: Final = 1.5


def figures_of(rounds: list[dict[str, Cost]], recording: float) -> list[Figure]:
    """Return the figures; a ratio is the median of the rounds' ratios, whose two sides ran next to each other."""
    ratios = {
        other: statistics.median(each["ours"].cpu_us / each[other].cpu_us for each in rounds) for other in TARGETS
    }
    return [
        *(Figure(f"cpu_vs_{name}", ratios[name], f"<= {most}", ratios[name] <= most) for name, most in TARGETS.items()),
        Figure("recording_us", recording, f"<= {RECORDING_US}", recording <= RECORDING_US),
    ]


def settings_of() -> dict[str, float]:
    """Return what the rounds were made with."""
    return {name: getattr(measuring, name) for name in ("USERS", "WARM_UP_S", "MEASURED_S", "RATE_AT_LEAST")}


def main() -> int:
    """Measure, print, keep; return 0 when every target holds, 1 when one does not, 2 when it was no measurement."""
    began, here = time.monotonic(), machine()
    used = versions("locust", "gevent", "geventhttpclient", "httptools", "orjson", "pyarrow")
    print(f"{used['k6']}; sellergate {used['sellergate']}, Locust {used['locust']}, Python {used['python']}; "
          f"{here['cores']} cores of {here['cpu']}; about five minutes", flush=True)  # fmt: skip
    rounds: list[dict[str, Cost]] = []
    try:
        with tempfile.TemporaryDirectory() as folder, Nginx(Path(folder)) as server:
            for number in range(1, ROUNDS + 1):
                rounds.append({name: cost(name, server, Path(folder)) for name in CLIENTS})
                words = ", ".join(
                    f"{name} {each.cpu_us:.1f} µs at {each.per_s:,.0f}/s" for name, each in rounds[-1].items()
                )
                print(f"CPU a request {number} of {ROUNDS}: {words}", flush=True)
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 2
    recording = statistics.median(measured()["recording_us"])
    figures = figures_of(rounds, recording)
    settings = settings_of()
    kept = {
        "requests": [{name: asdict(each) for name, each in one.items()} for one in rounds],
        "recording_us": recording,
    }
    path = keep("http", kept, figures, {"machine": here, "versions": used, "settings": settings})
    print(f"{time.monotonic() - began:.0f} s; raw results: {path.relative_to(CHECKOUT)}")
    return told(figures, last=4)


if __name__ == "__main__":
    sys.exit(main())
