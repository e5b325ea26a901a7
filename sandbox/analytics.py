"""Answer the analytics routes: tracked metrics, figures, insights, trends and recommendations."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.call import Call
from sandbox.envelopes import RefusalError, Reply, invalid, iso
from sandbox.fields import Fields
from sandbox.sales import NOT_SOLD, Sale, revenue_of, sales_since, status_counts
from sandbox.sellers import Seller, seller_of_user
from sandbox.shop import Shop
from sandbox.tiers import next_tier, requirements

_BUCKETS = {"day": 30, "week": 12, "month": 12}
_ORDER_SERIES = ("totalSales", "totalOrders", "averageOrderValue")
_FEW_LISTINGS = 3
_METRIC_CHARS = 100
_VALUE_AT_MOST = 1e15


@dataclass(frozen=True, slots=True)
class _Figures:
    """A seller's figures over all time; None is not known."""

    sales_usd: float
    orders: int
    average_order_usd: float | None
    conversion_ratio: float | None
    return_ratio: float | None
    shipping_hours: float | None
    active_listings: int


def track(shop: Shop, call: Call) -> Reply:
    """Count one value of a metric."""
    fields = Fields(call.body)
    kind = fields.text("metricType", _METRIC_CHARS, required=True)
    fields.mapping("metadata")
    value = call.body.get("value")
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) <= _VALUE_AT_MOST:
        fields.refuse("value", "value must be a number")
        value = 0
    fields.check()
    uid = call.signed_in.uid
    shop.db.write(
        "INSERT INTO metrics (uid, type, value, created_ms) VALUES (?, ?, ?, ?)", uid, kind, float(value), call.now_ms
    )
    return Reply({"sellerId": uid, "metricType": kind, "count": _tracked(shop, uid).get(kind, {}).get("count", 0)})


def metrics(shop: Shop, call: Call) -> Reply:
    """Return a seller's figures, and how often each tracked metric was counted."""
    seller = seller_of_user(shop, call.uuid("uid"))
    return Reply(_metrics(shop, seller) | {"trackedMetrics": _tracked(shop, seller.uid)})


def dashboard(shop: Shop, call: Call) -> Reply:
    """Return figures, insights and the way to the next tier in one answer."""
    seller = seller_of_user(shop, call.uuid("uid"))
    above = next_tier(seller.tier)
    asked = requirements(shop, seller, above) if above else ()
    return Reply(
        {
            "sellerId": seller.uid,
            "walletAddress": seller.wallet,
            "dateRange": {"start": iso(seller.created_ms), "end": iso(call.now_ms)},
            "metrics": _metrics(shop, seller),
            "insights": _insights(shop, seller)[:5],
            "tierProgression": {
                "currentTier": seller.tier,
                "nextTier": above.name if above else None,
                "requirementsMet": sum(item.met for item in asked),
                "requirementsTotal": len(asked),
            },
            "bottlenecks": _bottlenecks(shop, seller)[:3],
            "lastUpdated": iso(call.now_ms),
        },
    )


def insights(shop: Shop, call: Call) -> Reply:
    """Return what stands out in a seller's figures."""
    seller = seller_of_user(shop, call.uuid("uid"))
    everybody = shop.db.row("SELECT count(*) AS orders, coalesce(avg(amount_cents), 0) AS cents FROM orders")
    benchmarks = {
        "orders": everybody["orders"] if everybody is not None else 0,
        "averageOrderValue": round(everybody["cents"] / 100, 2) if everybody is not None else 0,
    }
    return Reply({"sellerId": seller.uid, "insights": _insights(shop, seller), "benchmarks": benchmarks})


def trends(shop: Shop, call: Call) -> Reply:
    """Return a metric by day, week or month, oldest first and ending now; periods without events are 0."""
    seller = seller_of_user(shop, call.uuid("uid"))
    kind, period = call.query.get("metricType"), call.query.get("period", "day")
    if not kind:
        raise RefusalError(400, "VALIDATION_ERROR", "metricType is required")
    if "limit" in call.query:  # the real thing never converts the text to a number and refuses it
        raise invalid("limit", "limit must be a number")
    if period not in _BUCKETS:
        raise invalid("period", f"period must be one of {', '.join(_BUCKETS)}")
    sums = _series(shop, seller, kind, period)
    starts = _starts(datetime.fromtimestamp(call.now_ms / 1000, UTC).date(), period)
    points = [{"timestamp": start.isoformat(), "value": round(sums.get(start, 0.0), 2)} for start in starts]
    return Reply({"sellerId": seller.uid, "metricType": kind, "period": period, "trends": points})


def recommendations(shop: Shop, call: Call) -> Reply:
    """Return what the seller should do next, one entry for each thing that is missing."""
    seller = seller_of_user(shop, call.uuid("uid"))
    found = [
        {"id": entry["type"], "title": entry["message"], "priority": entry["severity"], "category": "growth"}
        for entry in _bottlenecks(shop, seller)
    ]
    above = next_tier(seller.tier)
    for item in requirements(shop, seller, above) if above else ():
        if not item.met:
            title = f"Raise {item.metric} from {item.current} to {item.required} to enter the next tier"
            found.append({"id": f"tier_{item.metric}", "title": title, "priority": "medium", "category": "tier"})
    return Reply({"sellerId": seller.uid, "recommendations": found})


def fulfilment(shop: Shop, call: Call) -> Reply:
    """Return how the caller handled the orders of the last ``period`` days."""
    days = call.number("period", 30, 1, 365)
    caller = call.signed_in
    since_ms = call.now_ms - days * 24 * 3600 * 1000
    by_status = status_counts(shop, caller.wallet, since_ms)
    total = sum(by_status.values())
    shipped = sum(by_status.get(status, 0) for status in ("shipped", "delivered", "completed"))
    return Reply(
        {
            "sellerId": caller.uid,
            "walletAddress": caller.wallet,
            "period": days,
            "totalOrders": total,
            "ordersByStatus": by_status,
            "shippedRate": shipped / total if total else None,
            "cancelledRate": by_status.get("cancelled", 0) / total if total else None,
            "averageHandlingHours": _shipping_hours(sales_since(shop, caller.wallet, since_ms)),
        },
    )


def _figures(shop: Shop, seller: Seller) -> _Figures:
    sales, by_status = sales_since(shop, seller.wallet, 0), status_counts(shop, seller.wallet)
    views = shop.db.number("SELECT sum(views) FROM listings WHERE wallet = ?", seller.wallet)
    placed, sales_usd = sum(by_status.values()), revenue_of(sales, 0)
    return _Figures(
        sales_usd=sales_usd,
        orders=len(sales),
        average_order_usd=round(sales_usd / len(sales), 2) if sales else None,
        conversion_ratio=min(placed / views, 1.0) if views else None,
        return_ratio=by_status.get("refunded", 0) / placed if placed else None,
        shipping_hours=_shipping_hours(sales),
        active_listings=shop.db.number(
            "SELECT count(*) FROM listings WHERE wallet = ? AND status = 'active'", seller.wallet
        ),
    )


def _metrics(shop: Shop, seller: Seller) -> dict[str, Any]:
    figures = _figures(shop, seller)
    return {
        "sellerId": seller.uid,
        "walletAddress": seller.wallet,
        "totalSales": figures.sales_usd,
        "totalOrders": figures.orders,
        "averageOrderValue": figures.average_order_usd,
        "conversionRate": figures.conversion_ratio,
        "customerSatisfaction": None,  # the sandbox has no reviews
        "returnRate": figures.return_ratio,
        "shippingTime": figures.shipping_hours,
        "activeListings": figures.active_listings,
    }


def _insights(shop: Shop, seller: Seller) -> list[dict[str, Any]]:
    figures = _figures(shop, seller)
    tracked = sum(entry["count"] for entry in _tracked(shop, seller.uid).values())
    return [
        {"type": "sales", "title": f"{figures.orders} orders so far", "value": figures.sales_usd},
        {"type": "catalogue", "title": f"{figures.active_listings} active listings", "value": figures.active_listings},
        {"type": "tracking", "title": f"{tracked} tracked events", "value": tracked},
    ]


def _bottlenecks(shop: Shop, seller: Seller) -> list[dict[str, Any]]:
    figures, found = _figures(shop, seller), []
    if not seller.onboarding_completed:
        found.append({"type": "onboarding", "severity": "high", "message": "Finish onboarding"})
    if figures.active_listings < _FEW_LISTINGS:
        found.append({"type": "catalogue", "severity": "medium", "message": "Publish more listings"})
    if not figures.orders:
        found.append({"type": "sales", "severity": "low", "message": "Tell buyers about the store"})
    return found


def _tracked(shop: Shop, uid: str) -> dict[str, dict[str, Any]]:
    rows = shop.db.rows(
        "SELECT type, count(*) AS n, sum(value) AS total FROM metrics WHERE uid = ? GROUP BY type ORDER BY type", uid
    )
    return {row["type"]: {"count": row["n"], "total": row["total"]} for row in rows}


def _series(shop: Shop, seller: Seller, kind: str, period: str) -> dict[date, float]:
    """Sum a metric by the first day of its period; order figures come from orders, everything else from track."""
    if kind in _ORDER_SERIES:
        rows = shop.db.rows(
            "SELECT created_ms / 86400000 AS day, sum(amount_cents) / 100.0 AS total, count(*) AS n FROM orders"
            " WHERE wallet = ? AND status NOT IN (?, ?, ?) GROUP BY day",
            seller.wallet, *NOT_SOLD,
        )  # fmt: skip
    else:
        rows = shop.db.rows(
            "SELECT created_ms / 86400000 AS day, sum(value) AS total, count(*) AS n FROM metrics"
            " WHERE uid = ? AND type = ? GROUP BY day",
            seller.uid, kind,
        )  # fmt: skip
    sums: defaultdict[date, float] = defaultdict(float)
    counts: defaultdict[date, int] = defaultdict(int)
    for row in rows:
        start = _start_of(date(1970, 1, 1) + timedelta(days=row["day"]), period)
        sums[start] += row["total"]
        counts[start] += row["n"]
    if kind == "totalOrders":
        return dict(counts)
    return {start: sums[start] / counts[start] for start in sums} if kind == "averageOrderValue" else dict(sums)


def _start_of(day: date, period: str) -> date:
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def _starts(today: date, period: str) -> list[date]:
    """Return the first days of the latest periods, oldest first."""
    starts = [_start_of(today, period)]
    while len(starts) < _BUCKETS[period]:
        starts.append(_start_of(starts[-1] - timedelta(days=1), period))
    return starts[::-1]


def _shipping_hours(sales: list[Sale]) -> float | None:
    hours = [(sale.updated_ms - sale.created_ms) / 3_600_000 for sale in sales if sale.status == "shipped"]
    return round(sum(hours) / len(hours), 4) if hours else None
