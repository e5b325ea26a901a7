"""A session is signed on and subscribed as the product's client does it, comes back when lost, and leaves its rows."""

import time
from typing import Any

import gevent
import pytest

from locustfiles._realtime import Owed, _line
from locustfiles._socketio import SocketFailed
from runlog.schema import Kind, Outcome

WALLET = "0x" + "a" * 40
GRANTED = [
    (Kind.CONNECT, "connect", Outcome.OK),
    (Kind.ACK, "subscribe", Outcome.OK),
]
REFUSED = SocketFailed(Outcome.CONNECT_ERROR, "refused by the server", connect_ms=None)


def until(holds: Any) -> None:
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end, "it did not come to that within 5 s"
        gevent.sleep(0.005)


def test_seller_signs_on_by_the_lower_case_wallet_and_subscribes(bench: Any) -> None:
    bench.line.hold()
    assert bench.sockets[0].sent == [
        ("authenticate", {"walletAddress": WALLET, "reconnecting": False}),
        ("subscribe", {"type": "user", "target": WALLET}),
    ]
    assert bench.line.live
    assert bench.told() == GRANTED
    row = bench.of(Kind.CONNECT)[0]
    assert (row.connect_ms, row.wait_ms, row.handshake_ms, row.status) == (1.0, 2.0, 3.0, 101)
    assert row.response_time_ms > 0
    assert row.intended_at_s is None


def test_a_session_that_is_there_is_not_opened_again(bench: Any) -> None:
    bench.line.hold()
    bench.line.hold()
    assert len(bench.sockets) == 1


def test_lost_session_is_a_failed_row_and_comes_back(bench: Any) -> None:
    bench.line.hold()
    bench.sockets[0].ends("network", "connection reset")
    assert not bench.line.live
    until(lambda: bench.line.live)
    (ended,) = bench.of(Kind.SESSION)
    assert (ended.outcome, ended.error) == (Outcome.LOST, "network: connection reset")
    first, second = bench.of(Kind.CONNECT)
    assert (first.intended_at_s, second.outcome) == (None, Outcome.OK)
    assert second.intended_at_s == pytest.approx(ended.sent_at_s + ended.response_time_ms / 1000, abs=0.05)
    assert bench.sockets[1].sent[0][1]["reconnecting"] is True


def test_every_try_to_come_back_is_a_row_from_the_loss_on(bench: Any) -> None:
    bench.line.hold()
    bench.plans = [REFUSED, REFUSED]
    bench.sockets[0].ends("server", "going away")
    until(lambda: bench.line.live)
    tries = bench.of(Kind.CONNECT)[1:]
    assert [each.outcome for each in tries] == [Outcome.CONNECT_ERROR, Outcome.CONNECT_ERROR, Outcome.OK]
    assert len({each.intended_at_s for each in tries}) == 1
    assert tries[0].error == "refused by the server"


def test_after_the_last_try_only_the_next_pass_tries_again(bench: Any) -> None:
    bench.plans = [REFUSED] * 4
    bench.line.hold()
    until(lambda: len(bench.sockets) == 4)
    gevent.sleep(0.1)
    assert len(bench.sockets) == 4
    bench.line.hold()
    assert bench.line.live


def test_a_session_lost_while_it_was_set_up_again_has_one_way_back(bench: Any) -> None:
    """Two greenlets that both come back would leave a session nobody closes."""
    bench.line.hold()
    bench.plans = ["ends at once"]
    bench.sockets[0].ends("network")
    until(lambda: len(bench.of(Kind.SESSION)) == 2)
    gevent.sleep(0)  # whoever was setting it up is done
    bench.line.hold()
    until(lambda: bench.line.live)
    gevent.sleep(0.1)
    assert len(bench.sockets) == 3
    assert [socket.open_now for socket in bench.sockets] == [False, False, True]


def test_what_the_server_says_stands_in_the_row(bench: Any) -> None:
    bench.plans = ["denies"] * 4
    bench.line.hold()
    first = bench.of(Kind.CONNECT)[0]
    assert (first.outcome, first.error) == (Outcome.REFUSED, "who are you?")
    assert not bench.line.live


def test_words_of_an_error_go_before_the_end_it_announces(bench: Any) -> None:
    bench.line.hold()
    bench.sockets[0].comes("error", message="Too many connections from this address")
    gevent.sleep(0.02)
    bench.sockets[0].ends("server", "the server ended the session")
    assert bench.of(Kind.SESSION)[0].error == (
        "server: Too many connections from this address (the server ended the session)"
    )


def test_a_session_turned_away_before_it_could_speak_is_refused(bench: Any) -> None:
    bench.plans = ["mute"]

    def turned_away() -> None:
        until(lambda: bench.sockets and bench.sockets[0].open_now)
        bench.sockets[0].comes("error", message="full")
        gevent.sleep(0.01)
        bench.sockets[0].ends("server")

    told = gevent.spawn(turned_away)
    bench.line.hold()
    told.join()
    row = bench.of(Kind.CONNECT)[0]
    assert (row.outcome, row.error) == (Outcome.REFUSED, "full")
    assert bench.of(Kind.SESSION) == []


def test_silence_is_a_timeout(bench: Any) -> None:
    bench.plans = ["mute"] * 4
    bench.line.hold()
    row = bench.of(Kind.CONNECT)[0]
    assert (row.outcome, row.error) == (Outcome.TIMEOUT, "no answer to authenticate within N s")
    assert row.response_time_ms >= 290


def test_who_leaves_is_no_loss_and_does_not_come_back_by_itself(bench: Any) -> None:
    bench.line.hold()
    bench.line.leave()
    gevent.sleep(0.1)
    assert [row.outcome for row in bench.of(Kind.SESSION)] == [Outcome.OK]
    assert len(bench.sockets) == 1
    bench.line.hold()
    assert bench.line.live
    assert bench.of(Kind.CONNECT)[1].intended_at_s is None


def test_nobody_comes_back_to_a_run_that_stops(bench: Any) -> None:
    bench.line.hold()
    bench.stopping = True
    bench.sockets[0].ends("network")
    gevent.sleep(0.1)
    assert len(bench.sockets) == 1


def test_attempt_cut_by_the_stop_is_recorded_before_the_log_is_closed(bench: Any) -> None:
    bench.line.hold()
    bench.plans = ["hangs"]
    bench.sockets[0].ends("network")
    until(lambda: len(bench.sockets) == 2)
    bench.line.close()
    assert [row.outcome for row in bench.of(Kind.CONNECT)] == [Outcome.OK, Outcome.ABORTED]


def test_ask_records_how_long_an_answer_took(bench: Any) -> None:
    bench.line.hold()
    said = bench.line.ask("unsubscribe", {}, "unsubscribed", "subscription_error", step="hold")
    assert said == {"subscriptionId": "s-1"}
    row = bench.of(Kind.ACK)[-1]
    assert (row.route, row.step, row.outcome) == ("unsubscribe", "hold", Outcome.OK)
    assert 0 < row.response_time_ms < 200


def test_ask_without_a_session_is_a_failed_row(bench: Any) -> None:
    assert bench.line.ask("subscribe", {}, "subscribed", "subscription_error") is None
    assert bench.told() == [(Kind.ACK, "subscribe", Outcome.CONNECT_ERROR)]


def test_end_of_a_session_fails_what_was_asked(bench: Any) -> None:
    bench.line.hold()
    bench.sockets[0].plan = "mute"
    asking = gevent.spawn(bench.line.ask, "unsubscribe", {}, "unsubscribed", "subscription_error")
    gevent.sleep(0.01)
    bench.sockets[0].ends("network", "reset")
    assert asking.get(timeout=2) is None
    row = bench.of(Kind.ACK)[-1]
    assert (row.outcome, row.error) == (Outcome.CONNECT_ERROR, "reset")


def test_ask_cut_by_the_stop_is_aborted(bench: Any) -> None:
    bench.line.hold()
    bench.sockets[0].plan = "mute"
    asking = gevent.spawn(bench.line.ask, "unsubscribe", {}, "unsubscribed", "subscription_error")
    gevent.sleep(0.01)
    asking.kill()
    assert bench.of(Kind.ACK)[-1].outcome is Outcome.ABORTED


def test_wait_ends_when_the_event_is_there(bench: Any) -> None:
    bench.line.hold()
    owed = bench.line.ledger.owe(Owed("notification", "s", 0, time.time(), time.time(), (b"mark",)))
    bench.sockets[0].comes("notification", message="mark")
    assert bench.line.wait(owed).outcome is Outcome.OK
    assert bench.line.wait(owed) is owed  # decided already: nothing to wait for
    (row,) = bench.of(Kind.PUSH)
    assert (row.route, row.step, row.outcome) == ("notification", "s", Outcome.OK)
    assert row.response_time_ms > 0


def test_wait_ends_when_the_event_is_lost(bench: Any) -> None:
    bench.line.hold()
    owed = bench.line.ledger.owe(Owed("notification", "s", 0, time.time(), time.time()))
    gevent.spawn_later(0.3, lambda: bench.line.ledger.review(time.time()))
    assert bench.line.wait(owed).outcome is Outcome.LOST
    assert bench.of(Kind.PUSH)[0].response_time_ms is None


def test_presence_of_others_is_nothing_owed(bench: Any) -> None:
    bench.line.hold()
    bench.sockets[0].comes("user_online", walletAddress="0xb")
    gevent.sleep(0.02)
    bench.line.ledger.close()
    assert bench.of(Kind.PUSH) == []


def test_pauses_are_those_of_the_product() -> None:
    assert _line.PAUSES_S == (1.0, 2.0, 4.0, 8.0, 16.0)


def test_bug_of_ours_that_ends_a_session_is_no_drop_of_the_server_s(bench: Any) -> None:
    bench.line.hold()
    bench.sockets[0].ends("bug", "KeyError in a handler")
    assert bench.of(Kind.SESSION)[0].outcome is Outcome.HARNESS_ERROR


def test_bug_on_the_way_back_is_told(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.line.hold()

    def bug() -> bool:
        raise KeyError("a bug")

    monkeypatch.setattr(bench.line, "_open", bug)
    bench.sockets[0].ends("network")
    until(lambda: bench.bugs)


def test_error_on_a_live_session_does_not_refuse_what_is_asked_later(bench: Any) -> None:
    bench.line.hold()
    bench.sockets[0].comes("error", message="something else went wrong")
    gevent.sleep(0.02)
    assert bench.line.ask("unsubscribe", {}, "unsubscribed", "subscription_error") is not None


def test_session_is_live_when_it_is_subscribed(bench: Any) -> None:
    """Who asks in between would take the answer that another waits for."""
    seen = []
    bench.plans = [None]
    answers = bench.rows.answered
    bench.rows.answered = lambda *arguments, **more: (seen.append(bench.line.live), answers(*arguments, **more))
    bench.line.hold()
    assert seen == [False]
    assert bench.line.live


def test_session_that_ends_as_soon_as_it_is_signed_on_is_another_loss(bench: Any) -> None:
    """Else the way back from the second loss would count from nowhere, and the first would have taken no time."""
    bench.line.hold()
    bench.plans = ["ends at once"]
    bench.sockets[0].ends("network")
    until(lambda: bench.line.live)
    first, second = [row for row in bench.of(Kind.CONNECT) if row.intended_at_s is not None]
    losses = [row.sent_at_s + row.response_time_ms / 1000 for row in bench.of(Kind.SESSION)]
    assert first.intended_at_s == pytest.approx(losses[0], abs=0.005)
    assert second.intended_at_s == pytest.approx(losses[1], abs=0.005)
    assert second.intended_at_s > first.intended_at_s
