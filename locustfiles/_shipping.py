"""Send what a worker writes along with its reports, and keep it in the master's run directory.

A worker always writes into a folder of its own machine first; where that is the master's folder, nothing is sent. What
travels are the bytes of the files, so that the master neither parses nor converts a sample (decisions/0017).
"""

import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from gevent.event import Event

from runlog.errors import RunLogError
from runlog.parcels import Packer, Receipt, Store, unpacked

REPORT_S: Final = 1.0
"""How often workers report, in place of Locust's 3 s: what a killed worker's machine takes along with it."""
_PARCELS: Final = "sellergate_parcels"
_RECEIPT: Final = "sellergate_receipt"
_IN_FLIGHT_BYTES: Final = 8 << 20
"""While so much is on its way nothing is added: a link that is cut or slow must not fill this process's memory."""
_AGAIN_S: Final = 5.0
"""A parcel of which nothing is heard for so long is sent again; every time it was in vain twice as long is waited."""
_GIVE_UP_S: Final = 10.0
"""At the end: how long a worker goes on without the master taking anything."""
_MASTER_FILE: Final = ".master"
_logger = logging.getLogger("sellergate")


def mark_folder(folder: Path) -> str:
    """Leave a mark in the master's run directory and return it; OSError when the disk refuses."""
    mark = secrets.token_hex(16)
    (folder / _MASTER_FILE).write_text(mark, encoding="utf-8")
    return mark


def is_marked(folder: Path, mark: str) -> bool:
    """Return whether a folder is the one the master marked: a name, or a host's name, says nothing about that."""
    try:
        return (folder / _MASTER_FILE).read_text("utf-8") == mark
    except OSError:
        return False


class Outbox:
    """The worker's side: the next parcels go with every report, until the master has said that it has them."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._run_id = ""
        self._packer: Packer | None = None
        self._heard_s = self._sent_s = 0.0
        self._patience_s = _AGAIN_S
        self._heard = Event()
        runner.environment.events.report_to_master.add_listener(self._add_to_report)
        runner.register_message(_RECEIPT, self._on_receipt)

    def begin(self, run_id: str, packer: Packer | None) -> None:
        """Send what `packer` finds from now on; None: the run directory is the master's own."""
        self._run_id, self._packer = run_id, packer

    def finish(self) -> bool:
        """Send the rest; return whether the master has all of it, the closing record included.

        Returns early when the master takes nothing for a while, or nobody here is left to hear what it says.
        """
        self._heard_s = time.monotonic()
        while self._packer is not None and not self._packer.done:
            if not len(self._runner.greenlet) or time.monotonic() - self._heard_s > _GIVE_UP_S:
                _logger.warning("the master does not have all of this worker's log; it is kept here")
                return False
            self._heard.clear()
            self._runner._send_stats()  # noqa: SLF001  # no public way to report now; 2.47's own "quit" does the same
            self._heard.wait(timeout=REPORT_S)
        return True

    def _add_to_report(self, client_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002  # Locust names them
        packer = self._packer
        if packer is None:
            return
        now_s = time.monotonic()
        if packer.in_flight and now_s - max(self._sent_s, self._heard_s) > self._patience_s:
            packer.again()
            self._patience_s *= 2  # what was sent waits in the link's queue, and every copy is one more there
        if packer.in_flight >= _IN_FLIGHT_BYTES:
            return
        try:
            parcels = packer.take()
        except OSError as error:
            _logger.error("this worker's log cannot be read back: %s", error.strerror or error)  # noqa: TRY400
            self._packer = None
            return
        if parcels:
            self._sent_s = now_s
            data[_PARCELS] = {"run": self._run_id, "parcels": parcels}

    def _on_receipt(self, environment: Any, msg: Any, **_kwargs: Any) -> None:  # noqa: ARG002  # Locust names them
        if self._packer is None or msg.data["run"] != self._run_id:
            return
        if msg.data["refused"]:
            _logger.error("the master does not take this worker's log: %s", msg.data["refused"])
            self._packer = None
        else:
            self._packer.received(Receipt(msg.data["have"], msg.data["gaps"]))
            self._heard_s, self._patience_s = time.monotonic(), _AGAIN_S
        self._heard.set()


class Inbox:
    """The master's side: parcels of the run that is open are kept, and their receipt goes back."""

    def __init__(self, runner: Any) -> None:
        self._heard_s = 0.0
        self._runner = runner
        self._run_id: str | None = None
        self._store: Store | None = None
        self._problem: Callable[[str], None] = _logger.error
        runner.environment.events.worker_report.add_listener(self._on_report)

    def heard(self) -> float:
        """Return when the last parcel came, by the monotonic clock."""
        return self._heard_s

    def open(self, run_id: str, folder: Path, problem: Callable[[str], None]) -> None:
        """Keep what comes for this run in `folder`; what is wrong with it goes to `problem`, one line each."""
        self._run_id, self._store, self._problem = run_id, Store(folder), problem

    def close(self) -> None:
        """Take nothing more: the run is judged as it is now."""
        self._run_id = self._store = None

    def _on_report(self, client_id: str, data: dict[str, Any]) -> None:
        if client_id not in self._runner.worker_indexes:
            # a worker of a master that is gone: its run has nobody who could end it
            _logger.warning("worker %s belongs to another master's run and is told to quit", client_id)
            self._runner.send_message("quit", client_id=client_id)
            return
        sent = data.get(_PARCELS)
        if sent is None or self._store is None or sent["run"] != self._run_id:
            return
        process = self._runner.get_worker_index(client_id)
        self._heard_s = time.monotonic()
        receipt, refused = Receipt({}, []), ""
        try:
            receipt = self._store.put(process, unpacked(sent["parcels"]))
        except RunLogError as error:
            refused = str(error)
        except OSError as error:
            refused = error.strerror or str(error)
        if refused:
            self._problem(f"log of process {process} not kept: {refused}")
        answer = {"run": self._run_id, "have": receipt.have, "gaps": receipt.gaps, "refused": refused}
        self._runner.send_message(_RECEIPT, answer, client_id=client_id)
