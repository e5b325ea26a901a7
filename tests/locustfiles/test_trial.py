"""A workflow says truly what each step needs; a declared gap abandons no pass; nothing is known in no time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runlog.workflows import WORKFLOWS

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
DRIVERS = Path(__file__).parent / "drivers"
EVERY_STEP = [f"{workflow}.{step}" for workflow, steps in WORKFLOWS.items() for step in steps]


@pytest.fixture(scope="module")
def came() -> dict[str, Any]:
    """What came of every case of the driver."""
    done = subprocess.run(
        [sys.executable, DRIVERS / "walking.py"], cwd=ROOT, stdout=subprocess.PIPE, timeout=60, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("case", "outcome", "walked"),
    [
        ("nothing failed", "ok", "abc"),
        ("failed", "abandoned", "abc"),
        ("declared", "ok", "abc"),
        ("another is declared", "abandoned", "abc"),
        ("blocked by a gap", "abandoned", "ab"),
        ("both declared", "ok", "abc"),
    ],
)
def test_declared_gap_abandons_no_pass(case: str, outcome: str, walked: str, came: dict[str, Any]) -> None:
    assert came["walk"][case] == [outcome, walked]


@pytest.mark.parametrize(("day", "known"), [("last day", ["creation"]), ("day after", [])])
def test_gap_of_the_own_workflow_counts_to_its_last_day(day: str, known: list[str], came: dict[str, Any]) -> None:
    assert came["gaps"][day] == known


@pytest.mark.parametrize(
    ("since_s", "from_s"),
    [
        pytest.param("90.0", 90.0, id="stamp of before the look"),
        pytest.param("100.0", 100.0, id="stamp of the moment it was asked"),
        pytest.param("100.01", 100.0, id="made while the answer was under way: the request's own time"),
        pytest.param("100.05", 100.0, id="stamp of the moment it was seen"),
        pytest.param("100.06", 99.0, id="stamp ahead of our clock: since the look that did not show it"),
        pytest.param("5000.0", 99.0, id="stamp far ahead"),
    ],
)
def test_time_counts_from_no_later_than_the_request_that_showed_it(
    since_s: str, from_s: float, came: dict[str, Any]
) -> None:
    assert came["from"][since_s] == from_s


@pytest.mark.parametrize("case", ["future", "visible"])
def test_nothing_is_known_sooner_than_its_request_took(case: str, came: dict[str, Any]) -> None:
    kind, outcome, time_ms, *_ = came["wait"][case]
    assert (kind, outcome) == ("freshness", "ok")
    assert time_ms >= 20


def test_seen_later_than_its_routes_budget_is_stale(came: dict[str, Any]) -> None:
    assert came["wait"]["late"][1] == "stale"
    assert came["wait"]["late"][4] == "not visible within 0.01 s"


@pytest.mark.parametrize(
    ("case", "outcome"),
    [("late, held back", "throttled"), ("late, held back a little", "stale"), ("in time, held back", "ok")],
)
def test_what_was_seen_late_for_want_of_room_in_a_limit_says_nothing(
    case: str, outcome: str, came: dict[str, Any]
) -> None:
    assert came["wait"][case][1] == outcome


def test_budget_is_the_longest_of_the_routes_looked_at(came: dict[str, Any]) -> None:
    assert came["wait"]["late at one, in time at the other"][1] == "ok"


@pytest.mark.parametrize("case", ["never", "invisible"])
def test_what_never_shows_is_stale_when_patience_ends(case: str, came: dict[str, Any]) -> None:
    assert came["wait"][case][1] == "stale"
    assert 50 <= came["wait"][case][2] < 5_000


@pytest.mark.parametrize(
    ("case", "before"),
    [
        ("nothing", []),
        ("one, not those between", ["creation"]),
        ("what it needs needs", ["wallet_connection", "profile_setup"]),
        ("in order", ["limit_enforcement", "automated_upgrade"]),
    ],
)
def test_steps_before_are_those_needed(case: str, before: list[str], came: dict[str, Any]) -> None:
    assert came["before"][case] == before


@pytest.mark.parametrize("case", ["a later step", "itself", "unknown", "of an unknown step"])
def test_needs_that_cannot_be_met_are_refused_with_the_class(case: str, came: dict[str, Any]) -> None:
    assert "are not earlier steps of this workflow" in came["refused"][case]
    assert came["refused"]["an earlier step"] == "accepted"


# -- every step alone --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The result of each of the forty steps, each tried alone, by one process on one sandbox."""
    ready = tmp_path_factory.mktemp("sandbox") / "ready"
    server = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", "--ready-file", ready, "--stop-after", "120s"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        command = [sys.executable, DRIVERS / "each_alone.py", ready, *EVERY_STEP]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=110, check=True)
    finally:
        server.terminate()
        server.wait(10)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["name"]: line for line in lines if line["type"] == "result"}


@pytest.mark.parametrize("step", EVERY_STEP)
def test_step_works_with_no_more_before_it_than_it_says(step: str, tried: dict[str, dict[str, Any]]) -> None:
    assert tried[step]["outcome"] == "ok", tried[step]["error"]
    assert tried[step]["requests"] >= 1
    assert tried[step]["time_ms"] > 0
