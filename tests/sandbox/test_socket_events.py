"""Tell sellers what happens to them, when it happens, in order, and later when they were away."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.realtime import publisher
from sandbox.realtime.journal import Journal
from tests.sandbox.conftest import Client, M, new_seller, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.sandbox.conftest import InProcess, Person, Running
    from tests.sandbox.socket_client import Socket

    Online = Callable[..., Socket]


def notify(person: Person, message: str = "there", kind: str = "mention") -> None:
    body = {"title": "Hi", "message": message, "type": kind}
    assert person.client.post("/api/user-notifications", body).status == 201


def write_to(address: str, person: Person) -> dict[str, Any]:
    """Have somebody else write to a seller; returns the stored message."""
    buyer = sign_in(Client(address))
    opened = buyer.client.post("/api/messaging/conversations", {"participantAddress": person.wallet})
    body = {"content": "c2VjcmV0", "encryptionMetadata": {"algorithm": "AES"}}
    sent = buyer.client.post(f"/api/messaging/conversations/{opened.data['id']}/messages", body)
    assert sent.status == 201
    buyer.client.close()
    message: dict[str, Any] = sent.data
    return message


def without_stamps(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in {"eventId", "seq", "timestamp"}}


def away(running: Running, live: int = 0) -> None:
    """Wait until the server has noticed that so many are left."""
    until_s = time.monotonic() + 5
    while running.truth()["sockets"]["live"] > live and time.monotonic() < until_s:
        time.sleep(0.02)


def test_notification_of_any_type_is_pushed(sandbox: Running, online: Online, seller: Person) -> None:
    session = online(sandbox.address, seller.wallet)
    for kind in ("mention", "system"):
        notify(seller, f"m {kind}", kind)
        body = session.wait_for("notification")
        data = body["data"]
        assert (body["type"], data["type"], data["title"], data["message"]) == (
            "notification:new", kind, "Hi", f"m {kind}"
        )  # fmt: skip


def test_message_is_told_to_its_recipient(sandbox: Running, online: Online, seller: Person) -> None:
    session = online(sandbox.address, seller.wallet)
    message = write_to(sandbox.address, seller)
    body = session.wait_for("new_message")
    assert without_stamps(body) == {"conversationId": message["conversationId"], "message": message}
    answer = seller.client.post(
        f"/api/messaging/conversations/{message['conversationId']}/messages",
        {"content": "YW5zd2Vy", "encryptionMetadata": {}},
    )
    assert answer.status == 201
    assert session.rest() == []  # nobody is told of what they wrote


def test_orders_come_to_who_looks_at_his_orders(sandbox: Running, online: Online, seller: Person) -> None:
    session = online(sandbox.address, seller.wallet)
    seller.listing()
    assert [event for event, _ in session.rest(0.7)] == ["listing_updated"]  # nobody sees one come yet
    seller.client.get(f"{M}/seller/orders/{seller.wallet}")
    body = session.wait_for("new_order")
    orders = seller.client.get(f"{M}/seller/orders/{seller.wallet}").data["orders"]
    (order,) = (order for order in orders if order["id"] == body["orderId"])
    assert without_stamps(body) == {
        "orderId": order["id"],
        "walletAddress": seller.wallet,
        "amount": order["amount"],
        "createdAt": order["createdAt"],
    }
    late_s = datetime.fromisoformat(body["timestamp"]) - datetime.fromisoformat(body["createdAt"])
    assert 0 <= late_s.total_seconds() < 0.05


def test_order_moves_are_told_when_they_are_moves(sandbox: Running, online: Online, seller: Person) -> None:
    session = online(sandbox.address, seller.wallet)
    seller.listing()
    seller.client.get(f"{M}/seller/orders/{seller.wallet}")
    order = session.wait_for("new_order")["orderId"]
    places = f"{M}/seller/orders/{order}"
    assert seller.client.post(f"{places}/process").status == 200
    bulk = {"orderIds": [order], "status": "processing"}
    assert seller.client.post(f"{M}/seller/orders/bulk-status", bulk).data["success"] == 1
    assert seller.client.post(f"{places}/ready").status == 200
    shipping = {"trackingNumber": "1234567890", "carrier": "DHL"}
    assert seller.client.post(f"{places}/ship", shipping).status == 200
    moves = []
    while len(moves) < 3:
        body = session.wait_for("order_status_changed")
        assert (body["orderId"], body["walletAddress"]) == (order, seller.wallet)
        moves.append((body["previousStatus"], body["status"]))
    assert moves == [("paid", "processing"), ("processing", "ready_to_ship"), ("ready_to_ship", "shipped")]


def test_tier_upgrade_is_told_once(sandbox: Running, online: Online, seller: Person) -> None:
    session = online(sandbox.address, seller.wallet)
    seller.onboard()
    for _ in range(3):
        seller.listing()
    for _ in range(2):
        assert seller.client.post("/api/sellers/tier/evaluate").status == 200
    told = [body for event, body in session.rest(0.5) if event == "tier_upgraded"]
    assert [without_stamps(body) for body in told] == [
        {"walletAddress": seller.wallet, "fromTier": "bronze", "toTier": "silver"}
    ]


def test_listings_and_profiles_are_told_of(sandbox: Running, online: Online, seller: Person) -> None:
    session = online(sandbox.address, seller.wallet)
    listing = seller.listing().data["id"]
    seller.client.put(f"{M}/seller/listings/{listing}", {"status": "draft"})
    seller.client("DELETE", f"{M}/seller/listings/{listing}")
    seller.client.put(f"{M}/seller/{seller.wallet}", {"storeName": "Ash"})
    seller.client.put(f"{M}/seller/{seller.wallet}", {"location": "Here"})
    heard = [(event, without_stamps(body)) for event, body in session.rest() if event != "new_order"]
    update = {"listingId": listing, "walletAddress": seller.wallet}
    profile = {"walletAddress": seller.wallet}
    assert heard == [
        ("listing_updated", update | {"action": "created", "status": "active"}),
        ("listing_updated", update | {"action": "updated", "status": "draft"}),
        ("listing_updated", update | {"action": "deleted", "status": "inactive"}),
        ("cache_invalidation", profile | {"tags": [f"profile:{seller.wallet}", f"steps:{seller.wallet}"]}),
        ("cache_invalidation", profile | {"tags": [f"profile:{seller.wallet}"]}),
    ]


def test_events_are_numbered_in_the_order_of_their_causes(start: Callable[..., Running], online: Online) -> None:
    running = start()
    people = [new_seller(running.address) for _ in range(2)]
    lines = [online(running.address, person.wallet) for person in people]
    before_s = time.time()
    for number in range(5):
        for person in people:
            notify(person, f"n{number}")
    heard = [[body for _, body in line.rest()] for line in lines]
    for bodies in heard:
        assert [body["seq"] for body in bodies] == [1, 2, 3, 4, 5]
        assert [body["data"]["message"] for body in bodies] == [f"n{number}" for number in range(5)]
    ids = [body["eventId"] for bodies in heard for body in bodies]
    assert len(set(ids)) == 10
    stamp = datetime.strptime(heard[0][0]["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert 0 <= stamp.timestamp() - before_s + 0.001 < 1
    records = running.events()
    assert {record["eventId"] for record in records} == set(ids)
    for record in records:
        assert before_s <= record["caused_at_s"] <= record["sent_at_s"] <= record["caused_at_s"] + 0.05
        assert (record["event"], record["queued"], record["fault"]) == ("notification", False, None)
    for person in people:
        person.client.close()


def test_every_session_of_a_wallet_is_told(sandbox: Running, online: Online, seller: Person) -> None:
    lines = [online(sandbox.address, seller.wallet) for _ in range(2)]
    notify(seller)
    ids = {line.wait_for("notification")["eventId"] for line in lines}
    assert len(ids) == 1


def test_a_wallet_that_never_had_a_session_is_not_kept_for(sandbox: Running, online: Online, seller: Person) -> None:
    before = sandbox.truth()["events"].get("notification", {}).get("unheard", 0)
    notify(seller)
    assert online(sandbox.address, seller.wallet).rest() == []
    assert sandbox.truth()["events"]["notification"]["unheard"] == before + 1


def test_what_was_missed_comes_first_and_says_so(start: Callable[..., Running], online: Online) -> None:
    running = start()
    person = new_seller(running.address)
    online(running.address, person.wallet).close()
    away(running)
    for number in range(3):
        notify(person, f"n{number}")
    assert (
        running.truth()["events"]["notification"] | {"undelivered": 3, "delivered": 0}
        == (running.truth()["events"]["notification"])
    )
    client = running.client()
    assert client.get("/api/health/websocket").data["websocket"]["queuedMessages"] == 3
    back = online(running.address, person.wallet)
    notify(person, "n3")
    heard = [body for _, body in back.rest()]
    assert [(body["seq"], body.get("queued")) for body in heard] == [(1, True), (2, True), (3, True), (4, None)]
    counts = running.truth()["events"]["notification"]
    assert (counts["emitted"], counts["delivered"], counts["queued"], counts["undelivered"]) == (4, 4, 3, 0)
    assert client.get("/api/health/websocket").data["websocket"]["queuedMessages"] == 0
    client.close()
    person.client.close()


def test_the_oldest_goes_when_too_many_were_missed(start: Callable[..., Running], online: Online) -> None:
    running = start()
    person = new_seller(running.address)
    online(running.address, person.wallet).close()
    away(running)
    for _ in range(publisher.QUEUED_AT_MOST + 3):
        notify(person)
    heard = [body["seq"] for _, body in online(running.address, person.wallet).rest()]
    assert heard == list(range(4, publisher.QUEUED_AT_MOST + 4))
    assert running.truth()["events"]["notification"]["undelivered"] == 3
    person.client.close()


def test_no_more_is_kept_than_fits(inside: Callable[..., InProcess], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "QUEUED_IN_ALL_AT_MOST", 3)
    sandbox = inside()
    told = sandbox.control.shop.publisher
    wallets = [sandbox.user(number)[0] for number in range(2)]
    for wallet in wallets:
        told.came(wallet)  # as if each had been here once
    for _ in range(2):
        for wallet in wallets:
            told.publish("x", wallet, {})
    assert told.waiting == 3
    told.came(wallets[0])
    assert told.waiting == 3  # nobody is there: what waited waits on


def test_the_journal_says_what_it_did_not_keep() -> None:
    journal = Journal(kept_at_most=3)
    records = [journal.caused("x", f"w{number}", 1) for number in range(5)]
    journal.delivered(records[4])
    first, second = (json.loads(journal.page(after, 2)) for after in (0, 2))
    assert [record["wallet"] for record in first["events"] + second["events"]] == ["w0", "w1", "w2"]
    assert (first["next"], second["next"], second["kept"], second["not_kept"]) == (2, None, 3, 2)
    assert journal.counts()["x"]["delivered"] == 1
    journal.reset()
    assert (journal.counts(), json.loads(journal.page(0, 2))["not_kept"]) == ({}, 0)
    journal.lost(records[0])
    assert journal.counts()["x"]["undelivered"] == 0


def test_events_are_read_page_by_page(sandbox: Running) -> None:
    client = sandbox.client()
    assert client.get("/_sandbox/events?limit=1").json["format"] == 1
    assert {client.get(f"/_sandbox/events?{query}").status for query in ("limit=0", "limit=10001", "after=-1")} == {400}
    client.close()


def test_as_deployed_tells_of_community_notifications_and_messages_only(
    start: Callable[..., Running], online: Online
) -> None:
    running = start("--as-deployed", "--no-presence")
    person = new_seller(running.address)
    session = online(running.address, person.wallet)
    person.listing()
    person.client.put(f"{M}/seller/{person.wallet}", {"storeName": "Ash"})
    for kind in ("system", "mention", "new_order", "community_announcement"):
        notify(person, kind, kind)
    message = write_to(running.address, person)
    heard = session.rest(0.7)  # longer than buyers take: here they do not come
    assert [event for event, _ in heard] == ["notification"] * 3 + ["notification:new", "new_message"]
    assert [body["data"]["message"] for _, body in heard[:2]] == ["mention", "community_announcement"]
    assert heard[0][1].keys() == {"type", "data"}  # no number, no id: the real server gives none
    assert heard[4][1] == {"conversationId": message["conversationId"], "message": message}
    assert running.truth()["events"].keys() == {"notification", "notification:new", "new_message"}
    person.client.close()
