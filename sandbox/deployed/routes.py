"""List the deployment's routes: the intended ones with what is different, broken or missing."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from sandbox import onboarding, orders, profiles
from sandbox.analytics import dashboard as analytics_dashboard
from sandbox.analytics import fulfilment, metrics
from sandbox.deployed import accounts, ordering, selling
from sandbox.deployed.monitoring import Monitor
from sandbox.deployed.shapes import broken_for_strangers, constant, csrf, hiding, null_for_missing, refusing
from sandbox.deployed.state import Backstage
from sandbox.envelopes import Family
from sandbox.limits import Limit
from sandbox.listings import show_detail
from sandbox.routes import AUTH_LIMIT, M
from sandbox.routing import Access, Handler, Route

_TIER_1 = {"id": "TIER_1", "name": "Basic Seller", "level": 1}
_TIER_2 = {"id": "TIER_2", "name": "Verified Seller", "level": 2}
_OPENED = {Access.OWNER: Access.OPEN, Access.SELF: Access.TOKEN}
_VERIFICATION = f"{M}/seller/verification/{{uid}}/verification"
_BARE = (("GET", _VERIFICATION), ("POST", "/api/sellers/tier/evaluate"))
_NO_MESSAGES = {"totalConversations": 0, "unreadMessages": 0, "averageResponseTime": 0, "responseRate": 0}


def deployed_routes(routes: Iterable[Route], backstage: Backstage, monitor: Monitor) -> tuple[Route, ...]:
    """Return the table as deployed: nobody's own pages, other handlers, and the routes that only fail."""
    table = {(route.method, route.template): _opened(route) for route in routes}
    for place, handler in _handlers(backstage, monitor).items():
        table[place] = replace(table[place], handler=handler)
    for place, handler in _unguarded(backstage).items():
        table[place] = replace(table[place], handler=csrf(handler), access=Access.OPEN)
    for place in _BARE:
        table[place] = replace(table[place], family=Family.BARE)
    return (*table.values(), *_more_routes(backstage), *_broken_routes())


def _opened(route: Route) -> Route:
    """Return a route without the intended product's checks of ownership, working cache, and buyers who see a seller."""
    return replace(route, access=_OPENED.get(route.access, route.access), tags=(), watches_orders=False)


def _unguarded(backstage: Backstage) -> dict[tuple[str, str], Handler]:
    """Return the writes that anybody with a Bearer of nonsense may make (contract 2.3)."""
    return {
        ("POST", f"{M}/seller/profile"): accounts.create,
        ("PUT", f"{M}/seller/{{w}}"): partial(accounts.update, backstage),
        ("PUT", f"{M}/seller/onboarding/{{w}}/{{step}}"): onboarding.refuse_unknown_step,
        **{("PUT", f"{M}/seller/onboarding/{{w}}/{step}"): onboarding.set_step(step) for step in onboarding.STEP_PATHS},
        ("PUT", f"{M}/seller/dashboard/notifications/{{id}}/read"): partial(selling.read_notification, backstage),
    }


def _handlers(backstage: Backstage, monitor: Monitor) -> dict[tuple[str, str], Handler]:
    return {
        ("POST", "/api/auth/wallet-connect"): accounts.wallet_connect,
        ("POST", "/api/auth/logout"): accounts.logout,
        ("GET", f"{M}/seller/{{w}}"): accounts.show,
        ("POST", "/api/sellers/verify"): accounts.verify,
        ("GET", _VERIFICATION): partial(accounts.show_verification, backstage),
        ("POST", f"{M}/seller/images/upload"): accounts.upload,
        ("POST", f"{M}/seller/listings"): selling.create_listing,
        ("PUT", f"{M}/seller/listings/{{lid}}"): partial(selling.update_listing, backstage),
        ("DELETE", f"{M}/seller/listings/{{lid}}"): selling.delete_listing,
        ("GET", f"{M}/seller/listings/detail/{{lid}}"): null_for_missing(show_detail),
        ("GET", f"{M}/listings/categories"): selling.categories,
        ("GET", f"{M}/seller/dashboard/{{w}}"): selling.dashboard,
        ("GET", f"{M}/seller/dashboard/analytics/{{w}}"): hiding(selling.analytics, "walletAddress"),
        ("GET", f"{M}/seller/dashboard/notifications/{{w}}"): selling.notifications_of,
        ("POST", "/api/user-notifications"): selling.post_notification,
        ("GET", "/api/user-notifications"): selling.own_notifications,
        ("GET", "/api/seller/metrics/fulfillment"): hiding(fulfilment, "sellerId", "walletAddress"),
        ("POST", "/api/messaging/conversations"): selling.open_conversation,
        ("POST", "/api/messaging/conversations/{id}/messages"): selling.send_message,
        ("GET", f"{M}/seller/{{w}}/messaging-analytics"): constant(_NO_MESSAGES),
        ("GET", f"{M}/seller/orders/{{w}}"): partial(ordering.list_of_wallet, backstage),
        ("GET", "/api/sellers/orders"): partial(ordering.list_of_caller, backstage),
        ("POST", f"{M}/seller/orders/{{oid}}/ready"): ordering.ready,
        ("POST", f"{M}/seller/orders/{{oid}}/ship"): ordering.ship,
        ("GET", f"{M}/seller/orders/{{oid}}/messages"): broken_for_strangers(orders.messages),
        ("POST", f"{M}/seller/orders/{{oid}}/messages"): broken_for_strangers(orders.post_message),
        ("GET", f"{M}/seller/{{w}}/tier"): selling.tier,
        ("GET", f"{M}/seller/{{w}}/tier/progress"): selling.tier_progress,
        ("POST", "/api/sellers/tier/evaluate"): constant({"success": True, "message": "Tier evaluation completed"}),
        ("GET", "/api/sellers/tier/criteria"): constant([_TIER_1, _TIER_2]),
        ("GET", "/api/seller-analytics/{uid}/metrics"): hiding(metrics, "trackedMetrics"),
        ("GET", "/api/seller-analytics/{uid}/dashboard"): hiding(analytics_dashboard, "walletAddress"),
        ("GET", "/api/cache/stats"): monitor.cache_stats,
        ("GET", "/api/monitoring/dashboard"): monitor.dashboard,
        ("GET", "/api/monitoring/metrics/prometheus"): monitor.prometheus,
    }


def _more_routes(backstage: Backstage) -> tuple[Route, ...]:
    """Return routes the intended product has no use for."""
    token, bare = Access.TOKEN, Family.BARE
    constants = {"": _TIER_1, "/progress": {"tier": _TIER_1, "current": 0, "required": 100}, "/history": []}
    asked = partial(accounts.ask_verification, backstage)
    shown = partial(accounts.show_verification, backstage)
    return (
        Route("GET", "/api/auth/nonce", accounts.nonce_by_get, limits=(AUTH_LIMIT,)),
        Route("POST", _VERIFICATION, asked, token, bare),
        Route("GET", f"{_VERIFICATION}/progress", shown, token, bare),
        Route("GET", f"{M}/listings", selling.browse, limits=(Limit("listings", 1000, 60),)),
        Route("GET", "/api/sellers/{w}/profile", profiles.show_public, family=Family.TOKEN),
        *(
            Route("GET", f"/api/sellers/tier{end}", constant(data), token, Family.TOKEN)
            for end, data in constants.items()
        ),
    )


def _broken_routes() -> tuple[Route, ...]:
    """Return routes that are mounted and cannot work (contract 0.12, 6.1)."""
    onboarding_path, token = "/api/sellers/onboarding", Access.TOKEN
    unread = refusing(500, "INTERNAL_ERROR", "Failed to get onboarding steps")
    unwritten = refusing(400, "ONBOARDING_ERROR", "Failed to update onboarding step")
    unknown = refusing(404, "NOT_FOUND", "User not found in marketplace")
    order_id_as_number = csrf(ordering.broken_by_number)
    return (
        Route("GET", onboarding_path, unread, token, Family.TOKEN),
        Route("PUT", f"{onboarding_path}/{{step}}", unwritten, token, Family.TOKEN),
        Route("POST", "/api/sellers/application/step", unwritten, token, Family.TOKEN),
        Route("POST", "/api/sellers/application/submit", unknown, token, Family.TOKEN),
        Route("GET", "/api/sellers/application/status", unknown, token, Family.TOKEN),
        Route(
            "GET", f"{M}/seller/orders/detail/{{oid}}", ordering.broken_by_number,
            limits=(Limit("order_detail", 120, 60),),
        ),
        Route(
            "PUT", f"{M}/seller/orders/{{oid}}/status", order_id_as_number,
            limits=(Limit("order_status_update", 30, 60),),
        ),
        Route(
            "PUT", f"{M}/seller/orders/{{oid}}/tracking", order_id_as_number,
            limits=(Limit("order_tracking_update", 30, 60),),
        ),
    )  # fmt: skip
