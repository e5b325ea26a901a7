"""A Socket.IO client of a few lines, for tests that want to see what goes over the wire."""

from __future__ import annotations

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import websocket


class Ended(Exception):  # noqa: N818 - an ending, not always an error
    """The server, or the network, ended the session; the text says how."""


class Socket:
    """One session over a WebSocket; answers pings only while it is read from."""

    def __init__(self, address: str, *, source: str = "127.0.0.1", answers_pings: bool = True) -> None:
        parts = urlsplit(address)
        url = f"ws://{parts.netloc}/socket.io/?EIO=4&transport=websocket"
        self._plain = socket.create_connection((parts.hostname or "", parts.port or 0), 5, source_address=(source, 0))
        self._ws = websocket.create_connection(url, timeout=5, socket=self._plain)
        self._answers_pings = answers_pings
        self.pings = 0
        self.opened = json.loads(self._read(5)[1:])
        self._ws.send("40")
        self.sid = json.loads(self._packet(5)[2:])["sid"]

    def emit(self, event: str, *args: object) -> None:
        self._ws.send("42" + json.dumps([event, *args]))

    def next(self, timeout_s: float = 3.0) -> tuple[str, Any]:
        """Return the next event and its first argument; Ended when the session does, TimeoutError when none comes."""
        packet = self._packet(timeout_s)
        if packet.startswith("41"):
            raise Ended("disconnect")
        if packet.startswith("1"):
            raise Ended("close")
        assert packet.startswith("42"), packet
        event, *args = json.loads(packet[2:])
        return event, args[0] if args else None

    def wait_for(self, event: str, timeout_s: float = 3.0) -> Any:
        """Return the next event of a name, passing over others."""
        until_s = time.monotonic() + timeout_s
        while True:
            name, body = self.next(max(until_s - time.monotonic(), 0.001))
            if name == event:
                return body

    def rest(self, quiet_s: float = 0.3) -> list[tuple[str, Any]]:
        """Return every event until none has come for so long."""
        got = []
        while True:
            try:
                got.append(self.next(quiet_s))
            except TimeoutError:
                return got

    def authenticate(self, wallet: str, **more: object) -> Any:
        self.emit("authenticate", {"walletAddress": wallet, **more})
        return self.wait_for("authenticated")

    def close(self) -> None:
        self._ws.close(timeout=1)
        self._plain.close()  # which the line above leaves open when the session has ended

    def _packet(self, timeout_s: float) -> str:
        until_s = time.monotonic() + timeout_s
        while (packet := self._read(until_s - time.monotonic())) == "2":
            self.pings += 1
            if self._answers_pings:
                self._ws.send("3")
        return packet

    def _read(self, timeout_s: float) -> str:
        self._ws.settimeout(max(timeout_s, 0.001))
        try:
            packet = self._ws.recv()
        except websocket.WebSocketTimeoutException as error:
            raise TimeoutError from error
        except (websocket.WebSocketConnectionClosedException, ConnectionError) as error:
            raise Ended(f"cut: {error}") from error
        if not packet:
            raise Ended("closed")
        return str(packet)
