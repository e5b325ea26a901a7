"""Workflow: an order comes in, is processed, talked about, shipped and accounted for."""

import time
from datetime import datetime
from typing import ClassVar, Final

from locust import between, task

from locustfiles._checks import (
    CheckFailed,
    Data,
    accepted,
    equal,
    expect,
    expect_rows,
    same_id,
)
from locustfiles._routes import (
    BULK_STATUS,
    ORDER_MESSAGES,
    ORDERS,
    OWN_ORDERS,
    PACKING_SLIP,
    PROCESS,
    READY,
    SHIP,
)
from locustfiles._seller import Seller

_MONEY: Final = ("amount", "platformFee", "taxAmount", "shippingCost", "netRevenue")
_PAID: Final = "status=paid&limit=20"
_PATIENCE_S: Final = 15.0
"""How long a seller waits for somebody to order; orders are made by others, never by us."""


class OrderSeller(Seller):
    """Works through orders one by one; each is fulfilled once."""

    workflow = "order_management"
    weight = 1
    wait_time = between(0.5, 1.5)
    needs: ClassVar = {
        "status_update": ("order_notification",),
        "customer_communication": ("order_notification",),
        "fulfillment": ("status_update",),
        "payment_processing": ("order_notification",),
    }

    order: str | None = None
    handled: set[str]

    def arrive(self) -> None:
        """Come with an open shop and something to order."""
        super().arrive()
        self.handled = set()
        self.open_shop()
        self.put_on_shelf()

    @task
    def fulfil(self) -> None:
        """Fulfil one order."""
        self.iterate()

    def begin(self) -> None:
        """Forget the order of the pass before."""
        self.order = None

    def order_notification(self) -> None:
        """Learn of a paid order; over HTTP until sessions hold a socket.

        Time counts from the server's creation stamp, but not from before this seller began to look.
        """
        looking_since_s = time.time()

        def noticed() -> float | None:
            with self.step(
                "order_notification", "GET", ORDERS, query="status=paid&limit=20", unique=True, w=self.w
            ) as answer:
                paid = [order for order in expect(answer).objects("orders") if order["status"] == "paid"]
                paid = [order for order in paid if order["id"] not in self.handled]
                if not paid:
                    return None
                oldest = min(paid, key=lambda order: str(order["createdAt"]))
                since_s = _unix_s(str(oldest["createdAt"]))
            self.order = str(oldest["id"])
            return max(since_s, looking_since_s)

        self.until_known("order_notification", noticed, _PATIENCE_S, ORDERS)

    def status_update(self) -> None:
        """Begin to process the order, and say so for the whole batch."""
        oid = self.need(self.order, "order")
        self.handled.add(oid)  # a list from a cache may call it paid for a while longer
        with self.step("status_update", "POST", PROCESS, json={}, oid=oid) as answer:
            accepted(answer)
        body = {"orderIds": [oid], "status": "processing"}
        with self.step("status_update", "POST", BULK_STATUS, json=body) as answer:
            data = expect(answer)
            equal("success", data["success"], 1)
            equal("failed", data["failed"], 0)

    def customer_communication(self) -> None:
        """Write to the buyer and read it back."""
        oid = self.need(self.order, "order")
        text = self.texts.sentence()
        with self.step("customer_communication", "POST", ORDER_MESSAGES, json={"message": text}, oid=oid) as answer:
            message = str(expect(answer, 201)["id"])

        def written() -> bool:
            with self.step("customer_communication", "GET", ORDER_MESSAGES, unique=True, oid=oid) as answer:
                rows = expect(answer).objects("messages")
            return any(str(row["id"]) == message for row in rows)

        self.until_visible("customer_communication", written, ORDER_MESSAGES)

    def fulfillment(self) -> None:
        """Pack, ship with a tracking number, print the slip."""
        oid = self.need(self.order, "order")
        carrier, number = self.texts.tracking_number()
        with self.step("fulfillment", "POST", READY, json={"carrier": carrier}, oid=oid) as answer:
            expect(answer)
        body = {"carrier": carrier, "trackingNumber": number}
        with self.step("fulfillment", "POST", SHIP, json=body, oid=oid) as answer:
            accepted(answer)
        with self.step("fulfillment", "GET", PACKING_SLIP, oid=oid) as answer:
            same_id(expect(answer), "orderId", oid)

    def payment_processing(self) -> None:
        """See that both lists of orders tell the same money."""
        self.need(self.order, "order")
        with self.step("payment_processing", "GET", ORDERS, w=self.w) as answer:
            page = {str(order["id"]): order for order in expect(answer).objects("orders")}
        with self.step("payment_processing", "GET", OWN_ORDERS) as answer:
            rows = expect_rows(answer, "orders")
            both = [(page[str(row["id"])], row) for row in rows if str(row["id"]) in page]
            if not both:
                raise CheckFailed("the two lists of orders have none in common")
            for one, other in both:
                _same_money(one, other)


def _same_money(one: Data, other: Data) -> None:
    """Hold the amounts of one order, shown in two places, against each other, to the cent."""
    for field in _MONEY:
        if round(one.number(field), 2) != round(other.number(field), 2):
            raise CheckFailed(f"{field} of an order differs between the two lists")


def _unix_s(stamp: str) -> float:
    """Return the Unix seconds of an ISO time; CheckFailed when it is not one."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError):
        raise CheckFailed("createdAt is not an ISO time") from None
