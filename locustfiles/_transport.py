"""Send one request over FastHttpUser's client and say exactly what happened to it on the wire."""

import ssl
import time
from typing import Any

import gevent
from geventhttpclient.client import HTTPClient
from geventhttpclient.connectionpool import SSLConnectionPool

from locustfiles._answers import BoundedResponse
from locustfiles._connections import Connections, TLSConnections, Way
from locustfiles._http import Trace


class TracedClient(HTTPClient):
    """One seller's connection; sends a request exactly once.

    geventhttpclient sends idempotent requests again when a connection breaks. The server would then have received two
    where we counted one, so a broken connection is a sample of its own here.
    """

    def __init__(self, *args: Any, trace: Trace, way: Way, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._trace = trace
        self._connection_pool.__class__ = TLSConnections if self.ssl else Connections
        self._connection_pool.trace = trace
        self._connection_pool.way = way

    def request(self, method: str, request_uri: str, body: Any = b"", headers: Any = None) -> BoundedResponse:
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
        response = BoundedResponse(
            sock, pool, block_size=self.block_size, method=method, headers_type=self.headers_type
        )
        trace.first_byte_at = time.perf_counter()
        response._sent_request = head.decode("latin-1")  # noqa: SLF001  # what UserAgent reads back from its clients
        return response


class OneClientPool:
    """The client of one seller, in the shape LocustUserAgent asks its pool for one."""

    def __init__(self, trace: Trace, way: Way) -> None:
        self._trace = trace
        self._way = way
        self._clients: dict[tuple[str, str, int | None], TracedClient] = {}

    def get_client(self, url: Any) -> TracedClient:
        """Return the client for an address."""
        key = (url.scheme, url.host, url.port)
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = self._new_client(url)
        return client

    def _new_client(self, url: Any) -> TracedClient:
        way, proxy = self._way, self._way.proxy
        client: TracedClient = TracedClient.from_url(
            url,
            trace=self._trace,
            way=way,
            concurrency=1,
            connection_timeout=way.timeout_s,
            network_timeout=way.timeout_s,
            ssl_context_factory=lambda cafile=None: way.tls,  # noqa: ARG005  # the client names it; ours has one
            insecure=False,
            proxy_host=None if proxy is None else proxy.host,
            proxy_port=None if proxy is None else proxy.port,
            proxy_user=None if proxy is None else proxy.user,
            proxy_password=None if proxy is None else proxy.password,
        )
        return client

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return the TLS context of a process, trusting that bundle or the system's; a seller's own costs 851 kB, 17 ms."""
    trusted = ca_file or SSLConnectionPool.default_options["ca_certs"]
    context: ssl.SSLContext = gevent.ssl.create_default_context(cafile=trusted)
    return context
