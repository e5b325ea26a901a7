"""Workers that share no folder with their master: what they wrote travels, and what did not is named."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .cluster import Cluster
from .test_nothing_lost import settle

pytestmark = pytest.mark.e2e

Start = Callable[..., Any]
USERS = ("-u", "32", "-r", "32")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Make clusters; what still runs when the test ends is killed."""
    made: list[Cluster] = []

    def make(host: str, *arguments: str, workers: int = 2) -> Cluster:
        made.append(Cluster(tmp_path, host, arguments, workers))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_the_masters_log_is_complete_with_slow_requests_in_flight(sandbox: Start, cluster: Start) -> None:
    server = sandbox("slow_step=dashboard.analytics_display:+4000ms", "slow_step=store.store_page:+4000ms")
    these = cluster(server.url, *USERS, "-t", "8s")
    these.master()
    these.worker("w0")
    these.worker("w1")
    done = these.wait()
    frame = done.samples
    assert set(frame["process"]) == {0, 1}
    assert set(frame.loc[frame["process"] == 0, "seller"]).isdisjoint(frame.loc[frame["process"] == 1, "seller"])
    assert (frame["outcome"] == "aborted").any()
    assert settle(server, done.sent()) == done.sent()
    assert not done.doubts() & {"worker_lost", "samples_lost", "log_truncated", "log_missing", "cut_short"}
    spooled = {path.name for name in ("w0", "w1") for path in these.spool(name).iterdir()}
    assert spooled >= {"samples-0.arrow", "process-0.json", "spool-0.json", "samples-1.arrow", "process-1.json"}
    assert (done.folder / "created-0.jsonl").exists()
    assert (done.folder / "created-1.jsonl").exists()


def test_a_worker_told_to_quit_by_its_system_leaves_nothing_behind(sandbox: Start, cluster: Start) -> None:
    server = sandbox()
    these = cluster(server.url, *USERS, "-t", "12s")
    these.master()
    these.worker("w0")
    these.worker("w1")
    these.until_samples("w1")
    these.processes["w1"].send_signal(signal.SIGTERM)
    assert these.processes["w1"].wait(timeout=30) == 0
    done = these.wait()
    assert settle(server, done.sent()) == done.sent()
    assert not done.doubts() & {"worker_lost", "samples_lost", "log_truncated", "log_missing"}


def test_a_worker_of_other_terms_takes_no_part(sandbox: Start, cluster: Start) -> None:
    server = sandbox()
    these = cluster(server.url, *USERS, "-t", "6s")
    these.master()
    these.worker("w0")
    these.worker("odd", "--load-profile", "smoke")
    done = these.wait()
    assert done.code == 3, done.output
    assert "log_missing" in done.doubts()
    assert "accepted on a worker: --target sandbox --load-profile None" in these.log("odd")


def test_workers_that_do_not_come_in_time_leave_no_verdict_of_failure(sandbox: Start, cluster: Start) -> None:
    server = sandbox()
    these = cluster(server.url, *USERS, "-t", "6s")
    these.master("--expect-workers-max-wait", "4")
    these.worker("w0")
    assert these.wait().code == 3
    assert these.processes["w0"].wait(timeout=20) == 0
    assert not server.truth()["received"]
