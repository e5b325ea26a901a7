"""Open a seller's connections the way the target asks for: from which address, through which proxy, trusting whom."""

import base64
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
    from locustfiles._http import Trace

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


def connected(way: Way, host: str, port: int, *, secure: bool) -> Any:
    """Return a socket connected to the target, through the proxy and with TLS where there are; OSError when not."""
    sock = _reached(way, host, port)
    if not secure:
        return sock
    try:
        return way.tls.wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise


def _reached(way: Way, host: str, port: int) -> Any:
    proxy = way.proxy
    sock = _tcp(way, host, port) if proxy is None else _tcp(way, proxy.host, proxy.port)
    if proxy is not None:
        try:
            sock.sendall(_tunnel_request(proxy, host, port))
            read_tunnel(sock)
        except BaseException:
            sock.close()
            raise
    return sock


def _tcp(way: Way, host: str, port: int) -> Any:
    """Connect to the first address of a host that answers; OSError when none does."""
    failed: OSError | None = None
    for family, kind, protocol, _, address in gevent.socket.getaddrinfo(host, port, 0, gevent.socket.SOCK_STREAM):
        sock = tcp_socket(way, family, kind, protocol)
        try:
            sock.connect(address)
        except OSError as error:
            sock.close()
            failed = error
            continue
        except BaseException:
            sock.close()
            raise
        sock.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
        return sock
    raise failed or OSError(f"no address of {host}")


def _tunnel_request(proxy: Proxy, host: str, port: int) -> bytes:
    named = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"CONNECT {named} HTTP/1.1\r\nHost: {named}\r\n{proxy_authorization(proxy)}\r\n".encode()


def proxy_authorization(proxy: Proxy) -> str:
    """Return the header line that tells a proxy who asks; nothing where it does not want to know."""
    if proxy.user is None and proxy.password is None:
        return ""
    credentials = base64.b64encode(f"{proxy.user or ''}:{proxy.password or ''}".encode()).decode()
    return f"Proxy-Authorization: Basic {credentials}\r\n"


def nothing_came(sock: Any) -> bool:
    """Return whether nothing waits to be read on an idle connection, not even its end."""
    poll = _poll()
    poll.register(sock.fileno(), select.POLLIN)
    return not poll.poll(0)


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
        idle_s = time.perf_counter() - self._idle_since
        return idle_s < self.way.keep_alive_s and sock.fileno() >= 0 and nothing_came(sock)

    def return_socket(self, sock: Any) -> None:
        """Keep a connection for the next request."""
        self._idle_since = time.perf_counter()
        super().return_socket(sock)


class TLSConnections(Connections, SSLConnectionPool):
    """The same with TLS, inside the tunnel where there is a proxy."""
