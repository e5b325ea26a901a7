"""What may be sent is what the workflows' table says, and nothing on the contract's "never send" list."""

import re

import pytest

from locustfiles._routes import ALLOWED, M

# every row of workflows.md's table as it names them; paths shortened there are written out
TABLE = {
    "onboarding": """
        POST /api/auth/nonce, POST /api/auth/wallet-connect
        POST M/seller/profile, PUT M/seller/onboarding/{w}/profile-setup, PUT M/seller/onboarding/{w}/business-info
        PUT M/seller/onboarding/{w}/verification, POST /api/sellers/verify
        POST M/seller/listings, PUT M/seller/onboarding/{w}/first-listing
        PUT M/seller/onboarding/{w}/payout-setup, GET M/seller/onboarding/{w}""",
    "profile_management": """
        GET M/seller/{w}, PUT M/seller/{w}
        POST M/seller/images/upload
        GET M/seller/{w}/tier, GET M/seller/verification/{uid}/verification
        GET M/sellers/{w}, GET /api/sellers/profile""",
    "dashboard": """
        POST /api/user-notifications
        GET M/seller/dashboard/analytics/{w}
        GET M/seller/dashboard/notifications/{w}, PUT M/seller/dashboard/notifications/{id}/read
        GET /api/user-notifications/unread-count
        GET /api/seller/fulfillment/queue/ready_to_ship, POST /api/user-notifications/read-all
        GET M/seller/dashboard/{w}, GET /api/seller/metrics/fulfillment""",
    "store": """
        GET M/seller/{w}, GET M/sellers/{w}/listings
        GET M/seller/listings/{w}, GET M/listings/{lid}, POST M/listings/{lid}/view
        PUT M/seller/{w}
        POST /api/messaging/conversations, POST /api/messaging/conversations/{id}/messages
        GET M/seller/dashboard/analytics/{w}, GET M/seller/{w}/messaging-analytics""",
    "listing": """
        POST M/seller/listings
        POST M/seller/images/upload, PUT M/seller/listings/{lid}
        GET M/seller/listings/detail/{lid}
        GET M/listings/categories
        DELETE M/seller/listings/{lid}""",
    "order_management": """
        GET M/seller/orders/{w}
        POST M/seller/orders/{oid}/process, POST M/seller/orders/bulk-status
        POST M/seller/orders/{oid}/messages, GET M/seller/orders/{oid}/messages
        POST M/seller/orders/{oid}/ready, POST M/seller/orders/{oid}/ship, GET M/seller/orders/{oid}/packing-slip
        GET /api/sellers/orders""",
    "tier_upgrade": """
        GET M/seller/{w}/tier/progress
        GET /api/seller-analytics/{uid}/tier-progression
        POST M/seller/listings
        POST /api/sellers/tier/evaluate, GET M/seller/{w}/tier
        GET /api/sellers/tier/criteria""",
    "analytics": """
        POST /api/seller-analytics/{uid}/track, GET /api/seller-analytics/{uid}/metrics
        GET /api/seller-analytics/{uid}/dashboard
        GET /api/seller-analytics/{uid}/insights
        GET /api/seller-analytics/{uid}/trends
        GET /api/seller-performance/{uid}/recommendations""",
    "sign-in": "POST /api/auth/refresh",
}


def _rows(text: str) -> set[tuple[str, str]]:
    return {
        (method, re.sub(r"^M/", f"{M}/", route))
        for method, route in re.findall(r"(GET|POST|PUT|DELETE) ([^\s,]+)", text)
    }


@pytest.mark.parametrize("name", TABLE)
def test_every_request_of_the_table_may_be_sent(name: str) -> None:
    assert _rows(TABLE[name]) <= ALLOWED


def test_nothing_else_may_be_sent() -> None:
    assert set().union(*map(_rows, TABLE.values())) == ALLOWED


NEVER = {
    "anything under /api/orders": r"\w+ /api/orders",
    "registration": r"\w+ .*/registration",
    "Stripe Connect": r"\w+ .*(stripe|connect/)",
    "cache control": r"(POST|DELETE|PUT|PATCH) .*/cache",
    "automation": r"\w+ .*/automation",
    "the server's own performance metrics": r"\w+ /api/performance",
    "event streams": r"\w+ .*(stream|/sse|/events)",
    "two factors": r"\w+ .*2fa",
    "crashing escrow routes": r"\w+ .*/enhanced-",
    "status connections": r"\w+ /api/auth/(status|profile|kyc)",
    "administration": r"\w+ .*/admin",
}


@pytest.mark.parametrize("pattern", NEVER.values(), ids=NEVER.keys())
def test_what_must_never_be_sent_cannot_be(pattern: str) -> None:
    assert not [
        f"{method} {route}" for method, route in ALLOWED if re.match(pattern, f"{method} {route}", re.IGNORECASE)
    ]


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /api/orders/1",
        "POST /api/marketplace/registration/seller",
        "POST /api/stripe/connect/x",
        "POST /api/cache/clear",
        "DELETE /api/cache/x",
        "POST /api/automation/process-all",
        "GET /api/performance/metrics",
        "GET /api/x/stream",
        "POST /api/auth/verify-2fa",
        "POST /api/enhanced-escrow/x",
        "GET /api/auth/status",
        "GET /api/admin/x",
    ],
)
def test_patterns_of_the_never_list_match_what_they_are_for(request_line: str) -> None:
    assert any(re.match(pattern, request_line, re.IGNORECASE) for pattern in NEVER.values())


def test_routes_are_templates_and_hold_no_query_and_no_id() -> None:
    for _, route in ALLOWED:
        assert re.fullmatch(r"(/[a-z_-]+|/\{(w|uid|lid|oid|id)\})+", route), route
