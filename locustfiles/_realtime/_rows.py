"""Turn what happens on a seller's session into samples, and into rows of Locust's statistics outside its total."""

from typing import TYPE_CHECKING, Any, Final

from locustfiles._realtime._ledger import Owed
from locustfiles._socketio import Opened, SocketFailed
from runlog.redaction import error_text
from runlog.schema import Kind, Outcome, Sample

if TYPE_CHECKING:
    from locustfiles._recording import Recorder

_SHORTEST_MS: Final = 0.001
"""Nothing takes no time; two readings of one clock can be equal."""


class Rows:
    """Writes the samples of one seller's sessions."""

    def __init__(self, recorder: "Recorder", stats: Any, seller: int, workflow: str) -> None:
        """Write to the run's recorder and to `stats`, Locust's statistics (None: there are none)."""
        self._recorder = recorder
        self._stats = stats
        self._seller = seller
        self._workflow = workflow
        self.iteration = -1

    def opened(self, began_at_s: float, lost_at_s: float | None, opened: Opened, total_ms: float) -> None:
        """Note an attempt that ended in a live session; `lost_at_s` is when the one before it ended."""
        self._add(
            Kind.CONNECT, "connect", began_at_s, Outcome.OK, total_ms,
            intended_at_s=lost_at_s, status=opened.status, connect_ms=opened.connect_ms, wait_ms=opened.wait_ms,
            handshake_ms=opened.handshake_ms,
        )  # fmt: skip

    def not_opened(self, began_at_s: float, lost_at_s: float | None, failed: SocketFailed, took_ms: float) -> None:
        """Note an attempt that did not."""
        self._add(
            Kind.CONNECT, "connect", began_at_s, failed.outcome, took_ms,
            intended_at_s=lost_at_s, status=failed.status, connect_ms=failed.connect_ms, wait_ms=failed.wait_ms,
            error=failed.text,
        )  # fmt: skip

    def given_up(self, began_at_s: float, took_ms: float) -> None:
        """Note an attempt the stop of the run cut."""
        self._add(Kind.CONNECT, "connect", began_at_s, Outcome.ABORTED, took_ms)

    def ended(self, began_at_s: float, lived_ms: float, outcome: Outcome, why: str | None) -> None:
        """Note a session that is over."""
        self._add(Kind.SESSION, "session", began_at_s, outcome, lived_ms, error=why)

    def answered(
        self,
        event: str,
        at_s: float,
        outcome: Outcome,
        took_ms: float,
        error: str | None = None,
        *,
        step: str | None,
    ) -> None:
        """Note something sent over the session and its answer, or that none came."""
        self._add(Kind.ACK, event, at_s, outcome, took_ms, step=step, error=error)

    def settled(self, owed: Owed) -> None:
        """Note what became of an event the server owed."""
        at_s = next((at for at in (owed.from_s, owed.caused_at_s) if at is not None), owed.known_at_s)
        self._add(
            Kind.PUSH, owed.event, at_s, owed.outcome or Outcome.ABORTED, owed.latency_ms,
            step=owed.step, iteration=owed.iteration, response_bytes=owed.bytes, error=owed.error,
        )  # fmt: skip

    def _add(
        self,
        kind: Kind,
        route: str,
        at_s: float,
        outcome: Outcome,
        time_ms: float | None,
        *,
        step: str | None = None,
        iteration: int | None = None,
        error: str | None = None,
        **more: Any,
    ) -> None:
        time_ms = None if time_ms is None else max(time_ms, _SHORTEST_MS)
        text = None if error is None else error_text(error)
        columns: dict[str, Any] = dict.fromkeys(
            ("intended_at_s", "status", "connect_ms", "wait_ms", "handshake_ms", "request_bytes", "response_bytes")
        )
        columns.update(more)
        self._recorder.add(
            Sample(
                kind=kind,
                sent_at_s=at_s,
                workflow=self._workflow,
                step=step,
                seller=self._seller,
                iteration=self.iteration if iteration is None else iteration,
                process=self._recorder.process,
                method=None,
                route=route,
                outcome=outcome,
                response_time_ms=time_ms,
                cache=None,
                error=text,
                **columns,
            )
        )
        self._show(kind, route, outcome, time_ms, text, more.get("response_bytes") or 0)

    def _show(
        self, kind: Kind, route: str, outcome: Outcome, time_ms: float | None, text: str | None, size: int
    ) -> None:
        """Show it in Locust's tables and web UI, as a row of its own and in no total: that is of HTTP."""
        if self._stats is None or outcome is Outcome.ABORTED:
            return
        entry = self._stats.get(route, kind.upper())
        if time_ms is not None:
            entry.log(time_ms, size)
        if outcome is not Outcome.OK:
            entry.log_error(text or outcome)
