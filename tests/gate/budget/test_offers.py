"""What an open profile offers, and how much of it a target's limits carry."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gate.budget.offers import offer, scaled, working_s
from gate.budget.reckoning import Budget, reckon
from gate.budget.traffic import ANSWER_S, REQUESTS_AT_MOST, traffic
from gate.budget.words import lines
from runlog.run import ArrivalPlan
from settings.bill import Send, WorkflowBill
from settings.limits import RateLimit, load_limits
from settings.profile import Profile
from settings.target import TARGETS_DIR, Target, load_target

WRITE = Send("POST", "/w")
SANDBOX = load_target("sandbox", environ={})
LINKDAO = load_limits("linkdao", TARGETS_DIR)


@pytest.fixture
def _two_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One workflow: a write, a second of thought, a write."""
    own = {"listing": WorkflowBill(setup=(), begin=(), steps={"creation": (WRITE,), "category": (WRITE,)})}
    monkeypatch.setattr("gate.budget.traffic.BILL", own)
    return


def opened(
    *rates: tuple[float, float], sellers: int = 10, duration_s: float = 600.0, think_ratio: float = 1
) -> Profile:
    plan = ArrivalPlan(shape="steps", rates=rates, drop_after_s=5)
    return Profile("p", sellers, 1000.0, duration_s, 1.0, think_ratio, arrivals=plan)


def limited(most: int, window_s: float = 60.0) -> Target:
    return replace(SANDBOX, rate_limits=(RateLimit("writes", most, window_s, (("POST", "/w"),)),), client_addresses=())


def budget(profile: Profile, target: Target) -> Budget:
    return reckon(profile, target, ("listing",))


def test_closed_profile_offers_no_arrivals() -> None:
    whole = traffic(replace(opened((0, 1)), arrivals=None), SANDBOX, ("listing",))
    assert offer(whole) is None
    with pytest.raises(ValueError, match="no rates"):
        scaled(whole, 2)
    with pytest.raises(ValueError, match="no passes"):
        working_s(whole, ("listing",), 60)


@pytest.mark.usefixtures("_two_steps")
def test_requests_come_from_the_rate_and_not_from_sellers_and_pauses() -> None:
    for sellers, think_ratio in ((10, 1.0), (200, 1.0), (10, 0.0)):
        profile = opened((0, 1), (60, 1), (60, 4), sellers=sellers, think_ratio=think_ratio)
        offered = offer(traffic(profile, SANDBOX, ("listing",)))
        assert offered is not None
        assert offered.passes == 60 + 540 * 4
        assert offered.peak_per_s == 4
        assert offered.peak_rps == 8
        assert offered.at_work == pytest.approx(4 * (think_ratio + 2 * ANSWER_S))  # Little: one pause, two requests


@pytest.mark.usefixtures("_two_steps")
@pytest.mark.parametrize(("most", "fits"), [(121, True), (100, False)], ids=["enough", "too-few"])
def test_limit_is_met_by_the_rate_of_arrivals(most: int, *, fits: bool) -> None:
    """A pass a second of two writes: 120 a minute, from ten sellers as from a hundred."""
    for sellers in (10, 100):
        found = budget(opened((0, 1), sellers=sellers), limited(most))
        assert found.fits is fits
        assert found.sellers_at_most is None
        assert found.passes_at_most is not None
        assert (found.passes_at_most >= 1) is fits
        assert found.passes_at_most == pytest.approx(most / 120, abs=0.2)


@pytest.mark.usefixtures("_two_steps")
def test_first_429_comes_with_the_arrival_that_is_too_many() -> None:
    """Arrivals at ½, 1½, … s: of three a minute, the write of the second pass's second step is the fourth."""
    found = budget(opened((0, 1)), limited(3))
    assert found.first_429_at_s == pytest.approx(2.5, abs=0.1)


@pytest.mark.usefixtures("_two_steps")
def test_who_thinks_longer_sends_no_less() -> None:
    found = budget(opened((0, 1)), limited(60))
    assert not found.fits
    assert found.remedies.think_ratio is None
    assert found.remedies.addresses == 2


@pytest.mark.usefixtures("_two_steps")
def test_silence_at_the_start_is_looked_past() -> None:
    """All that is looked at must not be the time before anybody comes."""
    quiet = opened((0, 0), (3000, 0), (3000, 500), duration_s=3600)
    whole = traffic(quiet, SANDBOX, ("listing",))
    assert 3000 < whole.horizon_s(("listing",)) == pytest.approx(3000 + REQUESTS_AT_MOST / 2 / 500, abs=1)
    assert not budget(quiet, limited(100)).fits


def test_all_workflows_without_a_limit_are_no_problem() -> None:
    found = reckon(opened((0, 30), sellers=40, duration_s=20, think_ratio=0.1), replace(SANDBOX, rate_limits=()))
    first, *more = lines(found)
    assert first == "30 passes/s from 1 address fit, no limit is met"
    assert more[0].startswith("  600 passes; at most ")
    assert more[1].endswith(" of 40 sellers at work at a time")
    assert all(len(line) <= 80 for line in (first, *more))


def test_sellers_who_are_too_few_are_told() -> None:
    found = reckon(opened((0, 30), sellers=4), replace(SANDBOX, rate_limits=()))
    assert lines(found)[2].endswith(" of 4 sellers at work at a time: too few, passes will be dropped")


def test_exceeded_budget_says_what_fits_and_what_would_help() -> None:
    at = replace(SANDBOX, rate_limits=LINKDAO.rate_limits, cached_for_s=LINKDAO.cached_for_s, client_addresses=())
    found = reckon(opened((0, 2), sellers=16), at)
    said = lines(found)
    assert said[0].startswith("exceeded: 2 passes/s from 1 address; ")
    assert any(line.startswith("    arrivals: at most ") for line in said) is bool(found.passes_at_most)
    assert not any("think_ratio" in line or "sellers =" in line for line in said)


def test_small_open_load_fits_and_the_sum_says_how_much_would() -> None:
    at = replace(SANDBOX, rate_limits=LINKDAO.rate_limits, cached_for_s=LINKDAO.cached_for_s, client_addresses=())
    found = reckon(opened((0, 0.01), sellers=8), at)
    assert found.fits
    assert lines(found)[0].startswith("0.01 passes/s from 1 address fit, ")
    assert lines(found)[0].endswith("would")


@pytest.mark.usefixtures("_two_steps")
def test_sessions_beyond_the_target_s_cap_are_told_of_an_open_profile_too() -> None:
    capped = replace(SANDBOX, rate_limits=(), sockets=replace(SANDBOX.sockets, sessions_at_most=1))
    found = reckon(opened((0, 1)), capped, ("dashboard",))
    assert lines(found)[0] == "exceeded: 1 passes/s from 1 address hold 10 sessions"
