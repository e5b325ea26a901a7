"""Place orders as buyers would, for sellers who are looking at their orders."""

import time
from decimal import Decimal

from sandbox.money import bill_of
from sandbox.shop import Shop

PAID_AT_MOST = 3
EVERY_S = 0.3
BUYERS = 20


class Buyers:
    """A small crowd of sandbox users who keep up to three paid orders in front of every watching seller."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._crowd: list[tuple[str, str]] = []

    def go_round(self) -> int:
        """Place at most one order with each watching seller; returns how many were placed."""
        return sum(self._order_from(wallet) for wallet in self._shop.watchers.present())

    def _order_from(self, wallet: str) -> bool:
        db = self._shop.db
        db.read_late(late=False)  # buyers see the shop as it is, whatever fault readers suffer
        paid = db.number("SELECT count(*) FROM orders WHERE wallet = ? AND status = 'paid'", wallet)
        if paid >= PAID_AT_MOST:
            return False
        listings = db.rows("SELECT * FROM listings WHERE wallet = ? AND status = 'active' LIMIT 100", wallet)
        if not listings:
            return False
        listing = self._shop.rng.choice(listings)
        bill = bill_of(Decimal(listing["price"]), listing["currency"])
        uid, buyer = self._shop.rng.choice(self._buyers())
        now_ms = time.time_ns() // 1_000_000
        db.write(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, 'paid', ?, ?, ?, ?, '', '', '', ?, ?)",
            self._shop.new_id(), wallet, uid, buyer, listing["id"], listing["title"],
            bill.amount_cents, bill.fee_cents, bill.tax_cents, bill.shipping_cents, now_ms, now_ms,
            touch=(f"orders:{wallet}",),
        )  # fmt: skip
        return True

    def _buyers(self) -> list[tuple[str, str]]:
        if not self._crowd:
            for _ in range(BUYERS):
                uid, wallet = self._shop.new_id(), f"0x{self._shop.rng.getrandbits(160):040x}"
                self._shop.db.write("INSERT INTO users VALUES (?, ?, ?, ?)", uid, wallet, f"user_{wallet[:8]}", 0)
                self._crowd.append((uid, wallet))
        return self._crowd
