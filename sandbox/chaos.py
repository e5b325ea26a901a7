"""Decide which faults strike now, and count every time one does."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import inf
from time import monotonic

from sandbox.amounts import Window
from sandbox.faults import EVENT_FAULTS, Fault

_SECONDS_APART = (3.0, 6.0)


class Chaos:
    """The faults of one run against its clock; percentages are drawn from a seeded generator of their own."""

    def __init__(
        self,
        faults: Sequence[Fault],
        counts: Counter[str],
        seed: int,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.faults = tuple(faults)
        self._counts = counts
        self._rng = random.Random(f"faults {seed}")
        self._event_rng = random.Random(f"events {seed}")  # of their own: sockets do not move what strikes requests
        self._clock = clock
        self._started_s = clock()

    def start(self) -> None:
        """Set second 0: the moment the server listens."""
        self._started_s = self._clock()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the server listens."""
        return self._clock() - self._started_s

    def now_ms(self) -> int:
        """Unix milliseconds as the server's clock shows them, ahead or behind where a fault says so."""
        now_ms = time.time_ns() // 1_000_000
        wrong = self.active("clock") if self.faults else None
        return now_ms if wrong is None else now_ms + round(1000 * (wrong.duration_s or 0.0))

    def active(self, name: str) -> Fault | None:
        """Return the first fault of a kind whose window is open."""
        for fault in self.faults:
            if fault.name == name and fault.window.holds(self.elapsed_s):
                return fault
        return None

    def strikes(self, name: str) -> bool:
        """Draw whether a fault given as a share of requests hits this one; does not count it."""
        fault = self.active(name) if self.faults else None
        return fault is not None and self._rng.random() < (fault.ratio or 0.0)

    def count(self, name: str) -> None:
        """Count one application of a fault."""
        self._counts[name] += 1

    def delay_s(self, step: str | None) -> float:
        """Return how much later requests of a step are answered now; counted when above 0."""
        if step is None:
            return 0.0
        delay_s = sum(
            fault.duration_s or 0.0
            for fault in self.faults
            if fault.name == "slow_step" and fault.step == step and fault.window.holds(self.elapsed_s)
        )
        if delay_s:
            self.count("slow_step")
        return delay_s

    def hold_s(self) -> float:
        """Return how long an answer must be held back because the server stalls; counted when above 0."""
        now_s = self.elapsed_s
        for fault in self.faults:
            if fault.name == "stall" and fault.at_s is not None and fault.duration_s is not None:
                left_s = fault.at_s + fault.duration_s - now_s
                if fault.at_s <= now_s and left_s > 0:
                    self.count("stall")
                    return left_s
        return 0.0

    def event_fault(self) -> str | None:
        """Draw which fault strikes an event, one at most and each by its share; does not count it."""
        shares = [(name, fault) for name in EVENT_FAULTS if self.faults and (fault := self.active(name))]
        draw, below = self._event_rng.random() if shares else 1.0, 0.0
        for name, fault in shares:
            below += fault.ratio or 0.0
            if draw < below:
                return name
        return None

    def moments(self, window: Window, count: int) -> list[float]:
        """Draw when so many things happen, in seconds of this run: all over the window, or one each few seconds."""
        if window.end_s == inf:
            gaps_s = (self._event_rng.uniform(*_SECONDS_APART) for _ in range(count))
            return [window.start_s + at_s for at_s in accumulate(gaps_s)]
        return sorted(self._event_rng.uniform(window.start_s, window.end_s) for _ in range(count))

    def event_delay_s(self) -> float:
        """Return how much later an event caused now is sent; counted when above 0."""
        fault = self.active("delay_events") if self.faults else None
        if fault is None:
            return 0.0
        self.count("delay_events")
        return fault.duration_s or 0.0

    def is_down(self, component: str) -> bool:
        """Say whether a health check must report its component as down; counted when it must."""
        for fault in self.faults:
            if fault.name == "health" and fault.component == component and fault.window.holds(self.elapsed_s):
                self.count("health")
                return True
        return False

    def switched(self, name: str) -> bool:
        """Say whether a switch (cache_off, lying_cache, refuse_sockets) is on."""
        return bool(self.faults) and self.active(name) is not None

    def pick_session(self, upper: int) -> int:
        """Draw a number from 0 to upper - 1, for sessions."""
        return self._event_rng.randrange(upper)

    def pick(self, upper: int) -> int:
        """Draw a number from 0 to upper - 1."""
        return self._rng.randrange(upper)
