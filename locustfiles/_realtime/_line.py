"""Hold one seller's real-time session as the product's client does: sign on, subscribe, come back after a drop."""

import time
from collections.abc import Callable
from typing import Any, Final

import gevent
from gevent.event import AsyncResult, Event

from locustfiles._realtime._ledger import Ledger, Owed
from locustfiles._realtime._rows import Rows
from locustfiles._socketio import Arrived, Ended, SocketFailed, SocketIO
from runlog.schema import Outcome

PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""What the product's client waits before each of its five tries to come back (contract.md 8)."""
_OWN: Final = frozenset(
    {
        "notification",
        "new_message",
        "new_order",
        "order_status_changed",
        "tier_upgraded",
        "listing_updated",
        "cache_invalidation",
    }
)
"""Events about the seller's own affairs; presence, greetings and the like are nothing the server owes."""

Connect = Callable[[Callable[[Arrived], None], Callable[[Ended], None]], SocketIO]
"""Makes a client that is not connected yet, from what hears of events and of the end."""


class Line:
    """One seller's session, and the next one after it was lost. Used by one seller; events come in another greenlet."""

    def __init__(
        self,
        connect: Connect,
        *,
        open_ledger: Callable[..., Ledger],
        rows: Rows,
        timeout_s: float,
        stopping: Callable[[], bool],
        bug: Callable[[Exception], None],
    ) -> None:
        """Hold sessions of `connect`; `bug` is told of exceptions of our own that nobody else would see."""
        self.ledger = open_ledger(settled=self._settled)
        self.wallet = self.ledger.wallet
        self._connect = connect
        self._rows = rows
        self._timeout_s = timeout_s
        self._stopping = stopping
        self._bug = bug
        self._socket: SocketIO | None = None
        self._live = False
        self._ready = False
        self._began, self._began_at_s = 0.0, 0.0
        self._live_since_s: float | None = None
        self._lost_at_s: float | None = None
        self._was_live = False
        self._retrying: gevent.Greenlet | None = None
        self._answers: dict[str, AsyncResult] = {}
        self._waiting: dict[Owed, Event] = {}
        self._said: str | None = None
        self._closed = False

    @property
    def live(self) -> bool:
        """Whether the session is signed on and subscribed, and not over."""
        return self._live and self._ready

    @property
    def live_since_s(self) -> float | None:
        """When the seller first had a session (Unix seconds); None: it has not had one yet."""
        return self._live_since_s

    def at(self, iteration: int) -> None:
        """Say which pass the seller is in."""
        self._rows.iteration = self.ledger.iteration = iteration

    # -- holding it --------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """See that there is a session: open one, and when that fails go on trying behind the seller's back."""
        if self._live or self._closed or self._retrying is not None:
            return
        if not self._open():
            self._try_again()

    def leave(self) -> None:
        """Go offline by the seller's own choice, until `hold`; what the server has to tell waits there."""
        self._stop_trying()
        self.ledger.away(time.time())
        self._lost_at_s = None
        self._hang_up()

    def close(self) -> None:
        """End the session for good."""
        self._closed = True
        self._stop_trying()
        self._hang_up()

    def _hang_up(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()

    def _try_again(self) -> None:
        if not self._closed and not self._stopping():
            self._retrying = gevent.spawn(self._retry)

    def _retry(self) -> None:
        try:
            for pause_s in PAUSES_S:
                gevent.sleep(pause_s)
                if self._closed or self._stopping() or self._open():
                    return
        except Exception as bug:  # noqa: BLE001  # nobody waits for this greenlet
            self._bug(bug)
        finally:
            if self._retrying is gevent.getcurrent():  # a session lost while it was being set up has begun another
                self._retrying = None

    def _stop_trying(self) -> None:
        retrying, self._retrying = self._retrying, None
        if retrying is not None:
            retrying.kill()  # joined: an attempt it was in is recorded before the log is closed

    def _open(self) -> bool:
        """Try once to get a session, and record how that went; whether there is one now."""
        began, began_at_s = time.perf_counter(), time.time()
        lost_at_s, self._lost_at_s = self._lost_at_s, None  # a session that ends at once is another loss
        self._said, self._ready = None, False
        socket = self._socket = self._connect(self._on_event, self._on_end)
        try:
            opened = socket.open()
            body = {"walletAddress": self.wallet, "reconnecting": self._was_live}
            self._exchange("authenticate", body, "authenticated", "auth_error")
        except SocketFailed as failed:
            self._socket = None
            socket.close()
            self.ledger.back(time.time())
            self._rows.not_opened(began_at_s, lost_at_s, failed, _since_ms(began))
            self._lost_at_s = self._lost_at_s or lost_at_s
            return False
        except BaseException:  # killed by the stop
            self._socket = None
            socket.close()
            self._rows.given_up(began_at_s, _since_ms(began))
            raise
        self._rows.opened(began_at_s, lost_at_s, opened, _since_ms(began))
        self.ask("subscribe", {"type": "user", "target": self.wallet}, "subscribed", "subscription_error")
        self._ready = True
        return True

    # -- asking ------------------------------------------------------------------------------------------------------

    def ask(
        self, event: str, body: dict[str, Any], granted: str, denied: str, *, step: str | None = None
    ) -> dict[str, Any] | None:
        """Send something that is answered by an event, and record how long that took; None when it was not granted."""
        began, at_s = time.perf_counter(), time.time()
        try:
            answer = self._exchange(event, body, granted, denied)
        except SocketFailed as failed:
            self._rows.answered(event, at_s, failed.outcome, _since_ms(began), failed.text, step=step)
            return None
        except BaseException:
            self._rows.answered(event, at_s, Outcome.ABORTED, _since_ms(began), step=step)
            raise
        self._rows.answered(event, at_s, Outcome.OK, (answer.at - began) * 1000, step=step)
        return answer.args[0] if answer.args and isinstance(answer.args[0], dict) else {}

    def _exchange(self, event: str, body: dict[str, Any], granted: str, denied: str) -> Arrived:
        """Send, and wait for one of two answers; SocketFailed when it is the other, or neither."""
        socket = self._socket
        if socket is None:
            raise SocketFailed(Outcome.CONNECT_ERROR, "there is no session")
        answered: AsyncResult = AsyncResult()
        names = (granted, denied)
        self._answers.update(dict.fromkeys(names, answered))
        try:
            if self._said is not None and not self._live:  # turned away before it could speak
                raise SocketFailed(Outcome.REFUSED, self._said)
            socket.emit(event, body)
            answer: Arrived = answered.get(timeout=self._timeout_s)
        except gevent.Timeout:
            text = f"no answer to {event} within {self._timeout_s:g} s"
            raise SocketFailed(Outcome.TIMEOUT, text) from None
        finally:
            for name in names:
                self._answers.pop(name, None)
        if answer.event == denied:
            raise SocketFailed(Outcome.REFUSED, _words(answer, denied))
        return answer

    # -- waiting for events ------------------------------------------------------------------------------------------

    def wait(self, owed: Owed) -> Owed:
        """Wait until it is decided what became of an event; the ledger's reviews see to it that it is."""
        if owed.outcome is None:
            self._waiting[owed] = decided = Event()
            try:
                decided.wait()
            finally:
                self._waiting.pop(owed, None)
        return owed

    def _settled(self, owed: Owed) -> None:
        """Record what became of an event, and wake the seller who waits for it."""
        self._rows.settled(owed)
        decided = self._waiting.get(owed)
        if decided is not None:
            decided.set()

    # -- what the client tells ---------------------------------------------------------------------------------------

    def _on_event(self, arrived: Arrived) -> None:
        name = arrived.event
        if name in _OWN:
            self.ledger.arrived(arrived)
            return
        if name == "authenticated":  # at once: what was queued comes right behind it
            self._live = self._was_live = True
            self._said = None
            self._began, self._began_at_s = arrived.at, arrived.at_s
            self._live_since_s = self._live_since_s or arrived.at_s
            self.ledger.back(arrived.at_s)
        elif name == "error":
            self._said = _words(arrived, name)
            for waiting in set(self._answers.values()):
                waiting.set_exception(SocketFailed(Outcome.REFUSED, self._said))
        waiting = self._answers.get(name)
        if waiting is not None:
            waiting.set(arrived)

    def _on_end(self, ended: Ended) -> None:
        why = ended.why if self._said is None else f"{self._said} ({ended.why})"
        if self._answers:
            outcome = Outcome.REFUSED if ended.by == "server" else Outcome.CONNECT_ERROR
            for waiting in set(self._answers.values()):
                if not waiting.ready():
                    waiting.set_exception(SocketFailed(outcome, why))
        if not self._live:
            return
        self._live = False
        lived_ms = (ended.at - self._began) * 1000
        if ended.by == "us":
            self._rows.ended(self._began_at_s, lived_ms, Outcome.OK, None)
            return
        outcome = Outcome.HARNESS_ERROR if ended.by == "bug" else Outcome.LOST  # ours is no drop of the server's
        self._rows.ended(self._began_at_s, lived_ms, outcome, f"{ended.by}: {why}")
        self._lost_at_s = ended.at_s
        self._try_again()


def _since_ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _words(arrived: Arrived, otherwise: str) -> str:
    """Return what the server says went wrong."""
    first = arrived.args[0] if arrived.args else None
    said = first.get("message") or first.get("error") if isinstance(first, dict) else first
    return str(said or otherwise)[:200]
