"""Count requests in the windows of rate limits: as the server does, and as a sender does that keeps within them."""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

from settings.limits import RateLimit

Key = tuple[Hashable, ...]
"""What a counter is kept for: limit, address, and path where each path has its own."""


class Windows(Protocol):
    """Says when a request may be sent."""

    def at_s(self, limit: RateLimit, key: Key, now_s: float) -> float | None:
        """Return when the request that is due now is sent; None when it is refused."""


class ServerWindows:
    """The server's counters: a window begins with its first request; a renewing one again with each allowed one."""

    def __init__(self) -> None:
        self._windows: dict[Key, list[float]] = {}  # [ends at, count]

    def at_s(self, limit: RateLimit, key: Key, now_s: float) -> float | None:
        """Count a request; None when it is above the limit."""
        window = self._windows.get(key)
        if window is None or window[0] <= now_s:
            window = self._windows[key] = [now_s + limit.window_s, 0.0]
        if window[1] >= limit.most:
            return None
        window[1] += 1
        if limit.renewing:
            window[0] = now_s + limit.window_s
        return now_s


@dataclass(slots=True)
class _Silence:
    sent: int = 0
    last_s: float = field(default=float("-inf"))


class PacedWindows:
    """A sender's memory: never more than a limit allows in any window, however the server's lie; first come first."""

    def __init__(self) -> None:
        self._logs: dict[Key, deque[float]] = {}
        self._silences: dict[Key, _Silence] = {}

    def at_s(self, limit: RateLimit, key: Key, now_s: float) -> float | None:
        """Return when there is room, which is then taken."""
        if limit.renewing:
            return self._after_silence(limit, key, now_s)
        log = self._logs.get(key)
        if log is None:
            log = self._logs[key] = deque(maxlen=limit.most)
        at_s = now_s if len(log) < limit.most else max(now_s, log[0] + limit.window_s)
        log.append(at_s)
        return at_s

    def _after_silence(self, limit: RateLimit, key: Key, now_s: float) -> float:
        """Return now while there is room, else the end of a whole window in which nothing was sent."""
        state = self._silences.setdefault(key, _Silence())
        at_s = max(now_s, state.last_s)
        if at_s - state.last_s >= limit.window_s:
            state.sent = 0
        elif state.sent == limit.most:
            at_s, state.sent = state.last_s + limit.window_s, 0
        state.sent += 1
        state.last_s = at_s
        return at_s
