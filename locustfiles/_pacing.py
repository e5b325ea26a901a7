"""Hold sellers back until the server's rate limits surely have room for what they want to send."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from gevent.event import Event

from locustfiles._buckets import Bucket, Renewing, Rolling
from locustfiles._limits_said import LimitSaid
from settings.limits import RateLimit

_LOOK_S: Final = 0.5
"""How often a waiting seller looks whether it is asked to leave; a stop of the run wakes it at once."""
_SWEEP_FROM: Final = 1_000
_ERROR: Final = 400
_logger = logging.getLogger("sellergate")


class Admission:
    """The room one request takes in the buckets of its limits, until it is known whether it counted."""

    __slots__ = ("_clock", "_places")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._places: list[tuple[RateLimit, Bucket, int, int]] = []

    def add(self, limit: RateLimit, bucket: Bucket) -> None:
        """Take room in a bucket that has some."""
        bucket.take()
        self._places.append((limit, bucket, bucket.counted, bucket.room(self._clock())))

    @property
    def longest_s(self) -> float:
        """The longest window of its limits: nobody has to wait longer, whatever a server says."""
        return max(limit.window_s for limit, _, _, _ in self._places)

    def unsent(self) -> None:
        """Give the room back: the server never received the request."""
        for _, bucket, _, _ in self._places:
            bucket.settle(self._clock(), counted=False)

    def unanswered(self) -> None:
        """Note that the server may have counted the request at any time until now."""
        for _, bucket, _, _ in self._places:
            bucket.settle(self._clock(), counted=True)

    def answered(self, status: int, *, cached: bool, said: Sequence[LimitSaid]) -> None:
        """Note an answer: whether it counted, and how much room the server says is left."""
        now_s = self._clock()
        for limit, bucket, nth, room in self._places:
            free = (cached and not limit.cached_count) or (status >= _ERROR and not limit.failures_count)
            for each in said:
                if each.remaining is not None and (len(self._places) == 1 or each.most in (None, limit.most)):
                    others = room - (bucket.counted - nth) - each.remaining
                    if each.remaining == 0:
                        others = max(others, bucket.room(now_s))
                    if others > 0:
                        bucket.occupy(others, now_s + min(each.reset_in_s or limit.window_s, limit.window_s))
            bucket.settle(now_s, counted=not free)

    def throttled(self, wait_s: float) -> None:
        """Note a 429: the room is used up, by whomever, and nobody sends for as long as it asks."""
        now_s = self._clock()
        for limit, bucket, _, _ in self._places:
            bucket.settle(now_s, counted=not limit.renewing and limit.failures_count)
            bucket.block(now_s + min(wait_s, limit.window_s))


class Pacer:
    """The limits of a deployment as one process sees them; sellers who wait are served first come, first served."""

    def __init__(
        self, limits: Iterable[RateLimit], *, processes: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.waited_s = 0.0
        self.waits = 0
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], Bucket] = {}
        self._sweep_at = _SWEEP_FROM
        self._of_route: dict[tuple[str, str], list[tuple[RateLimit, int]]] = {}
        for limit in sorted(limits, key=lambda each: each.name):  # one order for all, so that no two wait crosswise
            share = _share(limit, processes)
            for route in limit.routes:
                self._of_route.setdefault(route, []).append((limit, share))

    def admit(self, method: str, route: str, path: str, address: str, *, leave: Callable[[], None]) -> Admission | None:
        """Wait until a request may be sent, and take its room; None, at once, when nothing limits its route.

        `path` is without query. `leave` is called now and then while waiting and raises when the seller has to go.
        """
        limits = self._of_route.get((method, route))
        if limits is None:
            return None
        admission = Admission(self._clock)
        try:
            for limit, share in limits:
                key = (limit.name, address, f"{method} {path}" if limit.per_path else "")
                bucket = self._buckets.get(key) or self._new_bucket(key, limit, share)
                if bucket.waiting or not bucket.ready(self._clock()):
                    self._wait(bucket, leave)
                admission.add(limit, bucket)
        except BaseException:
            admission.unsent()
            raise
        return admission

    def wake(self) -> None:
        """Have everybody who waits look now whether to leave."""
        for bucket in self._buckets.values():
            for turn in bucket.waiting:
                turn.set()

    def _wait(self, bucket: Bucket, leave: Callable[[], None]) -> None:
        """Return when this seller is the first in the queue and there is room."""
        turn, began_s = Event(), self._clock()
        bucket.waiting.append(turn)
        self.waits += 1
        try:
            while True:
                leave()
                now_s, first = self._clock(), bucket.waiting[0] is turn
                if first and bucket.ready(now_s):
                    return
                turn.clear()
                turn.wait(min(_LOOK_S, bucket.free_in_s(now_s)) if first else _LOOK_S)
        finally:
            bucket.waiting.remove(turn)
            self.waited_s += self._clock() - began_s
            # the next one looks after this one has taken its room, or right away when this one leaves without
            bucket.wake()

    def _new_bucket(self, key: tuple[str, str, str], limit: RateLimit, share: int) -> Bucket:
        if len(self._buckets) >= self._sweep_at:  # a limit of each path has as many as there are sellers
            now_s = self._clock()
            self._buckets = {name: bucket for name, bucket in self._buckets.items() if not bucket.idle(now_s)}
            self._sweep_at = max(_SWEEP_FROM, 2 * len(self._buckets))
        bucket = self._buckets[key] = (Renewing if limit.renewing else Rolling)(share, limit.window_s)
        return bucket


def _share(limit: RateLimit, processes: int) -> int:
    """Return how much of a limit one of several processes may use: they share an address and do not see each other."""
    share = max(1, limit.most // processes)
    if share * processes > limit.most:
        _logger.warning(
            "rate limit %s (%d in %g s) is too small for %d processes: together they may exceed it",
            limit.name, limit.most, limit.window_s, processes,
        )  # fmt: skip
    elif share * processes < limit.most:
        _logger.warning(
            "rate limit %s (%d in %g s) is no multiple of %d processes: %d of it stay unused",
            limit.name, limit.most, limit.window_s, processes, limit.most - share * processes,
        )  # fmt: skip
    return share
