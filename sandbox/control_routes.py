"""List the routes no seller uses: health, monitoring and control."""

from collections.abc import Callable

from sandbox import health, monitoring
from sandbox.call import Call
from sandbox.control import Control
from sandbox.envelopes import Family, Reply
from sandbox.limits import Limit
from sandbox.routing import Handler, Kind, Route
from sandbox.shop import Shop

EVENTS_A_PAGE = 10_000


def control_routes(control: Control) -> tuple[Route, ...]:
    """Return the routes that read and steer this sandbox."""

    def on(handler: Callable[[Control, Call], Reply]) -> Handler:
        return lambda _shop, call: handler(control, call)

    def metrics(_shop: Shop, _call: Call) -> Reply:
        return Reply(monitoring.prometheus(control), content_type="text/plain; version=0.0.4; charset=utf-8")

    def truth(_shop: Shop, _call: Call) -> Reply:
        return Reply(control.truth.as_json())

    def events(_shop: Shop, call: Call) -> Reply:
        after, limit = call.number("after", 0, 0, 10**8), call.number("limit", EVENTS_A_PAGE, 1, EVENTS_A_PAGE)
        return Reply(control.truth.events.page(after, limit))

    def reset(_shop: Shop, _call: Call) -> Reply:
        control.truth.reset()
        return Reply({"success": True})

    stats, health_limit = (Limit("cache_stats", 10, 60),), (Limit("cache_health", 20, 60),)
    memory = (Limit("cache_memory", 20, 60),)
    return (
        Route("GET", "/health", on(health.overview), family=Family.BARE, kind=Kind.HEALTH),
        Route("GET", "/health/database", on(health.database), family=Family.BARE, kind=Kind.HEALTH),
        Route("GET", "/api/cache/health", on(health.cache), kind=Kind.HEALTH, limits=health_limit),
        Route("GET", "/api/health/websocket", on(health.websocket), kind=Kind.HEALTH),
        Route("GET", "/api/marketplace/health", on(health.seller_api), kind=Kind.HEALTH),
        Route("GET", "/api/cache/stats", on(monitoring.cache_stats), kind=Kind.MONITOR, limits=stats),
        Route("GET", "/api/cache/memory", on(monitoring.cache_memory), kind=Kind.MONITOR, limits=memory),
        Route("GET", "/api/monitoring/dashboard", on(monitoring.dashboard), kind=Kind.MONITOR),
        Route("GET", "/api/monitoring/metrics/prometheus", metrics, kind=Kind.MONITOR),
        Route("GET", "/_sandbox/truth", truth, kind=Kind.CONTROL),
        Route("GET", "/_sandbox/events", events, kind=Kind.CONTROL),
        Route("POST", "/_sandbox/reset", reset, family=Family.BARE, kind=Kind.CONTROL),
    )
