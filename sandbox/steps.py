"""Name the forty steps of the product's validation guide, so that a fault can refuse one that does not exist."""

_STEPS_OF_WORKFLOW = {
    "onboarding": "wallet_connection profile_setup verification first_listing payout_setup",
    "profile_management": "profile_update image_upload social_links verification_status data_sync",
    "dashboard": "realtime_updates analytics_display notifications quick_actions performance_metrics",
    "store": "store_page listing_management customization customer_interaction store_analytics",
    "listing": "creation image_management pricing_currency category status_management",
    "order_management": "order_notification status_update customer_communication fulfillment payment_processing",
    "tier_upgrade": "progress_tracking eligibility limit_enforcement automated_upgrade benefit_activation",
    "analytics": "metrics_collection dashboard_display insights trends recommendations",
}

STEPS = frozenset(f"{workflow}.{step}" for workflow, steps in _STEPS_OF_WORKFLOW.items() for step in steps.split())
