"""Hold orders to their life cycle, and what is summed up from them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.conftest import NOBODY, M
from tests.sandbox.test_steps import wait_for_orders

if TYPE_CHECKING:
    from tests.sandbox.conftest import Person


def test_order_life_cycle_refuses(seller: Person, other: Person) -> None:
    seller.listing()
    order = wait_for_orders(seller, 1)[-1]["id"]
    base = f"{M}/seller/orders/{order}"
    for path in ("process", "ready", "ship", "messages"):
        body = {"carrier": "UPS", "trackingNumber": "1Z" + "1" * 16, "message": "x"}
        assert other.client.post(f"{base}/{path}", body).status == 403, path
        assert seller.client.post(f"{M}/seller/orders/{NOBODY}/{path}", body).json["data"] is None, path
    bulk = {"orderIds": [order], "status": "cancelled"}
    foreign = other.client.post(f"{M}/seller/orders/bulk-status", bulk).data
    assert (foreign["success"], foreign["failed"], foreign["errors"][0]["orderId"]) == (0, 1, order)
    assert seller.client.post(f"{base}/process").status == 200
    again = seller.client.post(f"{base}/process")
    assert (again.status, again.code) == (500, "PROCESS_ERROR")
    assert seller.client.post(f"{base}/ship", {"carrier": "UPS", "trackingNumber": "1Z" + "1" * 16}).status == 200
    late = seller.client.post(f"{base}/ready")
    assert (late.status, late.code) == (400, "INVALID_ORDER_STATUS")


@pytest.mark.parametrize(
    ("carrier", "number", "good"),
    [
        ("UPS", "1Z" + "A1" * 8, True), ("UPS", "1Z" + "A1" * 8 + "2", False), ("UPS", "2Z" + "A1" * 8, False),
        ("FEDEX", "1" * 11, False), ("FEDEX", "1" * 12, True), ("fedex", "1" * 15, True), ("FEDEX", "1" * 16, False),
        ("DHL", "1" * 9, False), ("DHL", "1" * 10, True), ("DHL", "1" * 11, True), ("DHL", "1" * 12, False),
        ("USPS", "1" * 19, False), ("USPS", "1" * 20, True), ("USPS", "1" * 22, True), ("USPS", "1" * 23, False),
        ("Pigeon", "12345", False), ("Pigeon", "123456", True),
    ],
)  # fmt: skip
def test_tracking_number_must_look_like_its_carriers(seller: Person, carrier: str, number: str, *, good: bool) -> None:
    body = {"carrier": carrier, "trackingNumber": number}
    answer = seller.client.post(f"{M}/seller/orders/{NOBODY}/ship", body)  # nobody's order: only the number is judged
    assert answer.status == (200 if good else 400)


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (50, 200), (51, 400)])
def test_bulk_takes_one_to_fifty_orders(seller: Person, count: int, status: int) -> None:
    body = {"orderIds": [NOBODY] * count, "status": "processing"}
    answer = seller.client.post(f"{M}/seller/orders/bulk-status", body)
    assert answer.status == status
    if status == 200:
        assert (answer.data["success"], answer.data["failed"], len(answer.data["errors"])) == (0, count, count)


def test_buyer_keeps_three_paid_orders_and_no_more(seller: Person, other: Person) -> None:
    seller.listing()
    wait_for_orders(seller, 3)
    time.sleep(0.8)  # two more rounds of the buyer
    orders = wait_for_orders(seller, 3)
    assert [order["status"] for order in orders] == ["paid"] * 3
    other.listing()  # other never looks at orders, so nobody buys there
    stats = other.client.get(f"{M}/seller/dashboard/{other.wallet}").data
    assert stats["orders"]["pending"] == 0


@pytest.mark.parametrize(
    ("query", "status"),
    [("?limit=0", 400), ("?limit=1", 200), ("?limit=100", 200), ("?limit=101", 400), ("?limit=x", 400),
     ("?offset=-1", 400), ("?status=paid", 200), ("?status=eaten", 400), ("?sortBy=amount&sortOrder=asc", 200)],
)  # fmt: skip
def test_order_list_query(seller: Person, query: str, status: int) -> None:
    assert seller.client.get(f"{M}/seller/orders/{seller.wallet}{query}").status == status


def test_dashboards_sum_up_real_orders(seller: Person) -> None:
    seller.listing(price="100", currency="USD")
    orders = wait_for_orders(seller, 2)
    first = orders[0]["id"]
    seller.client.post(f"{M}/seller/orders/bulk-status", {"orderIds": [first], "status": "cancelled"})
    orders = wait_for_orders(seller, 2)
    wanted = sum(float(order["amount"]) for order in orders if order["status"] != "cancelled")
    stats = seller.client.get(f"{M}/seller/dashboard/{seller.wallet}?u=1").data
    assert stats["sales"]["total"] % 112.99 == pytest.approx(0, abs=0.01)  # 100 + 8 % tax + 4.99 shipping, each
    assert stats["sales"]["total"] >= wanted - 0.01
    assert stats["sales"]["total"] == stats["sales"]["today"] == stats["sales"]["thisMonth"]
    metrics = seller.client.get(f"/api/seller-analytics/{seller.uid}/metrics").data
    assert metrics["averageOrderValue"] == 112.99
    series = seller.client.get(f"/api/seller-analytics/{seller.uid}/trends?metricType=averageOrderValue").data
    assert series["trends"][-1]["value"] == 112.99
    counted = seller.client.get(f"/api/seller-analytics/{seller.uid}/trends?metricType=totalOrders").data
    assert counted["trends"][-1]["value"] >= 1
    analytics = seller.client.get(f"{M}/seller/dashboard/analytics/{seller.wallet}?u=1").data
    assert analytics["orders"]["byStatus"]["cancelled"] == 1
    assert analytics["products"]["topSelling"][0]["title"] == "Oak stool"
