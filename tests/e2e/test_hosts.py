"""One master and three workers, each on a machine of its own; one of them behind a long way that can be cut."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from .cluster import Cluster
from .conftest import ROOT, Done, command
from .machines import Machines

pytestmark = pytest.mark.e2e

DELAY_S = 0.08
USERS = ("-u", "36", "-r", "36")
FAR = """
url = "http://{host}:7080"
allowed_hosts = ["{host}"]
contact = "whoever runs these tests"
wallet_secret_env = "TEST_WALLET_SECRET"
"""
LOSSES = {"worker_lost", "samples_lost", "log_truncated", "log_missing", "cut_short", "clock"}


def far_target(host: str) -> str:
    """The sandbox's own file, at an address that is not loopback."""
    lines = (ROOT / "targets" / "sandbox.toml").read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(('url = "http:', "allowed_hosts ="))]
    return FAR.format(host=host) + "\n".join(kept)


@dataclass
class Hosts:
    """The machines, what runs on them, and the way of the third worker."""

    machines: Machines
    folder: Path
    cluster: Cluster
    cut: Path

    def truth(self) -> Counter[tuple[str, str]]:
        """What the sandbox received; asked from its own machine."""
        url = f"http://{self.machines.addresses['target']}:7080/_sandbox/truth"
        ask = f"import urllib.request as r; print(r.urlopen({url!r}, timeout=5).read().decode())"
        done = subprocess.run(
            [*self.machines.inside("target"), sys.executable, "-c", ask], capture_output=True, text=True, check=True
        )
        counts: Counter[tuple[str, str]] = Counter()
        for row in json.loads(done.stdout)["received"]:
            counts[row["method"], row["route"]] += row["count"]
        return counts

    def settled(self, sent: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
        until = time.monotonic() + 5
        while (received := self.truth()) != sent and time.monotonic() < until:
            time.sleep(0.2)
        return received

    def start(self) -> None:
        targets = ("--targets", str(self.folder / "targets"), "--target", "far")
        self.cluster.master(*targets, inside=self.machines.inside("master"))
        for number in range(3):
            name = f"w{number}"
            through = "127.0.0.1" if number == 2 else ""
            self.cluster.worker(name, *targets, inside=self.machines.inside(name), address=through)


@pytest.fixture
def machines() -> Iterator[Machines]:
    made = Machines("target", "master", "w0", "w1", "w2")
    problem = made.up()
    if problem is not None:
        made.down()
        assert not os.environ.get("CI"), f"no network namespaces, and in CI nothing is skipped: {problem}"
        pytest.skip(f"making network namespaces needs root and iproute2: {problem}")
    yield made
    made.down()


@pytest.fixture
def hosts(machines: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Hosts]]:
    monkeypatch.setenv("TEST_WALLET_SECRET", "not a secret")
    started: list[subprocess.Popen[bytes]] = []
    clusters: list[Cluster] = []

    def run_on(name: str, *words: str) -> None:
        started.append(subprocess.Popen([*machines.inside(name), sys.executable, *words], cwd=ROOT))

    def make(*faults: str, duration: str) -> Hosts:
        target = machines.addresses["target"]
        ready = tmp_path / "ready"
        flags = [part for fault in faults for part in ("--fault", fault)]
        run_on(
            "target", "-m", "sandbox", "--host", target, "--port", "7080", "--ready-file", str(ready),
            "--stop-after", "180s", *flags,
        )  # fmt: skip
        (tmp_path / "targets").mkdir()
        (tmp_path / "targets" / "far.toml").write_text(far_target(target), "utf-8")
        cluster = Cluster(tmp_path, f"http://{target}:7080", (*USERS, "-t", duration), 3, machines.addresses["master"])
        clusters.append(cluster)
        cut = tmp_path / "cut"
        run_on(
            "w2", str(Path(__file__).with_name("link.py")), f"{cluster.address}:{cluster.port}", str(DELAY_S), str(cut)
        )
        until = time.monotonic() + 20
        while not ready.exists():
            assert time.monotonic() < until, "the sandbox is not ready"
            time.sleep(0.05)
        return Hosts(machines, tmp_path, cluster, cut)

    yield make
    for cluster in clusters:
        cluster.close()
    for process in started:
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.parametrize(
    "faults",
    [(), ("slow_step=dashboard.analytics_display:+4000ms", "slow_step=store.store_page:+4000ms")],
    ids=["quick", "slow requests in flight"],
)
def test_the_master_has_every_request_of_every_machine(hosts: Callable[..., Hosts], faults: tuple[str, ...]) -> None:
    these = hosts(*faults, duration="8s")
    these.start()
    done = these.cluster.wait()
    frame = done.samples
    assert set(frame["process"]) == {0, 1, 2}
    assert frame.groupby("seller")["process"].nunique().max() == 1
    assert bool((frame["outcome"] == "aborted").any()) or not faults
    assert these.settled(done.sent()) == done.sent()
    assert not done.doubts() & LOSSES, done.output
    clocks = json.loads((done.folder / "run.json").read_text("utf-8"))["clocks"]
    assert len(clocks) == 3
    # one kernel, one clock: what was measured has to allow for that, and the long way shows as uncertainty
    assert all(abs(clock["offset_s"]) <= clock["uncertainty_s"] for clock in clocks)
    assert sorted(clock["uncertainty_s"] >= DELAY_S for clock in clocks) == [False, False, True]


def test_a_link_that_was_cut_and_came_back_costs_nothing(hosts: Callable[..., Hosts]) -> None:
    these = hosts(duration="20s")
    these.start()
    these.cluster.until_samples("w2")
    these.cut.touch()
    these.cluster.until("master", "failed to send heartbeat, setting state to missing")
    these.cut.unlink()
    done = these.cluster.wait()
    assert set(done.samples["process"]) == {0, 1, 2}
    assert these.settled(done.sent()) == done.sent()
    assert not done.doubts() & LOSSES, done.output
    # all sellers stayed at work, on every machine
    health = pd.read_parquet(done.folder / "generator.parquet")
    ended_s = json.loads((done.folder / "run.json").read_text("utf-8"))["ended_at_s"]
    late = health[health["at_s"].between(ended_s - 5, ended_s)]
    assert late.groupby("process")["sellers"].median().sum() == 36


def test_a_link_that_stays_cut_names_the_worker_and_its_spool_has_the_rest(hosts: Callable[..., Hosts]) -> None:
    these = hosts(duration="12s")
    these.start()
    these.cluster.until_samples("w2")
    these.cut.touch()
    done = these.cluster.wait()
    assert done.code == 3, done.output
    (lost,) = [doubt for doubt in done.verdict["doubts"] if doubt["name"] == "worker_lost"]
    (spool,) = these.cluster.spool("w2").glob("spool-*.json")
    process = spool.stem.rpartition("-")[2]
    assert f"process {process}: went away during the run" in lost["figure"]
    assert f"process {process}: ended without its closing record" in lost["figure"]
    assert "missing from" in lost["figure"]
    these.cluster.processes["w2"].send_signal(signal.SIGTERM)  # it still loads the target, and nobody tells it to stop
    these.cluster.processes["w2"].wait(timeout=40)
    collected = command("collect", done.folder, these.cluster.spool("w2"))
    assert collected.returncode == 3, collected.stdout
    assert "its log is complete" in collected.stdout
    whole = Done(collected.returncode, collected.stdout, done.folder)
    assert these.settled(whole.sent()) == whole.sent()
    assert "worker_lost" in whole.doubts()
