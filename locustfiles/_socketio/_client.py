"""Speak Socket.IO v5 over Engine.IO v4 by WebSocket only, for one session of one seller."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from typing import Any, Final

import gevent
import orjson
from gevent.hub import Waiter

from locustfiles._connections import Way
from locustfiles._socketio import _packets as packets
from locustfiles._socketio._dial import dial
from locustfiles._socketio._packets import NotUnderstood, Packet
from locustfiles._socketio._silence import unwatch, watch
from locustfiles._socketio._told import Arrived, Ended, EndedBy, Opened, SocketFailed
from locustfiles._socketio._wire import Closed, Wire
from runlog.schema import Outcome

_MOST_BYTES: Final = 4_000_000
"""Longest message taken in, whatever the server offers."""
_LEAST_BYTES: Final = 1_000_000


class SocketIO:
    """One session, used once: `open`, then events come to `on_event` until `on_end` says it is over.

    Both are called in the loop of gevent, as soon as the bytes are there: they must not wait for anything (sending is
    allowed). A handler that throws ends the session (`bug`), and its traceback goes where gevent's go.
    """

    __slots__ = (
        "_asked", "_headers", "_hub", "_joined", "_most_out", "_number", "_on_end", "_on_event", "_path", "_sid",
        "_state", "_timeout_s", "_timer", "_url", "_way", "_wire", "heard", "silence_s",
    )  # fmt: skip

    def __init__(
        self,
        url: str,
        way: Way,
        *,
        path: str = "/socket.io/",
        headers: Mapping[str, str] | None = None,
        on_event: Callable[[Arrived], None],
        on_end: Callable[[Ended], None],
        timeout_s: float,
    ) -> None:
        """Prepare a session with the server at `url` (ws or wss); `timeout_s` limits opening, and each wait."""
        self._url = url
        self._way = way
        self._path = path
        self._headers = headers or {}
        self._on_event = on_event
        self._on_end = on_end
        self._timeout_s = timeout_s
        self._hub = gevent.get_hub()
        self._wire: Wire | None = None
        self._state = "new"
        self._asked: dict[bytes | str, tuple[Waiter, float, str]] = {}
        """Whoever waits: by number of the answer and its namespace, by namespace to be joined, or "" for the greeting;
        until when (performance counter), and for what."""
        self._timer: Any = None
        self._joined: set[str] = set()
        self._number = 0
        self._most_out: float = inf
        self.heard = 0.0
        """When the server was last heard of (performance counter)."""
        self.silence_s = 0.0
        """How long it may be silent."""

    @property
    def live(self) -> bool:
        """Whether the session is open, as far as can be told."""
        return self._state == "live"

    # -- opening and closing -----------------------------------------------------------------------------------------

    def open(self, auth: Any = None, namespace: str = packets.ROOT) -> Opened:
        """Connect, and join a namespace; SocketFailed when the server refuses, or does not speak this protocol."""
        if self._state != "new":
            raise ValueError("a session is opened once")
        self._state = "opening"
        began = time.perf_counter()
        late = SocketFailed(Outcome.TIMEOUT, f"not open within {self._timeout_s:g} s")
        try:
            with gevent.Timeout(self._timeout_s):
                wire = self._wire = dial(self._url, self._way, path=self._path, headers=self._headers)
                wire.send_s = self._timeout_s
                late = SocketFailed(
                    Outcome.TIMEOUT,
                    f"connected, but no answer to joining namespace {namespace} within {self._timeout_s:g} s",
                    status=101,
                    connect_ms=wire.connect_ms,
                    wait_ms=wire.wait_ms,
                )
                sid = self._greet(wire, namespace, auth)
        except gevent.Timeout:
            self._drop()
            raise late from None
        except (NotUnderstood, Closed, SocketFailed) as failed:
            self._drop()
            raise _at(late, failed) from failed
        except BaseException:
            self._drop()
            raise
        self._state = "live"
        watch(self)
        return Opened(wire.connect_ms, wire.wait_ms, (time.perf_counter() - began) * 1000, 101, sid)

    def _greet(self, wire: Wire, namespace: str, auth: Any) -> str:
        """Hear the server's greeting and join a namespace; returns the session's id there."""
        greeted = self._waiter("", "the upgrade", None)
        wire.listen(self._took, self._ended)
        greeting = packets.greeting_of(greeted.get())
        self.silence_s = greeting.ping_interval_s + greeting.ping_timeout_s
        self._most_out = greeting.max_payload or inf
        wire.longest = min(max(greeting.max_payload or 0, _LEAST_BYTES), _MOST_BYTES)
        joined = self._waiter(namespace, f"joining namespace {namespace}", None)
        wire.send(packets.connect_text(namespace, auth))
        return str(joined.get())

    def close(self) -> None:
        """Leave, and close the connection; whoever still waits for something is told. Can be called again."""
        wire = self._wire
        if wire is not None and self._state == "live":
            wire.send_s = 0.0
            for namespace in self._joined:
                with suppress(Closed):
                    wire.send(packets.disconnect_text(namespace))
            wire.say_goodbye()
        self._over("us", "closed", SocketFailed(Outcome.ABORTED, "closed"))

    # -- talking -----------------------------------------------------------------------------------------------------

    def emit(self, event: str, *args: Any, namespace: str = packets.ROOT) -> None:
        """Send an event; SocketFailed when the session is over, or ends over it."""
        self._send(packets.event_text(namespace, event, args))

    def call(self, event: str, *args: Any, namespace: str = packets.ROOT, timeout_s: float | None = None) -> list[Any]:
        """Send an event that asks for an answer, and return the answer's arguments; SocketFailed when none comes."""
        self._number = number = self._number + 1
        if namespace == packets.ROOT:
            key = b"%d" % number
            text = b"42%b%b" % (key, orjson.dumps((event, *args)))
        else:
            key = b"%d%b" % (number, namespace.encode())
            text = packets.event_text(namespace, event, args, number)
        waiter = Waiter(self._hub)
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        self._asked[key] = waiter, time.perf_counter() + limit_s, event
        if self._timer is None or timeout_s is not None:
            self._look_in_time()
        try:
            wire = self._wire
            if wire is None or len(text) > self._most_out:
                self._send(text)  # says what is wrong
            else:
                wire.send(text)
            return waiter.get()  # type: ignore[no-any-return]  # a list, whoever hands it over sees to that
        except Closed as closed:
            self._ended(closed)
            raise SocketFailed(Outcome.CONNECT_ERROR, closed.why) from closed
        except BaseException:  # whoever hands over an answer takes it from the list
            self._asked.pop(key, None)
            raise

    def join(self, namespace: str, auth: Any = None) -> str:
        """Join another namespace and return the session's id there; SocketFailed when the server refuses."""
        waiter = self._waiter(namespace, f"joining namespace {namespace}", None)
        try:
            self._send(packets.connect_text(namespace, auth))
            return str(waiter.get())
        finally:
            self._asked.pop(namespace, None)

    def leave(self, namespace: str) -> None:
        """Leave a namespace; the connection stays."""
        self._joined.discard(namespace)
        self._send(packets.disconnect_text(namespace))

    def _send(self, text: bytes) -> None:
        wire = self._wire
        if wire is None or self._state != "live":
            raise SocketFailed(Outcome.CONNECT_ERROR, "the session is over")
        if len(text) > self._most_out:
            raise SocketFailed(
                Outcome.CHECK_FAILED, f"a message of {len(text)} bytes; the server takes {self._most_out}"
            )
        try:
            wire.send(text)
        except Closed as closed:
            self._ended(closed)
            raise SocketFailed(Outcome.CONNECT_ERROR, closed.why) from closed

    # -- waiting -----------------------------------------------------------------------------------------------------

    def _waiter(self, key: bytes | str, what: str, timeout_s: float | None) -> Waiter:
        """Return what an answer will be handed to; one timer watches over all of a session's."""
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        waiter = Waiter(self._hub)
        self._asked[key] = waiter, time.perf_counter() + limit_s, what
        self._look_in_time()
        return waiter

    def _look_in_time(self) -> None:
        """Look when the first of those who wait has waited long enough."""
        self._look_at(max(0.0, self._next_due() - time.perf_counter()))

    def _next_due(self) -> float:
        return min(due for _, due, _ in self._asked.values())

    def _look_at(self, after_s: float) -> None:
        """Look in so many seconds whether an answer is overdue."""
        self._stop_timer()
        self._timer = timer = self._hub.loop.timer(after_s)
        timer.start(self._look, update=True)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.stop()
            timer.close()

    def _look(self) -> None:
        """Tell whoever's answer is overdue; look again when the next one may be."""
        self._stop_timer()
        now = time.perf_counter() + 0.001  # the loop's clock and this one differ by less
        for key, (waiter, due, what) in list(self._asked.items()):
            if due <= now:
                self._asked.pop(key, None)
                waiter.throw(SocketFailed(Outcome.TIMEOUT, f"no answer to {what} in time"))
        if self._asked and self._timer is None:
            self._look_in_time()

    # -- listening: all of this runs in the loop ---------------------------------------------------------------------

    def _took(self, text: bytes) -> None:
        """Do what a message asks; the two that come most are told apart without a parser."""
        self.heard = at = time.perf_counter()
        kind = text[:2]
        if kind == b"43":
            cut = text.find(b"[")
            asked = self._asked.pop(text[2:cut], None)
            if asked is not None:
                asked[0].switch(packets.list_of(text, cut))
                return
        elif kind == b"42" and text[2:3] == b"[":
            raw = text[2:]
            name, *args = packets.list_of(text, 2) or [None]
            if type(name) is not str:
                raise NotUnderstood(f"an event without a name: {packets.excerpt(text)}")
            self._on_event(Arrived(name, args, raw, at, time.time(), packets.ROOT, len(text)))
            return
        self._engine(text, at)

    def _engine(self, text: bytes, at: float) -> None:
        """Do what a message of Engine.IO asks."""
        kind = text[0] if text else None
        if "" in self._asked:
            self._asked.pop("")[0].switch(text)
        elif kind == packets.MESSAGE:
            self._take(packets.packet_of(text), at, len(text))
        elif kind == packets.PING:
            if self._wire is not None:
                self._wire.send(packets.PONG + text[1:])
        elif kind == packets.CLOSE:
            raise Closed("server", "the server closed the session")
        elif kind != packets.NOOP:
            raise NotUnderstood(f"no Engine.IO packet: {packets.excerpt(text)}")

    def _take(self, packet: Packet, at: float, size: int) -> None:
        kind, namespace = packet.kind, packet.namespace
        if kind == packets.EVENT:
            if packet.id is not None and self._wire is not None:
                self._wire.send(packets.ack_text(namespace, packet.id))
            name, *args = packet.data
            self._on_event(Arrived(name, args, packet.raw, at, time.time(), namespace, size))
        elif kind == packets.ACK:
            key = b"%d" % (packet.id or 0) + (b"" if namespace == packets.ROOT else namespace.encode())
            asked = self._asked.pop(key, None)
            if asked is not None:  # whoever asked may have given up waiting
                asked[0].switch(packet.data)
        elif kind == packets.DISCONNECT:
            self._joined.discard(namespace)
            if not self._joined:
                raise Closed("server", "the server ended the session")
        elif kind == packets.CONNECT:
            self._joined.add(namespace)
            if namespace in self._asked:
                self._asked.pop(namespace)[0].switch(_sid_of(packet))
        elif namespace in self._asked:
            self._asked.pop(namespace)[0].throw(SocketFailed(Outcome.REFUSED, _words(packet.data)))

    # -- the end -----------------------------------------------------------------------------------------------------

    def fall_silent(self) -> None:
        """End a session whose server was not heard of for too long; the watch calls this."""
        self._ended(Closed("silence", f"nothing was heard for {self.silence_s:g} s"))

    def _ended(self, error: BaseException) -> None:
        """End the session for what the connection, the protocol or a handler did."""
        if isinstance(error, Closed):
            failed = SocketFailed(Outcome.CONNECT_ERROR, error.why)
            if self._state == "opening":
                failed = SocketFailed(Outcome.CONNECT_ERROR, f"closed before the session was open: {error}")
            self._over(error.by, error.why, failed)
        elif isinstance(error, NotUnderstood):
            self._over("protocol", str(error), SocketFailed(Outcome.CHECK_FAILED, str(error)))
        else:
            text = f"{type(error).__name__} in a handler"
            self._over("bug", text, SocketFailed(Outcome.HARNESS_ERROR, text))

    def _over(self, by: EndedBy, why: str, failed: SocketFailed) -> None:
        """End the session, once: close, tell whoever waits, tell the owner."""
        state, self._state = self._state, "over"
        if state == "over":
            return
        at, at_s = time.perf_counter(), time.time()
        unwatch(self)
        self._drop(failed)
        if state == "live":
            self._on_end(Ended(by, why, at, at_s))

    def _drop(self, failed: SocketFailed | None = None) -> None:
        """Close the connection; whoever waits is told in the loop's next turn."""
        self._state = "over"
        self._stop_timer()
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()
        asked, self._asked = self._asked, {}
        for waiter, _, _ in asked.values():
            if failed is not None:
                self._hub.loop.run_callback(waiter.throw, _copy(failed))


def _copy(failed: SocketFailed) -> SocketFailed:
    """Return the same failure for another greenlet: a traceback belongs to one."""
    return SocketFailed(failed.outcome, failed.text)


def _at(phase: SocketFailed, failed: Exception) -> SocketFailed:
    """Return a failure to open, with the phases that were reached."""
    if isinstance(failed, SocketFailed):
        told = failed
    elif isinstance(failed, NotUnderstood):
        told = SocketFailed(Outcome.CHECK_FAILED, str(failed))
    else:
        told = SocketFailed(Outcome.CONNECT_ERROR, f"closed before the session was open: {failed}")
    told.connect_ms = told.connect_ms if told.connect_ms is not None else phase.connect_ms
    told.wait_ms = told.wait_ms if told.wait_ms is not None else phase.wait_ms
    told.status = told.status if told.status is not None else phase.status
    return told


def _sid_of(packet: Packet) -> str:
    sid = packet.data.get("sid") if isinstance(packet.data, dict) else None
    if not isinstance(sid, str):
        raise NotUnderstood("a namespace joined without a session id: not Socket.IO v5")
    return sid


def _words(data: Any) -> str:
    """Return why a server refuses, in its own words."""
    said = data.get("message") if isinstance(data, dict) else data
    return str(said)[:200] if said else "refused without a reason"
