"""Arrivals are begun once or dropped, in order, whoever is idle; a seller who is taken away gives his back."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locustfiles._arrivals import Arrivals
from runlog.run import Arrived


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def arrivals(schedule: Iterable[float], clock: Clock, *, sleep: Callable[[float], None] | None = None) -> Arrivals:
    return Arrivals(iter(schedule), 5.0, clock=clock, sleep=sleep or clock.sleep)


def test_idle_seller_waits_until_the_next_one_is_due() -> None:
    clock = Clock()
    own = arrivals([1.0, 200.0], clock)
    assert own.begin() == 0
    assert clock.now_s == 101
    assert own.begin() == 0
    assert clock.now_s == 300


@pytest.mark.parametrize(("busy_s", "late_s"), [(1.5, 0.5), (6.0, 5.0), (6.001, None)])
def test_arrival_nobody_had_time_for_is_begun_late_or_dropped(busy_s: float, late_s: float | None) -> None:
    clock = Clock()
    own = arrivals([1.0], clock)
    clock.sleep(busy_s)
    assert own.begin() == late_s
    achieved = int(late_s is not None)
    assert own.arrived() == Arrived(offered=1, achieved=achieved, dropped=1 - achieved)


def test_latest_begin_is_told_once_and_dropped_ones_count() -> None:
    clock = Clock()
    own = arrivals([1.0, 2.0, 3.0], clock)
    own.begin()
    assert own.latest_s() == 0
    clock.sleep(9.0)  # the second is 8 s late by now, the third 7
    assert own.begin() is None
    assert own.latest_s() == 8
    assert own.latest_s() == 0


def test_backlog_is_worked_off_in_order() -> None:
    clock = Clock()
    own = arrivals(count(1.0), clock)
    clock.sleep(4.0)
    assert [own.begin() for _ in range(5)] == [3, 2, 1, 0, 0]


class TakenAwayError(Exception):
    """Locust ended the seller."""


def test_seller_who_is_taken_away_gives_his_back() -> None:
    clock = Clock()
    leave = True

    def sleep(seconds: float) -> None:
        clock.sleep(seconds / 2)
        if leave:
            raise TakenAwayError

    own = arrivals([2.0, 3.0], clock, sleep=sleep)
    with pytest.raises(TakenAwayError):
        own.begin()
    leave = False
    assert own.begin() == pytest.approx(0)
    assert clock.now_s == pytest.approx(102)
    assert own.begin() == pytest.approx(0)
    assert clock.now_s == pytest.approx(103)


def test_nothing_is_begun_after_the_end_and_what_waited_is_dropped() -> None:
    clock = Clock()
    own = arrivals(count(1.0), clock)
    assert own.begin() == 0
    clock.sleep(2.5)  # at 3.5 s those of 2 and 3 wait
    own.end()
    clock.sleep(10)
    own.end()
    assert own.begin() is None
    assert own.arrived() == Arrived(offered=3, achieved=1, dropped=2)


def test_end_finds_a_seller_who_waits_for_what_is_not_due() -> None:
    """His arrival was none: it would have come after the end."""
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds / 2)
        own.end()

    own = arrivals([4.0, 9.0], clock, sleep=sleep)
    assert own.begin() is None
    assert own.arrived() == Arrived(offered=0, achieved=0, dropped=0)


def test_without_arrivals_a_seller_waits_until_he_is_taken_away() -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise TakenAwayError

    own = arrivals([], Clock(), sleep=sleep)
    with pytest.raises(TakenAwayError):
        own.begin()
    assert slept == [60, 60, 60]
    assert own.arrived() == Arrived(offered=0, achieved=0, dropped=0)


def moments(until_s: int) -> st.SearchStrategy[float]:
    """Sixty-fourths of a second: sums of them are exact, and a sleep always moves the clock."""
    return st.integers(0, until_s * 64).map(lambda ticks: ticks / 64)


@given(st.lists(moments(30), max_size=60).map(sorted), st.lists(moments(8), min_size=1, max_size=80))
def test_offered_is_achieved_and_dropped_and_what_the_schedule_says(due: list[float], passes: list[float]) -> None:
    """One seller, passes of any length; late is never early, and the schedule is the oracle of what was offered."""
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now_s > 130:
            raise TakenAwayError

    own = arrivals(due, clock, sleep=sleep)
    lates = []
    with suppress(TakenAwayError):
        for takes_s in passes:
            lates.append(own.begin())
            clock.sleep(takes_s)
    own.end()
    ended_at_s = clock.now_s - 100
    arrived = own.arrived()
    assert arrived.offered == sum(at_s <= ended_at_s for at_s in due)
    assert arrived.achieved == sum(late is not None for late in lates)
    assert arrived.achieved + arrived.dropped == arrived.offered
    assert all(0 <= late <= 5 for late in lates if late is not None)


def test_several_idle_sellers_are_served_in_the_order_they_came() -> None:
    own = Arrivals(iter([0.02, 0.03, 0.04]), 5.0)
    begun: list[str] = []

    def seller(name: str) -> None:
        assert own.begin() is not None
        begun.append(name)

    greenlets = [gevent.spawn(seller, name) for name in ("first", "second", "third")]
    gevent.joinall(greenlets, timeout=5, raise_error=True)
    assert begun == ["first", "second", "third"]


def test_arrival_given_back_is_begun_by_whoever_waits_for_a_later_one() -> None:
    own = Arrivals(iter([0.2, 30.0, 31.0]), 5.0)
    first, second, third = (gevent.spawn(own.begin) for _ in range(3))
    gevent.sleep(0.05)
    first.kill()
    done = gevent.wait([second, third], timeout=2, count=1)
    assert len(done) == 1
    assert 0 <= done[0].value < 0.1
    gevent.killall([second, third])
    own.end()
    assert own.arrived() == Arrived(offered=1, achieved=1, dropped=0)


def test_killed_seller_leaves_his_arrival_to_another() -> None:
    own = Arrivals(iter([0.05, 30.0]), 5.0)
    gone = gevent.spawn(own.begin)
    gevent.sleep(0.01)
    gone.kill()
    other = gevent.spawn(own.begin)
    assert other.get(timeout=5) is not None
    own.end()
    assert own.arrived() == Arrived(offered=1, achieved=1, dropped=0)
