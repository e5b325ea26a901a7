"""What exchanges say about another clock: how far it is off, and what of that is certain."""

import pytest

from runlog.clocks import ClockEstimate, Exchange, shifts_s
from runlog.run import WorkerClock


def estimate(*exchanges: tuple[float, float, float]) -> WorkerClock | None:
    made = ClockEstimate()
    for each in exchanges:
        made.add(Exchange(*each))
    return made.clock(2)


@pytest.mark.parametrize(
    ("exchanges", "offset_s", "uncertainty_s"),
    [
        ([(100.0, 100.01, 100.02)], 0.0, 0.01),  # answered half-way: no difference, within half the round trip
        ([(100.0, 105.01, 100.02)], 5.0, 0.01),
        ([(100.0, 97.01, 100.02)], -3.0, 0.01),
        ([(100.0, 100.5, 100.5)], 0.25, 0.25),  # all of it on the way there
        # the quickest counts: 2 s ahead within 1 ms, whatever slow answers seem to say
        ([(100.0, 102.9, 101.0), (103.0, 105.001, 103.002), (104.0, 106.2, 105.0)], 2.0, 0.001),
        # a minute later it is 0.5 s further ahead, within 0.01: known no better than 0.49
        ([(60.0, 62.001, 60.002), (120.0, 122.51, 120.02)], 2.0, 0.49),
        # a slow answer of another minute that agrees with it says nothing against it
        ([(60.0, 62.001, 60.002), (120.0, 124.0, 124.0)], 2.0, 0.001),
        # set back by an hour in between: nobody knows
        ([(60.0, 62.001, 60.002), (120.0, -3_477.95, 120.1)], 2.0, 3_599.95),
        ([(100.0, 100.01, 99.0), (100.0, 100.01, 100.02)], 0.0, 0.01),  # the master's own clock was set back
    ],
    ids=["same", "ahead", "behind", "one way", "quickest", "drifted", "slow but true", "set", "own clock set"],
)
def test_the_quickest_exchange_of_each_minute_counts(
    exchanges: list[tuple[float, float, float]], offset_s: float, uncertainty_s: float
) -> None:
    clock = estimate(*exchanges)
    assert clock is not None
    assert clock.process == 2
    assert clock.offset_s == pytest.approx(offset_s, abs=1e-9)
    assert clock.uncertainty_s == pytest.approx(uncertainty_s, abs=0.0011)


def test_without_an_exchange_nothing_is_known() -> None:
    assert estimate() is None
    assert estimate((100.0, 100.01, 99.0)) is None


def test_only_an_offset_that_is_certain_moves_anything() -> None:
    clocks = [
        WorkerClock(process=0, offset_s=0.004, uncertainty_s=0.004),
        WorkerClock(process=1, offset_s=0.005, uncertainty_s=0.004),
        WorkerClock(process=2, offset_s=-30.0, uncertainty_s=0.2),
    ]
    assert shifts_s(clocks) == {1: -0.005, 2: 30.0}
