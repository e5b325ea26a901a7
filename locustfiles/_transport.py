"""Send one request over FastHttpUser's client and say exactly what happened to it on the wire."""

import ssl
import time
from typing import Any, ClassVar

import gevent
from geventhttpclient.client import HTTPClient
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool
from geventhttpclient.response import HTTPSocketPoolResponse


class Trace:
    """What happened to the request being sent: when it was connected, sent, first answered."""

    __slots__ = ("connect_ms", "first_byte_at", "request_bytes", "sent", "started_at")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the request before; times are perf_counter seconds."""
        self.started_at = time.perf_counter()
        self.connect_ms: float | None = None
        self.sent = False
        self.first_byte_at: float | None = None
        self.request_bytes: int | None = None

    @property
    def wait_ms(self) -> float | None:
        """Milliseconds from the start until the answer's head had come."""
        return None if self.first_byte_at is None else (self.first_byte_at - self.started_at) * 1000


class _TracedConnections:
    """Time TCP and TLS of a new connection; mixed into both kinds of pool."""

    trace: Trace

    def _create_socket(self) -> Any:
        began = time.perf_counter()
        sock = super()._create_socket()  # type: ignore[misc]  # the pool beside it in the MRO has it
        self.trace.connect_ms = (time.perf_counter() - began) * 1000
        return sock


class _Connections(_TracedConnections, ConnectionPool):
    pass


class _TLSConnections(_TracedConnections, SSLConnectionPool):
    pass


class TracedClient(HTTPClient):
    """One seller's connection; sends a request exactly once.

    geventhttpclient sends idempotent requests again when a connection breaks. The server would then have received two
    where we counted one, so a broken connection is a sample of its own here.
    """

    def __init__(self, *args: Any, trace: Trace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._trace = trace
        self._connection_pool.__class__ = _TLSConnections if self.ssl else _Connections
        self._connection_pool.trace = trace

    def request(self, method: str, request_uri: str, body: Any = b"", headers: Any = None) -> HTTPSocketPoolResponse:
        """Send once and return the answer with its head read; OSError or HTTPConnectionClosed when that fails."""
        payload = body.encode() if isinstance(body, str) else body or b""
        head = self._build_request(method, request_uri, body=payload, headers=headers).encode("latin-1")
        pool, trace = self._connection_pool, self._trace
        sock = pool.get_socket()
        trace.request_bytes = len(head) + len(payload)
        try:
            sock.sendall(head + payload)
        except OSError:  # the server had hung up: it read nothing of this
            pool.release_socket(sock)
            raise
        except BaseException:  # cut while sending: some of it is on its way
            trace.sent = True
            pool.release_socket(sock)
            raise
        trace.sent = True
        response = HTTPSocketPoolResponse(
            sock, pool, block_size=self.block_size, method=method, headers_type=self.headers_type
        )
        trace.first_byte_at = time.perf_counter()
        response._sent_request = head.decode("latin-1")  # noqa: SLF001  # what UserAgent reads back from its clients
        return response


class OneClientPool:
    """The client of one seller, in the shape LocustUserAgent asks its pool for one."""

    tls_context: ClassVar[ssl.SSLContext | None] = None

    def __init__(self, trace: Trace, timeout_s: float) -> None:
        self._trace = trace
        self._timeout_s = timeout_s
        self._clients: dict[tuple[str, str, int | None], TracedClient] = {}

    @classmethod
    def shared_tls(cls, cafile: str | None = None) -> ssl.SSLContext:
        """Return the one TLS context of this process: a context a seller costs 851 kB and 17 ms each."""
        if cls.tls_context is None:
            cls.tls_context = gevent.ssl.create_default_context(cafile=cafile)
        return cls.tls_context

    def get_client(self, url: Any) -> TracedClient:
        """Return the client for an address."""
        key = (url.scheme, url.host, url.port)
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = TracedClient.from_url(
                url,
                trace=self._trace,
                concurrency=1,
                connection_timeout=self._timeout_s,
                network_timeout=self._timeout_s,
                ssl_context_factory=self.shared_tls,
                insecure=False,
            )
        return client

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()
