"""Speak Socket.IO v5 over Engine.IO v4 by WebSocket only, for one session of one seller."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from typing import Any, Final

import gevent
import orjson

from locustfiles._connections import Way
from locustfiles._socketio import _packets as packets
from locustfiles._socketio._asked import GREETING, Asked
from locustfiles._socketio._dial import dial
from locustfiles._socketio._packets import NotUnderstood, Packet
from locustfiles._socketio._silence import unwatch, watch
from locustfiles._socketio._told import Arrived, Ended, EndedBy, Opened, SocketFailed
from locustfiles._socketio._wire import Closed, Wire
from runlog.schema import Outcome

_MOST_BYTES: Final = 4_000_000
"""Longest message taken in, whatever the server offers."""
_LEAST_BYTES: Final = 1_000_000
_SWITCHED: Final = 101


class SocketIO:
    """One session, used once: `open`, then events come to `on_event` until `on_end` says it is over.

    Both are called in the loop of gevent, as soon as the bytes are there: they must not wait for anything (sending is
    allowed). A handler that throws ends the session (`bug`), and its traceback goes where gevent's go.
    """

    __slots__ = (
        "_asked", "_headers", "_hub", "_joined", "_most_out", "_number", "_on_end", "_on_event", "_path", "_sid",
        "_state", "_timeout_s", "_url", "_way", "_wire", "heard", "silence_s",
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
        self._asked = Asked()
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
        wire: Wire | None = None
        try:
            with gevent.Timeout(self._timeout_s) as limit:
                wire = dial(self._url, self._way, path=self._path, headers=self._headers)
                self._begin(wire)
                sid = self._greet(wire, namespace, auth)
        except gevent.Timeout as late:
            self._drop()
            if late is not limit:
                raise
            text = f"{self._stuck(wire, namespace)} within {self._timeout_s:g} s"
            raise _at(wire, SocketFailed(Outcome.TIMEOUT, text)) from None
        except Closed as closed:
            self._drop()
            text = f"{self._stuck(wire, namespace)}: {closed.why}"
            raise _at(wire, SocketFailed(Outcome.CONNECT_ERROR, text)) from closed
        except NotUnderstood as strange:
            self._drop()
            raise _at(wire, SocketFailed(Outcome.CHECK_FAILED, str(strange))) from strange
        except SocketFailed as failed:
            self._drop()
            _at(wire, failed)
            raise
        except BaseException:
            self._drop()
            raise
        self._state = "live"
        watch(self)
        return Opened(wire.connect_ms, wire.wait_ms, (time.perf_counter() - began) * 1000, _SWITCHED, sid)

    def _begin(self, wire: Wire) -> None:
        """Have a connection from now on; SocketFailed when the session was closed while connecting."""
        if self._state == "over":
            wire.close()
            raise SocketFailed(Outcome.ABORTED, "closed")
        wire.send_s = self._timeout_s
        self._wire = wire

    def _greet(self, wire: Wire, namespace: str, auth: Any) -> str:
        """Hear the server's greeting and join a namespace; returns the session's id there."""
        wire.listen(self._took, self._ended)
        greeting = packets.greeting_of(self._asked.wait(GREETING, self._timeout_s, "the upgrade"))
        self.silence_s = greeting.ping_interval_s + greeting.ping_timeout_s
        self._most_out = greeting.max_payload or inf
        wire.longest = min(max(greeting.max_payload or 0, _LEAST_BYTES), _MOST_BYTES)
        text = packets.connect_text(namespace, auth)
        what = f"joining namespace {namespace}"
        return str(self._asked.wait_after(lambda: wire.send(text), namespace, self._timeout_s, what))

    def _stuck(self, wire: Wire | None, namespace: str) -> str:
        """Return what a session that did not open was waiting for."""
        if wire is None:
            return "not connected"
        if not self.silence_s:
            return "no greeting of an Engine.IO server"
        return f"no answer to joining namespace {namespace} (does the server speak another parser than JSON's?)"

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
        wire = self._open_wire(text)
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        try:
            if wire.put(text):
                return self._asked.wait(key, limit_s, event)  # type: ignore[no-any-return]  # a list: see `_took`
            return self._asked.wait_after(wire.wait_for_room, key, limit_s, event)  # type: ignore[no-any-return]
        except Closed as closed:
            self._ended(closed)
            raise SocketFailed(Outcome.CONNECT_ERROR, closed.why) from closed

    def join(self, namespace: str, auth: Any = None) -> str:
        """Join another namespace and return the session's id there; SocketFailed when the server refuses."""
        text = packets.connect_text(namespace, auth)
        what = f"joining namespace {namespace}"
        return str(self._asked.wait_after(lambda: self._send(text), namespace, self._timeout_s, what))

    def leave(self, namespace: str) -> None:
        """Leave a namespace; the connection stays."""
        self._joined.discard(namespace)
        self._send(packets.disconnect_text(namespace))

    def _send(self, text: bytes) -> None:
        try:
            self._open_wire(text).send(text)
        except Closed as closed:
            self._ended(closed)
            raise SocketFailed(Outcome.CONNECT_ERROR, closed.why) from closed

    def _open_wire(self, text: bytes) -> Wire:
        """Return what a message can be sent over; SocketFailed when there is nothing, or it is more than is taken."""
        wire = self._wire
        if wire is None or self._state != "live":
            raise SocketFailed(Outcome.CONNECT_ERROR, "the session is over")
        if len(text) > self._most_out:
            raise SocketFailed(
                Outcome.CHECK_FAILED, f"a message of {len(text)} bytes; the server takes {self._most_out}"
            )
        return wire

    # -- listening: all of this runs in the loop ---------------------------------------------------------------------

    def _took(self, text: bytes) -> None:
        """Do what a message asks; the two that come most are told apart without a parser."""
        self.heard = at = time.perf_counter()
        kind = text[:2]
        if kind == b"43":
            cut = text.find(b"[")
            if cut > 0 and self._asked.hand(text[2:cut], packets.list_of(text, cut)):
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
        if self._asked.hand(GREETING, text):
            return
        if kind == packets.MESSAGE:
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
            self._asked.hand(key, packet.data)  # whoever asked may have given up waiting
        elif kind == packets.DISCONNECT:
            self._joined.discard(namespace)
            if not self._joined:
                raise Closed("server", "the server ended the session")
        elif kind == packets.CONNECT:
            sid = _sid_of(packet)
            self._joined.add(namespace)
            self._asked.hand(namespace, sid)
        else:
            self._asked.refuse(namespace, SocketFailed(Outcome.REFUSED, _words(packet.data)))

    # -- the end -----------------------------------------------------------------------------------------------------

    def fall_silent(self) -> None:
        """End a session whose server was not heard of for too long; the watch calls this."""
        self._ended(Closed("silence", f"nothing was heard for {self.silence_s:g} s"))

    def _ended(self, error: BaseException) -> None:
        """End the session for what the connection, the protocol or a handler did."""
        if isinstance(error, Closed):
            self._over(error.by, error.why, SocketFailed(Outcome.CONNECT_ERROR, error.why), error)
        elif isinstance(error, NotUnderstood):
            self._over("protocol", str(error), SocketFailed(Outcome.CHECK_FAILED, str(error)), error)
        else:
            text = f"{type(error).__name__} in a handler"
            self._over("bug", text, SocketFailed(Outcome.HARNESS_ERROR, text))

    def _over(self, by: EndedBy, why: str, failed: SocketFailed, error: Exception | None = None) -> None:
        """End the session, once: close, tell whoever waits, tell the owner; who opens it is told the `error` itself."""
        state, self._state = self._state, "over"
        if state == "over":
            return
        at, at_s = time.perf_counter(), time.time()
        unwatch(self)
        self._drop(error if error is not None and state == "opening" else failed)
        if state == "live":
            self._on_end(Ended(by, why, at, at_s))

    def _drop(self, failed: Exception | None = None) -> None:
        """Close the connection; whoever waits is told in the loop's next turn."""
        self._state = "over"
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()
        self._asked.end(failed)


def _at(wire: Wire | None, failed: SocketFailed) -> SocketFailed:
    """Return a failure to open, with the phases that were reached."""
    if wire is not None:
        failed.status, failed.connect_ms, failed.wait_ms = _SWITCHED, wire.connect_ms, wire.wait_ms
    return failed


def _sid_of(packet: Packet) -> str:
    sid = packet.data.get("sid") if isinstance(packet.data, dict) else None
    if not isinstance(sid, str):
        raise NotUnderstood("a namespace joined without a session id: not Socket.IO v5")
    return sid


def _words(data: Any) -> str:
    """Return why a server refuses, in its own words."""
    said = data.get("message") if isinstance(data, dict) else data
    return str(said)[:200] if said else "refused without a reason"
