"""Wait until every worker has stopped, closed its log and reported: what Locust itself does not wait for.

Locust fires `test_stop` on the master before its workers have stopped, and gives their last reports half a second
(locust-notes.md 0.1, 0.2); the part that comes late is the slow part.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

import gevent

_DRAIN: Final = "sellergate_drain"
_DRAINED: Final = "sellergate_drained"
_GRACE_S: Final = 10.0
_LONGEST_S: Final = 300.0
"""What samples may take to arrive over a slow link, as long as some of them do."""
_logger = logging.getLogger("sellergate")


def _never_heard() -> float:
    """Stand for workers whose samples do not travel."""
    return 0.0


class Drain:
    """The master's side: who has not answered yet."""

    def __init__(self, runner: Any, events_s: float, heard_s: Callable[[], float] = _never_heard) -> None:
        """Wait for the workers of a runner; after the load each waits up to `events_s` for events it is owed.

        `heard_s` says when the last samples of a worker came, by the monotonic clock: while some do, waiting goes on.
        """
        self._runner = runner
        self._heard_s = heard_s
        self._events_s = events_s
        self._drained: set[str] = set()
        runner.register_message(_DRAINED, self._on_drained)

    def _on_drained(self, environment: Any, msg: Any, **_kwargs: Any) -> None:  # noqa: ARG002  # Locust names them
        self._drained.add(msg.node_id)

    def run(self) -> list[int]:
        """Ask every worker to stop and report, wait for it, and return the indexes of those that never did."""
        runner = self._runner
        asked = [client.id for client in runner.clients.all]
        self._drained.clear()
        for client in asked:
            runner.send_message(_DRAIN, client_id=client)
        longest = _LONGEST_S + (until := time.monotonic() + runner.environment.stop_timeout + self._events_s + _GRACE_S)
        while time.monotonic() < min(longest, max(until, self._heard_s() + _GRACE_S)):
            waiting = [client for client in asked if client not in self._drained and self._alive(client)]
            if not waiting:
                break
            gevent.sleep(0.05)
        silent = [runner.get_worker_index(client) for client in asked if client not in self._drained]
        if silent:
            _logger.warning("workers that did not report at the end: %s", silent)
        return silent

    def _alive(self, client: str) -> bool:
        """Return whether a worker may still answer: one that quit on its own (Ctrl-C) closed its log before."""
        node = self._runner.clients.get(client)
        return node is not None and node.state != "missing"


def serve_drain(runner: Any, ship: Callable[[], object]) -> None:
    """Answer the master's drain in a worker: stop (the log is closed by then), report, send all of it, say so."""

    def drain(environment: Any, msg: Any, **_kwargs: Any) -> None:  # noqa: ARG001  # Locust names them
        runner.stop()
        runner._send_stats()  # noqa: SLF001  # no public way to report now; 2.47's own "quit" does the same
        ship()
        runner.send_message(_DRAINED)

    runner.register_message(_DRAIN, drain, concurrent=True)
