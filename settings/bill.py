"""Say what each step of the eight workflows sends, so that a run's demand can be told before it is sent.

A pass is the way through all five steps. Means stand where a workflow draws a random number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_M: Final = "/api/marketplace"
_A: Final = "/api/seller-analytics/{uid}"


@dataclass(frozen=True, slots=True)
class Send:
    """One request of a step; `times` is its mean number in a pass."""

    method: str
    route: str
    times: float = 1.0
    unique: bool = False  # with a query nobody sent before: no cache can answer
    polled: bool = False  # sent again until what it looks for is there; `times` is when it is there at once
    consent: str | None = None  # sent only where the target's file says so


@dataclass(frozen=True, slots=True)
class WorkflowBill:
    """What one seller of a workflow sends."""

    setup: tuple[Send, ...]  # once, on arrival
    begin: tuple[Send, ...]  # at the start of each pass, before its first step
    steps: dict[str, tuple[Send, ...]]
    think_s: float = 1.0  # mean pause after each step, before think_ratio
    new_wallet: bool = False  # each pass has a seller of its own

    def sends(self) -> Iterator[Send]:
        """Return everything it may send."""
        yield from self.setup
        yield from self.begin
        for step in self.steps.values():
            yield from step


_SIGN_IN: Final = (Send("POST", "/api/auth/nonce"), Send("POST", "/api/auth/wallet-connect"))
_PROFILE: Final = Send("POST", f"{_M}/seller/profile")
_CREATE: Final = Send("POST", f"{_M}/seller/listings")
_SHELF: Final = (Send("GET", f"{_M}/seller/listings/{{w}}", unique=True), _CREATE)  # the first run of a pool's sellers
_SHOP: Final = (*_SIGN_IN, _PROFILE, *_SHELF)
_PAGE: Final = f"{_M}/seller/{{w}}"
_UPLOAD: Final = Send("POST", f"{_M}/seller/images/upload", consent="image_upload")


def _onboard(step: str) -> Send:
    return Send("PUT", f"{_M}/seller/onboarding/{{w}}/{step}")


def _update(times: float = 1.0, consent: str | None = None) -> Send:
    return Send("PUT", f"{_M}/seller/listings/{{lid}}", times, consent=consent)


def _detail(times: float) -> Send:
    return Send("GET", f"{_M}/seller/listings/detail/{{lid}}", times, unique=True, polled=True)


BILL: Final[dict[str, WorkflowBill]] = {
    "onboarding": WorkflowBill(
        setup=(),
        begin=(),
        steps={
            "wallet_connection": _SIGN_IN,
            "profile_setup": (_PROFILE, _onboard("profile-setup"), _onboard("business-info")),
            "verification": (_onboard("verification"), Send("POST", "/api/sellers/verify")),
            "first_listing": (_CREATE, _onboard("first-listing")),
            "payout_setup": (
                _onboard("payout-setup"),
                Send("GET", f"{_M}/seller/onboarding/{{w}}", unique=True, polled=True),
            ),
        },
        new_wallet=True,
    ),
    "profile_management": WorkflowBill(
        setup=(*_SIGN_IN, _PROFILE),
        begin=(),
        steps={
            "profile_update": (Send("GET", _PAGE, 3.5), Send("PUT", _PAGE)),  # looks once, then two or three times
            "image_upload": (_UPLOAD,),
            "social_links": (Send("PUT", _PAGE),),
            "verification_status": (
                Send("GET", f"{_M}/seller/{{w}}/tier", 1.5),
                Send("GET", f"{_M}/seller/verification/{{uid}}/verification"),
            ),
            "data_sync": (
                Send("PUT", _PAGE),
                Send("GET", _PAGE, unique=True, polled=True),
                Send("GET", f"{_M}/sellers/{{w}}", unique=True, polled=True),
                Send("GET", "/api/sellers/profile", unique=True, polled=True),
            ),
        },
    ),
    "dashboard": WorkflowBill(
        setup=_SHOP,
        begin=(),
        steps={
            "realtime_updates": (Send("POST", "/api/user-notifications"),),
            "analytics_display": (Send("GET", f"{_M}/seller/dashboard/analytics/{{w}}"),),
            "notifications": (
                Send("GET", f"{_M}/seller/dashboard/notifications/{{w}}", 2, unique=True, polled=True),
                Send("PUT", f"{_M}/seller/dashboard/notifications/{{id}}/read"),
                Send("GET", "/api/user-notifications/unread-count"),
            ),
            "quick_actions": (
                Send("GET", "/api/seller/fulfillment/queue/ready_to_ship"),
                Send("POST", "/api/user-notifications/read-all"),
            ),
            "performance_metrics": (
                Send("GET", f"{_M}/seller/dashboard/{{w}}", 3),
                Send("GET", "/api/seller/metrics/fulfillment"),
            ),
        },
    ),
    "store": WorkflowBill(
        setup=(*_SHOP, *_SIGN_IN),  # the seller, and a buyer
        begin=(),
        steps={
            "store_page": (Send("GET", _PAGE, 5.5), Send("GET", f"{_M}/sellers/{{w}}/listings", 5.5)),
            "listing_management": (
                Send("GET", f"{_M}/seller/listings/{{w}}"),
                Send("GET", f"{_M}/listings/{{lid}}", 3),
                Send("POST", f"{_M}/listings/{{lid}}/view"),
            ),
            "customization": (Send("PUT", _PAGE),),
            "customer_interaction": (
                Send("POST", "/api/messaging/conversations"),
                Send("POST", "/api/messaging/conversations/{id}/messages"),
            ),
            "store_analytics": (
                Send("GET", f"{_M}/seller/dashboard/analytics/{{w}}", 2.5),
                Send("GET", f"{_M}/seller/{{w}}/messaging-analytics"),
            ),
        },
    ),
    "listing": WorkflowBill(
        setup=_SHOP,
        begin=(),
        steps={
            "creation": (_CREATE,),
            "image_management": (_UPLOAD, _update(consent="image_upload")),
            "pricing_currency": (_update(4), _detail(1)),
            "category": (Send("GET", f"{_M}/listings/categories"), _update()),
            "status_management": (_update(2), Send("DELETE", f"{_M}/seller/listings/{{lid}}"), _detail(3)),
        },
    ),
    "order_management": WorkflowBill(
        setup=_SHOP,
        begin=(),
        steps={
            "order_notification": (Send("GET", f"{_M}/seller/orders/{{w}}", unique=True, polled=True),),
            "status_update": (
                Send("POST", f"{_M}/seller/orders/{{oid}}/process"),
                Send("POST", f"{_M}/seller/orders/bulk-status"),
            ),
            "customer_communication": (
                Send("POST", f"{_M}/seller/orders/{{oid}}/messages"),
                Send("GET", f"{_M}/seller/orders/{{oid}}/messages", unique=True, polled=True),
            ),
            "fulfillment": (
                Send("POST", f"{_M}/seller/orders/{{oid}}/ready"),
                Send("POST", f"{_M}/seller/orders/{{oid}}/ship"),
                Send("GET", f"{_M}/seller/orders/{{oid}}/packing-slip"),
            ),
            "payment_processing": (Send("GET", f"{_M}/seller/orders/{{w}}"), Send("GET", "/api/sellers/orders")),
        },
    ),
    "tier_upgrade": WorkflowBill(
        setup=(),
        begin=(*_SIGN_IN, _PROFILE, _onboard("profile-setup"), _onboard("business-info"), _onboard("payout-setup")),
        steps={
            "progress_tracking": (Send("GET", f"{_M}/seller/{{w}}/tier/progress", 2.5),),
            "eligibility": (Send("GET", f"{_A}/tier-progression"),),
            "limit_enforcement": (Send("POST", f"{_M}/seller/listings", 6),),  # five, and the one that is refused
            "automated_upgrade": (
                Send("POST", "/api/sellers/tier/evaluate"),
                Send("GET", f"{_M}/seller/{{w}}/tier", unique=True, polled=True),
            ),
            "benefit_activation": (Send("GET", "/api/sellers/tier/criteria"), _CREATE),
        },
        new_wallet=True,
    ),
    "analytics": WorkflowBill(
        setup=_SHOP,
        begin=(),
        steps={
            "metrics_collection": (Send("POST", f"{_A}/track"), Send("GET", f"{_A}/metrics")),
            "dashboard_display": (Send("GET", f"{_A}/dashboard"),),
            "insights": (Send("GET", f"{_A}/insights"),),
            "trends": (Send("GET", f"{_A}/trends"),),
            "recommendations": (Send("GET", "/api/seller-performance/{uid}/recommendations"),),
        },
    ),
}
"""Workflow → its bill; a workflow that a team added has none, and whoever reckons with it has to say so."""
