"""Open a seller's connections the way the target asks for: from which address, through which proxy, trusting whom."""

import select
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import gevent.socket
from gevent.monkey import get_original
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool

if TYPE_CHECKING:
    from locustfiles._transport import Trace

_poll = get_original("select", "poll")
"""The system's: gevent's own waits in the loop, and this is only a look."""
_CONNECT_BYTES: Final = 65_536
"""Longest head of a proxy's answer that is read."""
_PORT_AT_CONNECT: Final = 24
"""Linux's IP_BIND_ADDRESS_NO_PORT, which the socket module does not name: one port may serve several destinations."""
_CONNECTED: Final = b"200"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy all requests go through."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, address: str) -> "Proxy":
        """Return the proxy of `http://[user:password@]host:port`, whose credentials are percent-encoded."""
        parts = urlsplit(address)
        user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
        return cls(parts.hostname or "", parts.port or 80, user, password)


@dataclass(frozen=True, slots=True)
class Way:
    """How a seller reaches the target."""

    timeout_s: float
    keep_alive_s: float
    """A connection idle for longer is not used again: the server is about to close it (contract.md 1.1)."""
    source: str | None  # local address; None: the system's choice
    proxy: Proxy | None
    tls: ssl.SSLContext


class ProxyRefused(OSError):
    """The proxy did not open the way to the target."""


def tcp_socket(way: Way, family: int, kind: int, protocol: int) -> Any:
    """Return a socket that is not connected yet, bound to the way's source address."""
    sock = gevent.socket.socket(family, kind, protocol)
    if way.source is not None:
        try:
            sock.setsockopt(socket.SOL_IP, _PORT_AT_CONNECT, 1)
            sock.bind((way.source, 0))
        except OSError:
            sock.close()
            raise
    return sock


def read_tunnel(sock: Any) -> None:
    """Read what a proxy answers to CONNECT; ProxyRefused unless the way is open now."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = sock.recv(4096)
        if not part:
            raise ProxyRefused("the proxy hung up")
        head += part
        if len(head) > _CONNECT_BYTES:
            raise ProxyRefused("the proxy answered without end")
    status = head.split(None, 2)[1:2]
    if status != [_CONNECTED]:
        raise ProxyRefused(f"the proxy answered status {b''.join(status)[:3].decode('latin-1')}")


class Connections(ConnectionPool):
    """One seller's connection, timed when it is opened and given up when it has been idle for too long."""

    trace: "Trace"
    way: Way
    _idle_since: float = 0.0

    def _create_tcp_socket(self, family: int, socktype: int, protocol: int) -> Any:
        return tcp_socket(self.way, family, socktype, protocol)

    def _create_socket(self) -> Any:
        began = time.perf_counter()
        sock = super()._create_socket()
        self.trace.connect_ms = (time.perf_counter() - began) * 1000
        return sock

    def _setup_proxy(self, sock: Any) -> None:
        """Have the proxy open a tunnel; ProxyRefused when it does not."""
        sock.sendall(self._proxy_connect_request().encode())
        read_tunnel(sock)

    def _is_socket_alive(self, sock: Any) -> bool:
        """Return whether an idle connection may be used: not for too long idle, and nothing came over it, not its end.

        The client's own check is by select, which knows no file numbers above 1,023: from the thousandth seller on,
        each request would open a connection.
        """
        if time.perf_counter() - self._idle_since >= self.way.keep_alive_s or sock.fileno() < 0:
            return False
        poll = _poll()
        poll.register(sock.fileno(), select.POLLIN)
        return not poll.poll(0)

    def return_socket(self, sock: Any) -> None:
        """Keep a connection for the next request."""
        self._idle_since = time.perf_counter()
        super().return_socket(sock)


class TLSConnections(Connections, SSLConnectionPool):
    """The same with TLS, inside the tunnel where there is a proxy."""
