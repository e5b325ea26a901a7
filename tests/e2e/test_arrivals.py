"""The open model against a server that stands still: who waits is seen, who could not be served is counted."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytestmark = pytest.mark.e2e

Sandbox = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]
FREEZE = "freeze=3s@9s"
PROFILES = """
format = 1
[open]
description = "thirty passes a second, however the server does"
sellers = 40
spawn_per_s = 40
ramp = "3 s"
duration = "20 s"
think_ratio = 0.1
[open.arrivals]
shape = "poisson"
rate = 30

[closed]
description = "as many sellers, who begin again when they are through"
sellers = 40
spawn_per_s = 40
ramp = "3 s"
duration = "20 s"
think_ratio = 0.3

[crowd]
description = "more than its few sellers have time for"
sellers = 8
spawn_per_s = 8
ramp = "3 s"
duration = "15 s"
think_ratio = 0.5
[crowd.arrivals]
shape = "spike"
rate = 1
peak_rate = 12
peak_at = "3 s"
peak_lasts = "12 s"
drop_after = "1 s"
"""


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    path = tmp_path / "profiles.toml"
    path.write_text(PROFILES, "utf-8")
    return path


def run(load: Callable[..., Any], url: str, profiles: Path, name: str, *arguments: str) -> Any:
    return load(url, "--profiles", str(profiles), "--load-profile", name, *arguments).wait()


def passes(samples: pd.DataFrame) -> pd.DataFrame:
    return samples[samples["kind"] == "iteration"]


def late_s(samples: pd.DataFrame) -> "pd.Series[float]":
    return samples["sent_at_s"] - samples["intended_at_s"]


def test_freeze_is_seen_from_the_intended_start_and_hidden_from_sending(
    sandbox: Sandbox, load: Callable[..., Any], profiles: Path
) -> None:
    done = run(load, sandbox(FREEZE).url, profiles, "open")
    told = done.verdict["arrivals"]
    assert told["sent"]["p95_ms"] < 200, done.output
    assert told["intended"]["p95_ms"] >= 1000, done.output
    assert told["gap"]["p95_ms"] == pytest.approx(told["intended"]["p95_ms"] - told["sent"]["p95_ms"])
    assert f"{told['offered']} offered, {told['achieved']} achieved, {told['dropped']} dropped" in done.output

    assert told["offered"] == told["achieved"] + told["dropped"]
    assert told["offered"] == pytest.approx(600, abs=75)  # three deviations of a Poisson process
    assert len(passes(done.samples)) == told["achieved"]
    assert told["achieved_ratio"] >= 0.95
    assert "arrivals_missed" not in done.doubts()

    requests = done.samples[done.samples["kind"] == "http"]
    assert requests["intended_at_s"].notna().all()
    assert late_s(requests).min() >= -1e-6
    assert late_s(passes(done.samples)).max() <= 5.0  # later ones were dropped
    lateness = requests.assign(late_s=late_s(requests)).groupby(["seller", "iteration"])["late_s"]
    assert (lateness.max() - lateness.min()).max() < 1e-5  # a pass takes its lateness along

    written = json.loads((done.folder / "run.json").read_text("utf-8"))
    assert written["load_model"] == "open"
    assert written["arrivals"] == {"shape": "poisson", "rates": [[0.0, 30.0]], "drop_after_s": 5.0}
    assert written["arrived"] == {name: told[name] for name in ("offered", "achieved", "dropped")}
    page = (done.folder / "report.html").read_text("utf-8")
    assert "open, poisson, 30 passes/s; dropped after 5 s; at most 40 sellers at a time" in page
    assert "from the intended start" in page


def test_closed_model_shows_milliseconds_of_the_same_freeze(
    sandbox: Sandbox, load: Callable[..., Any], profiles: Path
) -> None:
    done = run(load, sandbox(FREEZE).url, profiles, "closed")
    assert done.verdict["totals"]["p95_ms"] < 200, done.output
    assert done.verdict["arrivals"] is None
    assert done.verdict["run"]["load_model"] == "closed"
    assert done.samples[done.samples["kind"].isin(["http", "iteration"])]["intended_at_s"].isna().all()
    assert "closed, 40 sellers" in (done.folder / "report.html").read_text("utf-8")


@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["one process", "two workers"])
def test_cap_that_is_too_small_drops_arrivals_and_makes_the_run_invalid(
    sandbox: Sandbox, load: Callable[..., Any], profiles: Path, processes: tuple[str, ...]
) -> None:
    done = run(load, sandbox().url, profiles, "crowd", *processes)
    told = done.verdict["arrivals"]
    # 3 s of one a second and 12 s of twelve; a process counts from when its load begins, up to a second after the run's
    assert 3 * 1 + 11 * 12 <= told["offered"] <= 3 * 1 + 12 * 12
    assert told["dropped"] > 20, done.output
    assert told["offered"] == told["achieved"] + told["dropped"]
    assert len(passes(done.samples)) == told["achieved"]
    assert late_s(passes(done.samples)).max() <= 1.0
    at_work = passes(done.samples)
    assert at_work["seller"].nunique() == 8
    assert done.code == 3, done.output
    assert "arrivals_missed" in done.doubts()


def test_load_that_is_stopped_early_still_adds_up(sandbox: Sandbox, load: Callable[..., Any], profiles: Path) -> None:
    running = load(sandbox().url, "--profiles", str(profiles), "--load-profile", "open")
    running.until_requests(500)
    running.process.terminate()
    done = running.wait()
    told = done.verdict["arrivals"]
    assert told["offered"] == told["achieved"] + told["dropped"]
    assert len(passes(done.samples)) == told["achieved"]
    assert told["offered"] < 500
    assert "cut_short" in done.doubts()


def test_schedule_that_cannot_be_is_refused_in_a_line_before_anything_is_sent(
    sandbox: Sandbox,
    sellergate: Callable[..., "subprocess.CompletedProcess[str]"],
    load: Callable[..., Any],
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text(PROFILES.replace("rate = 30", "rate = 0"), "utf-8")
    server = sandbox()
    line = f"{broken}: open: arrivals: not one pass begins in 20 s; accepted: higher rates"
    given = ("--load-profile", "open", "--profiles", str(broken))
    for code, output in (
        (done.returncode, done.stdout)
        for done in (sellergate("check", *given), sellergate("run", *given, "--reports", tmp_path / "none"))
    ):
        assert (code, output.strip()) == (2, line)
    plain = load(server.url, *given)
    assert plain.process.wait(30) == 2
    assert line in plain.log.read_text("utf-8")
    assert not server.received()
