"""People a deployment before anybody comes: others' shops, and what an operator's SQL puts there for a seller."""

from typing import Any

from sandbox import listings
from sandbox.call import Call
from sandbox.sellers import Seller, create_seller, find_seller
from sandbox.shop import Shop

SLUGS = ("art", "music", "electronics", "fashion", "books", "sports", "jewelry", "toys", "crafts", "home")
"""Categories others sell in: a deployment lists those that have something (contract 6.5)."""


def populate(shop: Shop, others: int, now_ms: int) -> None:
    """Open so many shops of people no load plays, with something in each category between them."""
    shops = [_shop_of_somebody(shop, number, now_ms) for number in range(others)]
    for number, slug in enumerate(SLUGS if shops else ()):
        put_up(shop, shops[number % others], f"Something for {slug} lovers", slug, now_ms)


def outfit(shop: Shop, wallet: str, now_ms: int) -> None:
    """Give a wallet that has signed in what orders need, where it is missing: a shop, and a listing in it."""
    user = shop.db.row("SELECT uid FROM users WHERE wallet = ?", wallet)
    if user is None:
        return
    seller = find_seller(shop, wallet)
    if seller is None:
        seller = create_seller(shop, wallet, user["uid"], {"storeName": f"SG orders {wallet[2:8]}"}, now_ms)
    if shop.db.row("SELECT id FROM listings WHERE wallet = ? AND status = 'active'", wallet) is None:
        put_up(shop, seller, "SG item for orders", SLUGS[0], now_ms)


def put_up(shop: Shop, seller: Seller, title: str, slug: str, now_ms: int) -> None:
    """Publish a listing without anybody having asked."""
    body: dict[str, Any] = {"title": title, "description": "Made by hand.", "price": "12.50", "categoryId": slug}
    call = Call(
        params={}, query_text="", body=body, caller=None, now_ms=now_ms,
        host="", authorization="", content_type="", raw=b"",
    )  # fmt: skip
    listings.publish(shop, call, seller, listings.read_draft(body))


def _shop_of_somebody(shop: Shop, number: int, now_ms: int) -> Seller:
    uid, wallet = shop.new_id(), f"0x{shop.rng.getrandbits(160):040x}"
    shop.db.write("INSERT INTO users VALUES (?, ?, ?, ?)", uid, wallet, f"user_{wallet[:8]}", now_ms)
    return create_seller(shop, wallet, uid, {"storeName": f"Shop {number + 1} of somebody"}, now_ms)
