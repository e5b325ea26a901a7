"""Take a request through the deployment's two layers of cache, which know no user and no write."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

from sandbox import mutations
from sandbox.call import Call
from sandbox.control import Control
from sandbox.deployed.forbidden import BAD_SIGNATURE
from sandbox.deployed.inner import SHELVES, M
from sandbox.deployed.keeps import Keep, Kept, Place, entity_tag, outer_place
from sandbox.deployed.routing import CANARY, FORBIDDEN
from sandbox.deployed.sanitising import sanitised
from sandbox.envelopes import Family, RefusalError
from sandbox.limits import Limiter
from sandbox.pipeline import Answer, Headers, Pipeline, Request
from sandbox.routing import Kind

BARE_DASHBOARD_RATIO = 80 / 360  # seen on cold keys under concurrency (contract 0.5)
_DASHBOARD = f"{M}/seller/dashboard/{{w}}"
_OK = 200
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Layers:
    """The cache in front of everything and the one inside the routes."""

    outer: Keep
    inner: Keep


class DeployedPipeline(Pipeline):
    """Answers as the mounted deployment; a canary ends the process."""

    def __init__(
        self,
        control: Control,
        limiter: Limiter,
        service_time_s: float,
        layers: Layers,
        die: Callable[[], None],
        seed: int,
    ) -> None:
        super().__init__(control, limiter, service_time_s)
        self._layers = layers
        self._die = die
        self._rng = random.Random(f"dashboards {seed}")

    async def answer(self, request: Request, raw: bytes) -> Answer:
        """Answer a request whose body has been read; one that ends the process is counted first."""
        route = request.match.route
        if route is CANARY:
            self._control.truth.canary += 1
            self._die()
        if route is FORBIDDEN:
            self._control.truth.forbidden[request.match.params["label"]] += 1
        return await super().answer(request, raw)

    async def _handled(self, request: Request, raw: bytes) -> Answer:
        """Look into the outer layer before token, limits and handler are asked."""
        if request.method != "GET" or request.match.route.kind is Kind.CONTROL:
            return await super()._handled(request, raw)
        started_s = perf_counter()
        place = outer_place(request.path, request.query_text)
        lying = self._chaos.switched("lying_cache")
        kept = self._layers.outer.find(place.key) if self._cache_is_up and not lying else None
        if kept is not None:
            took = ("X-Response-Time", f"{(perf_counter() - started_s) * 1000:.0f}ms")
            return _paged(request, Answer(_OK, kept.body, (took,)), kept, place, "HIT")
        answer = await super()._handled(request, raw)
        if answer.status != _OK or not answer.content_type.startswith(_JSON):
            return answer
        kept = Kept(answer.body, entity_tag(answer.body), place.ttl_s)
        if self._cache_is_up:
            self._layers.outer.put(place.key, kept)
        if lying:
            self._chaos.count("lying_cache")
        return _paged(request, answer, kept, place, "HIT" if lying else "MISS")

    async def _produced(self, request: Request, call: Call, headers: Headers) -> Answer:
        """Look into the layer inside the route, whose hits count against the limits and are not announced."""
        template = request.match.route.template
        shelf = SHELVES.get(template) if request.method == "GET" and self._cache_is_up else None
        if shelf is None:
            return await super()._produced(request, call, headers)
        key = shelf.place(call.params, request.path, request.query_text)
        kept = self._layers.inner.find(key)
        if kept is not None:
            return Answer(_OK, kept.body, headers)
        answer = await super()._produced(request, call, headers)
        self._layers.inner.put(key, Kept(answer.body, "", shelf.ttl_s))  # whatever is no 200 was raised past here
        if template == _DASHBOARD and self._rng.random() < BARE_DASHBOARD_RATIO:
            return replace(answer, body=mutations.without_envelope(answer.body) or answer.body)
        return answer

    def _call(self, request: Request, raw: bytes) -> Call:
        call = super()._call(request, raw)
        return replace(call, body=sanitised(call.body)) if call.body else call

    @property
    def _cache_is_up(self) -> bool:
        return self._control.cache_enabled and not self._chaos.switched("cache_off")

    def _refused(self, request: Request, family: Family, refusal: RefusalError) -> Answer:
        if refusal.code == "INVALID_SIGNATURE":
            self._control.truth.forbidden[BAD_SIGNATURE] += 1
        return super()._refused(request, family, refusal)


def _paged(request: Request, answer: Answer, kept: Kept, place: Place, state: str) -> Answer:
    """Return an answer as the outer layer marks it: public, whoever's it is."""
    headers = (
        *answer.headers,
        ("X-Cache", state),
        ("X-Cache-Key", place.key),
        ("Cache-Control", f"public, max-age={kept.ttl_s}"),
        ("ETag", kept.etag),
    )
    asked = (tag.strip().removeprefix("W/") for tag in request.header(b"if-none-match").split(","))
    if kept.etag in asked:
        return Answer(304, b"", headers)
    return replace(answer, headers=headers)
