"""Receive HTTP over ASGI: count first, then answer, then count the answer. What is for sockets goes next door."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import formatdate
from typing import Any

from sandbox.control import Control
from sandbox.envelopes import Family, RefusalError, wrap_refusal
from sandbox.faults import has_wrong_clock
from sandbox.pipeline import Answer, Pipeline, Request
from sandbox.realtime.service import is_for_sockets
from sandbox.routing import Kind, Probe, Route, Router
from sandbox.screen import BODY_AT_MOST_BYTES
from sandbox.truth import PROBE_STEP

UNMATCHED = "(unmatched)"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# What the product's security and CORS middleware adds to every answer (contract 1.3).
_FIXED_HEADERS = (
    (b"access-control-allow-origin", b"*"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"no-referrer"),
    (b"keep-alive", b"timeout=65"),
)
Headers = tuple[tuple[bytes, bytes], ...]
NO_STORE: Headers = ((b"cache-control", b"private, no-store"),)
_WITHOUT_STALL = frozenset({Kind.CONTROL})


class App:
    """The ASGI application of one sandbox."""

    def __init__(
        self, control: Control, router: Router, pipeline: Pipeline, name: str, unkept: Headers = NO_STORE
    ) -> None:
        """``unkept`` goes with every answer that says nothing about being kept."""
        self._unkept = unkept
        self._truth = control.truth
        self._chaos = control.chaos
        self._realtime = control.realtime
        self._own_date = has_wrong_clock(control.chaos.faults)
        self._router = router
        self._pipeline = pipeline
        self._ids = (f"req_{name}_{number:x}" for number in itertools.count(1))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one HTTP request, or a socket as long as it lasts."""
        if is_for_sockets(scope):
            await self._realtime(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        headers: dict[bytes, bytes] = dict(scope["headers"])
        match = self._router.find(method, path)
        step = headers[b"x-load-step"].decode("latin-1") if b"x-load-step" in headers else None
        apart = match is not None and (match.route.kind is not Kind.WORKFLOW or _is_probe(match.route, headers, step))
        receipt = self._truth.receive(method, match.route.template if match else UNMATCHED, step, apart=apart)
        request_id = next(self._ids)
        raw = await _body(receive) if method != "GET" else b""
        if raw is None:
            return  # the client went away before its body was complete
        if match is None:
            answer = _not_found(request_id, self._chaos.now_ms())
        else:
            address = _address(scope, headers)
            query = scope["query_string"].decode("latin-1")
            request = Request(request_id, method, path, query, headers, address, step, match, apart)
            answer = await self._pipeline.answer(request, raw)
        if self._chaos.faults and (match is None or match.route.kind not in _WITHOUT_STALL):
            held_s = self._chaos.hold_s()
            if held_s:
                await asyncio.sleep(held_s)
        self._truth.answer(receipt, answer.status)
        correlation = headers.get(b"x-correlation-id") or headers.get(b"x-request-id") or request_id.encode()
        extra = self._unkept if all(name != "Cache-Control" for name, _ in answer.headers) else ()
        await _send(send, answer, request_id.encode(), (b"x-correlation-id", correlation), *extra, *self._date())

    def _date(self) -> Headers:
        """Date the answer where the clock is wrong: the server, which dates it otherwise, knows no wrong clock."""
        return ((b"date", formatdate(self._chaos.now_ms() / 1000, usegmt=True).encode()),) if self._own_date else ()


def _is_probe(route: Route, headers: dict[bytes, bytes], step: str | None) -> bool:
    """Say whether a health check asks, and not the load."""
    if step == PROBE_STEP:
        return True
    if route.probe is Probe.EMPTY:
        return headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers
    return route.probe is Probe.ANONYMOUS and b"authorization" not in headers


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body, None if the client left; what goes past the limit is read and dropped."""
    chunks: list[bytes] = []
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        if size_bytes <= BODY_AT_MOST_BYTES:
            chunks.append(chunk)
        size_bytes += len(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _address(scope: Message, headers: dict[bytes, bytes]) -> str:
    """Return who the limits count: the last entry of X-Forwarded-For is believed (contract 1.1), else the peer."""
    forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1").rpartition(",")[2].strip()
    return forwarded or str((scope.get("client") or ("unknown",))[0])


def _not_found(request_id: str, at_ms: int) -> Answer:
    refusal = RefusalError(404, "NOT_FOUND", "Route not found")
    return Answer(404, wrap_refusal(Family.UNIFIED, refusal, request_id, at_ms))


async def _send(send: Send, answer: Answer, request_id: bytes, *extra: tuple[bytes, bytes]) -> None:
    headers = (
        *_FIXED_HEADERS,
        (b"x-request-id", request_id),
        *extra,
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in answer.headers),
    )
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
