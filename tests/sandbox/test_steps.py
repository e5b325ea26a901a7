"""Walk the forty steps as workflows.md writes them down, each proven the way its row says."""

from __future__ import annotations

import io
import random
import time
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.sandbox.conftest import M, sign_in

if TYPE_CHECKING:
    from tests.sandbox.conftest import Answer, Client, Person


def noise_jpeg(edge_px: int, seed: int = 1) -> bytes:
    picture = Image.frombytes("RGB", (edge_px, edge_px), random.Random(seed).randbytes(edge_px * edge_px * 3))
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=60)
    return target.getvalue()


def multipart(content: bytes, context: str, field: str = "image", mime: str = "image/jpeg") -> tuple[bytes, str]:
    mark = uuid.uuid4().hex
    body = (
        f'--{mark}\r\nContent-Disposition: form-data; name="context"\r\n\r\n{context}\r\n--{mark}\r\n'
        f'Content-Disposition: form-data; name="{field}"; filename="a.jpg"\r\nContent-Type: {mime}\r\n\r\n'
    ).encode()
    return body + content + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


def upload(client: Client, content: bytes, context: str, **kind: str) -> Answer:
    body, content_type = multipart(content, context, **kind)
    return client("POST", f"{M}/seller/images/upload", body, Content_Type=content_type)


def wait_for_orders(seller: Person, count: int) -> list[dict[str, Any]]:
    """Poll the order list until the simulated buyer has placed so many."""
    until_s = time.monotonic() + 5
    while time.monotonic() < until_s:
        answer = seller.client.get(f"{M}/seller/orders/{seller.wallet}?u={uuid.uuid4()}")
        orders: list[dict[str, Any]] = answer.data["orders"]
        if len(orders) >= count:
            return orders
        time.sleep(0.05)
    raise AssertionError(f"no {count} orders within 5 s")


def test_onboarding(client: Client) -> None:
    person = sign_in(client)
    assert person.tokens["user"]["walletAddress"] == person.wallet
    assert person.tokens["isNewUser"] is True
    base = f"{M}/seller/onboarding/{person.wallet}"

    profile = client.post(f"{M}/seller/profile", {"walletAddress": person.wallet, "storeName": "Fir"})
    assert (profile.status, profile.data["walletAddress"]) == (201, person.wallet)
    client.put(f"{base}/profile-setup", {"completed": True})
    business = client.put(f"{base}/business-info", {"completed": True, "data": {"businessType": "individual"}})
    assert business.data["steps"]["profile_setup"]
    assert business.data["steps"]["business_info"]

    verified = client.put(f"{base}/verification", {"completed": True, "data": {"legalName": "A B"}})
    assert verified.data["steps"]["verification"] is True
    email = client.post("/api/sellers/verify", {"verificationType": "email"})
    assert (email.status, email.data["status"]) == (200, "completed")

    listing = person.listing()
    assert (listing.status, listing.data["sellerAddress"]) == (201, person.wallet)
    assert client.put(f"{base}/first-listing", {"completed": True}).data["steps"]["first_listing"] is True

    client.put(f"{base}/payout-setup", {"completed": True, "data": {"method": "crypto"}})
    state = client.get(f"{base}?u=1").data
    assert (state["walletAddress"], state["completed"], state["completionPercentage"]) == (person.wallet, True, 100)
    assert "nextStep" not in state


def test_profile_management(seller: Person) -> None:
    client, path = seller.client, f"{M}/seller/{seller.wallet}"
    assert client.get(path).data["storeName"] == "Oak and Ash"
    text = "Tables of reclaimed oak"
    assert client.put(path, {"bio": text}).data["bio"] == text

    image = upload(client, noise_jpeg(400), "profile")
    assert image.status == 201
    assert set(image.data["thumbnails"]) == {"small", "medium", "large"}
    for url in (image.data["cdnUrl"], *image.data["thumbnails"].values()):
        stored = client.get("/" + url.split("/", 3)[3])
        assert Image.open(io.BytesIO(stored.body)).format == "JPEG"

    client.put(path, {"socialLinks": {"twitter": "a", "discord": "b"}})
    assert client.put(path, {"socialLinks": {"telegram": "c"}}).data["socialLinks"] == {"telegram": "c"}

    tier = client.get(f"{path}/tier").data
    verification = client.get(f"{M}/seller/verification/{seller.uid}/verification").data
    assert (tier["walletAddress"], tier["tier"]) == (seller.wallet, client.get(path).data["tier"])
    assert (verification["userId"], verification["walletAddress"]) == (seller.uid, seller.wallet)

    client.put(path, {"storeName": "Birch"})
    for page in (f"{path}?u=2", f"{M}/sellers/{seller.wallet}?u=2", "/api/sellers/profile?u=2"):
        assert client.get(page).data["storeName"] == "Birch", page


def test_dashboard(seller: Person) -> None:
    client, mark = seller.client, uuid.uuid4().hex
    posted = client.post("/api/user-notifications", {"title": "Hi", "message": mark, "type": "mention"})
    assert (posted.status, posted.json["success"], posted.data["message"]) == (201, True, mark)

    analytics = client.get(f"{M}/seller/dashboard/analytics/{seller.wallet}?period=30d").data
    assert analytics["walletAddress"] == seller.wallet
    assert {"revenue", "orders"} <= analytics.keys()

    listed = client.get(f"{M}/seller/dashboard/notifications/{seller.wallet}?u=1").data["notifications"]
    assert (listed[0]["message"], listed[0]["read"]) == (mark, False)
    assert client.get("/api/user-notifications/unread-count").json == {"count": 1}
    assert client.put(f"{M}/seller/dashboard/notifications/{listed[0]['id']}/read", {}).json["success"] is True
    assert client.get("/api/user-notifications/unread-count").json == {"count": 0}
    relisted = client.get(f"{M}/seller/dashboard/notifications/{seller.wallet}?u=2").data["notifications"]
    assert relisted[0]["read"] is True

    queue = client.get("/api/seller/fulfillment/queue/ready_to_ship").json
    assert (queue["success"], queue["data"]["orders"]) == (True, [])
    client.post("/api/user-notifications", {"title": "Hi", "message": "again"})
    assert client.post("/api/user-notifications/read-all").json == {"success": True}
    assert client.get("/api/user-notifications/unread-count").json == {"count": 0}

    stats = client.get(f"{M}/seller/dashboard/{seller.wallet}").json
    assert stats["success"] is True
    assert {"sales", "orders", "listings", "balance"} <= stats["data"].keys()
    assert client.get("/api/seller/metrics/fulfillment?period=30").data["walletAddress"] == seller.wallet


def test_store(seller: Person, other: Person) -> None:
    client, lid = seller.client, seller.listing().data["id"]
    assert client.get(f"{M}/seller/{seller.wallet}").data["walletAddress"] == seller.wallet
    store = client.get(f"{M}/sellers/{seller.wallet}/listings?page=1&limit=20").data
    assert [listing["id"] for listing in store["listings"]] == [lid]
    assert store["pagination"]["total"] == 1

    own = client.get(f"{M}/seller/listings/{seller.wallet}").data["listings"]
    assert {listing["sellerAddress"] for listing in own} == {seller.wallet}
    assert client.get(f"{M}/listings/{lid}").data["id"] == lid
    assert client.post(f"{M}/listings/{lid}/view").json["success"] is True

    look = {"storeName": "Elm", "storeDescription": "Small", "coverImageUrl": "https://i.example/c", "sellerStory": "x"}
    changed = client.put(f"{M}/seller/{seller.wallet}", look).data
    assert {name: changed[name] for name in look} == look

    opened = other.client.post("/api/messaging/conversations", {"participantAddress": seller.wallet})
    assert opened.status == 201
    path = f"/api/messaging/conversations/{opened.data['id']}/messages"
    sent = other.client.post(path, {"content": "aGVsbG8=", "encryptionMetadata": {"algorithm": "x"}})
    assert sent.status == 201
    read = client.get(f"{path}?u=1").data["messages"]
    assert [(message["id"], message["senderAddress"]) for message in read] == [(sent.data["id"], other.wallet)]

    assert client.get(f"{M}/seller/dashboard/analytics/{seller.wallet}?period=7d").data["period"] == "7d"
    inbox = client.get(f"{M}/seller/{seller.wallet}/messaging-analytics").data
    assert (inbox["walletAddress"], inbox["totalConversations"], inbox["receivedMessages"]) == (seller.wallet, 1, 1)


def test_listing(seller: Person) -> None:
    client = seller.client
    created = seller.listing()
    lid = created.data["id"]
    assert (created.status, created.data["status"]) == (201, "active")

    assert upload(client, noise_jpeg(500), "listing").status == 201
    images = ["https://i.example/b", "https://i.example/a", "https://i.example/c"]
    assert client.put(f"{M}/seller/listings/{lid}", {"images": images}).data["images"] == images

    for number, currency in enumerate(("ETH", "USDC", "DAI", "USD")):
        price = f"{number + 1}.0000000{number + 1}"
        client.put(f"{M}/seller/listings/{lid}", {"price": price, "currency": currency})
        read = client.get(f"{M}/seller/listings/detail/{lid}?u={number}").data
        assert (read["price"], read["currency"]) == (price, currency)

    categories = client.get(f"{M}/listings/categories").data
    wanted = next(category for category in categories if category["slug"] == "office")
    assert client.put(f"{M}/seller/listings/{lid}", {"categoryId": wanted["id"]}).data["categoryId"] == wanted["id"]

    for status in ("inactive", "active"):
        assert client.put(f"{M}/seller/listings/{lid}", {"status": status}).data["status"] == status
        assert client.get(f"{M}/seller/listings/detail/{lid}?u={status}").data["status"] == status
    assert client("DELETE", f"{M}/seller/listings/{lid}").data["listingId"] == lid
    assert client.get(f"{M}/seller/listings/detail/{lid}?u=gone").data["status"] == "inactive"


def test_order_management(seller: Person) -> None:
    client, lid = seller.client, seller.listing(price="12.34", currency="USDC").data["id"]
    first, second = wait_for_orders(seller, 2)[-2:]
    assert {first["status"], second["status"]} == {"paid"}
    assert first["listingId"] == lid
    assert first["createdAt"].endswith("Z")

    base = f"{M}/seller/orders/{first['id']}"
    assert client.post(f"{base}/process").data["status"] == "processing"
    bulk = client.post(f"{M}/seller/orders/bulk-status", {"orderIds": [second["id"]], "status": "processing"})
    assert (bulk.data["success"], bulk.data["failed"]) == (1, 0)

    said = client.post(f"{base}/messages", {"message": "On its way soon"})
    assert said.status == 201
    heard = client.get(f"{base}/messages?u=1").data["messages"]
    assert [(message["id"], message["message"]) for message in heard] == [(said.data["id"], "On its way soon")]

    assert client.post(f"{base}/ready", {"carrier": "UPS"}).status == 200
    queue = client.get("/api/seller/fulfillment/queue/ready_to_ship").data["orders"]
    assert [order["id"] for order in queue] == [first["id"]]
    shipped = client.post(f"{base}/ship", {"carrier": "UPS", "trackingNumber": "1Z12345E0291980793"})
    assert shipped.json["data"]["success"] is True
    assert client.get(f"{base}/packing-slip").data["orderId"] == first["id"]

    unified = {o["id"]: o for o in client.get(f"{M}/seller/orders/{seller.wallet}?u=2").data["orders"]}
    token = {o["id"]: o for o in client.get("/api/sellers/orders").data["orders"]}
    assert unified[first["id"]]["status"] == "shipped"
    names = ("amount", "platformFee", "taxAmount", "shippingCost", "netRevenue")
    for oid in unified.keys() & token.keys():
        money = {name: Decimal(unified[oid][name]) for name in names}
        assert money == {name: Decimal(token[oid][name]) for name in names}
        assert money["netRevenue"] == (
            money["amount"] - money["platformFee"] - money["taxAmount"] - money["shippingCost"]
        )


def test_tier_upgrade(seller: Person) -> None:
    client = seller.client
    progress = client.get(f"{M}/seller/{seller.wallet}/tier/progress").data
    assert (progress["walletAddress"], progress["currentTier"], progress["nextTier"]) == (
        seller.wallet,
        "bronze",
        "silver",
    )
    asked = client.get(f"/api/seller-analytics/{seller.uid}/tier-progression").data["requirements"]
    assert all({"metric", "current", "required", "met"} <= item.keys() for item in asked)
    assert not all(item["met"] for item in asked)

    assert [seller.listing().status for _ in range(5)] == [201] * 5
    refused = seller.listing()
    assert (refused.status, refused.code) == (403, "TIER_LIMIT_EXCEEDED")

    assert client.post("/api/sellers/tier/evaluate").data["upgraded"] is False
    seller.onboard()
    assert client.post("/api/sellers/tier/evaluate").data["currentTier"] == "silver"
    assert client.get(f"{M}/seller/{seller.wallet}/tier?u=1").data["tier"] == "silver"

    criteria = client.get("/api/sellers/tier/criteria").data
    assert [entry["listingLimit"] for entry in criteria] == [5, 15, 50, 100]
    assert seller.listing().status == 201


def test_analytics(seller: Person) -> None:
    client, base = seller.client, f"/api/seller-analytics/{seller.uid}"
    assert client.post(f"{base}/track", {"metricType": "page_view", "value": 2.5}).status == 200
    assert client.post(f"{base}/track", {"metricType": "page_view", "value": 1}).data["count"] == 2
    assert client.get(f"{base}/metrics").data["trackedMetrics"] == {"page_view": {"count": 2, "total": 3.5}}
    assert client.get(f"{base}/dashboard").data["sellerId"] == seller.uid
    assert isinstance(client.get(f"{base}/insights").data["insights"], list)
    trends = client.get(f"{base}/trends?metricType=totalSales&period=day").data["trends"]
    moments = [point["timestamp"] for point in trends]
    assert moments == sorted(moments)
    assert len(moments) == 30
    tracked = client.get(f"{base}/trends?metricType=page_view").data["trends"]
    assert tracked[-1]["value"] == 3.5
    found = client.get(f"/api/seller-performance/{seller.uid}/recommendations").data["recommendations"]
    assert isinstance(found, list)
    assert found


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_trends_end_in_the_period_of_today(seller: Person, period: str) -> None:
    base = f"/api/seller-analytics/{seller.uid}"
    seller.client.post(f"{base}/track", {"metricType": "clicks", "value": 4})
    points = seller.client.get(f"{base}/trends?metricType=clicks&period={period}").data["trends"]
    assert [point["value"] for point in points][-2:] == [0, 4]
