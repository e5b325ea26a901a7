"""Two ways of sending a seller's requests: Locust's FastHttpUser, and a connection of our own that costs less."""

import time
import zlib
from types import TracebackType
from typing import Any, Final, Self

import brotli  # type: ignore[import-untyped]  # it has no stubs
import gevent
import orjson
from locust.exception import CatchResponseError

from locustfiles import _load
from locustfiles._answers import decoded
from locustfiles._calls import Call
from locustfiles._connections import Way
from locustfiles._decoded import BoundedAnswer
from locustfiles._http import Broken, Fields, Origin, Trace, Unanswered

_ENCODINGS: Final = "gzip, deflate, br"
_PLAIN: Final = ("", "identity")

Upload = tuple[bytes, str]
"""A body, and its content type."""


class FastWire:
    """Requests over the client of FastHttpUser."""

    def __init__(self, user: Any) -> None:
        """Send with the client Locust gave a user."""
        self._user = user
        user.client.client.cookiejar = None  # a seller is told apart by his token; nothing else is kept or sent back
        user.client.client.response_type = BoundedAnswer

    def request(self, call: Call, headers: dict[str, str], json: Any, upload: Upload | None) -> Any:
        """Send once; what went wrong is in the response's `request_meta`, or is thrown."""
        with gevent.Timeout(self._user.load.target.timeout_s):
            return self._user.client.request(
                call.method,
                call.url,
                name=call.route,
                data=upload[0] if upload else None,
                json=json,
                headers=headers,
                catch_response=True,
                allow_redirects=False,
                context=_load.OURS,
            )

    def close(self) -> None:
        """Close every connection."""
        self._user.client_pool.close()


class OwnWire:
    """Requests over connections of our own: one to each address, which is one."""

    def __init__(self, user: Any, way: Way, trace: Trace) -> None:
        """Send for a user, the target's way; `trace` is told what happens to each request."""
        self._user = user
        self._way = way
        self._trace = trace
        self._origins: dict[str, Origin] = {}

    def request(self, call: Call, headers: dict[str, str], json: Any, upload: Upload | None) -> "Sent":
        """Send once; what went wrong is in the response's `request_meta`, or is thrown."""
        base = self._user.client.base_url
        origin = self._origins.get(base)
        if origin is None:
            origin = self._origins[base] = Origin(base, self._way, self._trace)
        body = upload[0] if upload else b""
        if upload is None and json is not None:
            body = orjson.dumps(json)
            headers.setdefault("Content-Type", "application/json")
            headers.setdefault("Accept", "application/json")
        headers.setdefault("Accept-Encoding", _ENCODINGS)
        sent = Sent(self._user, call, base)
        try:
            received = origin.exchange(call.method, call.url, headers, body)
            sent.took(self._trace.started_at)
            sent.status_code, sent.headers = received.status, received.fields
            sent.content = _unpacked(received.body, received.fields)
        except (OSError, Unanswered, Broken, zlib.error, brotli.error) as error:
            sent.took(self._trace.started_at)
            sent.request_meta["exception"] = error
        return sent

    def close(self) -> None:
        """Close every connection."""
        for origin in self._origins.values():
            origin.close()


class Sent:
    """One request of ours, in the shape of Locust's responses: at the end of the with-block its event is fired."""

    __slots__ = ("_failed", "_user", "content", "headers", "request_meta", "status_code")

    def __init__(self, user: Any, call: Call, base: str) -> None:
        self._user = user
        self._failed: CatchResponseError | None = None
        self.status_code = 0
        self.headers: Fields = Fields([])
        self.content = b""
        self.request_meta: dict[str, Any] = {
            "request_type": call.method,
            "name": call.route,
            "response_time": 0.0,
            "response_length": 0,
            "response": self,
            "context": {**self._user.context(), **_load.OURS},
            "exception": None,
            "start_time": call.sent_at_s,
            "url": base + call.url,
        }

    def took(self, since: float) -> None:
        """Note the time from a moment of the performance counter."""
        self.request_meta["response_time"] = (time.perf_counter() - since) * 1000

    def success(self) -> None:
        """Say that it went as it should."""
        self._failed = None

    def failure(self, text: str) -> None:
        """Say that it did not."""
        self._failed = CatchResponseError(text)

    def __enter__(self) -> Self:
        """Begin to say how it went."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell Locust's statistics, and whoever else listens."""
        meta = self.request_meta
        meta["exception"] = self._failed
        meta["response_length"] = len(self.content)
        self._user.environment.events.request.fire(**meta)


def _unpacked(body: bytes, fields: Fields) -> bytes:
    """Return a body without its content encoding."""
    if not body:
        return body
    encoding = fields.get("content-encoding", "").strip().lower()
    if encoding in _PLAIN:
        return body
    if encoding not in ("gzip", "x-gzip", "deflate", "br"):
        raise Broken(f"its content encoding is {encoding[:20]!r}, which nobody asked for")
    return decoded(body, gzip=encoding.endswith("gzip"), br=encoding == "br")
