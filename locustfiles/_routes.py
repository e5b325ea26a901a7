"""List every route that may be sent; what is not here cannot be expressed by a workflow.

Above it stands the contract's "never send" list: nothing under /api/orders, where one bad request ends the server's
process; no Stripe, no registration, no cache control, no event streams.
"""

import re
from typing import Final

ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
"""What may stand in a route's braces: an id a server made up must not become another path."""

M: Final = "/api/marketplace"

# sign-in
NONCE: Final = "/api/auth/nonce"
CONNECT: Final = "/api/auth/wallet-connect"
REFRESH: Final = "/api/auth/refresh"
# seller and onboarding
SELLER: Final = M + "/seller/{w}"
SELLER_PROFILE: Final = M + "/seller/profile"
PUBLIC_SELLER: Final = M + "/sellers/{w}"
PUBLIC_LISTINGS: Final = M + "/sellers/{w}/listings"
OWN_PROFILE: Final = "/api/sellers/profile"
ONBOARDING: Final = M + "/seller/onboarding/{w}"
ONBOARD_PROFILE: Final = M + "/seller/onboarding/{w}/profile-setup"
ONBOARD_BUSINESS: Final = M + "/seller/onboarding/{w}/business-info"
ONBOARD_VERIFICATION: Final = M + "/seller/onboarding/{w}/verification"
ONBOARD_LISTING: Final = M + "/seller/onboarding/{w}/first-listing"
ONBOARD_PAYOUT: Final = M + "/seller/onboarding/{w}/payout-setup"
VERIFY: Final = "/api/sellers/verify"
VERIFICATION: Final = M + "/seller/verification/{uid}/verification"
UPLOAD: Final = M + "/seller/images/upload"
# listings
SELLER_LISTINGS: Final = M + "/seller/listings"
LISTINGS_OF: Final = M + "/seller/listings/{w}"
SELLER_LISTING: Final = M + "/seller/listings/{lid}"
LISTING_DETAIL: Final = M + "/seller/listings/detail/{lid}"
LISTING: Final = M + "/listings/{lid}"
LISTING_VIEW: Final = M + "/listings/{lid}/view"
CATEGORIES: Final = M + "/listings/categories"
# dashboard and notifications
DASHBOARD: Final = M + "/seller/dashboard/{w}"
DASHBOARD_ANALYTICS: Final = M + "/seller/dashboard/analytics/{w}"
DASHBOARD_NOTIFICATIONS: Final = M + "/seller/dashboard/notifications/{w}"
NOTIFICATION_READ: Final = M + "/seller/dashboard/notifications/{id}/read"
MESSAGING_ANALYTICS: Final = M + "/seller/{w}/messaging-analytics"
NOTIFY: Final = "/api/user-notifications"
UNREAD: Final = "/api/user-notifications/unread-count"
READ_ALL: Final = "/api/user-notifications/read-all"
QUEUE: Final = "/api/seller/fulfillment/queue/ready_to_ship"
FULFILLMENT: Final = "/api/seller/metrics/fulfillment"
# messages
CONVERSATIONS: Final = "/api/messaging/conversations"
MESSAGES: Final = "/api/messaging/conversations/{id}/messages"
# orders: read and fulfilled, never made
ORDERS: Final = M + "/seller/orders/{w}"
OWN_ORDERS: Final = "/api/sellers/orders"
PROCESS: Final = M + "/seller/orders/{oid}/process"
BULK_STATUS: Final = M + "/seller/orders/bulk-status"
ORDER_MESSAGES: Final = M + "/seller/orders/{oid}/messages"
READY: Final = M + "/seller/orders/{oid}/ready"
SHIP: Final = M + "/seller/orders/{oid}/ship"
PACKING_SLIP: Final = M + "/seller/orders/{oid}/packing-slip"
# tiers
TIER: Final = M + "/seller/{w}/tier"
TIER_PROGRESS: Final = M + "/seller/{w}/tier/progress"
TIER_PROGRESSION: Final = "/api/seller-analytics/{uid}/tier-progression"
EVALUATE: Final = "/api/sellers/tier/evaluate"
CRITERIA: Final = "/api/sellers/tier/criteria"
# analytics
TRACK: Final = "/api/seller-analytics/{uid}/track"
METRICS: Final = "/api/seller-analytics/{uid}/metrics"
ANALYTICS_DASHBOARD: Final = "/api/seller-analytics/{uid}/dashboard"
INSIGHTS: Final = "/api/seller-analytics/{uid}/insights"
TRENDS: Final = "/api/seller-analytics/{uid}/trends"
RECOMMENDATIONS: Final = "/api/seller-performance/{uid}/recommendations"

ALLOWED: Final[frozenset[tuple[str, str]]] = frozenset(
    {
        *(("POST", route) for route in (NONCE, CONNECT, REFRESH, SELLER_PROFILE, VERIFY, UPLOAD, SELLER_LISTINGS)),
        *(("POST", route) for route in (LISTING_VIEW, NOTIFY, READ_ALL, CONVERSATIONS, MESSAGES, PROCESS, BULK_STATUS)),
        *(("POST", route) for route in (ORDER_MESSAGES, READY, SHIP, EVALUATE, TRACK)),
        *(("GET", route) for route in (SELLER, PUBLIC_SELLER, PUBLIC_LISTINGS, OWN_PROFILE, ONBOARDING, VERIFICATION)),
        *(("GET", route) for route in (LISTINGS_OF, LISTING_DETAIL, LISTING, CATEGORIES, DASHBOARD)),
        *(("GET", route) for route in (DASHBOARD_ANALYTICS, DASHBOARD_NOTIFICATIONS, MESSAGING_ANALYTICS, UNREAD)),
        *(("GET", route) for route in (QUEUE, FULFILLMENT, ORDERS, OWN_ORDERS, ORDER_MESSAGES, PACKING_SLIP)),
        *(("GET", route) for route in (TIER, TIER_PROGRESS, TIER_PROGRESSION, CRITERIA, METRICS)),
        *(("GET", route) for route in (ANALYTICS_DASHBOARD, INSIGHTS, TRENDS, RECOMMENDATIONS)),
        *(("PUT", route) for route in (SELLER, ONBOARD_PROFILE, ONBOARD_BUSINESS, ONBOARD_VERIFICATION)),
        *(("PUT", route) for route in (ONBOARD_LISTING, ONBOARD_PAYOUT, SELLER_LISTING, NOTIFICATION_READ)),
        ("DELETE", SELLER_LISTING),
    }
)
"""(method, route template) pairs of workflows.md's table, its fixtures and sign-in."""
