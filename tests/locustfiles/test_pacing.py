"""Sellers wait for room, first come first served; what answers and other users of the address say is believed."""

from collections.abc import Callable

import gevent
import pytest

from locustfiles._limits_said import LimitSaid
from locustfiles._pacing import Admission, Pacer
from settings.limits import RateLimit

ROUTE = ("POST", "/api/x/{id}")
WINDOW_S = 60.0


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def limit(
    most: int = 3,
    *,
    name: str = "x",
    routes: tuple[tuple[str, str], ...] = (ROUTE,),
    window_s: float = WINDOW_S,
    per_path: bool = False,
    renewing: bool = False,
    failures_count: bool = True,
    cached_count: bool = False,
) -> RateLimit:
    return RateLimit(name, most, window_s, routes, per_path, renewing, failures_count, cached_count)


class LeftError(Exception):
    """The seller went."""


def stay() -> None:
    """Never leave."""


def no_room() -> None:
    raise LeftError


def admit(pacer: Pacer, path: str = "/api/x/1", address: str = "", leave: Callable[[], None] = no_room) -> Admission:
    admission = pacer.admit(*ROUTE, path, address, leave=leave)
    assert admission is not None
    return admission


def room(pacer: Pacer, path: str = "/api/x/1", address: str = "") -> int:
    """How many more are let pass right now; they are given back."""
    taken = []
    try:
        while len(taken) < 1_000:
            taken.append(admit(pacer, path, address))
    except LeftError:
        pass
    for each in taken:
        each.unsent()
    return len(taken)


def used(pacer: Pacer, count: int = 1) -> None:
    for _ in range(count):
        admit(pacer).answered(200, cached=False, said=())


def test_route_without_a_limit_is_let_pass_without_a_trace() -> None:
    pacer = Pacer([limit()])
    assert pacer.admit("GET", ROUTE[1], "/api/x/1", "", leave=no_room) is None
    assert pacer.admit("POST", "/api/y", "/api/y", "", leave=no_room) is None


@pytest.mark.parametrize(("sent", "left"), [(0, 3), (2, 1), (3, 0)])
def test_no_more_than_the_limit_in_a_window(sent: int, left: int) -> None:
    clock = Clock()
    pacer = Pacer([limit()], clock=clock)
    used(pacer, sent)
    assert room(pacer) == left
    clock.now_s = WINDOW_S
    assert room(pacer) == left  # clocks differ a little
    clock.now_s = WINDOW_S + 0.1
    assert room(pacer) == 3


# id: (limit, how an answered request ended (status, cached), whether it counted)
COUNTED: dict[str, tuple[RateLimit, int, bool, bool]] = {
    "success": (limit(), 200, False, True),
    "error": (limit(), 500, False, True),
    "refusal": (limit(), 400, False, True),
    "error where errors do not count": (limit(failures_count=False), 400, False, False),
    "redirect where errors do not count": (limit(failures_count=False), 399, False, True),
    "cache answered": (limit(), 200, True, False),
    "cache answered where that counts": (limit(cached_count=True), 200, True, True),
}


@pytest.mark.parametrize(("of", "status", "cached", "counts"), COUNTED.values(), ids=COUNTED.keys())
def test_what_the_server_does_not_count_makes_room_again(
    of: RateLimit, status: int, *, cached: bool, counts: bool
) -> None:
    pacer = Pacer([of])
    admit(pacer).answered(status, cached=cached, said=())
    assert room(pacer) == (2 if counts else 3)


def test_request_never_sent_makes_room_again_and_one_without_an_answer_does_not() -> None:
    pacer = Pacer([limit()])
    admit(pacer).unsent()
    assert room(pacer) == 3
    admit(pacer).unanswered()
    assert room(pacer) == 2


def test_addresses_have_limits_of_their_own() -> None:
    pacer = Pacer([limit()])
    used(pacer, 3)
    assert room(pacer) == 0
    assert room(pacer, address="198.18.0.1") == 3


@pytest.mark.parametrize(("per_path", "left"), [(True, 3), (False, 0)])
def test_paths_have_limits_of_their_own_only_where_the_server_counts_them_so(left: int, *, per_path: bool) -> None:
    pacer = Pacer([limit(per_path=per_path)])
    used(pacer, 3)
    assert room(pacer, "/api/x/1") == 0
    assert room(pacer, "/api/x/2") == left


def test_routes_share_a_counter_and_the_narrower_of_two_limits_decides() -> None:
    other = ("GET", "/api/y")
    pacer = Pacer([limit(2, name="narrow"), limit(5, name="wide", routes=(ROUTE, other))])
    assert room(pacer) == 2
    for _ in range(4):
        admission = pacer.admit(*other, "/api/y", "", leave=no_room)
        assert admission is not None
        admission.answered(200, cached=False, said=())
    assert room(pacer) == 1


def test_seller_who_leaves_the_second_queue_gives_back_his_room_in_the_first() -> None:
    pacer = Pacer([limit(2, name="a"), limit(1, name="b")])
    used(pacer)
    with pytest.raises(LeftError):
        admit(pacer)  # there is room in a, none in b
    with pytest.raises(LeftError):
        admit(pacer)  # and there still is
    assert pacer.waits == 2


# id: (remaining, reset, room afterwards, and when it is 3 again); three may be sent and one was
REMAINING: dict[str, tuple[int, float | None, int, float]] = {
    "as we think": (2, 30.0, 2, 60.1),
    "more than we think": (3, 30.0, 2, 60.1),
    "less: somebody else sends": (1, 30.0, 1, 60.1),
    "nothing left": (0, 30.0, 0, 60.1),
    "nothing left, no reset said": (0, None, 0, 60.1),
    "nothing left, reset far away": (0, 1e9, 0, 60.1),
}


@pytest.mark.parametrize(("remaining", "reset_in_s", "left", "full_at_s"), REMAINING.values(), ids=REMAINING.keys())
def test_server_knows_better_how_much_is_left(
    remaining: int, reset_in_s: float | None, left: int, full_at_s: float
) -> None:
    clock = Clock()
    pacer = Pacer([limit()], clock=clock)
    admit(pacer).answered(200, cached=False, said=(LimitSaid(3, remaining, reset_in_s),))
    assert room(pacer) == left
    clock.now_s = full_at_s
    assert room(pacer) == 3


def test_others_requests_are_forgotten_at_the_reset_the_server_named() -> None:
    clock = Clock()
    pacer = Pacer([limit()], clock=clock)
    admit(pacer).answered(200, cached=False, said=(LimitSaid(3, 0, 30.0),))
    clock.now_s = 30.1
    assert room(pacer) == 2  # our own one may be counted for a whole window


def test_requests_under_way_are_not_taken_for_somebody_elses() -> None:
    pacer = Pacer([limit(10)])
    first, second, third = (admit(pacer) for _ in range(3))
    # the server counted all three before it answered the first: 7 left, of which we know
    first.answered(200, cached=False, said=(LimitSaid(10, 7, None),))
    second.answered(200, cached=False, said=(LimitSaid(10, 7, None),))
    third.answered(200, cached=False, said=(LimitSaid(10, 7, None),))
    assert room(pacer) == 7


def test_somebody_elses_requests_are_counted_once_though_several_answers_tell_of_them() -> None:
    pacer = Pacer([limit(10)])
    first, second = admit(pacer), admit(pacer)
    first.answered(200, cached=False, said=(LimitSaid(10, 4, None),))  # our 2, and 4 of others
    second.answered(200, cached=False, said=(LimitSaid(10, 4, None),))
    assert room(pacer) == 4


def test_nothing_left_is_believed_though_something_else_was_sent_meanwhile() -> None:
    pacer = Pacer([limit()])
    first, second = admit(pacer), admit(pacer)
    second.answered(200, cached=True, said=())  # sent after the first, and not counted
    first.answered(200, cached=False, said=(LimitSaid(3, 0, None),))
    assert room(pacer) == 0


def test_of_two_limiters_each_is_told_what_its_own_headers_say() -> None:
    narrow, wide = limit(3, name="narrow"), limit(50, name="wide")
    pacer = Pacer([narrow, wide])
    admit(pacer).answered(200, cached=False, said=(LimitSaid(3, 0, None), LimitSaid(50, 40, None)))
    assert room(pacer) == 0
    assert pacer._buckets["wide", "", ""].room(0.0) == 40
    assert pacer._buckets["narrow", "", ""].room(0.0) == 0


@pytest.mark.parametrize(("asked_s", "waits_s"), [(12.0, 12.0), (60.0, 60.0), (900.0, 60.0)])
@pytest.mark.parametrize("renewing", [False, True])
def test_after_a_429_nobody_sends_for_as_long_as_it_asks(asked_s: float, waits_s: float, *, renewing: bool) -> None:
    clock = Clock()
    pacer = Pacer([limit(renewing=renewing)], clock=clock)
    admission = admit(pacer)
    assert admission.longest_s == WINDOW_S
    admission.throttled(asked_s)
    clock.now_s = waits_s - 0.1
    assert room(pacer) == 0
    clock.now_s = waits_s
    # a fixed window may have counted the refused one as well, one that requests renew did not
    assert room(pacer) == (3 if renewing else 2)


def test_429_does_not_count_where_errors_do_not() -> None:
    clock = Clock()
    pacer = Pacer([limit(failures_count=False)], clock=clock)
    admit(pacer).throttled(1.0)
    clock.now_s = 1.0
    assert room(pacer) == 3


# id: (most, processes, what one of them may use, what the log says)
SHARES: dict[str, tuple[int, int, int, str | None]] = {
    "alone": (10, 1, 10, None),
    "two": (10, 2, 5, None),
    "does not divide": (10, 4, 2, "rate limit x (10 in 60 s) is no multiple of 4 processes: 2 of it stay unused"),
    "as many": (10, 10, 1, None),
    "more processes than room": (
        10, 11, 1, "rate limit x (10 in 60 s) is too small for 11 processes: together they may exceed it"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("most", "processes", "share", "said"), SHARES.values(), ids=SHARES.keys())
def test_processes_share_a_limit(
    most: int, processes: int, share: int, said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert room(Pacer([limit(most)], processes=processes)) == share
    assert [record.getMessage() for record in caplog.records] == ([] if said is None else [said])


# -- waiting, in real time ---------------------------------------------------------------------------------------------


def test_sellers_are_served_in_the_order_they_came_and_the_time_they_waited_is_known() -> None:
    pacer = Pacer([limit(1, window_s=0.05)])
    served: list[int] = []

    def seller(number: int) -> None:
        admit(pacer, leave=stay).answered(200, cached=False, said=())
        served.append(number)

    sellers = [gevent.spawn(seller, number) for number in range(5)]
    gevent.joinall(sellers, timeout=10)
    assert served == [0, 1, 2, 3, 4]
    assert pacer.waits == 4
    # the n-th waits n windows of 50 ms and as much slack of 100 ms: 1.5 s in all
    assert 1.4 < pacer.waited_s < 6


def test_room_that_is_given_back_is_taken_at_once() -> None:
    pacer = Pacer([limit(1)])
    under_way = admit(pacer)
    waiting = gevent.spawn(admit, pacer, leave=stay)
    gevent.sleep(0.01)
    assert not waiting.ready()
    under_way.answered(200, cached=True, said=())
    waiting.join(0.3)
    assert waiting.ready()


def test_nobody_overtakes_who_waits() -> None:
    pacer = Pacer([limit(1)])
    under_way = admit(pacer)
    waiting = gevent.spawn(admit, pacer, leave=stay)
    gevent.sleep(0.01)
    under_way.answered(200, cached=True, said=())
    with pytest.raises(LeftError):
        admit(pacer)  # there is room, and it is somebody else's turn
    waiting.join(0.3)
    assert waiting.ready()


def test_all_who_have_room_go_when_a_window_ends() -> None:
    pacer = Pacer([limit(3, window_s=0.05)])
    used(pacer, 3)
    waiting = [gevent.spawn(admit, pacer, leave=stay) for _ in range(3)]
    gevent.joinall(waiting, timeout=0.4)  # 0.15 s; by themselves those behind would look after 0.5 s
    assert [each.ready() for each in waiting] == [True] * 3


@pytest.mark.parametrize("goes_first", [True, False], ids=["who stood first", "who stood behind"])
def test_killed_seller_leaves_the_queue_and_holds_up_nobody(*, goes_first: bool) -> None:
    pacer = Pacer([limit(1)])
    under_way = admit(pacer)
    waiting = [gevent.spawn(admit, pacer, leave=stay) for _ in range(3)]
    gevent.sleep(0.01)
    waiting.pop(0 if goes_first else 1).kill()
    for left in waiting:
        under_way.answered(200, cached=True, said=())
        left.join(1)
        assert left.ready()
        under_way = left.value
    assert room(pacer) == 0


def test_stop_ends_every_wait_at_once() -> None:
    pacer = Pacer([limit(1)])
    admit(pacer)
    stopping: list[bool] = []

    def leave() -> None:
        if stopping:
            raise LeftError

    def wait() -> str:
        try:
            admit(pacer, leave=leave)
        except LeftError:
            return "left"
        return "sent"

    waiting = [gevent.spawn(wait) for _ in range(20)]
    gevent.sleep(0.01)
    stopping.append(True)
    pacer.wake()
    gevent.joinall(waiting, timeout=0.3)
    assert [each.value for each in waiting] == ["left"] * 20


def test_buckets_nobody_needs_any_more_are_forgotten() -> None:
    clock = Clock()
    pacer = Pacer([limit(per_path=True)], clock=clock)
    for number in range(5_000):
        clock.now_s = number / 10
        admit(pacer, f"/api/x/{number}").answered(200, cached=False, said=())
    assert len(pacer._buckets) < 2_500  # a minute of ten a second is remembered; twice as many before a sweep
