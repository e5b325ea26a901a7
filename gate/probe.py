"""Ask the target one thing over HTTP, briefly, and never anyone else."""

import http.client
import itertools
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

from gate.dial import dial, own_headers, request_line
from runlog.redaction import redact
from settings.document import one_line
from settings.forbidden import refuse_forbidden
from settings.problem import UsageProblem
from settings.target import Target, check_host

TIMEOUT_S: Final = 2.0
_MAX_BYTES: Final = 1 << 20
_MAX_REDIRECTS: Final = 3
_MAX_WORDS: Final = 100
_LATE: Final = "no answer in time"
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_unique = itertools.count(int(time.time()))


class ProbeError(Exception):
    """No usable answer came; the message is short and says why."""


class UnknownNameError(ProbeError):
    """The host's name does not resolve."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    sent_at_s: float = field(default=0.0, compare=False)  # Unix seconds of our clock
    received_at_s: float = field(default=0.0, compare=False)  # when its head was there
    date: str | None = field(default=None, compare=False)  # the server's clock, as it said it
    sent_on_to: str | None = field(default=None, compare=False)  # where a redirect points


def ask(
    target: Target, url: str, method: str = "GET", *, timeout_s: float = TIMEOUT_S, purpose: str = "monitors"
) -> Answer:
    """Return the target's answer to one request without a body; `url` is a path on it or an address on its list.

    Redirects are followed on listed hosts only, and what the target's headers hold is not taken along to another
    origin. ProbeError when nothing usable came within about `timeout_s`.
    """
    address, headers = urljoin(target.url, url), own_headers(target, purpose)
    until = time.monotonic() + timeout_s
    for _ in range(_MAX_REDIRECTS + 1):
        answer = _exchange(target, address, method, headers, until)
        if answer.sent_on_to is None:
            return answer
        if urlsplit(answer.sent_on_to)[:2] != urlsplit(address)[:2]:
            headers = {"User-Agent": headers["User-Agent"]}
        address, method = answer.sent_on_to, "GET"
    raise ProbeError(f"more than {_MAX_REDIRECTS} redirects")


def ask_once(target: Target, url: str, *, timeout_s: float = TIMEOUT_S, purpose: str) -> Answer:
    """Return the target's answer to one GET, a redirect as it is; ProbeError when nothing usable came."""
    headers = own_headers(target, purpose)
    return _exchange(target, urljoin(target.url, url), "GET", headers, time.monotonic() + timeout_s)


def words_of(error: OSError | http.client.HTTPException) -> str:
    """Return what went wrong with a connection, in a few words without control characters and secrets."""
    if isinstance(error, TimeoutError):
        return _LATE
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    text = one_line(redact(str(error)))[:_MAX_WORDS]  # some of it is the server's own
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _onward(address: str, location: str) -> str:
    try:
        return urljoin(address, location)
    except ValueError as error:
        raise ProbeError("redirected to what is no address") from error


def _exchange(target: Target, address: str, method: str, headers: Mapping[str, str], until: float) -> Answer:
    try:
        check_host(target, address)
        refuse_forbidden(address, method)
    except (UsageProblem, ValueError) as problem:
        raise ProbeError(f"not asked: {problem}") from problem
    path, proxy_headers = request_line(target, address, _unique_path(address))
    try:
        connection = dial(target, address, _left_s(until))
        try:
            connection.connect()
            with _cut_off(connection.sock, until):
                sent_at_s = time.time()
                connection.request(method, path, headers={**headers, **proxy_headers, "Connection": "close"})
                response = connection.getresponse()
                received_at_s = time.time()
                body = _read(response, until)
        finally:
            connection.close()
    except socket.gaierror as error:
        raise UnknownNameError(words_of(error)) from error
    except (OSError, http.client.HTTPException) as error:
        raise ProbeError(words_of(error) if time.monotonic() < until else _LATE) from error
    location = response.getheader("Location") if response.status in _REDIRECTS else None
    onward = _onward(address, location) if location else None
    date = None if response.getheader("Age") else response.getheader("Date")  # a cache repeats an old one
    return Answer(response.status, body, sent_at_s, received_at_s, date, onward)


@contextmanager
def _cut_off(sock: socket.socket, until: float) -> Iterator[None]:
    """Hang up when the time is over: a socket's own timeout begins again with every byte that trickles in."""
    timer = threading.Timer(_left_s(until), socket.socket.shutdown, (sock, socket.SHUT_RDWR))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    _left_s(until)  # half a head reads like a whole one


def _read(response: http.client.HTTPResponse, until: float) -> bytes:
    """Read the body; one that trickles for longer than the probe may take, or is huge, is no answer."""
    chunks = bytearray()
    while chunk := response.read1(65536):
        chunks += chunk
        if len(chunks) > _MAX_BYTES:
            raise ProbeError(f"answer of more than {_MAX_BYTES} bytes")
        _left_s(until)
    return bytes(chunks)


def _left_s(until: float) -> float:
    left_s = until - time.monotonic()
    if left_s <= 0:
        raise ProbeError(_LATE)
    return left_s


def _unique_path(address: str) -> str:
    """Return path and query with a unique parameter: deployments answer monitoring from caches minutes old."""
    parts = urlsplit(address)
    query = f"{parts.query}&" if parts.query else ""
    return f"{parts.path or '/'}?{query}{urlencode({'u': next(_unique)})}"
