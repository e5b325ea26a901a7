"""What came, twice, too late, in the wrong order or never: each event the server owes is decided exactly once."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locustfiles._realtime import Addressees, Ledger, Owed, ServerClock
from locustfiles._socketio import Arrived
from runlog.schema import Outcome

WALLET = "0x" + "a" * 40
LOST_AFTER_S = 5.0


class Book:
    """A ledger, and what it settled, in order."""

    def __init__(self, **uncalled: str) -> None:
        self.settled: list[Owed] = []
        self.clock = ServerClock()
        self.addressees = Addressees()
        self.ledger = Ledger(
            WALLET,
            clock=self.clock,
            lost_after_s=LOST_AFTER_S,
            keep_s=30.0,
            uncalled=uncalled,
            addressees=self.addressees,
            mark=b"sg-r-1-7",
            settled=self.settled.append,
        )
        self.ledger.back(0.0)

    def owe(self, at_s: float, event: str = "notification", *needles: bytes, known_at_s: float | None = None) -> Owed:
        known = at_s + 0.01 if known_at_s is None else known_at_s
        return self.ledger.owe(Owed(event, "realtime_updates", 3, at_s, known, needles))

    def comes(self, at_s: float, event: str = "notification", **body: Any) -> None:
        raw = json.dumps([event, body], separators=(",", ":")).encode()
        self.ledger.arrived(Arrived(event, [body], raw, at_s, at_s, "/", len(raw)))

    def outcomes(self) -> list[Outcome | None]:
        return [owed.outcome for owed in self.settled]


def test_event_that_comes_counts_from_its_cause() -> None:
    book = Book()
    owed = book.owe(10.0)
    book.comes(10.25, id=1)
    assert (owed.outcome, owed.latency_ms, owed.step, owed.iteration) == (Outcome.OK, 250.0, "realtime_updates", 3)
    assert book.settled == [owed]


def test_event_may_come_before_the_answer_that_says_it_is_owed() -> None:
    book = Book()
    book.comes(10.01, id=1)
    assert book.settled == []
    owed = book.owe(10.0, known_at_s=10.02)
    assert (owed.outcome, round(owed.latency_ms or 0)) == (Outcome.OK, 10)
    book.ledger.close()
    assert book.settled == [owed]


def test_events_of_one_name_are_told_apart_by_what_stands_in_them() -> None:
    book = Book()
    first, second = book.owe(1.0, "new_message", b"m-1"), book.owe(1.0, "new_message", b"m-2")
    book.comes(1.5, "new_message", message={"id": "m-2"})
    assert (first.outcome, second.outcome) == (None, Outcome.OK)


def test_events_of_one_name_are_told_apart_by_fields() -> None:
    book = Book()
    packed = book.ledger.owe(Owed("order", "s", 0, 1.0, 1.0, fields=(("orderId", "7"), ("status", "packed"))))
    sent = book.ledger.owe(Owed("order", "s", 0, 1.0, 1.0, fields=(("orderId", "7"), ("status", "sent"))))
    book.comes(1.5, "order", orderId=7, status="sent", previousStatus="packed")
    assert (packed.outcome, sent.outcome) == (None, Outcome.OK)


def test_lost_is_what_has_not_come_in_time() -> None:
    book = Book()
    owed = book.owe(10.0, known_at_s=10.5)
    book.ledger.review(15.49)
    assert (owed.outcome, book.ledger.awaits) == (None, True)
    book.ledger.review(15.5)
    assert (owed.outcome, owed.latency_ms) == (Outcome.LOST, None)
    assert "5 s" in str(owed.error)


def test_lost_event_that_comes_later_stays_lost_and_is_no_second_one() -> None:
    book = Book()
    book.owe(10.0)
    book.ledger.review(16.0)
    book.comes(16.1, id=1)
    book.ledger.close()
    assert book.outcomes() == [Outcome.LOST]


def test_event_that_comes_too_late_is_lost_though_nobody_had_looked() -> None:
    book = Book()
    owed = book.owe(10.0)
    book.comes(15.2, id=1)
    assert (owed.outcome, owed.latency_ms) == (Outcome.LOST, None)


def test_same_event_again_is_a_duplicate_each_time() -> None:
    book = Book()
    book.owe(1.0)
    for at_s in (1.1, 1.2, 1.3):
        book.comes(at_s, id=1)
    assert book.outcomes() == [Outcome.OK, Outcome.DUPLICATED, Outcome.DUPLICATED]
    assert [owed.step for owed in book.settled] == ["realtime_updates"] * 3


def test_same_event_again_is_known_by_the_id_the_server_gave_it() -> None:
    book = Book()
    book.owe(1.0)
    book.comes(1.1, eventId="e-1")
    book.comes(1.2, eventId="e-1", queued=True)
    assert book.outcomes() == [Outcome.OK, Outcome.DUPLICATED]


def test_equal_words_with_ids_of_their_own_are_two_events() -> None:
    book = Book()
    book.owe(1.0)
    book.owe(1.0)
    book.comes(1.1, eventId="e-1")
    book.comes(1.2, eventId="e-2")
    assert book.outcomes() == [Outcome.OK, Outcome.OK]


def test_order_is_told_by_the_server_s_numbers() -> None:
    book = Book()
    for seq in (1, 3, 2, 4):
        book.owe(1.0)
        book.comes(1.1, id=seq, seq=seq)
    assert book.outcomes() == [Outcome.OK, Outcome.OK, Outcome.OUT_OF_ORDER, Outcome.OK]
    assert book.settled[2].latency_ms is not None


def test_numbers_begin_anew_with_each_session() -> None:
    book = Book()
    book.owe(1.0)
    book.comes(1.1, id=1, seq=900)
    book.ledger.back(2.0)
    book.owe(3.0)
    book.comes(3.1, id=2, seq=1)
    assert book.outcomes() == [Outcome.OK, Outcome.OK]


def test_without_numbers_order_is_told_by_causes() -> None:
    book = Book()
    book.owe(1.0, "a", known_at_s=1.1)
    book.owe(2.0, "b", known_at_s=2.1)
    book.comes(2.2, "b")
    book.comes(2.3, "a")
    assert [(owed.event, owed.outcome) for owed in book.settled] == [("b", Outcome.OK), ("a", Outcome.OUT_OF_ORDER)]


def test_causes_that_overlapped_have_no_order() -> None:
    book = Book()
    book.owe(1.0, "a", known_at_s=2.05)
    book.owe(2.0, "b", known_at_s=2.1)
    book.comes(2.2, "b")
    book.comes(2.3, "a")
    assert book.outcomes() == [Outcome.OK, Outcome.OK]


def test_event_of_another_wallet_is_said_to_be_one() -> None:
    book = Book()
    owed = book.owe(1.0)
    book.comes(1.1, walletAddress="0x" + "b" * 40)
    assert owed.outcome is Outcome.WRONG_BODY


def test_own_wallet_may_be_written_in_capitals() -> None:
    book = Book()
    owed = book.owe(1.0)
    book.comes(1.1, walletAddress=WALLET.upper())
    assert owed.outcome is Outcome.OK


# -- away and back -----------------------------------------------------------------------------------------------------


def test_who_left_is_told_on_return_and_counts_from_there() -> None:
    book = Book()
    book.ledger.away(0.0)
    owed = book.owe(10.0)
    book.ledger.review(60.0)
    assert owed.outcome is None
    book.ledger.back(60.0)
    book.comes(60.02, queued=True)
    assert (owed.outcome, round(owed.latency_ms or 0)) == (Outcome.OK, 20)


def test_what_is_not_told_on_return_is_lost() -> None:
    book = Book()
    book.ledger.away(0.0)
    owed = book.owe(10.0)
    book.ledger.back(60.0)
    book.ledger.review(64.9)
    assert owed.outcome is None
    book.ledger.review(65.0)
    assert owed.outcome is Outcome.LOST


def test_who_was_dropped_goes_on_counting() -> None:
    book = Book()
    owed = book.owe(10.0)
    book.ledger.back(11.5)  # a new session after the old one broke
    book.comes(11.6, queued=True)
    assert round(owed.latency_ms or 0) == 1600


def test_end_while_away_says_nothing_about_the_server() -> None:
    book = Book()
    book.ledger.away(0.0)
    owed = book.owe(10.0)
    book.ledger.close()
    assert owed.outcome is Outcome.ABORTED


def test_end_decides_what_is_still_awaited() -> None:
    book = Book()
    book.owe(10.0)
    book.ledger.close()
    book.ledger.close()
    assert book.outcomes() == [Outcome.LOST]


# -- what others cause -------------------------------------------------------------------------------------------------


def stamp(at_s: float) -> str:
    return f"1970-01-01T00:{int(at_s) // 60:02d}:{at_s % 60:06.3f}Z"


def test_what_others_cause_is_settled_when_it_comes_and_kept_for_its_step() -> None:
    book = Book(new_order="order_notification")
    book.clock.learn(10.0, 10.0, 10.0005)
    book.ledger.iteration = 4
    book.comes(20.05, "new_order", orderId="o-1", createdAt=stamp(20.0))
    [told] = book.ledger.told("new_order")
    assert (told.step, told.iteration, told.outcome) == ("order_notification", 4, Outcome.OK)
    assert told.latency_ms == pytest.approx(50, abs=2)
    assert book.ledger.told("new_order") == []


def test_latency_of_what_others_cause_is_not_made_up_while_the_clock_is_unknown() -> None:
    book = Book(new_order="order_notification")
    book.comes(20.05, "new_order", createdAt=stamp(20.0))
    assert book.settled[0].latency_ms is None


def test_what_nobody_claims_is_put_down_in_the_end() -> None:
    book = Book()
    book.comes(10.0, "new_message", id=1)
    book.ledger.review(39.9)
    assert book.ledger.busy
    book.ledger.review(40.0)
    assert [(owed.event, owed.step, owed.outcome) for owed in book.settled] == [("new_message", None, Outcome.OK)]
    assert not book.ledger.busy


@pytest.mark.parametrize("args", [[], ["text"], [[1]]])
def test_event_without_an_object_is_an_event(args: list[Any]) -> None:
    book = Book()
    owed = book.owe(1.0)
    book.ledger.arrived(Arrived("notification", args, b"x", 1.1, 1.1, "/", 1))
    assert owed.outcome is Outcome.OK


# -- any history -------------------------------------------------------------------------------------------------------

FATES = st.sampled_from(["delivered", "lost", "twice", "early"])


@settings(max_examples=200, deadline=None)
@given(st.lists(FATES, max_size=30))
def test_counts_are_those_of_the_server(fates: list[str]) -> None:
    book = Book()
    for number, fate in enumerate(fates, 1):
        at_s, mark = float(number), f"<{number}>".encode()
        if fate == "early":
            book.comes(at_s + 0.01, text=mark.decode())
        book.owe(at_s, "notification", mark, known_at_s=at_s + 0.02)
        if fate in ("delivered", "twice"):
            book.comes(at_s + 0.03, text=mark.decode())
        if fate == "twice":
            book.comes(at_s + 0.04, text=mark.decode())
        book.ledger.review(at_s + 0.05)
    book.ledger.close()
    found = Counter(book.outcomes())
    assert found[Outcome.LOST] == fates.count("lost")
    assert found[Outcome.DUPLICATED] == fates.count("twice")
    assert found[Outcome.OK] == len(fates) - fates.count("lost")


# -- events that look like each other -------------------------------------------------------------------------------


def iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


def known(book: Book) -> Book:
    """A server whose clock is ours, to the millisecond."""
    book.clock.learn(1.0, 1.0, 1.001)
    return book


def test_lost_event_does_not_take_the_next_one_s_place() -> None:
    """An event often comes before the answer to its cause: it is not the one that was owed four seconds ago."""
    book = known(Book())
    lost = book.owe(10.0, "cache_invalidation")
    book.ledger.asking("cache_invalidation")
    book.comes(14.005, "cache_invalidation", timestamp=iso(14.004))
    second = book.owe(14.0, "cache_invalidation")
    book.ledger.answered("cache_invalidation")
    assert (second.outcome, round(second.latency_ms or 0)) == (Outcome.OK, 5)
    book.ledger.review(15.1)
    assert lost.outcome is Outcome.LOST
    assert len(book.settled) == 2


def test_event_given_up_long_ago_does_not_take_the_next_one_s_place() -> None:
    book = known(Book())
    book.owe(10.0, "cache_invalidation")
    book.ledger.review(16.0)
    book.ledger.asking("cache_invalidation")
    book.comes(20.005, "cache_invalidation", timestamp=iso(20.004))
    second = book.owe(20.0, "cache_invalidation")
    book.ledger.answered("cache_invalidation")
    assert [book.settled[0].outcome, second.outcome] == [Outcome.LOST, Outcome.OK]
    assert len(book.settled) == 2


def test_late_event_that_comes_while_the_next_is_asked_for_is_the_late_one_when_the_next_is_refused() -> None:
    book = known(Book())
    late = book.owe(10.0, "cache_invalidation")
    book.ledger.asking("cache_invalidation")
    book.comes(12.005, "cache_invalidation", timestamp=iso(12.004))
    assert late.outcome is None
    book.ledger.answered("cache_invalidation")
    assert (late.outcome, round(late.latency_ms or 0)) == (Outcome.OK, 2005)


def test_event_after_its_answer_is_told_from_an_older_one_by_its_stamp() -> None:
    book = known(Book())
    lost = book.owe(10.0, "cache_invalidation")
    second = book.owe(14.0, "cache_invalidation")
    book.comes(14.02, "cache_invalidation", timestamp=iso(14.005))
    assert (lost.outcome, second.outcome) == (None, Outcome.OK)


def test_event_made_before_its_cause_is_another() -> None:
    book = known(Book())
    second = book.owe(14.0, "cache_invalidation")
    book.comes(14.02, "cache_invalidation", timestamp=iso(13.9))
    assert second.outcome is None


def test_without_a_stamp_the_oldest_is_meant() -> None:
    book = Book()
    first, second = book.owe(10.0, "cache_invalidation"), book.owe(14.0, "cache_invalidation")
    book.comes(14.02, "cache_invalidation", id=1)
    assert (first.outcome, second.outcome) == (Outcome.OK, None)


# -- events of others, and events nobody was owed ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"walletAddress": "0xB"},
        {"data": {"userAddress": "0xB", "message": "hi"}},
        {"data": {"notification": {"recipientAddress": "0xB"}}},
        {"data": {"message": "You were mentioned: sg-r-1-8-0."}},  # the mark of another seller of this run
        {"message": {"id": "m-9"}},  # sent to somebody else of this process
    ],
)
def test_event_of_another_is_a_wrong_body(body: dict[str, Any]) -> None:
    book = Book()
    book.addressees.note("m-9", "0xb")
    book.comes(1.0, "notification", **body)
    book.ledger.close()
    assert book.outcomes() == [Outcome.WRONG_BODY]


@pytest.mark.parametrize(
    "body",
    [
        {"walletAddress": WALLET.upper().replace("0X", "0x")},
        {"data": {"userAddress": WALLET}},
        {"data": {"message": "You were mentioned: sg-r-1-7-4."}},
        {"data": {"message": "You were mentioned: sg-r-10-8-0."}},  # left over from another run
        {"message": {"id": "m-7"}},
        {"message": {"id": "never heard of"}},
        {"message": "words"},
    ],
)
def test_event_of_one_s_own_is_fine(body: dict[str, Any]) -> None:
    book = Book()
    book.addressees.note("m-7", WALLET)
    book.comes(1.0, "notification", **body)
    book.ledger.close()
    assert book.outcomes() == [Outcome.OK]


def test_message_whose_addressee_becomes_known_later_is_judged_then() -> None:
    """A leaked copy can come before the answer that says whose message it is."""
    book = Book()
    book.comes(1.0, "new_message", message={"id": "m-1"})
    book.addressees.note("m-1", "0xb")
    book.ledger.close()
    assert book.outcomes() == [Outcome.WRONG_BODY]


def test_owing_a_message_notes_whose_it_is() -> None:
    book = Book()
    book.owe(1.0, "new_message", b"m-5")
    assert book.addressees.is_another_s("m-5", "0xb")
    assert not book.addressees.is_another_s("m-5", WALLET)


def test_addressees_are_forgotten_when_they_are_too_many() -> None:
    them = Addressees()
    for number in range(20_001):
        them.note(str(number), "0xa")
    assert not them.is_another_s("0", "0xb")
    assert them.is_another_s("1", "0xb")


def test_nobody_s_event_is_in_no_pass() -> None:
    book = Book()
    book.comes(1.0, "notification", id=1)
    book.ledger.close()
    assert [(owed.step, owed.iteration, owed.outcome) for owed in book.settled] == [(None, -1, Outcome.OK)]


def test_events_to_the_letter_alike_are_two_when_two_are_owed() -> None:
    """Without an id and a stamp nothing tells a repetition from the next one but that it is owed."""
    book = Book()
    first = book.owe(1.0, "cache_invalidation")
    book.comes(1.1, "cache_invalidation", walletAddress=WALLET)
    second = book.owe(9.0, "cache_invalidation")
    book.comes(9.1, "cache_invalidation", walletAddress=WALLET)
    book.comes(9.2, "cache_invalidation", walletAddress=WALLET)
    assert [first.outcome, second.outcome] == [Outcome.OK, Outcome.OK]
    assert book.outcomes() == [Outcome.OK, Outcome.OK, Outcome.DUPLICATED]


def test_stop_while_away_loses_what_was_owed_before() -> None:
    book = Book()
    before = book.owe(1.0, "notification", b"before")
    book.ledger.away(2.0)
    after = book.owe(3.0, "notification", b"after")
    book.ledger.close()
    assert (before.outcome, after.outcome) == (Outcome.LOST, Outcome.ABORTED)
