"""Tell requests whose time is over: one look at all of a process every so often, in place of a timer for each."""

import time
from typing import Any, Final, Protocol

import gevent

LOOK_S: Final = 0.05
"""A request that takes too long is told this much later at most."""


class Waiting(Protocol):
    """Something that can be told that its time is over."""

    def overdue(self) -> None:
        """End it; runs in the loop."""


class Deadlines:
    """Requests under way, and until when each has to be answered."""

    def __init__(self) -> None:
        self._due_at: dict[Waiting, float] = {}
        self._timer: Any = None

    def add(self, waiting: Waiting, due_at: float) -> None:
        """Watch over one; `due_at` is a moment of the performance counter."""
        self._due_at[waiting] = due_at
        if self._timer is None:
            self._look_soon()

    def drop(self, waiting: Waiting) -> None:
        """Watch over it no longer."""
        self._due_at.pop(waiting, None)

    def _look_soon(self) -> None:
        self._timer = gevent.get_hub().loop.timer(LOOK_S)
        self._timer.start(self._look, update=True)

    def _look(self) -> None:
        self._timer.stop()
        self._timer.close()
        self._timer = None
        now = time.perf_counter()
        for waiting in [each for each, due_at in self._due_at.items() if due_at <= now]:
            self._due_at.pop(waiting, None)
            waiting.overdue()
        if self._due_at and self._timer is None:
            self._look_soon()


DEADLINES: Final = Deadlines()
"""Those of this process."""
