"""Workflow: an order comes in, is processed, talked about, shipped and accounted for."""

import time
from typing import ClassVar, Final

from locust import between, task

from locustfiles._checks import (
    CheckFailed,
    Data,
    Stale,
    accepted,
    equal,
    expect,
    expect_rows,
    same_id,
)
from locustfiles._realtime import Owed, unix_s
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
_LOOK_S: Final = 0.5
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
    known: set[str] | None = None
    """Orders that were there when this seller last looked; None: he was not online then."""
    handled: set[str]
    orders: dict[str, Owed]
    """What this seller was told of, or should have been, by the order's id."""

    def arrive(self) -> None:
        """Come with an open shop and something to order."""
        super().arrive()
        self.handled, self.orders = set(), {}
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
        """Be told of a paid order, and find it in the list.

        Every order in the list that was made while the seller held a session is one he must have been told of.
        """
        until_s = time.time() + _PATIENCE_S
        while self.order is None:
            paid = self._paid_orders()
            self._hold_against(paid)
            if paid:
                self.order = str(paid[0]["id"])
            elif time.time() > until_s:
                raise Stale(f"no order within {_PATIENCE_S:g} s")
            else:
                self.pause(_LOOK_S)
                self.leave_when_stopping()
        self.be_online()
        owed = self.orders.get(self.order)
        if owed is not None:
            self.came(owed)

    def _paid_orders(self) -> list[Data]:
        """Return the paid orders nobody has begun, oldest first."""
        with self.step("order_notification", "GET", ORDERS, query=_PAID, unique=True, w=self.w) as answer:
            listed = expect(answer).objects("orders")
            paid = [order for order in listed if order["status"] == "paid" and order["id"] not in self.handled]
            for order in paid:
                _unix_s(order)
        return sorted(paid, key=lambda order: str(order["createdAt"]))

    def _hold_against(self, paid: list[Data]) -> None:
        """Hold the list against what the seller was told: what is only in the list is owed."""
        line = self.line
        if line is None:
            return
        for owed in line.ledger.told("new_order"):
            self.orders[str(owed.body.get("orderId"))] = owed
        for order in paid:
            oid = str(order["id"])
            is_owed, made_s = self._is_owed(order)
            if oid not in self.orders and is_owed:
                owed = Owed("new_order", "order_notification", self.iteration, made_s, time.time(), (oid.encode(),))
                self.orders[oid] = line.ledger.owe(owed)
        self.known = {str(order["id"]) for order in paid} if line.live else None

    def _is_owed(self, order: Data) -> tuple[bool, float | None]:
        """Return whether this seller must have been told of an order, and when it was made, on our clock.

        He must when it was made after his session began, both at their worst: the server knew by then whom to tell.
        Where its clock is not known he must when it was not there at his last look, and he is online since.
        """
        line = self.line
        if line is None or line.live_since_s is None:
            return False, None
        made_s = self.load.lines.clock.ours(_unix_s(order))
        if made_s is not None:
            return made_s > line.live_since_s, made_s
        return line.live and self.known is not None and order["id"] not in self.known, None

    def status_update(self) -> None:
        """Begin to process the order, and say so for the whole batch."""
        oid = self.need(self.order, "order")
        self.orders.pop(oid, None)
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


def _unix_s(order: Data) -> float:
    """Return when an order was made, on the server's clock; CheckFailed when it does not say."""
    made_s = unix_s(order["createdAt"])
    if made_s is None:
        raise CheckFailed("createdAt is not an ISO time")
    return made_s
