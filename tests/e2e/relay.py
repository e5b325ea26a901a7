"""Stand between a generator and a server, note every byte, and hand out a cookie nobody asked for."""

import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_TELLING = re.compile(
    rb'(?i)(?:authorization: (?:Bearer|Basic) |"(?:token|refreshToken|signature|nonce)":\s?")([\w.+/=-]{16,})'
)


@dataclass
class Relay:
    """A TCP relay on a free loopback port; `secrets` are what went through it and must not be kept.

    With `spoil` every fourth answer to a request with these bytes in it says 500, whatever the server said.
    """

    onward: str
    cookie: str
    spoil: bytes | None = None
    heard: list[bytes] = field(default_factory=list)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: list[socket.socket] = field(default_factory=list)
    _asked: int = 0
    _to_spoil: set[socket.socket] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        parts = urlsplit(self.onward)
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection((str(parts.hostname), int(parts.port or 80)))
            except OSError:
                return
            self._open += [near, far]
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pump, args=(near, far, b""), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, self.cookie.encode()), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, cookie: bytes) -> None:
        try:
            while data := source.recv(1 << 16):
                self.heard.append(data)
                if self.spoil is not None and self.spoil in data and not cookie:
                    self._asked += 1
                    if self._asked % 4 == 0:
                        self._to_spoil.add(source)
                if cookie and sink in self._to_spoil and data.startswith(b"HTTP/1.1 200 "):
                    self._to_spoil.discard(sink)
                    data = data.replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 500 Internal Server Error", 1)
                if cookie:
                    data = data.replace(b"\r\nx-frame-options", b"\r\nset-cookie: " + cookie + b"\r\nx-frame-options")
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for each in (source, sink):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        for each in self._open:
            each.close()

    def secrets(self) -> set[str]:
        """Tokens, signatures, nonces and credentials that went through."""
        return {match.decode() for data in self.heard for match in _TELLING.findall(data)}
