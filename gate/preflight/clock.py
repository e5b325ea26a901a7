"""Bound what the target's clock and ours differ by, from the Date of its answers."""

from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Final

from gate.preflight.check import Check, State, ok, problem
from gate.probe import Answer

SKEW_AT_MOST_S: Final = 2.0
_RESOLUTION_S: Final = 1.0  # a Date has no fractions: 12:00:00 is said from 12:00:00.000 to 12:00:00.999
CLOCK: Final = "clock"
_RULE: Final = f"clocks differ by {SKEW_AT_MOST_S:g} s at most"

Bounds = tuple[float, float]
"""The server's clock minus ours, in seconds: not less, not more."""


def bounds_of(answer: Answer) -> Bounds | None:
    """Return between which values the offset lies that one answer shows; None when it does not say.

    The server wrote the Date between our sending and our receiving, and cut its fraction off.
    """
    if answer.date is None:
        return None
    try:
        said_s = parsedate_to_datetime(answer.date).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return said_s - answer.received_at_s, said_s + _RESOLUTION_S - answer.sent_at_s


def offset_bounds(answers: Iterable[Answer]) -> Bounds | None:
    """Return the narrowest bounds that several answers allow; None when none says anything.

    Answers that contradict one another come from several machines: then the widest, for either may be asked.
    """
    each = [bounds for bounds in map(bounds_of, answers) if bounds is not None]
    if not each:
        return None
    low, high = max(low for low, _high in each), min(high for _low, high in each)
    if low <= high:
        return low, high
    return min(low for low, _high in each), max(high for _low, high in each)


def clock_check(bounds: Bounds | None) -> Check:
    """Return whether the clocks agree well enough to compare the server's times with ours."""
    if bounds is None:
        return Check(CLOCK, State.NOT_MEASURED, "no answer has a Date of its own", doubt="clock_unmeasured", rule=_RULE)
    low, high = bounds
    words = f"server's minus ours: {low:+.1f} to {high:+.1f} s"
    if low > SKEW_AT_MOST_S or high < -SKEW_AT_MOST_S:
        return problem(CLOCK, words, "clock_skew", _RULE)
    return ok(CLOCK, words)
