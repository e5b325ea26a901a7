"""Place orders as buyers would, with sellers who are working through theirs: nobody else would see one come."""

import time
from collections.abc import Callable
from decimal import Decimal
from sqlite3 import Row

from sandbox.envelopes import iso
from sandbox.money import bill_of, dollars
from sandbox.shop import Shop

PAID_AT_MOST = 3
EVERY_S = 0.3
BUYERS = 20


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Buyers:
    """A small crowd of sandbox users who keep up to three paid orders in front of every seller who is there."""

    def __init__(self, shop: Shop, now_ms: Callable[[], int] = _now_ms) -> None:
        self._shop = shop
        self._now_ms = now_ms
        self._crowd: list[tuple[str, str]] = []

    def go_round(self) -> int:
        """Place at most one order with each seller who is there; returns how many were placed."""
        return sum(self.order_from(wallet) for wallet in self.sellers())

    def sellers(self) -> list[str]:
        """Return the wallets that look at their orders."""
        return self._shop.watchers.present()

    def order_from(self, wallet: str) -> bool:
        """Order from a seller who has something to sell and fewer than three paid orders; says whether it was done."""
        db = self._shop.db
        db.read_late(late=False)  # buyers see the shop as it is, whatever fault readers suffer
        paid = db.number("SELECT count(*) FROM orders WHERE wallet = ? AND status = 'paid'", wallet)
        if paid >= PAID_AT_MOST:
            return False
        listings = db.rows("SELECT * FROM listings WHERE wallet = ? AND status = 'active' LIMIT 100", wallet)
        if not listings:
            return False
        listing = self._shop.rng.choice(listings)
        place_order(self._shop, listing, self._shop.rng.choice(self._buyers()), self._now_ms())
        return True

    def _buyers(self) -> list[tuple[str, str]]:
        if not self._crowd:
            self._crowd = [new_buyer(self._shop) for _ in range(BUYERS)]
        return self._crowd


def new_buyer(shop: Shop) -> tuple[str, str]:
    """Register somebody who buys; returns user id and wallet."""
    uid, wallet = shop.new_id(), f"0x{shop.rng.getrandbits(160):040x}"
    shop.db.write("INSERT INTO users VALUES (?, ?, ?, ?)", uid, wallet, f"user_{wallet[:8]}", 0)
    return uid, wallet


def place_order(shop: Shop, listing: Row, buyer: tuple[str, str], now_ms: int) -> None:
    """Write a paid order of one piece of a listing and tell the seller; ``buyer`` is user id and wallet."""
    bill = bill_of(Decimal(listing["price"]), listing["currency"])
    uid, wallet = buyer
    order_id, seller = shop.new_id(), listing["wallet"]
    shop.db.write(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, 'paid', ?, ?, ?, ?, '', '', '', ?, ?)",
        order_id, seller, uid, wallet, listing["id"], listing["title"],
        bill.amount_cents, bill.fee_cents, bill.tax_cents, bill.shipping_cents, now_ms, now_ms,
        touch=(f"orders:{seller}",),
    )  # fmt: skip
    told = {"orderId": order_id, "walletAddress": seller, "amount": dollars(bill.amount_cents)}
    shop.publisher.publish("new_order", seller, told | {"createdAt": iso(now_ms)})
