"""Workers that share no folder with their master: what they wrote travels, and what did not is named."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runlog.created import read_created
from runlog.run import GeneratorInfo, LoadProfile, Run, StepName, TargetInfo, write_run

from .cluster import Cluster
from .conftest import Done, command
from .test_nothing_lost import settle

pytestmark = pytest.mark.e2e

Start = Callable[..., Any]
USERS = ("-u", "32", "-r", "32")
LOSSES = {"worker_lost", "samples_lost", "log_truncated", "log_missing"}
RUN = Run(
    id="one",
    stage=None,
    load_profile=LoadProfile(name=None, sellers=1, spawn_per_s=1.0, duration_s=9.0, ramp_s=None),
    target=TargetInfo(name="sandbox", url="http://127.0.0.1:1"),
    revision=None,
    seed=1,
    generator=GeneratorInfo.here({0}),
    scope=(StepName(workflow="listing", step="creation"),),
    started_at_s=1.0,
    ended_at_s=10.0,
)


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
    assert not done.doubts() & {*LOSSES, "cut_short"}
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
    assert not done.doubts() & LOSSES


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_master_told_to_stop_has_everything_of_its_workers(
    sandbox: Start, cluster: Start, number: signal.Signals
) -> None:
    server = sandbox()
    these = cluster(server.url, *USERS, "-t", "60s")
    these.master()
    these.worker("w0")
    these.worker("w1")
    these.until_samples("w1")
    these.processes["master"].send_signal(number)
    done = these.wait()
    assert done.code == 3, done.output
    assert done.doubts() & (LOSSES | {"cut_short"}) == {"cut_short"}
    assert settle(server, done.sent()) == done.sent()


def test_workers_and_master_told_to_stop_at_once_lose_nothing(sandbox: Start, cluster: Start) -> None:
    server = sandbox()
    these = cluster(server.url, *USERS, "-t", "60s")
    these.master()
    these.worker("w0")
    these.worker("w1")
    these.until_samples("w1")
    for process in these.processes.values():
        process.send_signal(signal.SIGTERM)
    done = these.wait()
    assert done.code == 3, done.output
    assert not done.doubts() & {"samples_lost", "log_truncated", "log_missing"}, done.output
    assert settle(server, done.sent()) == done.sent()


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


def test_a_killed_workers_samples_are_collected_from_its_disk(sandbox: Start, cluster: Start) -> None:
    server = sandbox()
    these = cluster(server.url, *USERS, "-t", "14s")
    these.master()
    these.worker("w0")
    these.worker("w1")
    these.until_samples("w1")
    killed_s = time.time()
    these.kill("w1")
    done = these.wait()
    assert done.code == 3, done.output
    (lost,) = [doubt for doubt in done.verdict["doubts"] if doubt["name"] == "worker_lost"]
    (spool,) = these.spool("w1").glob("spool-*.json")
    process = int(spool.stem.rpartition("-")[2])
    assert f"process {process}: went away during the run" in lost["figure"]
    assert "missing from" in lost["figure"]
    received_before = len(done.samples)

    collected = command("collect", done.folder, these.spool("w1"))
    assert collected.returncode == 3, collected.stdout
    assert len(done.samples) >= received_before
    own = done.samples[done.samples["process"] == process]
    assert own["sent_at_s"].max() > killed_s - 1.0  # all but its last second
    missing = sum((settle(server, done.sent()) - done.sent()).values())
    assert missing <= 60, f"{missing} requests are nowhere"  # of 16 sellers in half a second
    (lost,) = [doubt for doubt in done.verdict["doubts"] if doubt["name"] == "worker_lost"]
    # unless its last report had brought all of it
    assert "it never closed its log" in collected.stdout or len(done.samples) == received_before
    assert f"process {process}: ended without its closing record" in lost["figure"]

    again = command("collect", done.folder, these.spool("w1"))
    assert "nothing to add" in again.stdout
    assert again.returncode == 3


@pytest.mark.parametrize(
    ("wrong", "words"),
    [("w0", "is a spool of run"), (".", "holds no spool-<process>.json")],
    ids=["another run's", "no spool"],
)
def test_what_cannot_be_collected_is_refused_in_one_line(tmp_path: Path, wrong: str, words: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    write_run(folder, RUN)
    (tmp_path / "w0").mkdir()
    (tmp_path / "w0" / "spool-0.json").write_text('{"run": "other", "process": 0}')
    done = command("collect", folder, tmp_path / wrong)
    assert done.returncode == 2
    assert words in done.stdout
    assert done.stdout.count("\n") == 1


def test_a_worker_that_joins_late_has_sellers_and_wallets_of_its_own(sandbox: Start, cluster: Start) -> None:
    server = sandbox()
    these = cluster(server.url, *USERS, "-t", "14s")
    these.master("--enable-rebalancing")
    these.worker("w0")
    these.worker("w1")
    these.until_samples("w1")
    these.kill("w1")
    these.worker("w2")  # what a Deployment does with a worker that died
    done = these.wait()
    frame = done.samples
    assert done.code == 3, done.output
    assert set(frame["process"]) == {0, 1, 2}
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert set(frame.loc[frame["process"] == one, "seller"]).isdisjoint(
            frame.loc[frame["process"] == other, "seller"]
        )
    registries = [each.created for each in read_created(done.folder)]
    wallets = [{made.wallet for made in each} for each in registries]
    assert all(wallets)
    assert sum(map(len, wallets)) == len(set.union(*wallets))
    (lost,) = [doubt for doubt in done.verdict["doubts"] if doubt["name"] == "worker_lost"]
    assert "process 2" not in lost["figure"]


def test_a_master_that_is_gone_leaves_spools_and_its_successor_sends_old_workers_away(
    sandbox: Start, cluster: Start
) -> None:
    server = sandbox()
    these = cluster(server.url, *USERS, "-t", "60s", workers=1)
    these.master()
    these.worker("w0")
    these.until_samples("w0")
    these.kill("master")
    shutil.rmtree(os.environ["SELLERGATE_LEASES"])  # as if its minute were over
    first = these.reports("master") / "latest"
    first_run = first.resolve()
    these.master("-t", "5s", name="successor")
    # it still loads the target for nobody: the next master that hears of it ends that
    these.processes["w0"].wait(timeout=30)
    assert "belongs to another master's run and is told to quit" in these.log("successor")
    collected = command("collect", first_run, these.spool("w0"))
    assert collected.returncode == 3
    assert "it never closed" not in collected.stdout
    old = Done(3, "", first_run)
    assert "not_finished" in old.doubts()
    assert settle(server, old.sent()) == old.sent()
