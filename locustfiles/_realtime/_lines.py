"""Know every session of this process, decide in time what is overdue, and settle all of them when the load ends."""

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import gevent

from locustfiles._realtime._addressees import Addressees
from locustfiles._realtime._ledger import Ledger
from locustfiles._realtime._line import Line
from locustfiles._realtime._rows import Rows
from locustfiles._realtime._server_clock import ServerClock
from locustfiles._socketio import SocketIO
from runlog.workflows import EVENT_STEPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locustfiles._load import Load

REVIEW_S: Final = 0.1
"""How often overdue events are looked for: a lost one is known this much later at most."""
_UNCALLED: Final = {"order_management": {"new_order": "order_notification"}}
"""Events that somebody else causes, and whose step waits for them."""
assert all(  # noqa: S101  # two tables that must agree, and nobody's input
    EVENT_STEPS[workflow, step] == event for workflow, steps in _UNCALLED.items() for event, step in steps.items()
)


class Lines:
    """The sessions of one process and one run."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self.clock = ServerClock()
        self._addressees = Addressees()
        self._lines: set[Line] = set()
        self._retiring: set[gevent.Greenlet] = set()
        self._reviewer: gevent.Greenlet | None = None

    def open(
        self, *, wallet: str, seller: int, workflow: str, url: str, headers: "Mapping[str, str]", stats: Any
    ) -> Line:
        """Return a line for a seller; nothing is sent yet. `wallet` is in lower case, `url` a ws or wss address."""
        target, way = self._load.target, self._load.way(seller)
        rows = Rows(self._load.recorder, stats, seller, workflow)
        open_ledger = partial(
            Ledger,
            wallet,
            clock=self.clock,
            lost_after_s=target.sockets.lost_after_s,
            keep_s=target.timeout_s,
            uncalled=_UNCALLED.get(workflow, {}),
            addressees=self._addressees,
            mark=f"sg-{self._load.run_id}-{seller}".encode(),
        )

        def connect(on_event: Any, on_end: Any) -> SocketIO:
            return SocketIO(
                url,
                way,
                path=target.sockets.path,
                headers=headers,
                on_event=on_event,
                on_end=on_end,
                timeout_s=target.timeout_s,
            )

        line = Line(
            connect,
            open_ledger=open_ledger,
            rows=rows,
            timeout_s=target.timeout_s,
            stopping=lambda: self._load.stopping,
            bug=self._bug,
        )
        self._lines.add(line)
        if self._reviewer is None:
            self._reviewer = gevent.spawn(self._review_for_ever)
        return line

    def retire(self, line: Line) -> None:
        """Close a line nobody uses any more, as soon as nothing is owed on it."""
        greenlet = gevent.spawn(self._see_out, line)
        self._retiring.add(greenlet)
        greenlet.rawlink(self._retiring.discard)

    def stop(self) -> None:
        """Wait until it is known what became of every event, at most as long as one may take; then close everything."""
        until_s = time.time() + self._load.target.sockets.lost_after_s + 2 * REVIEW_S
        while time.time() < until_s and any(line.ledger.awaits for line in self._lines):
            gevent.sleep(REVIEW_S)
        gevent.killall([*self._retiring, *([] if self._reviewer is None else [self._reviewer])])
        for line in list(self._lines):
            self._end(line)

    def _bug(self, bug: Exception) -> None:
        self._load.harness_bug("a real-time session", bug)

    def _see_out(self, line: Line) -> None:
        try:
            while line.ledger.awaits:
                gevent.sleep(REVIEW_S)
            self._end(line)
        except Exception as bug:  # noqa: BLE001  # nobody waits for this greenlet
            self._bug(bug)

    def _end(self, line: Line) -> None:
        self._lines.discard(line)
        line.close()
        line.ledger.close()

    def _review_for_ever(self) -> None:
        while True:
            gevent.sleep(REVIEW_S)
            now_s = time.time()
            for line in list(self._lines):
                if line.ledger.busy:
                    self._review(line, now_s)

    def _review(self, line: Line, now_s: float) -> None:
        """Review one seller's account; a bug is told, and the others are reviewed all the same."""
        try:
            line.ledger.review(now_s)
        except Exception as bug:  # noqa: BLE001  # else every seller who waits would wait for ever
            self._bug(bug)
