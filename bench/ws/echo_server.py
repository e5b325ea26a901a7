"""Answer Socket.IO sessions on loopback: authenticate, subscribe, acknowledge `echo` with what it brought, emit events.

Engine.IO 4 and Socket.IO 5 for as little CPU as one Python process can do it: the clients are what is measured, both
meet this same server, and a slow one would set their pace. Its first line says its port; it ends when its standard
input does.

An `echo` is acknowledged in the next turn, of which there are a hundred a second: whoever asks again as soon as it is
answered is served at the same rate as anybody else, without a timer of its own, and finds several answers at once as a
busy load generator does.

What the driver asks over HTTP, at the port of the sessions: `GET /bench/stats`, and `GET /bench/emit?for_s=30`, from
which on every subscribed session gets one `notification` a second.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import uvloop

from bench.ws.frames import CLOSE, TEXT, NotServed, accept_key, take_frames, text_frame

PING_INTERVAL_S: Final = 5.0
"""Shorter than a real server's 25 s or 45 s, so that every session answers pings while it is measured."""
PING_TIMEOUT_S: Final = 20.0
BACKLOG: Final = 4_096
TURNS_A_SECOND: Final = 100
"""A second of acknowledgements, and of events, goes out in so many parts."""


class EchoServer:
    """All sessions of one benchmark, and what was done for them."""

    def __init__(self) -> None:
        self.live: set[Session] = set()
        self.subscribed: list[Session] = []
        self.acks = self.strange = 0
        self.owed: list[tuple[Session, bytes]] = []
        self._emitted = 0
        self._emitting: asyncio.Task[None] | None = None

    def answer(self, target: str) -> str:
        """Do what the driver asks and say how things stand."""
        url = urlsplit(target)
        if url.path == "/bench/emit":
            self._emitting = asyncio.create_task(self._emit_for(int(parse_qs(url.query)["for_s"][0])))
        stats = {
            "live": len(self.live),
            "subscribed": len(self.subscribed),
            "acks": self.acks,
            "emitted": self._emitted,
            "emitting": self._emitting is not None and not self._emitting.done(),
            "pings": sum(session.pinged for session in self.live),
            "pongs": sum(session.ponged for session in self.live),
            "strange": self.strange,
            "cpu_s": time.process_time(),
        }
        return json.dumps(stats)

    async def ping_for_ever(self) -> None:
        """Ping every session when it is due, looking ten times an interval."""
        while True:
            await asyncio.sleep(PING_INTERVAL_S / 10)
            now = time.monotonic()
            for session in [session for session in self.live if session.ping_due <= now]:
                session.ping(now)

    async def acknowledge_for_ever(self) -> None:
        """Send in every turn the acknowledgements that are owed by then."""
        due = time.monotonic()
        while True:
            due = max(due + 1 / TURNS_A_SECOND, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            owed, self.owed = self.owed, []
            for session, packet in owed:
                session.acknowledge(packet)

    async def _emit_for(self, seconds: int) -> None:
        """Emit an event a second to each subscribed session, spread over the second."""
        sessions, began = list(self.subscribed), time.monotonic()
        for number in range(seconds * TURNS_A_SECOND):
            await asyncio.sleep(max(0.0, began + number / TURNS_A_SECOND - time.monotonic()))
            for session in sessions[number % TURNS_A_SECOND :: TURNS_A_SECOND]:
                self._emitted += 1
                session.emit_next()


class Session(asyncio.Protocol):
    """One client, from its HTTP request on: what it is to be sent and what it answered."""

    def __init__(self, server: EchoServer) -> None:
        self._server = server
        self._received = bytearray()
        self._upgraded = False
        self._wallet = ""
        self._emitted = self.pinged = self.ponged = 0
        self.ping_due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # that of a stream is one

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # however it ended
        """Forget the client; events for it are lost from here on."""
        self._server.live.discard(self)

    def data_received(self, data: bytes) -> None:
        """Read what came; hang up on what no client of the benchmark sends."""
        self._received += data
        if not self._upgraded and not self._upgrade():
            return
        try:
            frames = take_frames(self._received)
        except NotServed:
            self._server.strange += 1
            frames = [(CLOSE, b"")]
        for opcode, packet in frames:
            if opcode == TEXT:
                self._packet(packet)
            else:
                self._transport.close()
                return

    def ping(self, now: float) -> None:
        """Send a ping; hang up instead when the client left more than a time-out's worth of them unanswered."""
        if (self.pinged - self.ponged) * PING_INTERVAL_S > PING_TIMEOUT_S:
            self._transport.close()
            return
        self.pinged += 1
        self.ping_due = now + PING_INTERVAL_S
        self._send(b"2")

    def acknowledge(self, packet: bytes) -> None:
        """Send an acknowledgement, unless the client is gone."""
        if not self._transport.is_closing():
            self._server.acks += 1
            self._send(packet)

    def emit_next(self) -> None:
        """Send the client's next event, in the form of the sandbox; nobody hears it when the client is gone."""
        self._emitted += 1
        if self._transport.is_closing():
            return
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        number = f"{self._wallet}-{self._emitted}"
        stored = f'{{"id":"{number}","title":"New order","message":"Order {number} came in","type":"mention"}}'
        of_all = f'"eventId":"{number}","seq":{self._emitted},"timestamp":"{stamp}"'
        self._send(f'42["notification",{{{of_all},"type":"notification:new","data":{stored}}}]'.encode())

    def _send(self, packet: bytes) -> None:
        self._transport.write(text_frame(packet))

    def _send_event(self, event: str, content: dict[str, object]) -> None:
        self._send(b"42" + json.dumps([event, content], separators=(",", ":")).encode())

    def _upgrade(self) -> bool:
        """Answer the HTTP request once it is whole; return whether WebSocket frames follow."""
        head, end, rest = bytes(self._received).partition(b"\r\n\r\n")
        if not end:
            return False
        target, *lines = head.split(b"\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        path = target.split(b" ")[1].decode()
        if path.startswith("/bench/"):
            body = self._server.answer(path)
            self._transport.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            self._transport.close()
            return False
        accept = accept_key(headers[b"sec-websocket-key"])
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self._transport.write(f"{answer}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        self._received, self._upgraded = bytearray(rest), True
        opening = {"sid": uuid4().hex, "upgrades": [], "maxPayload": 1_000_000}
        opening |= {"pingInterval": int(PING_INTERVAL_S * 1000), "pingTimeout": int(PING_TIMEOUT_S * 1000)}
        self._send(b"0" + json.dumps(opening).encode())
        return True

    def _packet(self, packet: bytes) -> None:
        """Do what a packet asks."""
        if packet[:2] == b"42":
            self._event(packet)
        elif packet == b"3":
            self.ponged += 1
        elif packet[:2] == b"40":  # with whatever authentication: it is the event that counts
            self._server.live.add(self)
            self.ping_due = time.monotonic() + PING_INTERVAL_S
            self._send(b'40{"sid":"' + uuid4().hex.encode() + b'"}')
            self._send_event("server_info", {"resourceConstrained": False, "features": ["benchmark"]})
        elif packet != b"41":  # a farewell, which the end of the connection follows
            self._server.strange += 1

    def _event(self, packet: bytes) -> None:
        cut = packet.index(b"[")
        event, content = json.loads(packet[cut:])
        if event == "echo":
            self._server.owed.append((self, b"43" + packet[2:cut] + json.dumps([content]).encode()))
        elif event == "authenticate":
            self._wallet = content["walletAddress"]
            answer = {"message": "authenticated", "connectedUsers": 1, "reconnecting": False, "subscriptions": []}
            self._send_event("authenticated", answer)
        elif event == "subscribe":
            self._server.subscribed.append(self)
            self._send_event("subscribed", {"subscriptionId": uuid4().hex, **content})
        else:
            self._server.strange += 1


async def _serve() -> None:
    server, loop = EchoServer(), asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Session(server), "127.0.0.1", 0, backlog=BACKLOG)
    duties = [asyncio.create_task(server.ping_for_ever()), asyncio.create_task(server.acknowledge_for_ever())]
    async with listening:
        print(listening.sockets[0].getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
    for duty in duties:
        duty.cancel()


if __name__ == "__main__":
    uvloop.run(_serve())
