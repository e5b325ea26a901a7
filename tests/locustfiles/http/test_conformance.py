"""Answers of every shape: ours reads what RFC 9112 says is there, as FastHttpUser's does, and refuses the rest."""

import gzip
import time
from collections.abc import Callable, Sequence
from typing import Any

import gevent
import pytest
from gevent.server import StreamServer
from geventhttpclient._parser import HTTPParseError
from geventhttpclient.response import HTTPConnectionClosed

from locustfiles._answers import AnswerTooLarge
from locustfiles._http import Broken, Unanswered

CLOSE, RESET = -1.0, -2.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PACKED = gzip.compress(b"page" * 100)
Serve = Callable[..., Any]


def head(*fields: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    return "\r\n".join([f"HTTP/{version} {status}", *fields, "", ""]).encode()


# name → what the server says, method, status, body, whether the connection is used again
ANSWERS: dict[str, tuple[Sequence[bytes | float], str, int, bytes, bool]] = {
    "a body of known length": ([OK], "GET", 200, b"ok", True),
    "an empty body": ([head("Content-Length: 0")], "GET", 200, b"", True),
    "an error": ([head("Content-Length: 4", status="503 Busy") + b"busy"], "GET", 503, b"busy", True),
    "a reason that is missing": ([b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"], "GET", 200, b"ok", True),
    "a redirect, which nobody follows": (
        [head("Location: http://evil.example/", "Content-Length: 0", status="302 Found")], "GET", 302, b"", True
    ),
    "chunks": (
        [head("Transfer-Encoding: chunked") + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"], "GET", 200, b"abcde", True
    ),
    "chunks with trailers": (
        [head("Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"], "GET", 200, b"abc", True
    ),
    "chunks byte by byte": (
        [bytes((byte,)) for byte in head("Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n"],
        "GET", 200, b"abc", True,
    ),
    "a gzipped body, as it came": (
        [head("Content-Encoding: gzip", f"Content-Length: {len(PACKED)}") + PACKED], "GET", 200, PACKED, True
    ),
    "nothing to a HEAD but the head": ([head("Content-Length: 1000")], "HEAD", 200, b"", True),
    "no content": ([head(status="204 No Content")], "GET", 204, b"", True),
    "not modified, with a length": ([head("Content-Length: 9", status="304 Not Modified")], "GET", 304, b"", True),
    "an interim answer before": ([head(status="100 Continue"), 0.02, OK], "POST", 200, b"ok", True),
    "several interim answers": (
        [head("Link: </x>", status="103 Early Hints") + head(status="102 Processing") + OK], "GET", 200, b"ok", True
    ),
    "close, said beforehand": ([head("Connection: close", "Content-Length: 2") + b"ok"], "GET", 200, b"ok", False),
    "HTTP/1.0": ([head("Content-Length: 2", version="1.0") + b"ok"], "GET", 200, b"ok", False),
    "HTTP/1.0 that stays": (
        [head("Connection: keep-alive", "Content-Length: 2", version="1.0") + b"ok"], "GET", 200, b"ok", True
    ),
    "a body that ends with the connection": ([head(), b"all ", 0.02, b"of it", CLOSE], "GET", 200, b"all of it", False),
    "a body in slow pieces": (
        [head("Content-Length: 6"), 0.02, b"ab", 0.02, b"cd", 0.02, b"ef"], "GET", 200, b"abcdef", True
    ),
    "a body of a megabyte": ([head("Content-Length: 1000000"), b"x" * 1_000_000], "GET", 200, b"x" * 1_000_000, True),
    "two hundred fields": (
        [head(*(f"X-{number}: 1" for number in range(200)), "Content-Length: 2") + b"ok"], "GET", 200, b"ok", True
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_answer_is_read_as_the_rfc_says(serve: Serve, ours: Any, name: str) -> None:
    script, method, status, body, stays = ANSWERS[name]
    server = serve(script, [OK])
    client = ours(server)
    received = client.ask(method)
    assert (received.status, received.body) == (status, body)
    assert client.ask().body == b"ok"
    assert server.connections == (1 if stays else 2)


@pytest.mark.parametrize("name", ANSWERS)
def test_fasthttpuser_s_client_reads_the_same(serve: Serve, theirs: Any, name: str) -> None:
    script, method, status, body, _ = ANSWERS[name]
    assert theirs(serve(script)).ask(method) == (status, body)


# name → what the server says, what becomes of the request
FAILURES: dict[str, tuple[Sequence[bytes | float], type[BaseException], str]] = {
    "closed without a word": ([CLOSE], Unanswered, "closed"),
    "reset": ([RESET], Unanswered, "reset"),
    "half a head": ([b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE], Broken, "cut short"),
    "more than its length": ([head("Content-Length: 2") + b"ok, and more"], Broken, ""),
    "two answers to one request": ([OK + OK], Broken, ""),
    "half a body": ([head("Content-Length: 10"), b"half", 0.02, CLOSE], Broken, "cut short"),
    "half a chunk": ([head("Transfer-Encoding: chunked"), b"5\r\nab", 0.02, CLOSE], Broken, "cut short"),
    "chunks without their end": ([head("Transfer-Encoding: chunked"), b"2\r\nab\r\n", CLOSE], Broken, "cut short"),
    "no HTTP": ([b"SSH-2.0-OpenSSH_9.2\r\n"], Broken, ""),
    "a length that is none": ([head("Content-Length: ten")], Broken, ""),
    "two lengths": ([head("Content-Length: 1", "Content-Length: 2") + b"ok"], Broken, ""),
    "a length and chunks": ([head("Content-Length: 3", "Transfer-Encoding: chunked") + b"0\r\n\r\n"], Broken, ""),
    "a chunk size that is none": ([head("Transfer-Encoding: chunked") + b"xyz\r\n"], Broken, ""),
    "another protocol": ([head("Upgrade: h2c", "Connection: Upgrade", status="101 Switching")], Broken, "protocol"),
    "a head without end": ([b"HTTP/1.1 200 OK\r\n" + b"X-More: " + b"x" * 1000 + b"\r\n"] * 1 + [
        b"X-More: " + b"x" * 1000 + b"\r\n" for _ in range(80)], Broken, "head of more than"),
    "a body announced too large": ([head("Content-Length: 99999999"), *[b"x" * 1_000_000] * 18], AnswerTooLarge, "MiB"),
    "a body without end": (
        [head("Transfer-Encoding: chunked"), *[b"100000\r\n" + b"x" * 0x100000 + b"\r\n"] * 18], AnswerTooLarge, "MiB"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_no_answer_says_why_and_the_next_request_has_a_new_connection(
    serve: Serve, ours: Any, name: str
) -> None:
    script, kind, words = FAILURES[name]
    server = serve(script, [OK])
    client = ours(server)
    with pytest.raises(kind) as caught:
        client.ask()
    assert words in str(caught.value)
    server.scripts = [[OK]]
    assert client.ask().body == b"ok"
    assert server.connections == 2


@pytest.mark.parametrize("name", sorted(FAILURES.keys() - {"two answers to one request"}))  # it takes the first
def test_fasthttpuser_s_client_has_no_answer_either(serve: Serve, theirs: Any, name: str) -> None:
    script, _, _ = FAILURES[name]
    with pytest.raises((OSError, HTTPConnectionClosed, HTTPParseError, AnswerTooLarge)):
        theirs(serve(script), timeout_s=2.0).ask()


# -- time --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        [60.0],
        [b"HTTP/1.1 200 OK\r\n", 60.0],
        [head("Content-Length: 100"), *[part for _ in range(100) for part in (b"x", 0.05)]],  # never silent for long
    ],
    ids=["silence", "half a head", "a slow drip"],
)
def test_time_is_over_when_it_is_over(serve: Serve, ours: Any, script: Any) -> None:
    client = ours(serve(script), timeout_s=0.3)
    began = time.perf_counter()
    with pytest.raises(TimeoutError):
        client.ask()
    assert 0.29 < time.perf_counter() - began < 0.6


def test_time_counts_from_the_beginning_not_from_the_connection(serve: Serve, ours: Any) -> None:
    client = ours(serve([0.2, OK]), timeout_s=0.1)
    with pytest.raises(TimeoutError):
        client.ask()


def test_idle_connection_is_given_up_before_the_server_does(serve: Serve, ours: Any) -> None:
    server = serve([OK], [OK])
    client = ours(server, keep_alive_s=0.0)
    client.ask()
    client.connection._idle_since -= 1.0
    client.ask()
    assert server.connections == 2


@pytest.mark.parametrize("pause_s", [0.05, 0.6])
def test_connection_the_server_closed_while_idle_is_not_used(serve: Serve, ours: Any, pause_s: float) -> None:
    server = serve([OK, 0.01, CLOSE], [OK])
    client = ours(server)
    client.ask()
    gevent.sleep(pause_s)
    assert client.ask().body == b"ok"
    assert server.connections == 2


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_request_is_sent_once(serve: Serve, ours: Any) -> None:
    """A client that sends again behind our back makes two of the server's requests one of our samples."""
    server = serve([CLOSE], [OK])
    client = ours(server)
    with pytest.raises(Unanswered):
        client.ask()
    assert len(server.requests) == 1


def test_large_body_goes_whole(serve: Serve, ours: Any) -> None:
    server = serve([OK])
    body = bytes(range(256)) * 20_000
    assert ours(server).ask("POST", body).body == b"ok"
    assert server.requests[0].endswith(body)


def test_answer_that_comes_before_all_was_read_counts(ours: Any) -> None:
    """A server may refuse a large upload, and hang up, while it is still coming."""

    def refuse(sock: Any, _address: Any) -> None:
        sock.recv(1000)
        sock.sendall(head("Content-Length: 3", "Connection: close", status="413 Too Large") + b"big")
        gevent.sleep(0.3)

    server = StreamServer(("127.0.0.1", 0), refuse)
    server.start()

    class Named:
        address = server.address

    try:
        received = ours(Named()).ask("POST", b"x" * 10_000_000)
    finally:
        server.stop(timeout=0)
    assert received.status == 413


def test_nobody_there_is_a_request_that_was_not_sent(serve: Serve, ours: Any) -> None:
    server = serve()
    client = ours(server)
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        client.ask()
    assert not client.trace.sent


def test_trace_tells_what_happened(serve: Serve, ours: Any) -> None:
    client = ours(serve([0.05, head("Content-Length: 2"), 0.1, b"ok"], [OK]))
    client.ask()
    trace = client.trace
    assert trace.connect_ms > 0
    assert trace.sent
    assert 45 < trace.wait_ms < 120
    assert trace.request_bytes == len(b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n")
    client.ask()
    assert trace.connect_ms is None
