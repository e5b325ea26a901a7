"""Let sellers in over Socket.IO, refuse those too many, and cut some off where a fault says so."""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

import socketio
from engineio.packet import MESSAGE, Packet

from sandbox.chaos import Chaos
from sandbox.realtime.desk import Desk
from sandbox.realtime.headcount import Headcount
from sandbox.realtime.publisher import Publisher
from sandbox.realtime.sessions import Session, Sessions
from sandbox.realtime.terms import Terms
from sandbox.realtime.transport import cut_of

PATH = "/socket.io"
TOO_MANY_FROM_ADDRESS = "Too many connections from your IP"
AT_CAPACITY = "Server at maximum capacity"
DROPPED = "dropped"
TRANSPORTS = ["websocket", "polling"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def is_for_sockets(scope: Message) -> bool:
    """Say whether a connection or a request (of the polling transport) is not for the HTTP side."""
    return scope["type"] == "websocket" or _is_socket_io(scope)


def _is_socket_io(scope: Message) -> bool:
    path: str = scope["path"]
    return path == PATH or path.startswith(f"{PATH}/")


class _Stamped(Packet):  # type: ignore[misc] # python-engineio ships no types
    """A packet that says when the socket takes it: it is encoded right before it is written."""

    def __init__(self, data: str, taken: Callable[[], None]) -> None:
        super().__init__(MESSAGE, data=data)
        self._taken = taken

    def encode(self, b64: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - as overridden
        """Return what is written to the socket."""
        self._taken()
        return super().encode(b64)


class Realtime:
    """The ASGI application beside the HTTP side."""

    def __init__(
        self, chaos: Chaos, headcount: Headcount, sessions: Sessions, publisher: Publisher, terms: Terms
    ) -> None:
        self.terms = terms
        self.sessions = sessions
        self.publisher = publisher
        self._chaos = chaos
        self._headcount = headcount
        self._server = _server(terms)
        self._desk = Desk(self._server, sessions, publisher, chaos, terms)
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        for event, handler in self._desk.handlers().items():
            self._server.on(event, handler)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle a WebSocket, or a request of the polling transport."""
        cut = cut_of(scope)
        if _is_socket_io(scope):
            await self._server.handle_request(scope, receive, send)
        elif cut is not None:
            cut()  # other sockets do not exist: closed without an answer (contract 8.6)

    @property
    def accepting(self) -> bool:
        """Whether no fault refuses everybody at the moment."""
        return not self._chaos.switched("refuse_sockets")

    @property
    def rooms(self) -> int:
        """How many rooms somebody is in."""
        sids = {session.sid for session in self.sessions.everybody()}
        return len({room for sid in sids for room in self._server.rooms(sid)} - sids)

    async def drop(self, pick: Callable[[int], int]) -> bool:
        """Cut off one authenticated session without a word; ``pick`` draws below a number. False: there was none."""
        here = [session for session in self.sessions.everybody() if session.wallet is not None]
        if not here:
            return False
        session = here[pick(len(here))]
        session.cut()
        await self._end(session, DROPPED)
        return True

    async def close(self) -> None:
        """Stop what runs beside the sessions."""
        await self._server.shutdown()

    async def _connect(self, sid: str, environ: Message, _auth: object) -> bool:
        scope: Message = environ["asgi.scope"]
        self._headcount.opened += 1
        address = str((scope.get("client") or ("unknown",))[0])
        refusal = self._refusal(address)
        if refusal is not None:
            self._headcount.refused[refusal] += 1
            await self._server.emit("error", {"message": refusal}, to=sid)
            return False
        engine_sid: str = self._server.manager.eio_sid_from_sid(sid, "/")
        cut = cut_of(scope) or partial(self._server.start_background_task, self._server.eio.disconnect, engine_sid)
        session = Session(sid, address, partial(self._send, engine_sid), cut)
        self.sessions.add(session)
        await self._desk.greet(session)
        return True

    def _refusal(self, address: str) -> str | None:
        """Return the words for one too many; only authenticated ones count, and only here (contract 8.2)."""
        if not self.accepting:
            self._chaos.count("refuse_sockets")
            return AT_CAPACITY
        if self.terms.cap is not None and self.sessions.authenticated >= self.terms.cap:
            return AT_CAPACITY
        cap = self.terms.cap_per_address
        return TOO_MANY_FROM_ADDRESS if cap is not None and self.sessions.authenticated_from(address) >= cap else None

    def _send(self, engine_sid: str, packet: str, taken: Callable[[], None]) -> None:
        """Queue a packet at once, as ``send_packet`` does when it is awaited: whatever happens next comes after it."""
        engine_session = self._server.eio.sockets.get(engine_sid)
        if engine_session is not None:
            engine_session.queue.put_nowait(_Stamped(packet, taken))

    async def _disconnect(self, sid: str, reason: str) -> None:
        session = self.sessions.find(sid)
        if session is not None:
            await self._end(session, reason)

    async def _end(self, session: Session, reason: str) -> None:
        wallet = session.wallet
        self.sessions.remove(session, reason)
        if wallet is not None:
            self.publisher.left(wallet)
            await self._desk.farewell(wallet)


def _server(terms: Terms) -> Any:  # noqa: ANN401 - python-socketio ships no types
    return socketio.AsyncServer(
        async_mode="asgi",
        async_handlers=False,  # what a client says is answered in the order it was said
        always_connect=True,  # whoever is refused is told why over a connection, as the product does it
        cors_allowed_origins="*",
        transports=TRANSPORTS,
        ping_interval=terms.ping_interval_s,
        ping_timeout=terms.ping_timeout_s,
        max_http_buffer_size=terms.payload_at_most_bytes,
    )
