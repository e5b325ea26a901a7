"""Answer the notification routes: post, list, read, count."""

import time
from sqlite3 import Row
from typing import Any

import orjson

from sandbox.call import Call
from sandbox.envelopes import RefusalError, Reply, iso
from sandbox.fields import Fields
from sandbox.shop import Shop

_PRIORITIES = ("low", "medium", "normal", "high", "urgent")


def post(shop: Shop, call: Call) -> Reply:
    """Write a notification for the caller's own wallet, and push it."""
    posted = write(shop, call)
    push(shop, call.signed_in.wallet, posted)
    return written(posted)


def write(shop: Shop, call: Call) -> dict[str, Any]:
    """Store a notification and return it; its ``id`` is a clock value, not the row's (contract 6.3)."""
    fields = Fields(call.body)
    title = fields.text("title", 500, required=True)
    message = fields.text("message", 5000, required=True)
    kind = fields.text("type", 50) or "system"
    data = fields.mapping("data") or {}
    priority = fields.one_of("priority", _PRIORITIES) or "normal"
    fields.check()
    wallet = call.signed_in.wallet
    shop.db.write(
        "INSERT INTO notifications (wallet, type, title, message, metadata, read, created_ms)"
        " VALUES (?, ?, ?, ?, ?, 0, ?)",
        wallet, kind, title, message, orjson.dumps(data | {"title": title, "priority": priority}), call.now_ms,
        touch=(f"notifications:{wallet}",),
    )  # fmt: skip
    return {
        "id": str(time.time_ns()),
        "type": kind,
        "title": title,
        "message": message,
        "createdAt": iso(call.now_ms),
        "isRead": False,
    }


def push(shop: Shop, wallet: str, posted: dict[str, Any]) -> None:
    """Tell a wallet of its new notification."""
    shop.publisher.publish("notification", wallet, {"type": "notification:new", "data": posted})


def written(posted: dict[str, Any]) -> Reply:
    """Return the answer to whoever posted it (201)."""
    return Reply({"success": True, "message": "Notification created", "data": posted}, 201)


def list_of_wallet(shop: Shop, call: Call) -> Reply:
    """Return a page of the dashboard's list, newest first; ``total`` counts every one that matches."""
    limit, offset = call.number("limit", 20, 1, 100), call.number("offset", 0, 0, 1_000_000)
    where = "wallet = ? AND read = 0" if call.query.get("unreadOnly") == "true" else "wallet = ?"
    sql = f"SELECT * FROM notifications WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?"  # noqa: S608 - one of two texts
    rows = shop.db.rows(sql, call.wallet, limit, offset)
    total = shop.db.number(f"SELECT count(*) FROM notifications WHERE {where}", call.wallet)  # noqa: S608 - likewise
    return Reply(
        {"walletAddress": call.wallet, "notifications": [_dashboard_object(row) for row in rows], "total": total},
    )


def list_of_caller(shop: Shop, call: Call) -> Reply:
    """Return a page of the caller's own list, newest first."""
    wallet = call.signed_in.wallet
    page, limit = call.number("page", 1, 1, 100_000), call.number("limit", 20, 1, 100)
    rows = shop.db.rows(
        "SELECT * FROM notifications WHERE wallet = ? ORDER BY id DESC LIMIT ? OFFSET ?",
        wallet, limit, (page - 1) * limit,
    )  # fmt: skip
    total = shop.db.number("SELECT count(*) FROM notifications WHERE wallet = ?", wallet)
    listed = [_dashboard_object(row) | {"orderId": None, "userAddress": row["wallet"]} for row in rows]
    return Reply({"notifications": listed, "page": page, "limit": limit, "total": total})


def read_on_dashboard(shop: Shop, call: Call) -> Reply:
    """Mark one of the caller's notifications as read; unknown ids give null, ids that are no number 500."""
    row = _own(shop, call)
    if row is None:
        return Reply(None)
    mark_read(shop, row)
    return Reply({"id": row["id"], "message": "Notification marked as read"})


def read_one(shop: Shop, call: Call) -> Reply:
    """Mark one of the caller's notifications as read."""
    row = _own(shop, call)
    if row is None:
        raise RefusalError(404, "NOT_FOUND", "Notification not found")
    mark_read(shop, row)
    return Reply({"success": True})


def read_all(shop: Shop, call: Call) -> Reply:
    """Mark all of the caller's notifications as read."""
    wallet = call.signed_in.wallet
    shop.db.write(
        "UPDATE notifications SET read = 1 WHERE wallet = ? AND read = 0", wallet, touch=(f"notifications:{wallet}",)
    )
    return Reply({"success": True})


def unread_count(shop: Shop, call: Call) -> Reply:
    """Return how many of the caller's notifications are unread."""
    return Reply({"count": unread_of(shop, call.signed_in.wallet)})


def unread_of(shop: Shop, wallet: str) -> int:
    """Count a wallet's unread notifications."""
    return shop.db.number("SELECT count(*) FROM notifications WHERE wallet = ? AND read = 0", wallet)


def find(shop: Shop, call: Call) -> Row | None:
    """Return the notification of the path, None if there is none; raises 500 for an id that is no number."""
    text = call.params["id"]
    if not (text.isascii() and text.isdecimal()) or int(text) >= 2**63:
        raise RefusalError(500, "NOTIFICATION_READ_ERROR", "Notification id must be a number")
    return shop.db.row("SELECT * FROM notifications WHERE id = ?", int(text))


def _own(shop: Shop, call: Call) -> Row | None:
    row = find(shop, call)
    if row is not None and row["wallet"] != call.signed_in.wallet:
        raise RefusalError(403, "FORBIDDEN", "You can only read your own notifications")
    return row


def mark_read(shop: Shop, row: Row) -> None:
    """Mark a notification as read."""
    shop.db.write(
        "UPDATE notifications SET read = 1 WHERE id = ? AND read = 0",
        row["id"],
        touch=(f"notifications:{row['wallet']}",),
    )


def _dashboard_object(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "type": row["type"],
        "title": row["title"],
        "message": row["message"],
        "metadata": orjson.loads(row["metadata"]),
        "read": bool(row["read"]),
        "createdAt": iso(row["created_ms"]),
    }
