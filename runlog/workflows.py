"""Name the eight seller workflows and their forty steps, as the product's validation guide spells them."""

from typing import Final

WORKFLOWS: Final[dict[str, tuple[str, ...]]] = {
    "onboarding": ("wallet_connection", "profile_setup", "verification", "first_listing", "payout_setup"),
    "profile_management": ("profile_update", "image_upload", "social_links", "verification_status", "data_sync"),
    "dashboard": ("realtime_updates", "analytics_display", "notifications", "quick_actions", "performance_metrics"),
    "store": ("store_page", "listing_management", "customization", "customer_interaction", "store_analytics"),
    "listing": ("creation", "image_management", "pricing_currency", "category", "status_management"),
    "order_management": (
        "order_notification",
        "status_update",
        "customer_communication",
        "fulfillment",
        "payment_processing",
    ),
    "tier_upgrade": (
        "progress_tracking",
        "eligibility",
        "limit_enforcement",
        "automated_upgrade",
        "benefit_activation",
    ),
    "analytics": ("metrics_collection", "dashboard_display", "insights", "trends", "recommendations"),
}
"""Workflow name → its five steps in order. A release verdict needs all forty in scope."""

EVENT_STEPS: Final[dict[tuple[str, str], str]] = {
    ("dashboard", "realtime_updates"): "notification",
    ("store", "customer_interaction"): "new_message",
    ("order_management", "order_notification"): "new_order",
    ("tier_upgrade", "automated_upgrade"): "tier_upgraded",
}
"""Steps that are only done when an event has come over the seller's session, and which: these sellers hold one."""

ONLY_WHEN_NAMED: Final[dict[str, tuple[str, ...]]] = {"session_holder": ("hold",)}
"""What takes part only when the command line names it, and is in no release verdict; with its steps."""

HOLDING: Final = frozenset({*(workflow for workflow, _ in EVENT_STEPS), *ONLY_WHEN_NAMED})
"""Workflows whose sellers hold a real-time session."""

SHIPPED: Final[dict[str, tuple[str, ...]]] = {**WORKFLOWS, **ONLY_WHEN_NAMED}
