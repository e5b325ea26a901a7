"""Answer the listing routes: publish, change, take down, and the pages buyers read."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from sqlite3 import Row
from typing import Any

import orjson

from sandbox.call import Call, checked_wallet
from sandbox.categories import category_id
from sandbox.envelopes import RefusalError, Reply, forbidden, invalid, iso
from sandbox.fields import Fields
from sandbox.sellers import Seller, find_seller
from sandbox.shop import Shop
from sandbox.tiers import refuse_past_limit

STATUSES = ("active", "inactive", "sold_out", "suspended", "draft")
_PRICE_STEP = Decimal("0.00000001")  # numeric(20,8)
_PRICE_BELOW = Decimal(10) ** 12
_ORDERS_BY = {"createdAt": "created_ms", "price": "price_sort"}
_TITLE_CHARS = 500
_CURRENCY_CHARS = 10
_IMAGES_AT_MOST = 50
_KEPT = ("images", "tags", "metadata", "shipping", "nft", "inventory", "description")


@dataclass(frozen=True, slots=True)
class Draft:
    """Price (text with 8 decimals) and document of a listing that is not published yet."""

    price: str
    document: dict[str, Any]


def create(shop: Shop, call: Call) -> Reply:
    """Publish a listing of the caller, active at once; 403 TIER_LIMIT_EXCEEDED past the tier's limit."""
    fields = Fields(call.body)
    wallet = fields.text("walletAddress", 42, required=True)
    fields.text("title", _TITLE_CHARS, required=True)
    fields.text("description", 20_000, required=True)
    fields.text("categoryId", 100, required=True)
    fields.check()
    if checked_wallet(wallet) != call.signed_in.wallet:
        raise forbidden()
    draft = read_draft(call.body)
    seller = find_seller(shop, call.signed_in.wallet)
    if seller is None:
        raise RefusalError(400, "SELLER_NOT_FOUND", "Create a seller profile first")
    refuse_past_limit(shop, seller)
    return publish(shop, call, seller, draft)


def read_draft(body: dict[str, Any]) -> Draft:
    """Return price and document of a new listing; raises 400."""
    price = read_price(body.get("price"))
    return Draft(price, {"images": [], "tags": [], "metadata": {}, "inventory": 0} | _read_document(body))


def publish(shop: Shop, call: Call, seller: Seller, draft: Draft) -> Reply:
    """Write a new listing of a seller and return it (201)."""
    listing_id = shop.new_id()
    shop.db.write(
        "INSERT INTO listings VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'active', 0, ?, ?, ?)",
        listing_id, seller.wallet, seller.uid, call.body["title"], draft.price, float(draft.price),
        call.body.get("currency") or "USD", category_id(shop, call.body["categoryId"]), orjson.dumps(draft.document),
        call.now_ms, call.now_ms, touch=_tags(seller.wallet, listing_id, shelf=True),
    )  # fmt: skip
    _push(shop, seller.wallet, listing_id, "created", "active")
    return Reply(listing_object(_require(shop, listing_id)), 201)


def update(shop: Shop, call: Call) -> Reply:
    """Change the fields that were sent; metadata is merged. Data is null for an id that does not exist."""
    return change(shop, call, _own(shop, call), tier_limits=True)


def change(shop: Shop, call: Call, row: Row | None, *, tier_limits: bool) -> Reply:
    """Change a listing, with or without regard to how many active ones the tier allows."""
    document = _read_document(call.body)
    status = _read_status(call.body)
    if row is None:
        return Reply(None)
    if tier_limits and status == "active" and row["status"] != "active":
        seller = find_seller(shop, row["wallet"])
        if seller is not None:
            refuse_past_limit(shop, seller)
    kept = orjson.loads(row["document"])
    if "metadata" in document:
        document["metadata"] = kept["metadata"] | document["metadata"]
    price = read_price(call.body["price"]) if "price" in call.body else row["price"]
    category = category_id(shop, call.body["categoryId"]) if "categoryId" in call.body else row["category"]
    moved = (status or row["status"], category) != (row["status"], row["category"])
    shop.db.write(
        "UPDATE listings SET title = ?, price = ?, price_sort = ?, currency = ?, category = ?, status = ?,"
        " document = ?, updated_ms = ? WHERE id = ?",
        call.body.get("title") or row["title"], price, float(price), call.body.get("currency") or row["currency"],
        category, status or row["status"], orjson.dumps(kept | document), call.now_ms, row["id"],
        touch=_tags(row["wallet"], row["id"], shelf=moved),
    )  # fmt: skip
    _push(shop, row["wallet"], row["id"], "updated", status or row["status"])
    return Reply(listing_object(_require(shop, row["id"])))


def delete(shop: Shop, call: Call) -> Reply:
    """Take a listing down; it stays readable as inactive. Data is null for an id that does not exist."""
    return take_down(shop, call, _own(shop, call))


def take_down(shop: Shop, call: Call, row: Row | None) -> Reply:
    """Make a listing inactive."""
    if row is None:
        return Reply(None)
    shop.db.write(
        "UPDATE listings SET status = 'inactive', updated_ms = ? WHERE id = ?",
        call.now_ms, row["id"], touch=_tags(row["wallet"], row["id"], shelf=row["status"] != "inactive"),
    )  # fmt: skip
    _push(shop, row["wallet"], row["id"], "deleted", "inactive")
    return Reply({"message": "Listing deleted", "listingId": row["id"]})


def show(shop: Shop, call: Call) -> Reply:
    """Return one listing; 404 LISTING_NOT_FOUND."""
    return Reply(listing_object(_require(shop, call.uuid("lid"))))


def show_detail(shop: Shop, call: Call) -> Reply:
    """Return one listing with the slug of its category."""
    row = _require(shop, call.uuid("lid"))
    category = shop.db.row("SELECT slug FROM categories WHERE id = ?", row["category"])
    return Reply(listing_object(row) | {"categorySlug": category["slug"] if category else None})


def list_of_seller(shop: Shop, call: Call) -> Reply:
    """Return a seller's listings of every status, or of the one asked for."""
    status = call.query.get("status")
    if status is not None and status not in STATUSES:
        raise invalid("status", f"status must be one of {', '.join(STATUSES)}")
    limit, offset = call.number("limit", 50, 1, 100), call.number("offset", 0, 0, 1_000_000)
    order = _ORDERS_BY.get(call.query.get("sortBy", "createdAt"), "created_ms")
    way = "ASC" if call.query.get("sortOrder") == "asc" else "DESC"
    where, values = ("wallet = ? AND status = ?", (call.wallet, status)) if status else ("wallet = ?", (call.wallet,))
    rows = shop.db.rows(
        f"SELECT * FROM listings WHERE {where} ORDER BY {order} {way}, rowid {way} LIMIT ? OFFSET ?",  # noqa: S608 - pieces from fixed tables
        *values, limit, offset,
    )  # fmt: skip
    total = shop.db.number(f"SELECT count(*) FROM listings WHERE {where}", *values)  # noqa: S608 - likewise
    page = {"total": total, "page": offset // limit + 1, "pageSize": limit}
    return Reply({"listings": [listing_object(row) for row in rows], **page})


def list_of_store(shop: Shop, call: Call) -> Reply:
    """Return the active listings of a store, page by page, as buyers see them."""
    page, limit = call.number("page", 1, 1, 100_000), call.number("limit", 20, 1, 100)
    rows = shop.db.rows(
        "SELECT * FROM listings WHERE wallet = ? AND status = 'active' ORDER BY created_ms DESC, rowid DESC"
        " LIMIT ? OFFSET ?",
        call.wallet, limit, (page - 1) * limit,
    )  # fmt: skip
    total = shop.db.number("SELECT count(*) FROM listings WHERE wallet = ? AND status = 'active'", call.wallet)
    pages = -(-total // limit)
    pagination = {
        "page": page,
        "limit": limit,
        "total": total,
        "totalPages": pages,
        "hasNext": page < pages,
        "hasPrev": page > 1,
    }
    listings = [listing_object(row) for row in rows]
    return Reply({"walletAddress": call.wallet, "listings": listings, "pagination": pagination})


def listing_object(row: Row) -> dict[str, Any]:
    """Return a listing as the product shows it; price is text with 8 decimals (contract 6.5)."""
    document = orjson.loads(row["document"])
    return {
        "id": row["id"],
        "sellerId": row["uid"],
        "sellerAddress": row["wallet"],
        "title": row["title"],
        "description": document.get("description", ""),
        "price": row["price"],
        "currency": row["currency"],
        "categoryId": row["category"],
        "images": document["images"],
        "metadata": document["metadata"],
        "inventory": document["inventory"],
        "status": row["status"],
        "tags": document["tags"],
        "shipping": document.get("shipping"),
        "nft": document.get("nft"),
        "views": row["views"],
        "favorites": 0,
        "listingStatus": "PUBLISHED" if row["status"] == "active" else "UNPUBLISHED",
        "publishedAt": iso(row["created_ms"]),
        "createdAt": iso(row["created_ms"]),
        "updatedAt": iso(row["updated_ms"]),
    }


def read_price(value: object) -> str:
    """Return a price as text with 8 decimals; raises 400 unless it is above zero and fits numeric(20,8)."""
    try:
        price = Decimal(str(value)) if isinstance(value, (str, int, float)) else Decimal(0)
    except InvalidOperation:
        price = Decimal(0)
    if not price.is_finite() or not _PRICE_STEP <= price < _PRICE_BELOW:
        raise invalid("price", "price must be a number greater than 0")
    return format(price.quantize(_PRICE_STEP), "f")


def _read_document(body: dict[str, Any]) -> dict[str, Any]:
    fields = Fields(body)
    fields.text("title", _TITLE_CHARS)
    fields.text("currency", _CURRENCY_CHARS)
    fields.text("description", 20_000)
    fields.texts("images", _IMAGES_AT_MOST)
    fields.texts("tags", _IMAGES_AT_MOST)
    for name in ("metadata", "shipping", "nft"):
        fields.mapping(name)
    inventory = body.get("inventory", 0)
    if not isinstance(inventory, int) or isinstance(inventory, bool) or inventory < 0:
        fields.refuse("inventory", "inventory must be a whole number of 0 or more")
    fields.check()
    return {name: body[name] for name in _KEPT if body.get(name) is not None}


def _read_status(body: dict[str, Any]) -> str:
    fields = Fields(body)
    status = fields.one_of("status", STATUSES)
    fields.check()
    return status


def find(shop: Shop, call: Call) -> Row | None:
    """Return the listing of the path, None if there is none."""
    return shop.db.row("SELECT * FROM listings WHERE id = ?", call.uuid("lid"))


def _own(shop: Shop, call: Call) -> Row | None:
    row = find(shop, call)
    if row is not None and row["wallet"] != call.signed_in.wallet:
        raise forbidden("You can only change your own listings")
    return row


def _require(shop: Shop, listing_id: str) -> Row:
    row = shop.db.row("SELECT * FROM listings WHERE id = ?", listing_id)
    if row is None:
        raise RefusalError(404, "LISTING_NOT_FOUND", "Listing not found")
    return row


def _push(shop: Shop, wallet: str, listing_id: str, action: str, status: str) -> None:
    """Tell a seller's other screens what became of a listing."""
    body = {"listingId": listing_id, "walletAddress": wallet, "action": action, "status": status}
    shop.publisher.publish("listing_updated", wallet, body)


def _tags(wallet: str, listing_id: str, *, shelf: bool) -> tuple[str, ...]:
    """Name what a write to a listing changes; the shelf is how many listings there are of each status and category."""
    tags = (f"listings:{wallet}", f"listing:{listing_id}")
    return (*tags, f"shelf:{wallet}") if shelf else tags


def view(shop: Shop, call: Call) -> Reply:
    """Count a view; the figure on the pages follows within a minute."""
    row = _require(shop, call.uuid("lid"))
    shop.tallies.count_view(row["id"])
    return Reply({"listingId": row["id"], "counted": True})
