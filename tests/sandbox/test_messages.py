"""Hold messages, notifications and reports to the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.conftest import M, sign_in

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client, Person


def test_message_needs_encryption_metadata_and_a_member(seller: Person, other: Person, client: Client) -> None:
    opened = other.client.post("/api/messaging/conversations", {"participantAddress": seller.wallet}).data["id"]
    again = seller.client.post("/api/messaging/conversations", {"participantAddress": other.wallet}).data["id"]
    assert opened == again
    path = f"/api/messaging/conversations/{opened}/messages"
    assert other.client.post(path, {"content": "x"}).status == 400
    assert other.client.post(path, {"content": "x" * 2001, "encryptionMetadata": {}}).status == 400
    assert other.client.post(path, {"content": "x" * 2000, "encryptionMetadata": {}}).status == 201
    sign_in(client)
    assert client.get(path).status == 403
    assert client.post(path, {"content": "x", "encryptionMetadata": {}}).status == 403
    mine = {"participantAddress": seller.wallet}
    assert seller.client.post("/api/messaging/conversations", mine).status == 400


def test_notification_refusals(seller: Person, other: Person) -> None:
    assert seller.client.post("/api/user-notifications", {"title": "x"}).json == {"error": "message is required"}
    seller.client.post("/api/user-notifications", {"title": "x", "message": "y"})
    listed = seller.client.get("/api/user-notifications").json["notifications"][0]
    base = f"{M}/seller/dashboard/notifications"
    assert other.client.put(f"{base}/{listed['id']}/read", {}).status == 403
    assert seller.client.put(f"{base}/x/read", {}).status == 500
    assert seller.client.put(f"{base}/999999999/read", {}).json["data"] is None
    assert seller.client.post(f"/api/user-notifications/{listed['id']}/read").json == {"success": True}


def test_trends_refuses_limit_and_needs_a_metric(seller: Person) -> None:
    base = f"/api/seller-analytics/{seller.uid}/trends"
    assert seller.client.get(f"{base}?metricType=totalSales&limit=5").status == 400
    assert seller.client.get(base).status == 400
    assert seller.client.get(f"{base}?metricType=totalSales&period=year").status == 400


@pytest.mark.parametrize(("period", "status"), [("1d", 200), ("365d", 200), ("366d", 400), ("0d", 400), ("1y", 400)])
def test_dashboard_period(seller: Person, period: str, status: int) -> None:
    assert seller.client.get(f"{M}/seller/dashboard/analytics/{seller.wallet}?period={period}").status == status
