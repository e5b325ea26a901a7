"""Take a request from its route to an answer: faults, content checks, token, cache, limits, handler."""

import asyncio
import sys
import time
import traceback
from dataclasses import dataclass, replace

from sandbox import mutations, screen
from sandbox.cache import Page
from sandbox.call import Call, Caller, checked_wallet
from sandbox.control import Control
from sandbox.envelopes import Family, RefusalError, Reply, forbidden, status_in_family, wrap, wrap_refusal
from sandbox.limits import Limiter, throttle_body
from sandbox.routing import Access, Match, Route

JSON_TYPE = "application/json; charset=utf-8"
_THROTTLE_WINDOW_S = 60
_PUBLIC = "public, max-age=0, must-revalidate"  # whoever keeps it must ask again: a page is never older than a write
_OWNERS = "private, no-cache"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as received; header names in lower case. ``apart``: health, monitoring or control, no load."""

    id: str
    method: str
    path: str
    query_text: str
    headers: dict[bytes, bytes]
    address: str
    step: str | None
    match: Match
    apart: bool

    def header(self, name: bytes) -> str:
        """Return a header's text, empty when absent."""
        return self.headers.get(name, b"").decode("latin-1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes to the socket."""

    status: int
    body: bytes
    headers: Headers = ()
    content_type: str = JSON_TYPE


class Pipeline:
    """Answers matched requests, one after the other on the event loop's thread."""

    def __init__(self, control: Control, limiter: Limiter | None, service_time_s: float) -> None:
        self._control = control
        self._shop = control.shop
        self._chaos = control.chaos
        self._limiter = limiter
        self._service_time_s = service_time_s

    async def answer(self, request: Request, raw: bytes) -> Answer:
        """Answer a request whose body has been read."""
        family = request.match.route.family
        try:
            if not request.apart and self._chaos.faults:
                struck = await self._struck(request)
                if struck is not None:
                    return struck
            self._refuse_probe_of_broken(request)
            return await self._handled(request, raw)
        except _ScreenedError:
            return Answer(400, screen.hostile_body())
        except RefusalError as refusal:
            return self._refused(request, family, refusal)
        except Exception:  # noqa: BLE001 - a bug of ours is answered with 500 and shown, and the server lives on
            traceback.print_exc(file=sys.stderr)
            return self._refused(request, family, RefusalError(500, "INTERNAL_ERROR", "Internal server error"))

    async def _handled(self, request: Request, raw: bytes) -> Answer:
        """Check and serve a request no fault has answered."""
        return await self._served(request, self._call(request, raw))

    async def _struck(self, request: Request) -> Answer | None:
        """Apply the faults that come before the handler has effects."""
        delay_s = self._chaos.delay_s(request.step)
        if delay_s:
            await asyncio.sleep(delay_s)
        if self._chaos.strikes("throttle"):
            self._chaos.count("throttle")
            return Answer(429, throttle_body(_THROTTLE_WINDOW_S))
        if self._chaos.strikes("error_rate"):
            self._chaos.count("error_rate")
            raise RefusalError(500, "INTERNAL_ERROR", "Internal server error")
        return None

    def _refuse_probe_of_broken(self, request: Request) -> None:
        """Answer a health check that uses a workflow's route as the fault wants it; the load goes on undisturbed."""
        component = request.match.route.component
        if request.apart and component and self._chaos.is_down(component):
            raise RefusalError(503, "SERVICE_UNAVAILABLE", f"{component} is not available")

    def _call(self, request: Request, raw: bytes) -> Call:
        """Check body and token, in the order of the product's middleware."""
        content_type = request.header(b"content-type")
        body = {}
        if request.method != "GET":
            if len(raw) > screen.BODY_AT_MOST_BYTES:
                raise RefusalError(500, "INTERNAL_ERROR", "Request too large")
            screen.refuse_content_type(content_type)
            if "multipart/" not in content_type:
                body = screen.read_json(raw)
                if body and screen.looks_hostile(body):
                    raise _ScreenedError
        route, params = request.match.route, request.match.params
        call = Call(
            params=params,
            query_text=request.query_text,
            body=body,
            caller=None,
            now_ms=self._chaos.now_ms(),
            host=request.header(b"host"),
            authorization=request.header(b"authorization"),
            content_type=content_type,
            raw=raw,
        )
        return call if route.access is Access.OPEN else replace(call, caller=self._admitted(route, params, call))

    def _admitted(self, route: Route, params: dict[str, str], call: Call) -> Caller:
        caller = self._shop.tokens.caller(call.authorization)
        if route.access is Access.OWNER and checked_wallet(params["w"]) != caller.wallet:
            raise forbidden()
        if route.access is Access.SELF and call.uuid("uid") != caller.uid:
            raise forbidden()
        return caller

    async def _served(self, request: Request, call: Call) -> Answer:
        route = request.match.route
        lag = self._chaos.active("stale_reads") if self._chaos.faults else None
        self._shop.db.follow(lag.duration_s if lag else None)
        if route.watches_orders and call.caller is not None:
            self._shop.watchers.saw(call.caller.wallet)
        if not route.tags:
            answer = await self._computed(request, call)
        else:
            answer = await self._page(request, call)
        return self._spoiled(request, call, answer)

    async def _page(self, request: Request, call: Call) -> Answer:
        """Answer from the cache if it may, else compute and keep."""
        route, cache = request.match.route, self._shop.cache
        control = _OWNERS if route.access is Access.OWNER else _PUBLIC
        if self._chaos.switched("lying_cache"):
            answer = await self._computed(request, call)
            self._chaos.count("lying_cache")
            return replace(answer, headers=(*answer.headers, ("X-Cache", "HIT"), ("Age", "1")))
        if not self._control.cache_enabled or self._chaos.switched("cache_off"):
            answer = await self._computed(request, call)
            return answer if answer.status != 200 else _paged(answer, "MISS", control)  # noqa: PLR2004 - OK
        key = f"{request.path}?{request.query_text}"
        tags = tuple(tag.format(**call.params) for tag in route.tags)
        page = cache.find(key, tags)
        if page is not None:
            return _hit(page, control, request.header(b"if-none-match"))
        answer = await self._computed(request, call)
        if answer.status != 200:  # noqa: PLR2004 - OK
            return answer
        page = cache.keep(key, answer.body, cache.versions(tags))  # no write came between: nothing waits
        return _paged(answer, "MISS", control, (("ETag", page.etag),))

    async def _computed(self, request: Request, call: Call) -> Answer:
        """Run limits, service time and the handler."""
        headers: Headers = ()
        for limit in request.match.route.limits if self._limiter else ():
            ruling = self._limiter.rule(limit, request.address, _place(request)) if self._limiter else None
            if ruling is not None:
                self._control.truth.rule(limit.name, request.address, allowed=ruling.allowed)
                headers = (*headers, *ruling.headers)
                if not ruling.allowed:
                    return Answer(429, ruling.body, headers)
        try:
            return await self._produced(request, call, headers)
        except RefusalError as refusal:
            self._forgive(request)
            return replace(self._refused(request, request.match.route.family, refusal), headers=headers)

    async def _produced(self, request: Request, call: Call, headers: Headers) -> Answer:
        """Let the handler work and wrap what it says."""
        if self._service_time_s and not request.apart:
            await asyncio.sleep(self._service_time_s)
        late = self._shop.db.read_late(late=request.method == "GET")
        if late:
            self._chaos.count("stale_reads")
        route = request.match.route
        reply = route.handler(self._shop, call)
        if not isinstance(reply, Reply):
            reply = await reply
        body = wrap(route.family, reply, request.id, call.now_ms)
        return Answer(reply.status, body, headers, reply.content_type)

    def _refused(self, request: Request, family: Family, refusal: RefusalError) -> Answer:
        body = wrap_refusal(family, refusal, request.id, self._chaos.now_ms())
        return Answer(status_in_family(family, refusal), body, (("X-Error-Code", refusal.code),))

    def _forgive(self, request: Request) -> None:
        for limit in request.match.route.limits:
            if self._limiter is not None and not limit.failures_count:
                self._limiter.forgive(limit, request.address, _place(request))

    def _spoiled(self, request: Request, call: Call, answer: Answer) -> Answer:
        """Apply the faults that change a successful answer."""
        if not self._chaos.faults or request.apart or not answer.body or answer.status >= 300:  # noqa: PLR2004 - successes
            return answer
        body = answer.body
        for name in ("wrong_body", "no_envelope"):
            if not self._chaos.strikes(name):
                continue
            if name == "wrong_body":
                draw = self._chaos.pick(2**31)
                spoiled = mutations.of_another(self._shop, body, call.params.values(), call.caller, draw)
            else:
                spoiled = mutations.without_envelope(body)
            if spoiled is not None:
                self._chaos.count(name)
                body = spoiled
        return answer if body is answer.body else replace(answer, body=body)


class _ScreenedError(Exception):
    """The content screen refused the body; it answers without an envelope."""


def _place(request: Request) -> str:
    """Return what a limiter that counts by path tells apart."""
    return f"{request.method} {request.path}"


def _paged(answer: Answer, state: str, control: str, extra: Headers = ()) -> Answer:
    return replace(answer, headers=(*answer.headers, ("X-Cache", state), ("Cache-Control", control), *extra))


def _hit(page: Page, control: str, if_none_match: str) -> Answer:
    age_s = str(int(time.monotonic() - page.stored_at_s))
    headers = (("X-Cache", "HIT"), ("Age", age_s), ("ETag", page.etag), ("Cache-Control", control))
    if page.etag in (part.strip().removeprefix("W/") for part in if_none_match.split(",")):
        return Answer(304, b"", headers)
    return Answer(200, page.body, headers)
