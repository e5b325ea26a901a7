"""List every route: who may ask, what a cached page of it shows, which limits count it."""

from functools import partial

from sandbox import (
    analytics,
    auth,
    categories,
    dashboards,
    fulfilment,
    images,
    listings,
    messaging,
    notifications,
    onboarding,
    orders,
    profiles,
    tiers,
)
from sandbox.envelopes import Family
from sandbox.limits import Dialect, Limit
from sandbox.routing import Access, Probe, Route

M = "/api/marketplace"
_FIFTEEN_MIN_S = 900


def _redis(name: str, most: int) -> tuple[Limit, ...]:
    return (Limit(name, most, 60),)


AUTH_LIMIT = Limit("auth", 200, 60, Dialect.DRAFT, "AUTH_RATE_LIMIT_EXCEEDED", failures_count=False)
_AUTH = (AUTH_LIMIT,)
_PUBLIC = (Limit("marketplace_sellers", 200, 60, Dialect.LEGACY, "MARKETPLACE_RATE_LIMIT_EXCEEDED"),)
_ANALYTICS = (Limit("seller_analytics_api", 100, _FIFTEEN_MIN_S, Dialect.SLIDING, "TOO_MANY_REQUESTS", per_path=True),)
_MESSAGING = (Limit("messaging", 300, _FIFTEEN_MIN_S, Dialect.SLIDING, "TOO_MANY_REQUESTS", per_path=True),)
_PROFILE_WRITES = _redis("seller_profile_update", 10)

AUTH_ROUTES = (
    Route("POST", "/api/auth/nonce", auth.nonce, limits=_AUTH),
    Route("POST", "/api/auth/wallet-connect", auth.wallet_connect, limits=_AUTH),
    Route("POST", "/api/auth/refresh", auth.refresh, limits=_AUTH),
    Route("POST", "/api/auth/logout", auth.logout, Access.TOKEN),
    Route("GET", "/api/auth/profile", auth.profile, Access.TOKEN),
)

PROFILE_ROUTES = (
    Route("POST", f"{M}/seller/profile", profiles.create, Access.TOKEN, limits=_PROFILE_WRITES),
    Route(
        "GET", f"{M}/seller/{{w}}", profiles.show,
        tags=("profile:{w}", "shelf:{w}", "sales:{w}"), limits=_redis("seller_profile", 60),
    ),
    Route("PUT", f"{M}/seller/{{w}}", profiles.update, Access.OWNER, limits=_PROFILE_WRITES),
    Route("GET", f"{M}/sellers/{{w}}", profiles.show_public, tags=("profile:{w}",), limits=_PUBLIC),
    Route("GET", "/api/sellers/profile", profiles.show_own, Access.TOKEN, Family.TOKEN),
    Route("POST", "/api/sellers/verify", profiles.verify, Access.TOKEN, Family.TOKEN),
    Route("GET", f"{M}/seller/verification/{{uid}}/verification", profiles.verification, Access.SELF),
    Route(
        "GET", f"{M}/seller/onboarding/{{w}}", onboarding.show,
        tags=("steps:{w}",), limits=_redis("onboarding", 30),
    ),
    *(
        Route("PUT", f"{M}/seller/onboarding/{{w}}/{step}", onboarding.set_step(step), Access.OWNER)
        for step in onboarding.STEP_PATHS
    ),
    Route("PUT", f"{M}/seller/onboarding/{{w}}/{{step}}", onboarding.refuse_unknown_step, Access.OWNER),
)  # fmt: skip

TIER_ROUTES = (
    Route(
        "GET", f"{M}/seller/{{w}}/tier", tiers.current,
        tags=("steps:{w}", "tier:{w}"), limits=_redis("seller_tier", 30),
    ),
    Route(
        "GET", f"{M}/seller/{{w}}/tier/progress", tiers.progress,
        tags=("steps:{w}", "tier:{w}", "shelf:{w}", "sales:{w}"), limits=_redis("seller_tier_progress", 30),
    ),
    Route("POST", "/api/sellers/tier/evaluate", tiers.evaluate, Access.TOKEN, Family.TOKEN),
    Route("GET", "/api/sellers/tier/criteria", tiers.criteria, Access.TOKEN, Family.TOKEN),
)  # fmt: skip

LISTING_ROUTES = (
    Route("POST", f"{M}/seller/listings", listings.create, Access.TOKEN, limits=_redis("create_listing", 10)),
    Route("PUT", f"{M}/seller/listings/{{lid}}", listings.update, Access.TOKEN, limits=_redis("update_listing", 30)),
    Route("DELETE", f"{M}/seller/listings/{{lid}}", listings.delete, Access.TOKEN, limits=_redis("delete_listing", 20)),
    Route(
        "GET", f"{M}/seller/listings/{{w}}", listings.list_of_seller,
        tags=("listings:{w}",), limits=_redis("seller_listings", 60),
    ),
    Route(
        "GET", f"{M}/seller/listings/detail/{{lid}}", listings.show_detail,
        tags=("listing:{lid}",), limits=_redis("listing_detail", 120),
    ),
    Route("GET", f"{M}/sellers/{{w}}/listings", listings.list_of_store, tags=("listings:{w}",), limits=_PUBLIC),
    Route(
        "GET", f"{M}/listings/{{lid}}", listings.show,
        tags=("listing:{lid}",), limits=_redis("listing_detail", 300),
    ),
    Route("POST", f"{M}/listings/{{lid}}/view", listings.view),
    Route(
        "GET", f"{M}/listings/categories", categories.show_all,
        tags=("categories",), limits=_redis("categories", 500),
    ),
)  # fmt: skip

DASHBOARD_ROUTES = (
    Route(
        "GET", f"{M}/seller/dashboard/{{w}}", dashboards.stats, Access.OWNER,
        tags=("orders:{w}", "shelf:{w}", "notifications:{w}"), limits=_redis("seller_dashboard", 60),
    ),
    Route(
        "GET", f"{M}/seller/dashboard/analytics/{{w}}", dashboards.analytics, Access.OWNER,
        tags=("orders:{w}", "shelf:{w}"), limits=_redis("seller_analytics", 30),
    ),
    Route(
        "GET", f"{M}/seller/dashboard/notifications/{{w}}", notifications.list_of_wallet, Access.OWNER,
        tags=("notifications:{w}",), limits=_redis("seller_notifications", 60),
    ),
    Route(
        "PUT", f"{M}/seller/dashboard/notifications/{{id}}/read", notifications.read_on_dashboard, Access.TOKEN,
        limits=_redis("mark_notification_read", 30),
    ),
    Route("POST", "/api/user-notifications", notifications.post, Access.TOKEN, Family.BARE),
    Route("GET", "/api/user-notifications", notifications.list_of_caller, Access.TOKEN, Family.BARE),
    Route(
        "GET", "/api/user-notifications/unread-count", notifications.unread_count, Access.TOKEN, Family.BARE,
        probe=Probe.ANONYMOUS, component="notifications",
    ),
    Route("POST", "/api/user-notifications/{id}/read", notifications.read_one, Access.TOKEN, Family.BARE),
    Route("POST", "/api/user-notifications/read-all", notifications.read_all, Access.TOKEN, Family.BARE),
    *(
        Route(
            "GET", f"/api/seller/fulfillment/queue/{name}", partial(orders.queue, name), Access.TOKEN,
            Family.ANALYTICS,
        )
        for name in orders.QUEUES
    ),
    Route("GET", "/api/seller/metrics/fulfillment", analytics.fulfilment, Access.TOKEN, Family.ANALYTICS),
)  # fmt: skip

MESSAGING_ROUTES = (
    Route(
        "POST", "/api/messaging/conversations", messaging.open_conversation, Access.TOKEN, Family.ANALYTICS,
        limits=_MESSAGING,
    ),
    Route(
        "GET", "/api/messaging/conversations", messaging.list_conversations, Access.TOKEN, Family.ANALYTICS,
        limits=_MESSAGING,
    ),
    Route(
        "POST", "/api/messaging/conversations/{id}/messages", messaging.send, Access.TOKEN, Family.ANALYTICS,
        limits=_MESSAGING,
    ),
    Route(
        "GET", "/api/messaging/conversations/{id}/messages", messaging.list_messages, Access.TOKEN, Family.ANALYTICS,
        limits=_MESSAGING,
    ),
    Route(
        "GET", f"{M}/seller/{{w}}/messaging-analytics", messaging.analytics,
        tags=("messages:{w}",), limits=_redis("seller_msg_analytics", 30),
    ),
)  # fmt: skip

ORDER_ROUTES = (
    Route(
        "GET", f"{M}/seller/orders/{{w}}", orders.list_of_wallet, Access.OWNER,
        tags=("orders:{w}",), limits=_redis("seller_orders", 60), watches_orders=True,
    ),
    Route("GET", "/api/sellers/orders", orders.list_of_caller, Access.TOKEN, Family.TOKEN, watches_orders=True),
    Route(
        "POST", f"{M}/seller/orders/bulk-status", fulfilment.bulk_status, Access.TOKEN,
        limits=_redis("bulk_status", 10),
    ),
    *(
        Route(
            "POST", f"{M}/seller/orders/{{oid}}/{name}", handler, Access.TOKEN,
            limits=_redis(f"order_{name}", 30), watches_orders=True,
        )
        for name, handler in (
            ("process", fulfilment.process), ("ready", fulfilment.ready), ("ship", fulfilment.ship)
        )
    ),
    Route(
        "GET", f"{M}/seller/orders/{{oid}}/messages", orders.messages, Access.TOKEN,
        limits=_redis("order_messages", 60),
    ),
    Route(
        "POST", f"{M}/seller/orders/{{oid}}/messages", orders.post_message, Access.TOKEN,
        limits=_redis("send_message", 30),
    ),
    Route(
        "GET", f"{M}/seller/orders/{{oid}}/packing-slip", orders.packing_slip, Access.TOKEN,
        limits=_redis("order_slip", 60),
    ),
)  # fmt: skip

IMAGE_ROUTES = (
    Route(
        "POST", f"{M}/seller/images/upload", images.upload, family=Family.IMAGES,
        probe=Probe.EMPTY, component="image_upload",
    ),
    Route("GET", "/cdn/{id}/{file}", images.show),
)  # fmt: skip

ANALYTICS_ROUTES = (
    *(
        Route(
            method, f"/api/seller-analytics/{{uid}}/{name}", handler, Access.SELF, Family.ANALYTICS,
            limits=_ANALYTICS,
        )
        for method, name, handler in (
            ("POST", "track", analytics.track),
            ("GET", "metrics", analytics.metrics),
            ("GET", "dashboard", analytics.dashboard),
            ("GET", "insights", analytics.insights),
            ("GET", "trends", analytics.trends),
            ("GET", "tier-progression", tiers.progression),
        )
    ),
    Route(
        "GET", "/api/seller-performance/{uid}/recommendations", analytics.recommendations, Access.SELF,
        Family.ANALYTICS,
    ),
)  # fmt: skip

ROUTES = (
    *AUTH_ROUTES,
    *PROFILE_ROUTES,
    *TIER_ROUTES,
    *LISTING_ROUTES,
    *DASHBOARD_ROUTES,
    *MESSAGING_ROUTES,
    *ORDER_ROUTES,
    *IMAGE_ROUTES,
    *ANALYTICS_ROUTES,
)
