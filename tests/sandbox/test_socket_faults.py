"""Lose, double, swap and delay events, cut and refuse sessions, and see that the truth says what clients saw."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.amounts import ALWAYS, Window
from sandbox.chaos import Chaos
from sandbox.faults import parse_fault
from tests.sandbox.conftest import new_seller
from tests.sandbox.socket_client import Ended
from tests.sandbox.test_socket_events import away, notify

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import InProcess, Running
    from tests.sandbox.socket_client import Socket

    Online = Callable[..., Socket]

A = f"0x{'a1' * 20}"


def seen(heard: list[tuple[str, Any]]) -> dict[str, int]:
    """Count what one client can see: distinct events, repeated ones, and those that came after a later one."""
    ids: set[str] = set()
    last, found = 0, Counter[str]()
    for _, body in heard:
        if body["eventId"] in ids:
            found["duplicated"] += 1
            continue
        ids.add(body["eventId"])
        found["delivered"] += 1
        found["out_of_order"] += body["seq"] < last
        last = max(last, body["seq"])
    return dict(found)


def ending_of(session: Socket) -> str:
    """Say how a session ended, nothing when it lives."""
    try:
        session.next(0.2)
    except Ended as how:
        return str(how)
    except TimeoutError:
        return ""
    raise AssertionError("an event came")


def test_truth_is_what_a_client_saw(start: Callable[..., Running], online: Online) -> None:
    faults = ("lose_events=10%", "duplicate_events=10%", "reorder_events=10%", "delay_events=20ms")
    running = start(*(word for fault in faults for word in ("--fault", fault)))
    person = new_seller(running.address)
    session = online(running.address, person.wallet)
    for number in range(400):
        notify(person, f"n{number}")
    heard = session.rest(1.5)  # longer than anything is held back
    truth = running.truth()
    counts = truth["events"]["notification"]
    assert seen(heard) == {name: counts[name] for name in ("delivered", "duplicated", "out_of_order")}
    assert counts["delivered"] + counts["lost"] == counts["emitted"] == 400
    for name in ("lost", "duplicated", "out_of_order"):
        assert 15 <= counts[name] <= 70, name  # 40 expected; a binomial of 400 stays within ±4 standard deviations
    assert truth["faults"] == {
        "lose_events": counts["lost"],
        "duplicate_events": counts["duplicated"],
        "reorder_events": counts["out_of_order"],
        "delay_events": 400,
    }
    records = running.events()
    came = {body["eventId"] for _, body in heard}
    assert {record["eventId"] for record in records if record["fault"] != "lose_events"} == came
    assert {record["sent_at_s"] for record in records if record["fault"] == "lose_events"} == {None}
    for record in records:
        if record["fault"] is None:  # each waits for no more than its own delay and one that was held back
            assert record["sent_at_s"] - record["caused_at_s"] >= 0.02
    person.client.close()


def test_same_seed_strikes_the_same_events() -> None:
    def draws(seed: int) -> list[str | None]:
        chaos = Chaos([parse_fault(text) for text in ("lose_events=20%", "reorder_events=30%")], Counter(), seed)
        return [chaos.event_fault() for _ in range(2000)]

    assert draws(1) == draws(1) != draws(2)
    counts = Counter(draws(1))
    assert counts.keys() == {None, "lose_events", "reorder_events"}
    assert 330 < counts["lose_events"] < 470  # 400 ± 4 standard deviations
    assert 518 < counts["reorder_events"] < 682  # 600 likewise: of all, not of those that were not lost


def test_events_without_faults_draw_nothing() -> None:
    chaos = Chaos([parse_fault("lose_events=100%@30-60s"), parse_fault("delay_events=1s@30-60s")], Counter(), 1)
    before = chaos._event_rng.getstate()
    assert (chaos.event_fault(), chaos.event_delay_s()) == (None, 0)
    assert chaos._event_rng.getstate() == before


def test_event_nobody_passes_is_not_out_of_order(start: Callable[..., Running], online: Online) -> None:
    running = start("--fault", "reorder_events=100%")
    person = new_seller(running.address)
    session = online(running.address, person.wallet)
    notify(person, "alone")
    with pytest.raises(TimeoutError):
        session.next(0.7)
    assert session.next(1)[1]["data"]["message"] == "alone"
    for number in range(2):
        notify(person, f"n{number}")
    assert [session.next(0.5)[1]["seq"] for _ in range(2)] == [3, 2]
    truth = running.truth()
    assert truth["events"]["notification"]["out_of_order"] == truth["faults"]["reorder_events"] == 1
    assert [record["fault"] for record in running.events()] == [None, "reorder_events", None]
    person.client.close()


def test_held_back_event_waits_for_who_left(start: Callable[..., Running], online: Online) -> None:
    running = start("--fault", "reorder_events=100%@0-4s")
    person = new_seller(running.address)
    session = online(running.address, person.wallet)
    notify(person, "held")
    session.close()
    away(running)
    notify(person, "later")
    time.sleep(max(0.0, 4.1 - (time.monotonic() - running.started_s)))
    heard = online(running.address, person.wallet).rest()
    assert [(body["seq"], body["queued"]) for _, body in heard] == [(1, True), (2, True)]
    person.client.close()


def test_lost_event_is_lost_also_for_who_was_away(start: Callable[..., Running], online: Online) -> None:
    running = start("--fault", "lose_events=100%")
    person = new_seller(running.address)
    online(running.address, person.wallet).close()
    away(running)
    notify(person)
    assert online(running.address, person.wallet).rest() == []
    assert running.truth()["events"]["notification"]["lost"] == 1
    person.client.close()


def test_delayed_events_keep_their_order_past_the_end_of_the_window(inside: Callable[..., InProcess]) -> None:
    sandbox = inside(faults=(parse_fault("delay_events=200ms"),))
    told = sandbox.control.shop.publisher
    told.came(A)
    told.publish("x", A, {})
    sandbox.control.chaos.faults = ()
    told.publish("x", A, {})
    left_s = told._send_due()
    assert left_s is not None
    assert 0.1 < left_s <= 0.2
    assert [due.parcel.record.seq for due in sorted(told._outbox)] == [1, 2]
    assert told._outbox[0].at_s == told._outbox[1].at_s


def test_delayed_events_arrive_late(start: Callable[..., Running], online: Online) -> None:
    running = start("--fault", "delay_events=500ms")
    person = new_seller(running.address)
    session = online(running.address, person.wallet)
    started_s = time.monotonic()
    notify(person)
    session.next()
    assert 0.5 <= time.monotonic() - started_s < 0.7
    (record,) = running.events()
    assert 0.5 <= record["sent_at_s"] - record["caused_at_s"] < 0.6
    person.client.close()


def test_dropped_sessions_end_without_a_word_and_can_come_back(start: Callable[..., Running], online: Online) -> None:
    running = start("--fault", "drop_sockets=2@500ms-3s")
    person = new_seller(running.address)
    sessions = [online(running.address, person.wallet) for _ in range(4)]
    bystander = online(running.address)  # has not authenticated: it has nothing to lose
    away(running, live=3)
    endings = [ending_of(session) for session in sessions]
    ended = len([how for how in endings if how.startswith("cut")])
    assert endings.count("") == 4 - ended
    truth = running.truth()
    assert (ended, truth["sockets"]["dropped"], truth["faults"]["drop_sockets"]) == (2, 2, 2)
    assert (truth["sockets"]["live"], truth["sockets"]["ended"]) == (3, {"dropped": 2})
    assert bystander.rest(0.05) == []
    assert online(running.address, person.wallet).rest(0.05) == []
    person.client.close()


def test_drops_wait_until_somebody_is_there(start: Callable[..., Running], online: Online) -> None:
    running = start("--fault", "drop_sockets=1@0-200ms", "--fault", "drop_sockets=1@0-20s")
    time.sleep(0.4)
    session = online(running.address, A)
    with pytest.raises(Ended):
        session.next(20)
    assert running.truth()["faults"] == {"drop_sockets": 1}  # the window of the other was over
    with pytest.raises(TimeoutError):
        online(running.address, A).next(0.5)


def test_polling_session_is_dropped_too(start: Callable[..., Running]) -> None:
    running = start("--fault", "drop_sockets=1@0-100ms", "--fault", "drop_sockets=1")
    client = running.client()
    path = "/socket.io/?EIO=4&transport=polling"
    sid = client.get(path).body.split(b'"sid":"')[1].split(b'"')[0].decode()
    for packet in ("40", f'42["authenticate",{{"walletAddress":"{A}"}}]'):
        assert client("POST", f"{path}&sid={sid}", packet.encode()).status == 200
    until_s = time.monotonic() + 8
    while not running.truth()["sockets"]["dropped"] and time.monotonic() < until_s:
        time.sleep(0.1)
    client.get(f"{path}&sid={sid}")  # what was still to be told
    assert client.get(f"{path}&sid={sid}").status == 400
    client.close()
    assert running.truth()["sockets"]["live"] == 0


@pytest.mark.parametrize(("text", "window"), [("drop_sockets=50@10-20s", Window(10, 20)), ("drop_sockets=50", ALWAYS)])
def test_drops_are_spread(text: str, window: Window) -> None:
    moments = Chaos([parse_fault(text)], Counter(), 1).moments(window, 50)
    assert len(moments) == 50
    assert moments == sorted(moments)
    gaps = [after - before for before, after in zip([0.0, *moments], moments, strict=False)]
    if window is ALWAYS:
        assert all(3 <= gap <= 6 for gap in gaps)
    else:
        assert all(10 <= at_s < 20 for at_s in moments)


def test_refused_sockets_get_the_products_words_and_health_says_so(
    start: Callable[..., Running], online: Online
) -> None:
    running = start("--fault", "refuse_sockets@1-60s")
    session = online(running.address, A)
    time.sleep(max(0.0, 1.05 - (time.monotonic() - running.started_s)))
    with pytest.raises(AssertionError):
        online(running.address)
    truth = running.truth()
    assert truth["sockets"]["refused"] == {"Server at maximum capacity": 1}
    assert truth["faults"] == {"refuse_sockets": 1}
    client = running.client()
    assert client.get("/api/health/websocket").status == 503
    client.close()
    assert session.rest(0.1) == []  # whoever is in stays in


def test_freeze_is_felt_by_every_session(start: Callable[..., Running], online: Online) -> None:
    running = start("--fault", "freeze=1s@2s", "--ping-interval", "1s", "--ping-timeout", "5s")
    person = new_seller(running.address)
    session = online(running.address, person.wallet)
    with pytest.raises(TimeoutError):
        session.next(max(2.2 - (time.monotonic() - running.started_s), 0.01))
    pings = session.pings
    started_s = time.monotonic()
    session.emit("subscribe", {"type": "feed"})
    assert session.next(3)[0] == "subscribed"
    assert 0.3 < time.monotonic() - started_s < 1.5
    assert session.pings <= pings + 1
    person.client.close()


def test_killed_server_ends_every_session(start: Callable[..., Running], online: Online) -> None:
    running = start("--fault", "die@2s")
    sessions = [online(running.address, A) for _ in range(3)]
    for session in sessions:
        with pytest.raises(Ended):
            session.next(4)
