"""Notice servers that are heard of no more: one look at all sessions of a process instead of a timer for each."""

import time
from typing import Final, Protocol

import gevent

_LOOK_S: Final = 0.25


class Watched(Protocol):
    """A session as the watch sees it."""

    heard: float
    silence_s: float

    def fall_silent(self) -> None:
        """End it."""


_sessions: set[Watched] = set()
_watching: list[gevent.Greenlet] = []


def watch(session: Watched) -> None:
    """Have a session ended once its server was silent for too long."""
    _sessions.add(session)
    if not _watching or _watching[-1].dead:
        _watching[:] = [gevent.spawn(_look_for_ever)]


def unwatch(session: Watched) -> None:
    """Watch a session no more."""
    _sessions.discard(session)


def _look_for_ever() -> None:
    """Look while there is anything to look at; the next session starts it again.

    Sessions end in the loop, as by anything else: an owner that throws shows there, and the others are looked after.
    """
    loop = gevent.get_hub().loop
    while _sessions:
        gevent.sleep(_LOOK_S)
        now = time.perf_counter()
        for session in [each for each in _sessions if now - each.heard > each.silence_s]:
            loop.run_callback(session.fall_silent)
