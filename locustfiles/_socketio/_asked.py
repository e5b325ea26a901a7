"""Hand answers of a server to the greenlets that wait for them, and give up in time: one timer a session for all."""

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import gevent
from gevent import getcurrent
from gevent.hub import Waiter

from locustfiles._socketio._told import SocketFailed
from runlog.schema import Outcome

Key = bytes | str
"""Number of an answer and its namespace; a namespace to be joined; or GREETING."""
GREETING: Final = ""
_CLOCKS_S: Final = 0.001
"""The loop's clock and the performance counter differ by less."""


class _Waiting(NamedTuple):
    """Who waits (greenlet or Waiter: both have switch and throw), until when (performance counter), for what."""

    who: Any
    due: float
    what: str


class Asked:
    """What one session still wants to hear. Answers are handed over in the loop."""

    __slots__ = ("_hub", "_looks_at", "_timer", "_waiting")

    def __init__(self) -> None:
        self._hub = gevent.get_hub()
        self._waiting: dict[Key, _Waiting] = {}
        self._timer: Any = None
        self._looks_at = 0.0

    def wait(self, key: Key, timeout_s: float, what: str) -> Any:
        """Wait for an answer that cannot have come yet: its question was sent in this very turn of the loop.

        SocketFailed when it does not come in time, or whatever the session ends with.
        """
        self._add(key, getcurrent(), timeout_s, what)
        try:
            return self._hub.switch()
        except BaseException:  # whoever hands over an answer takes it from the list; a kill does not
            self._waiting.pop(key, None)
            raise

    def wait_after(self, asking: Callable[[], None], key: Key, timeout_s: float, what: str) -> Any:
        """Wait likewise for the answer to a question whose sending may have to wait: both can end in the same turn."""
        waiter = Waiter(self._hub)
        self._add(key, waiter, timeout_s, what)
        try:
            asking()
            return waiter.get()
        finally:
            self._waiting.pop(key, None)

    def _add(self, key: Key, who: Any, timeout_s: float, what: str) -> None:
        due = time.perf_counter() + timeout_s
        self._waiting[key] = _Waiting(who, due, what)
        if self._timer is None or due < self._looks_at:
            self._look_at(due)

    # -- all of this runs in the loop --------------------------------------------------------------------------------

    def hand(self, key: Key, answer: Any) -> bool:
        """Hand over an answer; whether anybody waited for it."""
        waiting = self._waiting.pop(key, None)
        if waiting is None:
            return False
        waiting.who.switch(answer)
        return True

    def refuse(self, key: Key, failed: Exception) -> None:
        """Tell whoever waits for it that it will not come."""
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            waiting.who.throw(failed)

    def end(self, failed: Exception | None) -> None:
        """Stop looking; in the loop's next turn tell whoever still waits then. May be called from anywhere."""
        self._stop_timer()
        if self._waiting and failed is not None:
            self._hub.loop.run_callback(self._tell_all, failed)

    def _tell_all(self, failed: Exception) -> None:
        """Tell everybody, each with an error of its own: a traceback belongs to one."""
        for key in list(self._waiting):
            own = SocketFailed(failed.outcome, failed.text) if isinstance(failed, SocketFailed) else failed
            self.refuse(key, own)  # another error is for who opens the session, and that is one

    def _look_at(self, due: float) -> None:
        self._stop_timer()
        self._looks_at = due
        self._timer = timer = self._hub.loop.timer(max(0.0, due - time.perf_counter()))
        timer.start(self._look, update=True)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.stop()
            timer.close()

    def _look(self) -> None:
        """Tell whoever's answer is overdue; look again when the next one may be."""
        self._stop_timer()
        now = time.perf_counter() + _CLOCKS_S
        for key, waiting in list(self._waiting.items()):
            if waiting.due <= now:
                self.refuse(key, SocketFailed(Outcome.TIMEOUT, f"no answer to {waiting.what} in time"))
        if self._waiting and self._timer is None:
            self._look_at(min(waiting.due for waiting in self._waiting.values()))
