"""Know by how much another machine's clock differs from the master's, and how surely."""

from collections.abc import Iterable
from typing import NamedTuple

from runlog.run import WorkerClock


class Exchange(NamedTuple):
    """A question and its answer: asked and heard by one clock, answered by the other; Unix seconds."""

    asked_s: float
    answered_s: float
    heard_s: float

    @property
    def offset_s(self) -> float:
        """How far the other clock is ahead, if both ways took as long."""
        return self.answered_s - (self.asked_s + self.heard_s) / 2

    @property
    def uncertainty_s(self) -> float:
        """How wrong that may be: all of the time may have passed on one way."""
        return (self.heard_s - self.asked_s) / 2


class ClockEstimate:
    """What many exchanges say: the quickest of each minute counts."""

    def __init__(self) -> None:
        self._quickest: dict[int, Exchange] = {}

    def add(self, exchange: Exchange) -> None:
        """Take note of an exchange; one whose answer came before it was asked for tells nothing."""
        if exchange.uncertainty_s < 0:
            return
        minute = int(exchange.heard_s // 60)
        known = self._quickest.get(minute)
        if known is None or exchange.uncertainty_s < known.uncertainty_s:
            self._quickest[minute] = exchange

    def clock(self, process: int) -> WorkerClock | None:
        """Return the quickest exchange's offset; as uncertain as it takes to agree with those of all other minutes.

        A clock that drifted, or was set while the run lasted, is one that nobody knows so well.
        """
        if not self._quickest:
            return None
        best = min(self._quickest.values(), key=lambda each: each.uncertainty_s)
        apart = (abs(each.offset_s - best.offset_s) - each.uncertainty_s for each in self._quickest.values())
        return WorkerClock(process=process, offset_s=best.offset_s, uncertainty_s=max(best.uncertainty_s, *apart))


def shifts_s(clocks: Iterable[WorkerClock]) -> dict[int, float]:
    """Return what is to be added to the times of each process; those whose clocks may agree are left alone."""
    return {each.process: -each.offset_s for each in clocks if abs(each.offset_s) > each.uncertainty_s}
