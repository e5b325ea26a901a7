"""Hold what a Date without fractions says about two clocks: bounds that are true, and no narrower."""

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.exit_codes import ExitCode
from gate.preflight.check import State
from gate.preflight.clock import bounds_of, clock_check, offset_bounds
from gate.probe import Answer

NOON_S = 1_800_000_000.0


def answered(date: str | None, sent_at_s: float = NOON_S, received_at_s: float = NOON_S) -> Answer:
    return Answer(200, b"", sent_at_s, received_at_s, date)


def date_of(server_s: float) -> str:
    return formatdate(int(server_s // 1), usegmt=True)


@given(
    offset_s=st.floats(-100, 100),
    sent_s=st.floats(0, 10),
    way_s=st.floats(0, 2),
    back_s=st.floats(0, 2),
)
def test_the_true_offset_is_never_outside(offset_s: float, sent_s: float, way_s: float, back_s: float) -> None:
    sent_at_s = NOON_S + sent_s
    date = date_of(sent_at_s + way_s + offset_s)
    bounds = bounds_of(answered(date, sent_at_s, sent_at_s + way_s + back_s))
    assert bounds is not None
    low, high = bounds
    assert low - 1e-5 <= offset_s <= high + 1e-5
    assert high - low == pytest.approx(1 + way_s + back_s, abs=1e-5)  # resolution and round trip, no more


@given(offset_s=st.floats(-5, 5), sent_s=st.lists(st.floats(0, 10), min_size=1, max_size=8))
def test_more_answers_make_it_narrower_and_never_wrong(offset_s: float, sent_s: list[float]) -> None:
    answers = [answered(date_of(NOON_S + at + offset_s), NOON_S + at, NOON_S + at) for at in sent_s]
    first, all_of_them = offset_bounds(answers[:1]), offset_bounds(answers)
    assert first is not None
    assert all_of_them is not None
    assert all_of_them[1] - all_of_them[0] <= first[1] - first[0] + 1e-5
    assert all_of_them[0] - 1e-5 <= offset_s <= all_of_them[1] + 1e-5


def test_machines_that_disagree_are_both_believed() -> None:
    answers = [answered(date_of(NOON_S)), answered(date_of(NOON_S + 10))]
    assert offset_bounds(answers) == (0.0, 11.0)


@pytest.mark.parametrize(
    "date",
    [None, "", "yesterday", "Sat, 99 Foo 2026 00:00:00 GMT", "Fri, 31 Dec 99999 23:59:59 GMT", "\x00"],
    ids=["none", "empty", "words", "no such day", "no such year", "nul"],
)
def test_what_is_no_date_says_nothing(date: str | None) -> None:
    assert offset_bounds([answered(date)]) is None
    check = clock_check(None)
    assert (check.state, check.code) == (State.NOT_MEASURED, ExitCode.PASS)


@pytest.mark.parametrize(
    ("bounds", "state"),
    [
        ((2.0, 3.0), State.OK),
        ((2.001, 3.0), State.PROBLEM),
        ((-3.0, -2.0), State.OK),
        ((-3.0, -2.001), State.PROBLEM),
        ((-5.0, 5.0), State.OK),
    ],
    ids=["may be 2 s ahead", "more than 2 s ahead", "may be 2 s behind", "more than 2 s behind", "not known better"],
)
def test_clocks_are_off_only_when_that_is_sure(bounds: tuple[float, float], state: State) -> None:
    assert clock_check(bounds).state is state


def test_now_is_within_its_bounds() -> None:
    now_s = time.time()
    low, high = bounds_of(answered(date_of(now_s), now_s, now_s)) or (1, -1)
    assert low <= 0 <= high
