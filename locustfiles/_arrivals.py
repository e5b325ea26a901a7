"""Begin passes when they are due: the open model's arrivals as one process hands them to its idle sellers."""

import time
from collections.abc import Callable, Iterator
from heapq import heappop, heappush, heapreplace
from itertools import takewhile
from math import inf
from typing import Final

from gevent.event import Event

from runlog.run import Arrived

_SLEEP_S: Final = 60.0
"""Nobody sleeps longer in one go; where nothing comes any more a seller sleeps until he is taken away."""


class Arrivals:
    """The arrivals of one process: each is begun once, by whoever was idle first, or dropped.

    An idle seller holds the next arrival of the schedule until it is due. Where all sellers are at work, arrivals stay
    in the schedule: that is the queue. Whoever takes one out that has waited too long drops it and takes the next.
    """

    def __init__(
        self,
        schedule: Iterator[float],
        drop_after_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        """`schedule` is in seconds since now."""
        self._schedule = schedule
        self._drop_after_s = drop_after_s
        self._clock = clock
        self._news = Event()
        self._sleep = sleep or self._news.wait
        self._zero_s = clock()
        self._held: list[float] = []  # by sellers who wait until it is due
        self._given_back: list[float] = []  # a heap
        self._achieved = 0
        self._dropped = 0
        self._latest_s = 0.0
        self._ended_at_s: float | None = None

    def begin(self) -> float | None:
        """Wait for the next arrival and begin it; return how late that was, in seconds.

        None when it was dropped, or load ended meanwhile. Whoever is taken away while waiting gives it back.
        """
        due_s = heappop(self._given_back) if self._given_back else next(self._schedule, inf)
        self._held.append(due_s)
        try:
            while (left_s := due_s - self._now_s()) > 0 and self._ended_at_s is None:
                self._sleep(min(left_s, _SLEEP_S))
                due_s = self._sooner(due_s)
        except BaseException:
            heappush(self._given_back, due_s)
            if self._ended_at_s is None:  # somebody idle may have one that is due later
                self._news.set()
                self._news.clear()
            raise
        finally:
            self._held.remove(due_s)
        if self._ended_at_s is not None:
            heappush(self._given_back, due_s)
            return None
        late_s = self._now_s() - due_s
        self._latest_s = max(self._latest_s, late_s)
        if late_s > self._drop_after_s:
            self._dropped += 1
            return None
        self._achieved += 1
        return late_s

    def _sooner(self, due_s: float) -> float:
        """Return the arrival a waiting seller holds from now on: one that was given back, if it is due before his."""
        if not self._given_back or self._given_back[0] >= due_s:
            return due_s
        self._held.remove(due_s)
        sooner_s = heapreplace(self._given_back, due_s)
        self._held.append(sooner_s)
        return sooner_s

    def latest_s(self) -> float:
        """Return how late the latest one was that came up since this was asked last, dropped ones included."""
        latest_s, self._latest_s = self._latest_s, 0.0
        return latest_s

    def end(self) -> None:
        """Note that load ends now: no pass is begun any more. The first time counts."""
        if self._ended_at_s is None:
            self._ended_at_s = self._now_s()

    def arrived(self) -> Arrived:
        """Return what became of the arrivals that were due while load lasted; after `end`, once."""
        ended_at_s = self._now_s() if self._ended_at_s is None else self._ended_at_s
        waiting = sum(due_s <= ended_at_s for due_s in (*self._held, *self._given_back))
        waiting += sum(1 for _ in takewhile(lambda due_s: due_s <= ended_at_s, self._schedule))
        dropped = self._dropped + waiting
        return Arrived(offered=self._achieved + dropped, achieved=self._achieved, dropped=dropped)

    def _now_s(self) -> float:
        return self._clock() - self._zero_s
