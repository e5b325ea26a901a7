"""Ask the target one thing over HTTP, briefly, and never anyone else."""

import http.client
import itertools
import ssl
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

from settings.problem import UsageProblem
from settings.target import Target, check_host

TIMEOUT_S: Final = 2.0
_MAX_BYTES: Final = 1 << 20
_MAX_REDIRECTS: Final = 3
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_unique = itertools.count(int(time.time()))


class ProbeError(Exception):
    """No usable answer came; the message is short and says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


def ask(target: Target, url: str, method: str = "GET", timeout_s: float = TIMEOUT_S) -> Answer:
    """Return the target's answer to one request without a body; `url` is a path on it or an address on its list.

    Redirects are followed on listed hosts only. ProbeError when nothing usable came within about `timeout_s`.
    """
    address = urljoin(target.url, url)
    until = time.monotonic() + timeout_s
    for _ in range(_MAX_REDIRECTS + 1):
        answer, location = _exchange(target, address, method, until)
        if answer.status not in _REDIRECTS or not location:
            return answer
        address, method = urljoin(address, location), "GET"
    raise ProbeError(f"more than {_MAX_REDIRECTS} redirects")


def _exchange(target: Target, address: str, method: str, until: float) -> tuple[Answer, str | None]:
    try:
        check_host(target, address)
    except UsageProblem as problem:
        raise ProbeError(f"not asked: {problem}") from problem
    connection = _connect(address, _left_s(until))
    try:
        connection.request(method, _unique_path(address), headers={**target.headers, "Connection": "close"})
        response = connection.getresponse()
        body = _read(response, until)
    except (OSError, http.client.HTTPException) as error:
        raise ProbeError(_words(error)) from error
    finally:
        connection.close()
    return Answer(response.status, body), response.getheader("Location")


def _connect(address: str, timeout_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout_s, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, parts.port, timeout=timeout_s)


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
        raise ProbeError("no answer in time")
    return left_s


def _unique_path(address: str) -> str:
    """Return path and query with a unique parameter: deployments answer monitoring from caches minutes old."""
    parts = urlsplit(address)
    query = f"{parts.query}&" if parts.query else ""
    return f"{parts.path or '/'}?{query}{urlencode({'u': next(_unique)})}"


def _words(error: OSError | http.client.HTTPException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
