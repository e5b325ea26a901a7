"""Wait as a seller does: to think, for room in a rate limit, after a 429; the time is never the server's."""

import time
from typing import Final

import gevent
from locust import FastHttpUser
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from locustfiles._calls import Call
from locustfiles._load import Load
from locustfiles._pacing import Admission

_LOOK_S: Final = 0.5
"""How often a seller who backs off looks whether the run stops."""


class Patient(FastHttpUser):
    """A user that can wait, knows how long it did, and leaves when the run stops."""

    abstract = True
    load: Load
    address: str
    """What the server's limiters take for this seller's address; see `Load.address`."""
    thought_s: float
    """Seconds waited in the iteration under way."""

    def pause(self, seconds: float) -> None:
        """Do nothing for a while; no time at all is none: whoever sends a request lets others run meanwhile."""
        if seconds <= 0:
            return
        began = time.perf_counter()
        gevent.sleep(seconds)
        self.thought_s += time.perf_counter() - began

    def await_arrival(self) -> float | None:
        """Wait for a pass to begin and return how late it does, in seconds; None, at once, in the closed model."""
        arrivals = self.load.arrivals
        if arrivals is None:
            return None
        late_s = None
        while late_s is None:
            self.leave_when_stopping()
            self._state = LOCUST_STATE_WAITING  # whoever only waits is taken away at once when the run stops
            late_s = arrivals.begin()
            self._state = LOCUST_STATE_RUNNING
        return late_s

    def await_room(self, call: Call) -> Admission | None:
        """Wait until the rate limits of the target have room for a request; None where nothing limits it."""
        pacer = self.load.pacer
        if pacer is None:
            return None
        began = time.perf_counter()
        try:
            path = call.url.partition("?")[0]
            return pacer.admit(call.method, call.route, path, self.address, leave=self.leave_when_stopping)
        finally:
            self.thought_s += time.perf_counter() - began

    def _back_off(self, seconds: float) -> None:
        """Pause, but leave as soon as the run stops."""
        until = time.perf_counter() + seconds
        while True:
            self.leave_when_stopping()
            left_s = until - time.perf_counter()
            if left_s <= 0:
                return
            self.pause(min(left_s, _LOOK_S))

    def leave_when_stopping(self) -> None:
        """Leave when the run ends, though this seller was not told yet: nothing it waits for will be sent."""
        if self.load.stopping:
            raise StopUser
        self.check_stop()

    def check_stop(self) -> None:
        """Leave when the run is stopping and lets sellers finish what they are doing (`--stop-timeout`)."""
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser
