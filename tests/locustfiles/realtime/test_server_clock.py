"""The server's clock is known between two bounds, and nothing counted from it is told shorter than it took."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locustfiles._realtime import ServerClock, stamp_s, unix_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01.500Z", 1.5),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01T00:00:01", None),  # whose noon?
        ("yesterday", None),
        (12, None),
        (None, None),
    ],
)
def test_iso_times_with_their_zone_are_read(text: Any, seconds: float | None) -> None:
    assert unix_s(text) == seconds


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"createdAt": "1970-01-01T00:00:02Z", "timestamp": "1970-01-01T00:00:03Z"}, 2.0),
        ({"timestamp": "1970-01-01T00:00:03Z"}, 3.0),
        ({"data": {"createdAt": "1970-01-01T00:00:04Z"}}, 4.0),
        ({"message": {"timestamp": "1970-01-01T00:00:05Z"}}, 5.0),
        ({"createdAt": 7, "metadata": {"timestamp": "1970-01-01T00:00:06Z"}}, 6.0),
        ({}, None),
        ("text", None),
        (None, None),
    ],
)
def test_stamps_stand_in_several_places(body: Any, seconds: float | None) -> None:
    assert stamp_s(body) == seconds


def test_clock_nobody_knows_tells_nothing() -> None:
    clock = ServerClock()
    assert clock.ours(5.0) is None
    clock.learn(None, 1.0, 2.0)
    clock.learn(100.0, 1.0, 2.0)  # a second of round trip: too wide to count from
    assert clock.ours(100.0) is None


def test_clock_that_was_set_is_learnt_anew() -> None:
    clock = ServerClock()
    clock.learn(100.0, 10.0, 10.01)
    clock.learn(50.0, 20.0, 20.01)
    assert clock.ours(50.0) == pytest.approx(20.0, abs=0.012)


@given(
    st.floats(-1e5, 1e5),
    st.lists(st.tuples(st.floats(0, 0.2), st.floats(0, 0.2)), min_size=1, max_size=20),
)
def test_moment_on_our_clock_is_never_later_than_it_was_and_little_earlier(
    ahead_s: float, trips: list[tuple[float, float]]
) -> None:
    clock = ServerClock()
    for number, (there_s, back_s) in enumerate(trips):
        sent_s = 1e6 + number
        stamp = int((sent_s + there_s + ahead_s) * 1000) / 1000  # cut to milliseconds
        clock.learn(stamp, sent_s, sent_s + there_s + back_s)
    moment_s = 2e6
    ours_s = clock.ours(int((moment_s + ahead_s) * 1000) / 1000)
    assert ours_s is not None
    assert ours_s <= moment_s + 1e-6
    assert moment_s - ours_s <= min(there + back for there, back in trips) + 0.0025
