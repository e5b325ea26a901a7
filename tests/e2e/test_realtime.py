"""Real-time sessions against a server that says what it did: every count its own, every failure seen by everybody."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from locustfiles._realtime import event_of

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
Sandbox = Callable[..., Any]
HOLDERS = ("DashboardSeller", "StoreSeller", "OrderSeller", "TierSeller")
FAULTS = ("delay_events=50ms", "lose_events=1%", "duplicate_events=1%", "reorder_events=1%")
SOCKETS = ["connect", "ack", "push", "session"]
PROFILE = """
format = 1
[told]
description = "sellers who are told much"
sellers = 60
spawn_per_s = 60
ramp = "2 s"
duration = "40 s"
think_ratio = 0.25
"""
COUNTS_UNTIL_S = 15.0
"""Orders made in the last seconds of a run may not have been looked for: who was told is not known."""


def events(url: str) -> pd.DataFrame:
    """Every event the sandbox was to tell, with what it did to it."""
    rows: list[dict[str, Any]] = []
    while True:
        with urllib.request.urlopen(f"{url}/_sandbox/events?after={len(rows)}", timeout=10) as answer:  # noqa: S310  # our own
            page = json.load(answer)
        rows += page["events"]
        if page["next"] is None:
            assert page["not_kept"] == 0
            return pd.DataFrame(rows)


def quiet_moment_s(times: pd.Series, until_s: float) -> float:
    """The middle of the longest silence in the three seconds before a moment."""
    near = times[(times > until_s - 3) & (times < until_s)].sort_values()
    gaps = near.diff().shift(-1)
    start = gaps.idxmax()
    return float(near[start] + gaps[start] / 2)


def may_have_caused(cut: pd.DataFrame) -> Counter[str]:
    """Count the events that requests cut by the stop may have caused: the server may have acted, or not have."""
    called: list[Any] = [SimpleNamespace(method=row.method, route=row.route) for row in cut.itertuples()]
    return Counter(event for event in map(event_of, called) if event is not None)


def missing(ours: Counter[str], theirs: Counter[str], maybe: Counter[str]) -> None:
    """Hold that we counted what the server did, to the last event but those whose cause was cut."""
    assert not ours - theirs, (ours, theirs)
    assert not (theirs - ours) - maybe, (ours, theirs, maybe)


def test_every_count_of_events_is_the_server_s_own(sandbox: Sandbox, load: Callable[..., Any], tmp_path: Path) -> None:
    server = sandbox(*FAULTS)
    profiles = tmp_path / "profiles.toml"
    profiles.write_text(PROFILE, "utf-8")
    table = tmp_path / "locust"
    running = load(server.url, "--load-profile", "told", "--profiles", str(profiles), "--csv", str(table), *HOLDERS)
    done = running.wait()
    samples = done.samples
    truth = events(server.url)
    pushes = samples[samples["kind"] == "push"]

    orders_s = pd.concat([truth.loc[truth["event"] == "new_order", "caused_at_s"], pushes["sent_at_s"]])
    cut_s = quiet_moment_s(orders_s, samples["sent_at_s"].max() - COUNTS_UNTIL_S)
    ours = pushes[(pushes["route"] != "new_order") | (pushes["sent_at_s"] < cut_s)]
    theirs = truth[(truth["event"] != "new_order") | (truth["caused_at_s"] < cut_s)]

    def counts(frame: pd.DataFrame, column: str, names: dict[str, str]) -> dict[str, Counter[str]]:
        found = frame[frame[column].isin(names)]
        key = "event" if "event" in frame else "route"
        return {name: Counter(found.loc[found[column] == value, key]) for value, name in names.items()}

    said = counts(ours, "outcome", {"lost": "lost", "duplicated": "duplicated", "out_of_order": "out of order"})
    true = counts(
        theirs, "fault", {"lose_events": "lost", "duplicate_events": "duplicated", "reorder_events": "out of order"}
    )
    maybe = may_have_caused(samples[samples["outcome"] == "aborted"])
    for what, theirs_counted in true.items():
        missing(said[what], theirs_counted, maybe)
    assert all(sum(each.values()) >= 3 for each in true.values()), true
    expected = ours[ours["outcome"] != "duplicated"]
    missing(Counter(expected["route"]), Counter(theirs["event"]), maybe)
    assert set(pushes["outcome"]) == {"ok", "lost", "duplicated", "out_of_order"}

    # sockets are no part of Locust's total, and nothing anywhere took no time
    http = samples[samples["kind"].isin(["http", "setup"]) & (samples["outcome"] != "aborted")]
    total = pd.read_csv(f"{table}_stats.csv").set_index("Name").loc["Aggregated"]
    assert total["Request Count"] == len(http)
    assert (samples["response_time_ms"].dropna() > 0).all()


@pytest.mark.accept
def test_push_times_are_those_of_the_server_s_stamps(
    sandbox: Sandbox, load: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the moment the server sent an event to the moment we say it was there; both clocks are this machine's."""
    stamps = tmp_path / "stamps"
    monkeypatch.setenv("STAMPS", str(stamps))
    server = sandbox()
    driver = str(Path(__file__).parent / "drivers" / "stamping.py")
    done = load(server.url, "-f", driver, "-u", "60", "-r", "60", "-t", "30s").wait()
    cpu_ratio = pd.read_parquet(done.folder / "generator.parquet")["cpu_ratio"].mean()
    came = pd.read_csv(stamps, sep=" ", names=["eventId", "at_s"]).drop_duplicates("eventId")
    both = events(server.url).merge(came, on="eventId")
    window, run = done.verdict["window"], done.verdict["run"]
    both = both[both["sent_at_s"] - run["started_at_s"] >= window["start_s"] + 2]  # what is judged; all have arrived
    assert len(both) > 500
    late_ms = (both["at_s"] - both["sent_at_s"]) * 1000
    p50_ms, p99_ms = late_ms.quantile([0.5, 0.99])
    print(f"{len(both)} events at {cpu_ratio:.0%} CPU: p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms")  # noqa: T201  # the figure
    assert cpu_ratio <= 0.6
    assert p50_ms <= 2
    assert p99_ms <= 5


def test_a_server_that_lets_nobody_in_passes_nobody(sandbox: Sandbox, load: Callable[..., Any]) -> None:
    """What can be read over HTTP all the same is not what a seller was told."""
    server = sandbox("refuse_sockets")
    done = load(server.url, "-u", "12", "-r", "12", "-t", "14s", *HOLDERS).wait()
    passes = done.samples.query("kind == 'iteration' and outcome != 'aborted'")
    assert set(passes["outcome"]) == {"abandoned"}
    assert set(passes["workflow"]) == {"dashboard", "store", "order_management", "tier_upgrade"}
    assert done.code == 1, done.output
    assert {row["completed"] for row in done.verdict["workflows"]} == {0}


# -- servers that stand still, and servers that die --------------------------------------------------------------------


def holding(load: Callable[..., Any], url: str, sellers: int, seconds: int) -> Any:
    return load(url, "-u", str(sellers), "-r", str(sellers), "-t", f"{seconds}s", "SessionHolder")


def test_server_that_stands_still_for_five_seconds_is_seen_by_every_session(
    sandbox: Sandbox, load: Callable[..., Any]
) -> None:
    server = sandbox("freeze=5s@8s")
    samples = holding(load, server.url, 60, 18).wait().samples
    acks = samples[samples["kind"] == "ack"]
    slowest_ms = acks.groupby("seller")["response_time_ms"].max()
    assert len(slowest_ms) == 60
    assert slowest_ms.min() >= 900, slowest_ms.nsmallest(3)
    assert slowest_ms.max() < 7_000
    assert set(samples.loc[samples["kind"] == "session", "outcome"]) == {"ok"}  # it came back before anybody gave up


def test_server_that_dies_ends_every_session_and_is_come_back_to(load: Callable[..., Any], tmp_path: Path) -> None:
    server = Mortal(tmp_path)
    try:
        running = holding(load, server.url, 40, 22)
        time.sleep(8)
        server.kill()
        died_s = time.time()
        time.sleep(3)
        server.start()
        back_s = time.time()
        samples = running.wait().samples
    finally:
        server.kill()
    ended = samples[(samples["kind"] == "session") & (samples["outcome"] == "lost")]
    assert len(ended) == ended["seller"].nunique() == 40
    assert ended["error"].notna().all()
    over_s = ended["sent_at_s"] + ended["response_time_ms"] / 1000
    assert ((over_s - died_s).abs() < 1.5).all()

    tries = samples[(samples["kind"] == "connect") & samples["intended_at_s"].notna()]
    came_back = tries[tries["outcome"] == "ok"].groupby("seller").first()
    assert len(came_back) == 40
    assert (tries["outcome"] == "connect_error").any()  # what was tried while nobody was there is told too
    missing_s = came_back["sent_at_s"] + came_back["response_time_ms"] / 1000 - came_back["intended_at_s"]
    assert (missing_s > back_s - died_s - 1.5).all()
    assert (missing_s < 12).all()
    assert (samples["response_time_ms"].dropna() > 0).all()


class Mortal:
    """A sandbox on a port of its own, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = "0"
        self.start()
        self._port = self.url.rpartition(":")[2]

    def start(self) -> None:
        ready = self._folder / f"ready-{time.time_ns()}"
        command = [
            sys.executable, "-m", "sandbox", "--port", self._port, "--ready-file", str(ready), "--stop-after", "120s"
        ]  # fmt: skip
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not ready.exists():
            assert self._process.poll() is None, "the sandbox did not start"
            assert time.monotonic() < until, "the sandbox is not ready after 20 s"
            time.sleep(0.05)
        self.url = ready.read_text("utf-8").strip()

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait(10)


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("addresses", "refused"), [(1, 4), (2, 0)])
def test_sessions_come_from_the_addresses_of_the_target(
    sandbox: Sandbox, load: Callable[..., Any], tmp_path: Path, addresses: int, refused: int
) -> None:
    """A server that takes six sessions an address turns away four of ten from one, in its own words."""
    targets = tmp_path / "targets"
    targets.mkdir()
    given = ", ".join(f'"127.0.0.{number + 2}"' for number in range(addresses))
    own = (ROOT / "targets" / "sandbox.toml").read_text("utf-8")
    (targets / "sandbox.toml").write_text(f"client_addresses = [{given}]\n{own}", "utf-8")
    server = sandbox(arguments=("--socket-cap-per-address", "6"))
    # a few at a time: when somebody connects, the server counts who has signed on by then
    done = load(server.url, "-u", "10", "-r", "2", "-t", "8s", "--targets", str(targets), "SessionHolder").wait()
    connects = done.samples.query("kind == 'connect'")
    turned_away = connects[connects["outcome"] == "refused"]
    assert turned_away["seller"].nunique() == refused, done.output
    assert set(turned_away["error"].str.contains("IP")) <= {True}
    assert connects[connects["outcome"] == "ok"]["seller"].nunique() == 10 - refused
