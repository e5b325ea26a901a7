"""Be a master on one core: Locust's own runner with our listeners, fed by simulated workers."""

import json
import os
import sys
import time
from pathlib import Path

import gevent
from locust import User
from locust.env import Environment

from locustfiles._clocks import Clocks
from locustfiles._shipping import Inbox
from runlog.writer import closing_path, samples_path


class _Nobody(User):
    """Sellers live in workers."""


def _peak_bytes() -> int:
    """Return the most memory this process ever held; getrusage may tell of the one that started it."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main() -> None:
    """Say which port, receive until every worker's log is closed, and print what that took."""
    folder, workers, run_id = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.sched_setaffinity(0, {0})
    environment = Environment(user_classes=[_Nobody])
    runner = environment.create_master_runner("127.0.0.1", 0)
    problems: list[str] = []
    first: list[tuple[float, float]] = []  # asked where reports come in: under such a flood no other greenlet is served

    def note_first(**_kwargs: object) -> None:
        if not first:
            first.append((time.monotonic(), time.process_time()))

    environment.events.worker_report.add_listener(note_first)
    inbox, clocks = Inbox(runner), Clocks(runner)
    inbox.open(run_id, folder, problems.append)
    print(runner.server.port, flush=True)
    while not problems and not all(closing_path(folder, process).exists() for process in range(workers)):
        gevent.sleep(0.01)
    began, cpu_s = first[0]
    result = {
        "wall_s": inbox.heard() - began,
        "cpu_s": time.process_time() - cpu_s,
        "peak_bytes": _peak_bytes(),
        "received_bytes": sum(samples_path(folder, process).stat().st_size for process in range(workers)),
        "requests": environment.stats.total.num_requests,
        "clocks": len(clocks.measured()),
        "problems": problems,
    }
    print(json.dumps(result), flush=True)
    gevent.sleep(1)  # the last receipts are on their way


if __name__ == "__main__":
    main()
