"""Read a seller's sales and sum them up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.shop import Shop

NOT_SOLD = ("pending", "cancelled", "refunded")


@dataclass(frozen=True, slots=True)
class Sale:
    """An order that was paid for and not given back; money in US dollars."""

    listing: str
    title: str
    buyer: str
    status: str
    amount_usd: float
    net_usd: float
    created_ms: int
    updated_ms: int


@dataclass(frozen=True, slots=True)
class Day:
    """Sales of one day (UTC)."""

    date: str
    orders: int
    usd: float


def sales_since(shop: Shop, wallet: str, since_ms: int) -> list[Sale]:
    """Return the sales from a moment on, oldest first."""
    rows = shop.db.rows(
        "SELECT * FROM orders WHERE wallet = ? AND created_ms >= ? AND status NOT IN (?, ?, ?) ORDER BY created_ms",
        wallet, since_ms, *NOT_SOLD,
    )  # fmt: skip
    return [
        Sale(
            row["listing"],
            row["title"],
            row["buyer_uid"],
            row["status"],
            row["amount_cents"] / 100,
            (row["amount_cents"] - row["fee_cents"] - row["tax_cents"] - row["shipping_cents"]) / 100,
            row["created_ms"],
            row["updated_ms"],
        )
        for row in rows
    ]


def status_counts(shop: Shop, wallet: str, since_ms: int = 0) -> dict[str, int]:
    """Count a seller's orders by status from a moment on."""
    rows = shop.db.rows(
        "SELECT status, count(*) AS n FROM orders WHERE wallet = ? AND created_ms >= ? GROUP BY status ORDER BY status",
        wallet, since_ms,
    )  # fmt: skip
    return {row["status"]: row["n"] for row in rows}


def revenue_of(sales: Iterable[Sale], since_ms: int) -> float:
    """Sum what buyers paid from a moment on, in dollars to the cent."""
    return round(sum(sale.amount_usd for sale in sales if sale.created_ms >= since_ms), 2)


def daily(sales: Iterable[Sale]) -> list[Day]:
    """Sum sales up by day, in time order; days without any are left out."""
    days: dict[str, list[float]] = {}
    for sale in sales:
        days.setdefault(date_of(sale.created_ms), []).append(sale.amount_usd)
    return [Day(date, len(amounts), round(sum(amounts), 2)) for date, amounts in sorted(days.items())]


def date_of(at_ms: int) -> str:
    """Return the day (UTC) of a moment."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
