"""Move orders along: paid, processing, ready to ship, shipped, and in bulk."""

import re
from sqlite3 import Row
from typing import Any

from sandbox.call import Call
from sandbox.envelopes import RefusalError, Reply, invalid
from sandbox.fields import Fields
from sandbox.orders import own_order
from sandbox.shop import Shop

BULK_STATUSES = ("pending", "processing", "ready_to_ship", "shipped", "delivered", "completed", "cancelled")
_BULK_AT_MOST = 50
_BEFORE_SHIPPING = frozenset({"pending", "paid", "processing", "ready_to_ship"})
_SOLD = frozenset({"delivered", "completed"})
_TRACKING = {
    "DHL": re.compile(r"\d{10,11}"),
    "FEDEX": re.compile(r"\d{12,15}"),
    "UPS": re.compile(r"1Z[0-9A-Za-z]{16}"),
    "USPS": re.compile(r"\d{20,22}"),
}
_OTHER_TRACKING = re.compile(r".{6,100}")  # carriers the product does not know: more than five characters


def process(shop: Shop, call: Call) -> Reply:
    """Start on a paid order; 500 PROCESS_ERROR for any other status, data null for an unknown order (contract 6.6)."""
    row = own_order(shop, call)
    if row is None:
        return Reply(None)
    if row["status"] != "paid":
        raise RefusalError(500, "PROCESS_ERROR", f"Order must be paid to be processed, it is {row['status']}")
    move(shop, row, "processing", call.now_ms)
    return Reply({"orderId": row["id"], "status": "processing"})


def ready(shop: Shop, call: Call) -> Reply:
    """Mark an order as packed and hand out a label; refused once it is on its way."""
    row = own_order(shop, call)
    if row is None:
        return Reply(None)
    _refuse_after_shipping(row)
    move(shop, row, "ready_to_ship", call.now_ms)
    carrier = call.body.get("carrier")
    label = {"labelUrl": f"/labels/{row['id']}.pdf", "trackingNumber": f"TRACK-{row['id'][:8].upper()}"}
    return Reply({"orderId": row["id"], "carrier": carrier if isinstance(carrier, str) else None, **label})


def ship(shop: Shop, call: Call) -> Reply:
    """Send an order off; the tracking number must look like its carrier's."""
    number, carrier = read_tracking(call.body)
    row = own_order(shop, call)
    if row is None:
        return Reply(None)
    _refuse_after_shipping(row)
    send_off(shop, row, number, carrier, call.now_ms)
    shipped = {"orderId": row["id"], "status": "shipped", "trackingNumber": number, "trackingCarrier": carrier}
    return Reply({"success": True, **shipped})


def read_tracking(body: dict[str, Any]) -> tuple[str, str]:
    """Return tracking number and carrier; raises 400 unless the number looks like the carrier's."""
    fields = Fields(body)
    number = fields.text("trackingNumber", 100, required=True)
    carrier = fields.text("carrier", 50, required=True)
    fields.check()
    if _TRACKING.get(carrier.upper(), _OTHER_TRACKING).fullmatch(number) is None:
        raise invalid("trackingNumber", f"Invalid tracking number for {carrier}")
    return number, carrier


def send_off(shop: Shop, row: Row, number: str, carrier: str, now_ms: int) -> None:
    """Write down that an order is on its way."""
    shop.db.write("UPDATE orders SET tracking = ?, carrier = ? WHERE id = ?", number, carrier, row["id"])
    move(shop, row, "shipped", now_ms)


def bulk_status(shop: Shop, call: Call) -> Reply:
    """Set the status of up to fifty orders; only own ones count, the others are listed as errors."""
    fields = Fields(call.body)
    ids = fields.texts("orderIds", _BULK_AT_MOST)
    if not ids:
        fields.refuse("orderIds", f"orderIds must hold 1 to {_BULK_AT_MOST} order ids")
    status = fields.one_of("status", BULK_STATUSES, required=True)
    notes = fields.text("notes", 2000)
    fields.check()
    errors: list[dict[str, str]] = []
    for order_id in ids or ():
        row = shop.db.row("SELECT * FROM orders WHERE id = ?", order_id.lower())
        if row is None or row["wallet"] != call.signed_in.wallet:
            errors.append({"orderId": order_id, "error": "Order not found or not yours"})
            continue
        if notes:
            shop.db.write("UPDATE orders SET notes = ? WHERE id = ?", notes, row["id"])
        move(shop, row, status, call.now_ms)
    done = len(ids or ()) - len(errors)
    return Reply({"success": done, "failed": len(errors), "errors": errors})


def move(shop: Shop, row: Row, status: str, now_ms: int) -> None:
    """Give an order a status; figures of sold orders are outdated only when one enters or leaves them.

    Its seller is told when the status is another one now.
    """
    touch = [f"orders:{row['wallet']}"]
    if (row["status"] in _SOLD) != (status in _SOLD):
        touch.append(f"sales:{row['wallet']}")
    shop.db.write(
        "UPDATE orders SET status = ?, updated_ms = ? WHERE id = ?", status, now_ms, row["id"], touch=tuple(touch)
    )
    if status != row["status"]:
        told = {"orderId": row["id"], "walletAddress": row["wallet"], "status": status}
        shop.publisher.publish("order_status_changed", row["wallet"], told | {"previousStatus": row["status"]})


def _refuse_after_shipping(row: Row) -> None:
    if row["status"] not in _BEFORE_SHIPPING:
        raise RefusalError(400, "INVALID_ORDER_STATUS", f"Order is already {row['status']}")
