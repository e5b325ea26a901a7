"""List every route: who may ask, what a cached page of it shows, which limits count it."""

from sandbox import auth, categories, listings, onboarding, profiles, tiers
from sandbox.envelopes import Family
from sandbox.limits import Dialect, Limit
from sandbox.routing import Access, Route

M = "/api/marketplace"
_FIFTEEN_MIN_S = 900


def _redis(name: str, most: int) -> tuple[Limit, ...]:
    return (Limit(name, most, 60),)


_AUTH = (Limit("auth", 200, 60, Dialect.DRAFT, "AUTH_RATE_LIMIT_EXCEEDED", failures_count=False),)
_PUBLIC = (Limit("marketplace_sellers", 200, 60, Dialect.LEGACY, "MARKETPLACE_RATE_LIMIT_EXCEEDED"),)
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
        tags=("profile:{w}", "listings:{w}", "sales:{w}"), limits=_redis("seller_profile", 60),
    ),
    Route("PUT", f"{M}/seller/{{w}}", profiles.update, Access.OWNER, limits=_PROFILE_WRITES),
    Route("GET", f"{M}/sellers/{{w}}", profiles.show_public, tags=("profile:{w}",), limits=_PUBLIC),
    Route("GET", "/api/sellers/profile", profiles.show_own, Access.TOKEN, Family.TOKEN),
    Route("POST", "/api/sellers/verify", profiles.verify, Access.TOKEN, Family.TOKEN),
    Route("GET", f"{M}/seller/verification/{{uid}}/verification", profiles.verification, Access.SELF),
    Route(
        "GET", f"{M}/seller/onboarding/{{w}}", onboarding.show,
        tags=("profile:{w}",), limits=_redis("onboarding", 30),
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
        tags=("profile:{w}",), limits=_redis("seller_tier", 30),
    ),
    Route(
        "GET", f"{M}/seller/{{w}}/tier/progress", tiers.progress,
        tags=("profile:{w}", "listings:{w}", "sales:{w}"), limits=_redis("seller_tier_progress", 30),
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

ROUTES = (*AUTH_ROUTES, *PROFILE_ROUTES, *TIER_ROUTES, *LISTING_ROUTES)
