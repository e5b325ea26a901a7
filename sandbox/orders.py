"""Answer the order routes a seller reads: lists, board queues, messages and packing slips."""

from collections.abc import Sequence
from sqlite3 import Row
from typing import Any

from sandbox.call import Call
from sandbox.envelopes import Reply, forbidden, invalid, iso
from sandbox.fields import Fields
from sandbox.money import Bill, dollars
from sandbox.shop import Shop
from sandbox.state import Value

STATUSES = (
    "pending",
    "paid",
    "processing",
    "ready_to_ship",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
    "refunded",
    "disputed",
)
_TOKEN_STATUSES = ("pending", "shipped", "delivered", "disputed", "completed", "cancelled")
_ORDERS_BY = {"createdAt": "created_ms", "amount": "amount_cents"}
_MESSAGE_CHARS = 2000
_OVERDUE_AFTER_MS = 3 * 24 * 3600 * 1000
# What each queue of the fulfilment board holds; overdue ones are told apart by age.
QUEUES = {
    "ready_to_ship": ("ready_to_ship",),
    "overdue": ("paid", "processing", "ready_to_ship"),
    "in_transit": ("shipped",),
    "requires_attention": ("disputed", "pending"),
}


def list_of_wallet(shop: Shop, call: Call) -> Reply:
    """Return the seller's orders, newest first unless asked otherwise."""
    status = call.query.get("status")
    if status is not None and status not in STATUSES:
        raise invalid("status", f"status must be one of {', '.join(STATUSES)}")
    limit, offset = call.number("limit", 50, 1, 100), call.number("offset", 0, 0, 1_000_000)
    order = _ORDERS_BY.get(call.query.get("sortBy", "createdAt"), "created_ms")
    way = "ASC" if call.query.get("sortOrder") == "asc" else "DESC"
    rows = _select(shop, call.wallet, status, f"{order} {way}, rowid {way}", limit, offset)
    page = {"total": _total(shop, call.wallet, status), "page": offset // limit + 1, "pageSize": limit}
    return Reply({"walletAddress": call.wallet, "orders": [order_object(row) for row in rows], **page})


def list_of_caller(shop: Shop, call: Call) -> Reply:
    """Return the caller's orders page by page, newest first."""
    fields = Fields(dict(call.query))
    status = fields.one_of("status", _TOKEN_STATUSES) or None
    fields.check()
    page, limit = call.number("page", 1, 1, 100_000), call.number("limit", 50, 1, 100)
    wallet = call.signed_in.wallet
    rows = _select(shop, wallet, status, "created_ms DESC, rowid DESC", limit, (page - 1) * limit)
    total = _total(shop, wallet, status)
    pagination = {"page": page, "limit": limit, "total": total, "totalPages": -(-total // limit)}
    return Reply({"orders": [order_object(row) for row in rows], "pagination": pagination})


def queue(name: str, shop: Shop, call: Call) -> Reply:
    """Return a queue of the fulfilment board, the longest waiting first."""
    marks = ",".join("?" * len(QUEUES[name]))
    before_ms = call.now_ms - _OVERDUE_AFTER_MS if name == "overdue" else call.now_ms + 1
    rows = shop.db.rows(
        f"SELECT rowid, * FROM orders WHERE wallet = ? AND status IN ({marks}) AND created_ms < ?"  # noqa: S608 - only question marks
        " ORDER BY created_ms LIMIT 100",
        call.signed_in.wallet, *QUEUES[name], before_ms,
    )  # fmt: skip
    return Reply({"queue": name, "orders": [order_object(row) for row in rows], "total": len(rows)})


def messages(shop: Shop, call: Call) -> Reply:
    """Return the messages of an own order, oldest first; data is null for an order that does not exist."""
    row = own_order(shop, call)
    if row is None:
        return Reply(None)
    found = shop.db.rows("SELECT * FROM order_messages WHERE order_id = ? ORDER BY created_ms, rowid", row["id"])
    return Reply({"orderId": row["id"], "messages": [_message_object(message) for message in found]})


def post_message(shop: Shop, call: Call) -> Reply:
    """Write to the buyer of an own order."""
    fields = Fields(call.body)
    text = fields.text("message", _MESSAGE_CHARS, required=True)
    fields.check()
    row = own_order(shop, call)
    if row is None:
        return Reply(None)
    message_id = shop.new_id()
    shop.db.write(
        "INSERT INTO order_messages VALUES (?, ?, ?, ?, ?)",
        message_id, row["id"], call.signed_in.wallet, text, call.now_ms,
    )  # fmt: skip
    return Reply({"id": message_id, "orderId": row["id"], "timestamp": iso(call.now_ms)}, 201)


def packing_slip(shop: Shop, call: Call) -> Reply:
    """Return what goes into the parcel of an own order."""
    row = own_order(shop, call)
    if row is None:
        return Reply(None)
    item = {"listingId": row["listing"], "title": row["title"], "quantity": 1}
    return Reply(
        {
            "orderId": row["id"],
            "orderNumber": f"ORD-{row['id'][:8].upper()}",
            "date": iso(row["created_ms"]),
            "buyerAddress": row["buyer_wallet"],
            "items": [item],
            "totalAmount": dollars(row["amount_cents"]),
            "currency": "USD",
            "sellerId": row["wallet"],
            "notes": row["notes"],
        },
    )


def own_order(shop: Shop, call: Call) -> Row | None:
    """Return the order of the path, None if there is none; raises 403 for another seller's."""
    row = shop.db.row("SELECT * FROM orders WHERE id = ?", call.uuid("oid"))
    if row is not None and row["wallet"] != call.signed_in.wallet:
        raise forbidden("You can only work on your own orders")
    return row


def order_object(row: Row) -> dict[str, Any]:
    """Return an order as the product lists it; money is text with two decimals, in US dollars (see money.Bill)."""
    bill = Bill(row["amount_cents"], row["fee_cents"], row["tax_cents"], row["shipping_cents"])
    order = {
        "id": row["id"],
        "sellerAddress": row["wallet"],
        "buyerId": row["buyer_uid"],
        "buyerAddress": row["buyer_wallet"],
        "buyerName": f"user_{row['buyer_wallet'][:8]}",
        "amount": dollars(bill.amount_cents),
        "taxAmount": dollars(bill.tax_cents),
        "shippingCost": dollars(bill.shipping_cents),
        "platformFee": dollars(bill.fee_cents),
        "netRevenue": dollars(bill.net_cents),
        "currency": "USD",
        "paymentToken": "USDC",
        "paymentMethod": "crypto",
        "status": row["status"],
        "listingId": row["listing"],
        "createdAt": iso(row["created_ms"]),
        "updatedAt": iso(row["updated_ms"]),
    }
    if row["tracking"]:
        order |= {"trackingNumber": row["tracking"], "trackingCarrier": row["carrier"]}
    if row["notes"]:
        order["orderNotes"] = row["notes"]
    return order


def _select(shop: Shop, wallet: str, status: str | None, order: str, limit: int, offset: int) -> Sequence[Row]:
    where, values = _where(wallet, status)
    sql = f"SELECT * FROM orders WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608 - pieces from fixed tables
    return shop.db.rows(sql, *values, limit, offset)


def _total(shop: Shop, wallet: str, status: str | None) -> int:
    where, values = _where(wallet, status)
    return shop.db.number(f"SELECT count(*) FROM orders WHERE {where}", *values)  # noqa: S608 - likewise


def _where(wallet: str, status: str | None) -> tuple[str, tuple[Value, ...]]:
    return ("wallet = ? AND status = ?", (wallet, status)) if status else ("wallet = ?", (wallet,))


def _message_object(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "orderId": row["order_id"],
        "senderAddress": row["sender"],
        "message": row["message"],
        "timestamp": iso(row["created_ms"]),
    }
