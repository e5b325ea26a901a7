"""Count what a server's rate limiter may have counted, never less, however its windows lie."""

import heapq
from abc import ABC, abstractmethod
from collections import deque
from typing import Final

from gevent.event import Event

SLACK_S: Final = 0.1
"""What a window of the server may last longer than its length: clocks differ, time-outs are rounded."""


class Bucket(ABC):
    """One counter of the server: of a limit and an address, perhaps of a path. Times are seconds of one clock.

    A request takes room when it is sent. The server counts it somewhere between then and its answer; so it occupies
    its room until it is answered and, if it counted, as long again as the window takes to forget it.
    """

    __slots__ = ("_blocked_until_s", "_in_flight", "_most", "_window_s", "counted", "waiting")

    def __init__(self, most: int, window_s: float) -> None:
        self.waiting: deque[Event] = deque()
        self.counted = 0  # requests ever sent, or seen to have been sent by others
        self._most = most
        self._window_s = window_s + SLACK_S
        self._in_flight = 0
        self._blocked_until_s = float("-inf")

    def ready(self, now_s: float) -> bool:
        """Return whether a request sent now is surely within the limit."""
        return now_s >= self._blocked_until_s and self.room(now_s) > 0

    def room(self, now_s: float) -> int:
        """Return how many requests may be sent now; below 0 when others send too."""
        return self._most - self._in_flight - self._occupied(now_s)

    def free_in_s(self, now_s: float) -> float:
        """Return the seconds until time alone may make room; infinite when only an answer can."""
        if now_s < self._blocked_until_s:
            return self._blocked_until_s - now_s
        return max(0.0, self._forgets_at_s() - now_s)

    def idle(self, now_s: float) -> bool:
        """Return whether nothing would change if this were begun anew."""
        return not self.waiting and now_s >= self._blocked_until_s and self.room(now_s) == self._most

    def take(self) -> None:
        """Send a request."""
        self._in_flight += 1
        self.counted += 1

    def settle(self, now_s: float, *, counted: bool) -> None:
        """End a request that was sent: the server counted it by now, or did not count it at all."""
        self._in_flight -= 1
        if counted:
            self._occupy(1, now_s + self._window_s)
        self.wake()

    def occupy(self, places: int, until_s: float) -> None:
        """Fill places for what others on this address sent."""
        self.counted += places
        self._occupy(places, until_s + SLACK_S)

    def block(self, until_s: float) -> None:
        """Let nothing pass until then."""
        self._blocked_until_s = max(self._blocked_until_s, until_s)

    def wake(self) -> None:
        """Have the first in the queue look again."""
        if self.waiting:
            self.waiting[0].set()

    @abstractmethod
    def _occupied(self, now_s: float) -> int:
        """Return how many answered requests the server may still count."""

    @abstractmethod
    def _occupy(self, places: int, until_s: float) -> None:
        """Note that the server may count so many more until then."""

    @abstractmethod
    def _forgets_at_s(self) -> float:
        """Return when the server next forgets a request; infinite when that takes an answer first."""


class Rolling(Bucket):
    """Never more than `most` in any stretch of a window's length, so in none of the server's, wherever it began."""

    __slots__ = ("_forgotten_at_s",)

    def __init__(self, most: int, window_s: float) -> None:
        super().__init__(most, window_s)
        self._forgotten_at_s: list[float] = []  # a heap: one of each request

    def _occupied(self, now_s: float) -> int:
        while self._forgotten_at_s and self._forgotten_at_s[0] <= now_s:
            heapq.heappop(self._forgotten_at_s)
        return len(self._forgotten_at_s)

    def _occupy(self, places: int, until_s: float) -> None:
        for _ in range(places):
            heapq.heappush(self._forgotten_at_s, until_s)

    def _forgets_at_s(self) -> float:
        return self._forgotten_at_s[0] if self._forgotten_at_s else float("inf")


class Renewing(Bucket):
    """A counter that starts anew only after a whole window without a request it allowed (contract.md 4.3)."""

    __slots__ = ("_forgotten_at_s", "_used")

    def __init__(self, most: int, window_s: float) -> None:
        super().__init__(most, window_s)
        self._used = 0
        self._forgotten_at_s = float("-inf")

    def _occupied(self, now_s: float) -> int:
        if self._in_flight == 0 and self._forgotten_at_s <= now_s:
            self._used = 0
        return self._used

    def _occupy(self, places: int, until_s: float) -> None:
        self._used += places
        self._forgotten_at_s = max(self._forgotten_at_s, until_s)

    def _forgets_at_s(self) -> float:
        return float("inf") if self._in_flight else self._forgotten_at_s
