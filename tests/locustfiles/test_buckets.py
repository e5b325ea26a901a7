"""However a server's windows lie and however late requests arrive, it never counts more than its limit."""

import heapq
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locustfiles._buckets import SLACK_S, Bucket, Renewing, Rolling

MOST, WINDOW_S = 3, 10.0


@dataclass
class Server:
    """The product's two kinds of counter, as contract.md 4.1 and 4.3 describe them."""

    renewing: bool
    count: int = 0
    ends_s: float = 0.0
    refused: list[float] = field(default_factory=list)

    def receive(self, at_s: float) -> None:
        if at_s >= self.ends_s:
            self.count, self.ends_s = 0, at_s + WINDOW_S
        if self.count >= MOST:
            self.refused.append(at_s)
            return
        self.count += 1
        if self.renewing:
            self.ends_s = at_s + WINDOW_S


# how long the next seller comes after the one before, how long until its request arrives, and until it is answered
journeys = st.lists(
    st.tuples(st.sampled_from([0.0, 0.01, 0.3, 2.0, 9.99, 11.0]), st.floats(0, 4), st.floats(0, 4)),
    min_size=1,
    max_size=40,
)


def _send_all(bucket: Bucket, server: Server, asked: list[tuple[float, float, float]]) -> float:
    """Let sellers come one after the other, each sending as soon as the bucket lets him; return when the last sent."""
    now_s = coming = 0.0
    arrivals: list[float] = []
    answers: list[float] = []
    for pause_s, there_s, back_s in asked:
        coming += pause_s
        now_s = max(now_s, coming)
        while True:
            while answers and answers[0] <= now_s:
                bucket.settle(heapq.heappop(answers), counted=True)
            if bucket.ready(now_s):
                break
            wait_s = bucket.free_in_s(now_s)
            next_answer_s = answers[0] if answers else float("inf")
            assert min(wait_s, next_answer_s) < float("inf"), "waits for ever"
            now_s = min(now_s + max(wait_s, 1e-6), next_answer_s)
        bucket.take()
        arrivals.append(now_s + there_s)
        heapq.heappush(answers, now_s + there_s + back_s)
    for at_s in sorted(arrivals):
        server.receive(at_s)
    return now_s


@pytest.mark.parametrize("renewing", [False, True], ids=["fixed windows", "renewed by each request"])
@settings(max_examples=300, deadline=None)
@given(asked=journeys)
def test_server_never_counts_more_than_its_limit(asked: list[tuple[float, float, float]], *, renewing: bool) -> None:
    server = Server(renewing)
    _send_all((Renewing if renewing else Rolling)(MOST, WINDOW_S), server, asked)
    assert server.refused == []


def test_fixed_windows_are_used_to_the_full() -> None:
    # instant answers: three at once, and three more each window (and its slack), so the tenth goes in the fourth
    ended_s = _send_all(Rolling(MOST, WINDOW_S), Server(renewing=False), [(0.0, 0.0, 0.0)] * 10)
    assert ended_s == pytest.approx(3 * (WINDOW_S + SLACK_S), abs=0.001)


def test_renewing_window_opens_only_after_a_whole_one_of_silence() -> None:
    bucket = Renewing(MOST, WINDOW_S)
    for at_s in (0.0, 9.0, 18.0):  # each renews the window: the server still counts the first
        assert bucket.ready(at_s)
        bucket.take()
        bucket.settle(at_s, counted=True)
    assert not bucket.ready(18.0 + WINDOW_S)
    assert bucket.free_in_s(18.0) == pytest.approx(WINDOW_S + SLACK_S)
    assert bucket.ready(18.0 + WINDOW_S + SLACK_S)
    assert bucket.room(18.0 + WINDOW_S + SLACK_S) == MOST


def test_room_is_taken_from_sending_on_and_given_back_when_it_did_not_count() -> None:
    bucket = Rolling(1, WINDOW_S)
    bucket.take()
    assert not bucket.ready(0.0)
    assert bucket.free_in_s(0.0) == float("inf")  # only its answer can make room
    bucket.settle(5.0, counted=False)
    assert bucket.ready(5.0)


def test_room_is_taken_until_a_window_after_the_answer() -> None:
    bucket = Rolling(1, WINDOW_S)
    bucket.take()
    bucket.settle(5.0, counted=True)  # counted at any time until then
    assert not bucket.ready(5.0 + WINDOW_S)
    assert bucket.ready(5.0 + WINDOW_S + SLACK_S)


@pytest.mark.parametrize("kind", [Rolling, Renewing])
def test_what_others_sent_takes_room_until_the_reset(kind: type[Bucket]) -> None:
    bucket = kind(MOST, WINDOW_S)
    bucket.occupy(2, 4.0)
    assert bucket.room(3.9) == 1
    assert bucket.room(4.0 + SLACK_S) == MOST


def test_others_short_reset_does_not_shorten_what_our_own_request_renewed() -> None:
    bucket = Renewing(MOST, WINDOW_S)
    bucket.take()
    bucket.settle(0.0, counted=True)
    bucket.occupy(1, 4.0)
    assert bucket.room(5.0) == MOST - 2


@pytest.mark.parametrize("kind", [Rolling, Renewing])
def test_blocked_bucket_lets_nobody_pass_however_much_room_there_is(kind: type[Bucket]) -> None:
    bucket = kind(MOST, WINDOW_S)
    bucket.block(7.0)
    bucket.block(3.0)  # a shorter one does not shorten it
    assert (bucket.ready(6.9), bucket.free_in_s(6.5), bucket.ready(7.0)) == (False, 0.5, True)


@pytest.mark.parametrize("kind", [Rolling, Renewing])
def test_bucket_is_idle_only_when_it_remembers_nothing(kind: type[Bucket]) -> None:
    bucket = kind(MOST, WINDOW_S)
    assert bucket.idle(0.0)
    bucket.take()
    assert not bucket.idle(0.0)
    bucket.settle(0.0, counted=True)
    assert not bucket.idle(1.0)
    assert bucket.idle(WINDOW_S + SLACK_S)
    bucket.block(20.0)
    assert not bucket.idle(19.0)
