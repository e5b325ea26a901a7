"""A server that says byte for byte what a test has it say."""

import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gevent
import pytest
from gevent.server import StreamServer
from geventhttpclient import URL

from locustfiles._connections import Way
from locustfiles._http import Connection, Received, Trace
from locustfiles._transport import OneClientPool

Part = bytes | float
"""Bytes that are sent, or seconds of silence."""
CLOSE: float = -1.0
"""In place of a part: close the connection."""
RESET: float = -2.0
"""Likewise, without a word of TCP."""


class Scripted:
    """Answers each request of each connection with the next script; counts connections and requests."""

    def __init__(self, scripts: Sequence[Sequence[Part]]) -> None:
        self.scripts = list(scripts)
        self.connections = 0
        self.requests: list[bytes] = []
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._server.address
        return host, port

    def _serve(self, sock: Any, _address: Any) -> None:
        self.connections += 1
        try:
            while request := read_request(sock):
                self.requests.append(request)
                if not self.scripts or not self._say(sock, self.scripts.pop(0)):
                    return
        except OSError:
            return

    def _say(self, sock: Any, script: Sequence[Part]) -> bool:
        for part in script:
            if isinstance(part, bytes):
                sock.sendall(part)
            elif part == RESET:
                sock.setsockopt(gevent.socket.SOL_SOCKET, gevent.socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.close()
                return False
            elif part == CLOSE:
                return False
            else:
                gevent.sleep(part)
        return True

    def stop(self) -> None:
        self._server.stop(timeout=0)


def read_request(sock: Any) -> bytes:
    """Read one request; nothing at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65_536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    size = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < size:
        body += sock.recv(65_536)
    return head + b"\r\n\r\n" + body


class Ours:
    """Our connection."""

    def __init__(self, server: Scripted, timeout_s: float = 5.0, keep_alive_s: float = 60.0) -> None:
        self.trace = Trace()
        way = Way(timeout_s, keep_alive_s, source=None, proxy=None, tls=ssl.create_default_context())
        self.connection = Connection(server.address, way, secure=False)

    def ask(self, method: str = "GET", body: bytes = b"") -> Received:
        self.trace.start()
        head = f"{method} /page HTTP/1.1\r\nHost: x\r\n".encode()
        size = f"Content-Length: {len(body)}\r\n".encode() if body else b""
        return self.connection.exchange(head + size + b"\r\n" + body, self.trace, to_head=method == "HEAD")


class Theirs:
    """The client that FastHttpUser sends with."""

    def __init__(self, server: Scripted, timeout_s: float = 5.0) -> None:
        way = Way(timeout_s, 60.0, source=None, proxy=None, tls=ssl.create_default_context())
        host, port = server.address
        self._client = OneClientPool(Trace(), way).get_client(URL(f"http://{host}:{port}"))

    def ask(self, method: str = "GET", body: bytes = b"") -> tuple[int, bytes]:
        answer = self._client.request(method, "/page", body=body)
        return answer.status_code, bytes(answer.read())

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Scripted]]:
    """Start servers; ended with the test."""
    started: list[Scripted] = []

    def start(*scripts: Sequence[Part]) -> Scripted:
        started.append(Scripted(scripts))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def ours() -> Iterator[Callable[..., Ours]]:
    """Make our clients; closed with the test."""
    made: list[Ours] = []

    def make(*arguments: Any, **more: Any) -> Ours:
        made.append(Ours(*arguments, **more))
        return made[-1]

    yield make
    for each in made:
        each.connection.close()


@pytest.fixture
def theirs() -> Iterator[Callable[..., Theirs]]:
    """Make clients of FastHttpUser's; closed with the test."""
    made: list[Theirs] = []

    def make(*arguments: Any, **more: Any) -> Theirs:
        made.append(Theirs(*arguments, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()
