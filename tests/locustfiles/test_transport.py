"""Connections come from where, go through what and trust whom the target says, and no answer is read without end."""

import base64
import gzip
import os
import re
import resource
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]  # it has no stubs
import pytest
import trustme
from geventhttpclient.url import URL

from locustfiles._answers import LARGEST_MIB, AnswerTooLarge, decoded
from locustfiles._connections import Proxy, ProxyRefused, Way
from locustfiles._http import Origin, Trace
from locustfiles._transport import OneClientPool, tls_context

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LARGEST = LARGEST_MIB * 2**20


@dataclass
class Listener:
    """Accepts connections on a free loopback port, each served by `serve` in a thread."""

    serve: Callable[[socket.socket], None]
    peers: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    _socket: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def run(self) -> None:
        while True:
            try:
                connection, peer = self._socket.accept()
            except OSError:
                return
            connection.settimeout(5)
            self.peers.append(peer[0])
            threading.Thread(target=self._guarded, args=(connection,), daemon=True).start()

    def _guarded(self, connection: socket.socket) -> None:
        with connection:
            try:
                self.serve(connection)
            except OSError:  # the client went, as some tests want
                return

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def read_head(connection: socket.socket) -> str:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return ""
        head += byte
    return head.decode("latin-1")


@contextmanager
def listening(serve: Callable[["Listener", socket.socket], None]) -> Iterator[Listener]:
    listener = Listener(lambda connection: serve(listener, connection))
    thread = threading.Thread(target=listener.run, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        listener.close()
        thread.join(5)


def answering(answer: bytes) -> Callable[[Listener, socket.socket], None]:
    """Answer every request on a connection the same."""

    def serve(listener: Listener, connection: socket.socket) -> None:
        while head := read_head(connection):
            listener.heads.append(head)
            connection.sendall(answer)

    return serve


def way(**changes: Any) -> Way:
    given: dict[str, Any] = {"timeout_s": 5.0, "keep_alive_s": 60.0, "source": None, "proxy": None}
    return Way(**{**given, "tls": None, **changes})


class OwnPool:
    """Our own connection to each address, in the shape of the pool of FastHttpUser's client."""

    def __init__(self, trace: Trace, where: Way) -> None:
        self._trace, self._where = trace, where
        self._origins: dict[str, Origin] = {}

    def fetch(self, base: str, uri: str) -> bytes:
        self._trace.start()
        origin = self._origins.get(base) or self._origins.setdefault(base, Origin(base, self._where))
        head = f"GET {origin.prefix}{uri} HTTP/1.1\r\n{origin.fields}\r\n"
        return origin.exchange(head.encode(), self._trace).body

    def close(self) -> None:
        for origin in self._origins.values():
            origin.close()


Pool = OneClientPool | OwnPool
both = pytest.mark.parametrize("pool_of", [OneClientPool, OwnPool], ids=["fasthttp", "own"])


def fetch(pool: Pool, url: str) -> bytes:
    """Return the body a seller's one connection brings."""
    parts = URL(url)
    if isinstance(pool, OwnPool):
        default = (parts.scheme, parts.port) in (("http", 80), ("https", 443))
        where = parts.host if default else f"{parts.host}:{parts.port}"
        return pool.fetch(f"{parts.scheme}://{where}", parts.request_uri)
    body: bytes = pool.get_client(parts).request("GET", parts.request_uri).read()
    return body


# -- keep-alive --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("idle_s", "connections"), [(0.0, 1), (0.3, 2)], ids=["used again", "idle too long"])
@both
def test_connection_is_used_again_unless_it_was_idle_for_too_long(
    pool_of: Any, idle_s: float, connections: int
) -> None:
    with listening(answering(OK)) as server:
        pool = pool_of(Trace(), way(keep_alive_s=0.2))
        for _ in range(2):
            assert fetch(pool, f"http://127.0.0.1:{server.port}/") == b"ok"
            time.sleep(idle_s)
        assert len(server.peers) == connections
        pool.close()


@both
def test_connection_is_used_again_however_many_files_are_open(pool_of: Any) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_000), hard))
    with ExitStack() as files, listening(answering(OK)) as server:
        for _ in range(1_100):  # the client's own check ends at 1,023
            files.callback(os.close, os.dup(2))
        pool = pool_of(Trace(), way())
        for _ in range(3):
            assert fetch(pool, f"http://127.0.0.1:{server.port}/") == b"ok"
        assert len(server.peers) == 1
        pool.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@both
def test_connection_over_which_something_came_unasked_is_not_used_again(pool_of: Any) -> None:
    def serve(_listener: Listener, connection: socket.socket) -> None:
        while read_head(connection):
            connection.sendall(OK)
            time.sleep(0.05)
            connection.sendall(b"HTTP/1.1 408 too slow\r\n\r\n")

    with listening(serve) as server:
        pool = pool_of(Trace(), way())
        for _ in range(2):
            assert fetch(pool, f"http://127.0.0.1:{server.port}/") == b"ok"
            time.sleep(0.2)
        assert len(server.peers) == 2
        pool.close()


@both
def test_connection_the_server_closed_meanwhile_costs_no_request(pool_of: Any) -> None:
    def serve(listener: Listener, connection: socket.socket) -> None:
        listener.heads.append(read_head(connection))
        connection.sendall(OK)  # and hang up

    with listening(serve) as server:
        pool = pool_of(Trace(), way())
        for _ in range(2):
            assert fetch(pool, f"http://127.0.0.1:{server.port}/") == b"ok"
            time.sleep(0.1)
        pool.close()


# -- from which address ------------------------------------------------------------------------------------------------


@both
def test_connection_comes_from_the_address_of_the_seller(pool_of: Any) -> None:
    with listening(answering(OK)) as server:
        for source in ("127.0.0.2", "127.0.0.3", None):
            pool = pool_of(Trace(), way(source=source))
            fetch(pool, f"http://127.0.0.1:{server.port}/")
            pool.close()
        assert server.peers == ["127.0.0.2", "127.0.0.3", "127.0.0.1"]


@both
def test_address_this_machine_does_not_have_is_no_connection(pool_of: Any) -> None:
    trace = Trace()
    with listening(answering(OK)) as server, pytest.raises(OSError, match="assign"):
        fetch(pool_of(trace, way(source="192.0.2.7")), f"http://127.0.0.1:{server.port}/")
    assert not trace.sent


# -- through a proxy ---------------------------------------------------------------------------------------------------

# an address by what it has, and the user and password in it
PROXIES: dict[str, tuple[str, str | None, str | None]] = {
    "plain": ("http://proxy.example:3128", None, None),
    "with credentials": ("http://ann:s3%40cret@proxy.example:3128", "ann", "s3@cret"),
    "without a port": ("http://proxy.example", None, None),
}


@pytest.mark.parametrize(("address", "user", "password"), PROXIES.values(), ids=PROXIES.keys())
def test_address_of_a_proxy_is_read(address: str, user: str | None, password: str | None) -> None:
    proxy = Proxy.of(address)
    assert (proxy.host, proxy.user, proxy.password) == ("proxy.example", user, password)
    assert proxy.port == (3128 if ":3128" in address else 80)
    assert password is None or password not in repr(proxy)


@both
def test_plain_request_asks_the_proxy_for_the_whole_address_and_says_who_asks(pool_of: Any) -> None:
    with listening(answering(OK)) as proxy:
        proxied = way(proxy=Proxy("127.0.0.1", proxy.port, "ann", "s3@cret"))
        pool = pool_of(Trace(), proxied)
        assert fetch(pool, "http://backend.test:8080/api/x?page=1") == b"ok"
        pool.close()
    (head,) = proxy.heads
    assert head.startswith("GET http://backend.test:8080/api/x?page=1 HTTP/1.1\r\n")
    said = re.search(r"(?im)^proxy-authorization: Basic (\S+)", head)
    assert said is not None
    assert base64.b64decode(said[1]) == b"ann:s3@cret"


@dataclass(frozen=True)
class Authority:
    """Who signs a server's certificate, and where a client finds that out."""

    file: Path
    server: ssl.SSLContext


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    ca, folder = trustme.CA(), tmp_path_factory.mktemp("ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("backend.test", "127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(folder / "ca.pem")
    return Authority(folder / "ca.pem", context)


def _tunnel(answer: bytes, context: ssl.SSLContext | None = None) -> Callable[[Listener, socket.socket], None]:
    """Answer CONNECT, then be the backend at the other end of the tunnel."""

    def serve(listener: Listener, connection: socket.socket) -> None:
        listener.heads.append(read_head(connection))
        connection.sendall(answer)
        if context is not None:
            with context.wrap_socket(connection, server_side=True) as inside:
                listener.heads.append(read_head(inside))
                inside.sendall(OK)

    return serve


@both
def test_tls_goes_through_a_tunnel_whose_credentials_the_backend_never_sees(pool_of: Any, authority: Authority) -> None:
    with listening(_tunnel(b"HTTP/1.1 200 go\r\n\r\n", authority.server)) as proxy:
        proxied = way(proxy=Proxy("127.0.0.1", proxy.port, "ann", "pw"), tls=tls_context(str(authority.file)))
        pool = pool_of(Trace(), proxied)
        assert fetch(pool, "https://backend.test/api/x") == b"ok"
        pool.close()
    outside, inside = proxy.heads
    assert outside.startswith("CONNECT backend.test:443 HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic " in outside
    assert inside.startswith("GET /api/x HTTP/1.1\r\n")
    assert "proxy-authorization" not in inside.lower()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 407 who are you\r\n\r\n", "status 407"),
        (b"HTTP/1.1 502 nobody there\r\n\r\n", "status 502"),
        (b"\r\n\r\n", "status "),
        (b"", "hung up"),
        (b"x" * 70_000, "without end"),
    ],
    ids=["407", "502", "blank", "nothing", "endless"],
)
@both
def test_proxy_that_opens_no_tunnel_is_no_connection(
    pool_of: Any, answer: bytes, why: str, authority: Authority
) -> None:
    trace, tls = Trace(), tls_context(str(authority.file))
    with listening(_tunnel(answer)) as proxy, pytest.raises(ProxyRefused, match=why):
        fetch(pool_of(trace, way(proxy=Proxy("127.0.0.1", proxy.port), tls=tls)), "https://backend.test/")
    assert not trace.sent


# -- trusting whom -----------------------------------------------------------------------------------------------------


def _tls(listener: Listener, connection: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(connection, server_side=True) as inside:
        answering(OK)(listener, inside)  # type: ignore[arg-type]  # an SSLSocket is a socket


@both
def test_certificate_is_held_against_the_bundle_of_the_target(pool_of: Any, authority: Authority) -> None:
    with listening(lambda listener, connection: _tls(listener, connection, authority.server)) as server:
        url = f"https://127.0.0.1:{server.port}/"
        pool = pool_of(Trace(), way(tls=tls_context(str(authority.file))))
        assert fetch(pool, url) == b"ok"
        pool.close()
        with pytest.raises(ssl.SSLCertVerificationError):  # the system's bundle does not know this authority
            fetch(pool_of(Trace(), way(tls=tls_context(None))), url)


@both
def test_certificate_of_another_name_is_refused(pool_of: Any, authority: Authority) -> None:
    with (
        listening(lambda listener, connection: _tls(listener, connection, authority.server)) as server,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        fetch(pool_of(Trace(), way(tls=tls_context(str(authority.file)))), f"https://localhost:{server.port}/")


# -- how much is read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", [0, 1])
@both
def test_body_is_read_up_to_the_largest_size_and_then_the_connection_is_closed(pool_of: Any, over: int) -> None:
    body = b"x" * (LARGEST + over)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with listening(answering(answer)) as server:
        pool, url = pool_of(Trace(), way()), f"http://127.0.0.1:{server.port}/"
        for _ in range(2):
            if over:
                with pytest.raises(AnswerTooLarge):
                    fetch(pool, url)
            else:
                assert len(fetch(pool, url)) == LARGEST
        assert len(server.peers) == (2 if over else 1)
        pool.close()


def _deflated(content: bytes, window_bits: int) -> bytes:
    packer = zlib.compressobj(wbits=window_bits)
    return packer.compress(content) + packer.flush()


# id: (how to pack, which coding to unpack)
CODINGS: dict[str, tuple[Callable[[bytes], bytes], dict[str, bool]]] = {
    "gzip": (gzip.compress, {"gzip": True, "br": False}),
    "deflate": (lambda content: _deflated(content, -15), {"gzip": False, "br": False}),
    "deflate with a zlib head": (lambda content: _deflated(content, 15), {"gzip": False, "br": False}),
    "br": (lambda content: bytes(brotli.compress(content, quality=1)), {"gzip": False, "br": True}),
}


@pytest.mark.parametrize(("pack", "coding"), CODINGS.values(), ids=CODINGS.keys())
def test_body_is_decoded_up_to_the_largest_size(pack: Callable[[bytes], bytes], coding: dict[str, bool]) -> None:
    assert decoded(pack(b"hello"), **coding) == b"hello"
    assert len(decoded(pack(b"x" * LARGEST), **coding)) == LARGEST
    with pytest.raises(AnswerTooLarge):
        decoded(pack(b"x" * (LARGEST + 1)), **coding)
    bomb = pack(b"x" * (LARGEST * 8))
    tracemalloc.start()
    try:
        with pytest.raises(AnswerTooLarge):
            decoded(bomb, **coding)
        assert tracemalloc.get_traced_memory()[1] < 4 * LARGEST  # not unpacked to see how large it is
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("pack", "coding"), CODINGS.values(), ids=CODINGS.keys())
def test_body_that_is_cut_off_or_no_such_coding_is_an_error(
    pack: Callable[[bytes], bytes], coding: dict[str, bool]
) -> None:
    for broken in (pack(b"hello" * 100)[:-3], b"{}", b""):
        with pytest.raises((zlib.error, brotli.error)):
            decoded(broken, **coding)
