"""Hold our Socket.IO client against k6 on one echo server, and 2,000 sessions against their targets: make bench-ws."""

import resource
import sys
import time
from dataclasses import asdict
from typing import Final

from bench.keeping import keep, machine, told, versions
from bench.processes import CHECKOUT, BenchFailed
from bench.ws import measuring
from bench.ws.figures import SESSIONS, Rounds, figures_of

TRIPS_ROUNDS: Final = 3
MEMORY_ROUNDS: Final = 2
_FILES: Final = SESSIONS + 500


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


def main() -> int:
    """Measure, print, keep; return 0 when every target holds, 1 when one does not, 2 when it was no measurement."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _FILES:
        print(f"bench-ws: {SESSIONS} sessions need {_FILES} open files, `ulimit -Hn` allows {hard}", file=sys.stderr)
        return 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, _FILES), hard))
    began, here = time.monotonic(), machine()
    used = versions("gevent", "websocket-client", "orjson", "uvloop")
    print(f"{used['k6']}; sellergate {used['sellergate']}, Python {used['python']}; "
          f"{here['cores']} cores of {here['cpu']}; about four minutes", flush=True)  # fmt: skip
    try:
        rounds = _measure()
    except BenchFailed as failed:
        print(f"bench-ws: {failed}", file=sys.stderr)
        return 2
    figures = figures_of(rounds)
    settings = {name: value for name, value in vars(measuring).items() if name.isupper()}
    path = keep("ws", asdict(rounds), figures, {"machine": here, "versions": used, "settings": settings})
    print(f"{time.monotonic() - began:.0f} s; raw results: {path.relative_to(CHECKOUT)}")
    return told(figures, last=4)


if __name__ == "__main__":
    sys.exit(main())
