"""Know how far the server's clock is from ours, from stamps whose moment lies between two of our own."""

import math
from datetime import datetime
from typing import Any, Final

_TICK_S: Final = 0.001
"""Stamps are cut to milliseconds."""
_WIDE_S: Final = 0.5
"""Bounds further apart than this tell no latency."""
_INSIDE: Final = ("data", "message", "notification", "metadata")
"""Where the product puts what an event or an answer is about."""


class ServerClock:
    """The server's clock minus ours lies between two bounds, which every stamp can only narrow."""

    def __init__(self) -> None:
        self._low_s, self._high_s = -math.inf, math.inf

    def learn(self, stamp_s: float | None, not_before_s: float, not_after_s: float) -> None:
        """Take in a stamp the server made between two moments of our clock (Unix seconds); None is none.

        Bounds that contradict what was known mean that a clock was set: what is new then stands alone.
        """
        if stamp_s is None or not_after_s < not_before_s:
            return
        low_s, high_s = stamp_s - not_after_s, stamp_s + _TICK_S - not_before_s
        narrowed = max(low_s, self._low_s), min(high_s, self._high_s)
        self._low_s, self._high_s = narrowed if narrowed[0] <= narrowed[1] else (low_s, high_s)

    def ours(self, stamp_s: float | None) -> float | None:
        """Return a server's stamp on our clock; None when its clock is not known well enough.

        The earliest moment it can have been: what counts from it is never told shorter than it took.
        """
        if stamp_s is None or self._high_s - self._low_s > _WIDE_S:
            return None
        return stamp_s - self._high_s

    def between(self, stamp_s: float | None, from_s: float, to_s: float) -> bool | None:
        """Return whether a stamp of the server's can lie between two moments of ours; None when nothing is known."""
        if stamp_s is None or self._high_s - self._low_s > _WIDE_S:
            return None
        return stamp_s - self._high_s <= to_s and stamp_s + _TICK_S - self._low_s >= from_s


def stamp_s(body: Any) -> float | None:
    """Return when a server says it made an event or an answer (Unix seconds of its clock); None when it does not."""
    if not isinstance(body, dict):
        return None
    for name in ("createdAt", "timestamp"):
        stamp = unix_s(body.get(name))
        if stamp is not None:
            return stamp
    return next((stamp for name in _INSIDE if (stamp := stamp_s(body.get(name))) is not None), None)


def unix_s(stamp: Any) -> float | None:
    """Return the Unix seconds of an ISO time with its zone; None when it is not one."""
    if not isinstance(stamp, str):
        return None
    try:
        moment = datetime.fromisoformat(stamp)
        return None if moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        return None
