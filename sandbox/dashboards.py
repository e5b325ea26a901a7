"""Answer the dashboard routes from the seller's orders, listings and notifications."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.call import Call
from sandbox.envelopes import Reply, invalid
from sandbox.notifications import unread_of
from sandbox.sales import Sale, daily, revenue_of, sales_since, status_counts
from sandbox.shop import Shop

_PERIOD = re.compile(r"([1-9]\d{0,2})d")
_DAYS_AT_MOST = 365
_DAY_MS = 24 * 3600 * 1000
_OPEN = ("paid", "processing", "ready_to_ship", "shipped")


def stats(shop: Shop, call: Call) -> Reply:
    """Return the figures of a seller now; zeros for a wallet that has nothing."""
    wallet = call.wallet
    sales, counts = sales_since(shop, wallet, 0), status_counts(shop, wallet)
    today = datetime.fromtimestamp(call.now_ms / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = {
        "today": today,
        "thisWeek": today - timedelta(days=today.weekday()),
        "thisMonth": today.replace(day=1),
    }
    listings = {row["status"]: row["n"] for row in shop.db.rows(
        "SELECT status, count(*) AS n FROM listings WHERE wallet = ? GROUP BY status", wallet
    )}  # fmt: skip
    pending_usd = sum(sale.net_usd for sale in sales if sale.status in _OPEN)
    available_usd = sum(sale.net_usd for sale in sales if sale.status in {"delivered", "completed"})
    return Reply(
        {
            "walletAddress": wallet,
            "sales": {
                **{name: revenue_of(sales, int(start.timestamp() * 1000)) for name, start in starts.items()},
                "total": revenue_of(sales, 0),
            },
            "orders": {
                "pending": counts.get("pending", 0) + counts.get("paid", 0),
                "processing": counts.get("processing", 0) + counts.get("ready_to_ship", 0),
                "shipped": counts.get("shipped", 0),
                "delivered": counts.get("delivered", 0) + counts.get("completed", 0),
                "disputed": counts.get("disputed", 0),
            },
            "listings": {
                "active": listings.get("active", 0),
                "draft": listings.get("draft", 0),
                "sold": listings.get("sold_out", 0),
                "expired": 0,
            },
            "balance": {
                "crypto": {},
                "fiatEquivalent": round(available_usd, 2),
                "pendingEscrow": round(pending_usd, 2),
                "availableWithdraw": round(available_usd, 2),
            },
            "reputation": {"score": 0, "trend": "stable", "recentReviews": [], "averageRating": 0},
            "unreadNotifications": unread_of(shop, wallet),
        },
    )


def analytics(shop: Shop, call: Call) -> Reply:
    """Return revenue, orders and best sellers of the last days; ``period`` is 1d to 365d."""
    period = call.query.get("period", "30d")
    match = _PERIOD.fullmatch(period)
    if match is None or int(match[1]) > _DAYS_AT_MOST:
        raise invalid("period", "period must be 1d to 365d")
    wallet, since_ms = call.wallet, call.now_ms - int(match[1]) * _DAY_MS
    sales = sales_since(shop, wallet, since_ms)
    by_status = status_counts(shop, wallet, since_ms)
    delivered = by_status.get("delivered", 0) + by_status.get("completed", 0)
    placed = sum(by_status.values())
    revenue_usd = revenue_of(sales, 0)
    days = daily(sales)
    return Reply(
        {
            "walletAddress": wallet,
            "period": period,
            "revenue": {"total": revenue_usd, "byDay": [{"date": day.date, "amount": day.usd} for day in days]},
            "orders": {
                "total": placed,
                "byStatus": by_status,
                "byDay": [{"date": day.date, "count": day.orders} for day in days],
            },
            "products": _products(shop, wallet, sales),
            "customers": {"new": len({sale.buyer for sale in sales}), "returning": 0},
            "performance": {
                "averageOrderValue": round(revenue_usd / len(sales), 2) if sales else 0,
                "conversionRate": 0,
                "fulfillmentRate": delivered / placed if placed else 0,
            },
        },
    )


def _products(shop: Shop, wallet: str, sales: list[Sale]) -> dict[str, Any]:
    sold: dict[str, list[Sale]] = {}
    for sale in sales:
        sold.setdefault(sale.listing, []).append(sale)
    best = sorted(sold.items(), key=lambda item: (-len(item[1]), item[0]))[:5]
    categories = shop.db.rows(
        "SELECT c.slug, count(*) AS n FROM listings l JOIN categories c ON c.id = l.category"
        " WHERE l.wallet = ? AND l.status = 'active' GROUP BY c.slug ORDER BY c.slug",
        wallet,
    )
    return {
        "topSelling": [
            {"listingId": listing, "title": of[0].title, "orders": len(of), "revenue": revenue_of(of, 0)}
            for listing, of in best
        ],
        "byCategory": {row["slug"]: row["n"] for row in categories},
    }
