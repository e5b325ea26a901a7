"""Two ways of sending a seller's requests: Locust's FastHttpUser, and a connection of our own that costs less."""

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import brotli  # type: ignore[import-untyped]  # it has no stubs
import gevent
import orjson
from locust import User
from locust.contrib.fasthttp import LocustBadStatusCode
from locust.exception import CatchResponseError

from locustfiles import _load
from locustfiles._answers import decoded
from locustfiles._calls import STEP_HEADER, Call
from locustfiles._checks import Answer
from locustfiles._connections import Way
from locustfiles._decoded import BoundedAnswer
from locustfiles._http import Broken, Fields, Origin, Unanswered

if TYPE_CHECKING:
    from locustfiles._sending import Sender

_ENCODINGS: Final = "gzip, deflate, br"
_PLAIN: Final = ("", "identity")
_JSON: Final = "application/json"
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
"""Methods whose requests say nothing of a body when they have none."""


class Cut(Exception):
    """A request that got no whole answer, because of `cause`."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


class FastWire:
    """Requests over the client of FastHttpUser."""

    def __init__(self, user: "Sender") -> None:
        """Send with the client of a user."""
        self._user = user
        self._sent: Any = None
        user.client.client.cookiejar = None  # a seller is told apart by his token; nothing else is kept or sent back
        user.client.client.response_type = BoundedAnswer

    def headers(self, call: Call) -> dict[str, str]:
        """Return what a request says of itself, but for what the client adds."""
        headers = self._user.headers(call)
        if call.upload is not None:
            headers["Content-Type"] = call.upload[1]
        return headers

    def send(self, call: Call) -> Answer:
        """Send once and return the answer; Cut when there is none."""
        trace = self._user.trace
        trace.start()
        try:
            with gevent.Timeout(self._user.load.target.timeout_s):
                self._sent = sent = self._user.client.request(
                    call.method,
                    call.url,
                    name=call.route,
                    data=call.upload[0] if call.upload else None,
                    json=call.body,
                    headers=self.headers(call),
                    catch_response=True,
                    allow_redirects=False,
                    context=_load.OURS,
                )
        finally:
            call.connect_ms, call.sent, call.request_bytes = trace.connect_ms, trace.sent, trace.request_bytes
            call.started_at, call.first_byte_at = trace.started_at, trace.first_byte_at
        meta = sent.request_meta
        call.ended_at = call.started_at + meta["response_time"] / 1000
        broken = meta["exception"]
        if broken is not None and not isinstance(broken, LocustBadStatusCode):
            raise Cut(broken)
        return Answer(sent.status_code, sent.headers, sent.content or b"")

    def tell(self, _call: Call, _answer: Answer | None, failure: str | None) -> None:
        """Tell Locust's statistics how the request sent last ended."""
        with self._sent as sent:
            if failure is None:
                sent.success()
            else:
                sent.failure(failure)

    def close(self) -> None:
        """Close every connection."""
        self._user.client_pool.close()


class OwnWire:
    """Requests over connections of our own: one to each address, which is one."""

    def __init__(self, user: "Sender", way: Way) -> None:
        """Send for a user, the target's way."""
        self._user = user
        self._way = way
        self._base: str | None = None
        self._origin: Origin | None = None
        self._token: str | None = None
        self._lines: dict[bool, str] = {}
        self._plain_context = type(user).context is User.context  # Locust's own says nothing

    def headers(self, call: Call) -> dict[str, str]:
        """Return what a request says of itself, but for where it goes and how long it is."""
        headers = self._user.headers(call)
        if call.upload is not None:
            headers["Content-Type"] = call.upload[1]
        elif call.body is not None:
            headers.setdefault("Content-Type", _JSON)
            headers.setdefault("Accept", _JSON)
        headers.setdefault("Accept-Encoding", _ENCODINGS)
        return headers

    def send(self, call: Call) -> Answer:
        """Send once and return the answer; Cut when there is none."""
        plan, origin = call.plan, self._origin
        if origin is None or self._base is not self._user.host:
            origin = self._went_to(str(self._user.host))
        if call.upload is not None:
            body, lines = call.upload[0], _lines(origin, self.headers(call))
        else:
            body = b"" if call.body is None else orjson.dumps(call.body)
            kept = self._lines.get(call.body is not None) if call.token is self._token else None
            lines = (kept or self._keep_lines(call, origin)) + plan.step_line
        length = f"Content-Length: {len(body)}\r\n" if body or plan.method not in _BODILESS else ""
        head = f"{plan.method} {origin.prefix}{call.url} HTTP/1.1\r\n{lines}{length}\r\n"
        try:
            status, fields, body, encoded = origin.exchange(
                head.encode("latin-1") + body, call, to_head=plan.method == "HEAD"
            )
            return Answer(status, fields, _unpacked(body, fields) if encoded else body)
        except (OSError, Unanswered, Broken, zlib.error, brotli.error) as error:
            raise Cut(error) from error

    def _went_to(self, base: str) -> Origin:
        """Give up the address there was and return another."""
        self.close()
        self._base, self._origin = self._user.host, Origin(base, self._way)
        self._lines.clear()
        return self._origin

    def _keep_lines(self, call: Call, origin: Origin) -> str:
        """Return the header lines of a request but that of its step: the same until this seller has another token."""
        if call.token is not self._token:
            self._token = call.token
            self._lines.clear()
        headers = self.headers(call)
        headers.pop(STEP_HEADER, None)
        lines = self._lines[call.body is not None] = _lines(origin, headers)
        return lines

    def tell(self, call: Call, answer: Answer | None, failure: str | None) -> None:
        """Tell Locust's statistics, and whoever else listens, how a request ended."""
        user, plan = self._user, call.plan
        context = None if self._plain_context else user.context()
        user.environment.events.request.fire(
            request_type=plan.method,
            name=plan.route,
            response_time=call.time_ms,
            response_length=0 if answer is None else len(answer.body),
            response=Answer(0, {}, b"") if answer is None else answer,
            context={**context, **_load.OURS} if context else _load.OURS.copy(),
            exception=None if failure is None else CatchResponseError(failure),
            start_time=call.sent_at_s,
            url=f"{self._base}{call.url}",
        )

    def close(self) -> None:
        """Close every connection."""
        if self._origin is not None:
            self._origin.close()


def _lines(origin: Origin, headers: Mapping[str, str]) -> str:
    return origin.fields + "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def _unpacked(body: bytes, fields: Fields) -> bytes:
    """Return a body without its content encoding."""
    encoding = fields["content-encoding"].strip().lower()
    if not body or encoding in _PLAIN:
        return body
    if encoding not in ("gzip", "x-gzip", "deflate", "br"):
        raise Broken(f"its content encoding is {encoding[:20]!r}, which nobody asked for")
    return decoded(body, gzip=encoding.endswith("gzip"), br=encoding == "br")
