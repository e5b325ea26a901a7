"""Hold sessions as the product lets sellers hold them: who gets in, what is answered, and how a session ends."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import socketio
import websocket

from sandbox.cli import main
from sandbox.options import Options
from sandbox.realtime.terms import terms_of
from tests.sandbox.conftest import new_seller
from tests.sandbox.socket_client import Ended, Socket

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Person, Running

    Online = Callable[..., Socket]

A, B = f"0x{'a1' * 20}", f"0x{'b2' * 20}"


def sockets(running: Running) -> dict[str, Any]:
    counts: dict[str, Any] = running.truth()["sockets"]
    return counts


def ended(running: Running, reason: str, timeout_s: float = 5) -> int:
    """Return how many sessions ended so, once any has."""
    until_s = time.monotonic() + timeout_s
    while not (count := sockets(running)["ended"].get(reason, 0)) and time.monotonic() < until_s:
        time.sleep(0.05)
    return int(count)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_client_of_python_socketio_gets_what_happens_to_its_seller(
    start: Callable[..., Running], transport: str
) -> None:
    address = start("--ping-interval", "1s", "--ping-timeout", "1s").address  # a poll that waits ends with them
    person = new_seller(address)
    with socketio.SimpleClient() as client:
        client.connect(address, transports=[transport])
        assert client.receive(3)[0] == "server_info"
        client.emit("authenticate", {"walletAddress": person.wallet, "reconnecting": True})
        event, body = client.receive(3)
        assert (event, body["reconnecting"], body["subscriptions"]) == ("authenticated", True, [])
        assert person.client.post("/api/user-notifications", {"title": "Hi", "message": "you"}).status == 201
        event, body = client.receive(3)
        assert (event, body["data"]["message"]) == ("notification", "you")
    person.client.close()


def test_the_server_opens_with_what_the_product_says(sandbox: Running, online: Online) -> None:
    opened = online(sandbox.address).opened
    assert (opened["pingInterval"], opened["pingTimeout"], opened["maxPayload"]) == (45_000, 90_000, 1_000_000)


@pytest.mark.parametrize("said", [{}, {"walletAddress": 7}, {"walletAddress": "0x12"}, "junk", None])
def test_junk_is_no_wallet(sandbox: Running, online: Online, said: object) -> None:
    session = online(sandbox.address)
    session.emit("authenticate", *([] if said is None else [said]))
    assert session.next() == ("auth_error", {"message": "Valid wallet address required"})


def test_rooms_tell_upper_from_lower_case(sandbox: Running, online: Online, seller: Person) -> None:
    shouting = online(sandbox.address, f"0x{seller.wallet[2:].upper()}")
    plain = online(sandbox.address, seller.wallet)
    seller.client.post("/api/user-notifications", {"title": "Hi", "message": "you"})
    assert plain.next()[0] == "notification"
    assert shouting.rest() == []


@pytest.mark.parametrize(
    "wanted",
    [{"type": "user", "target": A}, {"type": "feed"}, {"type": "community", "target": "c"}, {"type": "global"}],
)
def test_subscriptions_are_confirmed_and_can_be_given_up(
    sandbox: Running, online: Online, wanted: dict[str, str]
) -> None:
    session = online(sandbox.address, A)
    session.emit("subscribe", wanted)
    event, body = session.next()
    assert (event, body["type"], body["target"]) == ("subscribed", wanted["type"], wanted.get("target"))
    for said in (body["subscriptionId"], body["subscriptionId"]):
        session.emit("unsubscribe", said)
    assert session.next() == ("unsubscribed", {"subscriptionId": body["subscriptionId"]})
    assert session.next() == ("subscription_error", {"message": "Subscription not found"})


@pytest.mark.parametrize(
    ("wallet", "wanted", "why"),
    [
        (None, {"type": "feed"}, "Authentication required"),
        (A, {}, "Invalid subscription"),
        (A, {"type": "user"}, "Invalid subscription"),
        (A, {"type": "conversation", "target": ""}, "Invalid subscription"),
        (A, {"type": "conversation", "target": "x" * 201}, "Invalid subscription"),
        (A, {"type": ["feed"], "target": "x"}, "Invalid subscription"),
        (A, {"type": "orders", "target": "x"}, "Invalid subscription"),
    ],
)
def test_subscriptions_without_sense_are_refused(
    sandbox: Running, online: Online, wallet: str | None, wanted: dict[str, object], why: str
) -> None:
    session = online(sandbox.address, wallet)
    session.emit("subscribe", wanted)
    assert session.next() == ("subscription_error", {"message": why})


def test_a_session_has_a_hundred_subscriptions_at_most(sandbox: Running, online: Online) -> None:
    session = online(sandbox.address, A)
    for number in range(101):
        session.emit("subscribe", {"type": "community", "target": str(number)})
    assert [session.next()[0] for _ in range(101)] == ["subscribed"] * 100 + ["subscription_error"]


def test_typing_is_heard_in_the_conversation_and_nowhere_else(sandbox: Running, online: Online) -> None:
    one, two, outside = (online(sandbox.address, wallet) for wallet in (A, B, B))
    for session in (one, two):
        session.emit("subscribe", {"type": "conversation", "target": "talk"})
        session.wait_for("subscribed")
    one.emit("register", A)
    one.emit("typing:start", {"conversationId": "talk", "userAddress": A})
    one.emit("typing:stop", {"conversationId": "talk", "userAddress": A})
    one.emit("typing:start", {"userAddress": A})
    told = {"conversationId": "talk", "userAddress": A}
    assert two.rest() == [("typing:start", told), ("typing:stop", told)]
    assert one.rest(0.05) == outside.rest(0.05) == []


def test_a_room_is_left_with_its_last_subscription(sandbox: Running, online: Online) -> None:
    one, two = online(sandbox.address, A), online(sandbox.address, B)
    numbers = []
    for _ in range(2):
        two.emit("subscribe", {"type": "conversation", "target": "leaving"})
        numbers.append(two.wait_for("subscribed")["subscriptionId"])
    for number, heard in zip(numbers, (1, 0), strict=True):
        two.emit("unsubscribe", {"subscriptionId": number})
        two.wait_for("unsubscribed")
        one.emit("typing:start", {"conversationId": "leaving"})
        assert len(two.rest()) == heard


def test_what_has_no_handler_has_no_answer(sandbox: Running, online: Online) -> None:
    session = online(sandbox.address, A)
    session.emit("ping")
    session.emit("heartbeat", {})
    assert session.rest() == []


def test_presence_is_off_unless_asked_for(start: Callable[..., Running], sandbox: Running, online: Online) -> None:
    loud = start("--presence").address
    for address, events in ((sandbox.address, []), (loud, ["user_online", "user_offline"])):
        first = online(address, A)
        first.rest(0.1)
        online(address, B).close()
        heard = first.rest(0.5)
        assert [event for event, _ in heard] == events
        assert {body["userAddress"] for _, body in heard} <= {B}


def test_caps_count_the_authenticated_when_somebody_connects(start: Callable[..., Running], online: Online) -> None:
    running = start("--socket-cap-per-address", "2", "--socket-cap", "3")
    address = running.address
    early = [online(address) for _ in range(3)]
    for number, session in enumerate(early):
        session.authenticate(f"0x{number:040x}")  # one more than the cap of an address: who is connected stays
    with pytest.raises(AssertionError):
        online(address, source="127.0.0.2")
    early.pop().close()
    assert ended(running, "transport close") == 1
    online(address, B, source="127.0.0.2")
    early.pop().close()
    while sockets(running)["live"] > 2:
        time.sleep(0.02)
    online(address, B)
    with pytest.raises(AssertionError):
        online(address)
    counts = sockets(running)
    assert counts["refused"] == {"Server at maximum capacity": 2}
    assert (counts["opened"], counts["live"], counts["live_max"], counts["authenticated"]) == (7, 3, 3, 5)


def test_who_is_refused_is_told_why_and_disconnected(start: Callable[..., Running], online: Online) -> None:
    running = start("--socket-cap-per-address", "1")
    online(running.address, A)
    refused = Socket(running.address)
    assert refused.next() == ("error", {"message": "Too many connections from your IP"})
    with pytest.raises(Ended, match="disconnect"):
        refused.next()
    refused.close()
    online(running.address, B, source="127.0.0.2")
    counts = sockets(running)
    assert counts["refused"] == {"Too many connections from your IP": 1}
    assert (counts["opened"], counts["live"]) == (3, 2)


def test_pings_end_those_who_do_not_answer(start: Callable[..., Running], online: Online) -> None:
    running = start("--ping-interval", "1s", "--ping-timeout", "500ms")
    lively, silent = online(running.address, A), online(running.address, B, answers_pings=False)
    assert lively.opened["pingInterval"] == 1000
    with pytest.raises((Ended, TimeoutError)):
        lively.next(2.5)
    with pytest.raises(Ended):
        silent.next(3)
    assert lively.pings == 2
    counts = sockets(running)
    assert (counts["live"], sum(counts["ended"].values())) == (1, 1)
    assert counts["ended"].keys() <= {"ping timeout", "transport close"}  # whichever of its two watches looks first


def test_reset_keeps_who_is_here(start: Callable[..., Running], online: Online) -> None:
    running = start()
    online(running.address, A)
    client = running.client()
    client.post("/_sandbox/reset")
    client.close()
    counts = sockets(running)
    assert (counts["opened"], counts["authenticated"], counts["live"], counts["live_max"]) == (0, 0, 1, 1)


def test_other_sockets_do_not_exist(sandbox: Running) -> None:
    parts = urlsplit(sandbox.address)
    with pytest.raises((websocket.WebSocketException, ConnectionError)):
        websocket.create_connection(f"ws://{parts.netloc}/seller/{A}/ws", timeout=3)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 3) as plain:
        plain.sendall(
            b"GET /seller/x/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        with contextlib.suppress(ConnectionResetError):
            assert plain.recv(100) == b""


def test_socket_io_is_no_request_of_the_load(start: Callable[..., Running], online: Online) -> None:
    running = start()
    online(running.address, A)
    client = running.client()
    assert client.get("/socket.io/?EIO=4&transport=polling").status == 200
    assert client.get("/socket.iox").status == 404
    truth = client.get("/_sandbox/truth").json
    client.close()
    assert [entry["route"] for entry in truth["received"]] == ["(unmatched)"]


def test_health_says_who_is_connected(start: Callable[..., Running], online: Online) -> None:
    running = start("--socket-cap", "7")
    session = online(running.address, A)
    online(running.address)
    session.emit("subscribe", {"type": "feed"})
    session.wait_for("subscribed")
    client = running.client()
    shown = client.get("/api/health/websocket").data["websocket"]
    client.close()
    counts = {name: shown[name] for name in ("connectedClients", "activeUsers", "totalSubscriptions", "rooms")}
    assert counts == {"connectedClients": 2, "activeUsers": 1, "totalSubscriptions": 1, "rooms": 2}
    assert shown["resourceConstraints"]["maxConnections"] == 7
    assert shown["resourceConstraints"]["isConstrained"] is False
    assert shown["transports"] == ["websocket", "polling"]


def test_stop_ends_every_session_quietly(start: Callable[..., Running], online: Online) -> None:
    running = start()
    session = online(running.address, A)
    running.process.terminate()
    with pytest.raises(Ended):
        session.next(3)
    _, errors = running.process.communicate(timeout=5)
    assert (running.process.returncode, errors) == (0, "")


def test_as_deployed_is_constrained_and_the_options_go_before(start: Callable[..., Running], online: Online) -> None:
    terms = terms_of(Options(as_deployed=True))
    assert (terms.cap_per_address, terms.cap, terms.presence, terms.ping_interval_s) == (21, 100, True, 60)
    changed = terms_of(Options(as_deployed=True, socket_cap=0, socket_cap_per_address=5, presence=False))
    assert (changed.cap_per_address, changed.cap, changed.presence) == (5, None, False)
    assert terms_of(Options(ping_interval_s=1, ping_timeout_s=0.5)).ping_timeout_s == 0.5
    running = start("--as-deployed")
    opened = online(running.address).opened
    assert (opened["pingInterval"], opened["maxPayload"]) == (60_000, 100_000)
    for number in range(21):
        online(running.address, f"0x{number:040x}")
    with pytest.raises(AssertionError):
        online(running.address)
    assert sockets(running)["refused"] == {"Too many connections from your IP": 1}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ping-interval", "500ms"], "'500ms' is not in whole seconds; accepted: 1s, 45s, 1min"),
        (["--ping-timeout", "0s"], "is not a duration"),
        (["--socket-cap", "-1"], "--socket-cap"),
        (["--socket-cap-per-address", "many"], "accepted: 0 to 1000000"),
    ],
)
def test_wrong_terms_are_refused(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert says in capsys.readouterr().err


def test_the_truth_file_has_the_sessions(start: Callable[..., Running], online: Online, tmp_path: Any) -> None:
    running = start("--truth-file", str(tmp_path / "truth.json"))
    online(running.address, A)
    assert running.stop() == 0
    counts = json.loads((tmp_path / "truth.json").read_bytes())["sockets"]
    assert (counts["opened"], counts["live"]) == (1, 0)
