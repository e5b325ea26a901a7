"""A load on somebody else's machine keeps to its rate limits; whoever wants to see 429s has to say so."""

import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from runlog.reader import read_samples
from runlog.seal import seal
from tests.e2e.conftest import ROOT, Load, Sandbox

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a folder of target files in which the sandbox has the limits it enforces, and `lines` more."""

    def make(*lines: str) -> Path:
        folder = tmp_path_factory.mktemp("targets")
        shutil.copytree(ROOT / "targets" / "limits", folder / "limits")
        text = (ROOT / "targets" / "sandbox.toml").read_text("utf-8")
        top, _, tables = text.replace('consents = ["', 'consents = ["forwarded_for", "').partition("\n[")
        (folder / "sandbox.toml").write_text("\n".join([top, 'rate_limits = "linkdao"', *lines]) + f"\n[{tables}")
        return folder

    return make


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Sandbox]]:
    """Start sandboxes that enforce the product's rate limits."""
    started: list[Sandbox] = []

    def start() -> Sandbox:
        ready = tmp_path_factory.mktemp("sandbox") / "ready"
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "sandbox",
                "--port",
                "0",
                "--ready-file",
                ready,
                "--stop-after",
                "3min",
                "--rate-limits",
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + 20
        while not ready.exists():
            assert process.poll() is None, "the sandbox did not start"
            assert time.monotonic() < until, "the sandbox is not ready after 20 s"
            time.sleep(0.05)
        started.append(Sandbox(ready.read_text("utf-8").strip(), process))
        return started[-1]

    yield start
    for each in started:
        each.process.terminate()
        each.process.wait(timeout=10)


def samples_of(folder: Path) -> pd.DataFrame:
    """What a run recorded; nobody judged it."""
    seal(folder)
    return read_samples(folder).to_pandas()


def throttled(truth: dict[str, Any]) -> int:
    """How many requests the sandbox itself answered 429."""
    return sum(row["count"] for row in truth["answered"] if row["outcome"] == "throttled")


def listing_load(sandbox: Sandbox, reports: Path, targets: Path, *more: str, seconds: int = 10) -> Load:
    """30 sellers who publish as fast as they can: their limits are 10 profiles and 10 listings a minute."""
    arguments = ["-u", "30", "-r", "30", "-t", f"{seconds}s", "--stop-timeout", "30", "--no-gate"]
    arguments += ["--targets", str(targets)]
    return Load(sandbox.url, reports, *arguments, *more, "ListingSeller")


@dataclass(frozen=True)
class Finished:
    """A run that is over, and how long it took from the command to its end."""

    load: Load
    sandbox: Sandbox
    folder: Path
    took_s: float


LOADS: dict[str, tuple[list[str], list[str]]] = {
    "paced": ([], []),
    "allowed": ([], ["--allow-throttling"]),
    "processes": ([], ["--processes", "2"]),
    "forwarded": (["forwarded_for = true"], []),
    "addresses": (['client_addresses = ["127.0.0.2", "127.0.0.3"]'], []),
}
"""Lines of the target file, and arguments, of the loads that run at the same time, each on a sandbox of its own."""


@pytest.fixture(scope="module")
def runs(
    limited: Callable[[], Sandbox], targets: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Finished]:
    """What came of each load."""
    running = {}
    for name, (lines, more) in LOADS.items():
        sandbox, reports, began_s = limited(), tmp_path_factory.mktemp(name) / "reports", time.monotonic()
        running[name] = (listing_load(sandbox, reports, targets(*lines), *more), sandbox, began_s)
    return {
        name: Finished(load, sandbox, load.wait().folder, time.monotonic() - began_s)
        for name, (load, sandbox, began_s) in running.items()
    }


def test_paced_sellers_get_no_429_at_all(runs: dict[str, Finished]) -> None:
    paced = runs["paced"]
    truth, samples = paced.sandbox.truth(), samples_of(paced.folder)
    assert throttled(truth) == 0
    assert set(samples["outcome"]) <= {"ok", "aborted"}
    created = samples[(samples["method"] == "POST") & (samples["route"] == "/api/marketplace/seller/listings")]
    assert 1 <= len(created) <= 10  # its limit, used but not passed
    profiles = samples[samples["route"] == "/api/marketplace/seller/profile"]
    assert len(profiles) == 10


def test_who_waits_for_room_is_no_sample_and_the_time_is_known(runs: dict[str, Finished]) -> None:
    paced = runs["paced"]
    samples = samples_of(paced.folder)
    http = samples[samples["kind"].isin(["http", "setup"])]
    received: Counter[tuple[str, str]] = paced.sandbox.received()
    assert Counter(zip(http["method"], http["route"], strict=True)) == received
    assert http["response_time_ms"].max() < 5_000  # the 9 s some waited are nobody's response time
    said = re.search(r"rate limits: sellers waited (\d+) times for room, ([\d.]+) s in all", paced.load.log.read_text())
    assert said is not None
    assert int(said[1]) >= 20
    assert float(said[2]) > 100


def test_stop_ends_every_wait_at_once(runs: dict[str, Finished]) -> None:
    # neither the minute sellers would wait or back off, nor the 30 s they have to finish what they are doing
    for each in runs.values():
        assert each.took_s < 10 + 25


def test_without_waiting_the_server_throttles(runs: dict[str, Finished]) -> None:
    allowed = runs["allowed"]
    samples = samples_of(allowed.folder)
    assert throttled(allowed.sandbox.truth()) > 0
    assert throttled(allowed.sandbox.truth()) == (samples["outcome"] == "throttled").sum()
    assert "rate limits: sellers waited" not in allowed.load.log.read_text()


def test_processes_on_one_address_stay_below_the_limit_together(runs: dict[str, Finished]) -> None:
    shared = runs["processes"]
    samples = samples_of(shared.folder)
    assert set(samples["process"]) == {0, 1}
    assert throttled(shared.sandbox.truth()) == 0
    assert (samples["route"] == "/api/marketplace/seller/profile").sum() == 10


@pytest.mark.accept
def test_a_minute_later_there_is_room_again_and_still_no_429(
    limited: Callable[[], Sandbox], targets: Callable[..., Path], tmp_path: Path
) -> None:
    sandbox = limited()
    done = listing_load(sandbox, tmp_path / "reports", targets(), seconds=75).wait()
    samples = samples_of(done.folder)
    assert throttled(sandbox.truth()) == 0
    assert (samples["route"] == "/api/marketplace/seller/profile").sum() == 20


@pytest.mark.parametrize(("name", "profiles"), [("forwarded", 30), ("addresses", 20)])
def test_each_address_has_limits_of_its_own(name: str, profiles: int, runs: dict[str, Finished]) -> None:
    samples = samples_of(runs[name].folder)
    assert (samples["route"] == "/api/marketplace/seller/profile").sum() == profiles  # 10 for an address
    assert throttled(runs[name].sandbox.truth()) == 0
