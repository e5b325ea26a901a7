"""What a server says about its limits is understood in every dialect, and never believed beyond reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locustfiles._checks import Answer
from locustfiles._limits_said import LimitSaid, back_off_s, limits_said

NOW_S = 1_767_225_600.0  # 2026-01-01T00:00:00Z


class Headers(dict[str, object]):
    """Headers as the client gives them: capitals do not matter, and what was sent twice is a list."""

    def __init__(self, **given: object) -> None:
        super().__init__({name.replace("_", "-").lower(): value for name, value in given.items()})

    def get(self, name: str, default: object = None) -> object:
        return super().get(name.lower(), default)


def _throttled(body: object, **headers: object) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(429, Headers(**headers), raw)  # type: ignore[arg-type]  # a header sent twice is a list


REDIS = {"success": False, "error": "Rate limit exceeded", "retryAfter": 60}
PLAIN = b"Too many requests from this IP"
CODE = {"success": False, "error": {"code": "AUTH_RATE_LIMIT_EXCEEDED"}}

# id: (answer, seconds asked when no window is known: at most 60)
ASKED: dict[str, tuple[Answer, float]] = {
    # contract.md 4.1: body only, the full window, no Retry-After, a reset that is never true
    "redis": (_throttled(REDIS, X_RateLimit_Remaining="0", X_RateLimit_Reset="2026-01-01T00:01:00.000Z"), 60.0),
    "redis, 7 s": (_throttled({**REDIS, "retryAfter": 7}), 7.0),
    # 4.2: seconds in RateLimit-*, JSON with a code; epoch seconds in X-RateLimit-*, Retry-After, plain text
    "auth": (_throttled(CODE, RateLimit_Limit="200", RateLimit_Remaining="0", RateLimit_Reset="30"), 30.0),
    "workflow": (_throttled(PLAIN, X_RateLimit_Reset="1767225645", Retry_After="45"), 45.0),
    "orders, without Retry-After": (_throttled(PLAIN, X_RateLimit_Reset="1767225612"), 12.0),
    "epoch milliseconds": (_throttled(PLAIN, X_RateLimit_Reset="1767225612500"), 12.5),
    # 4.3: ISO reset, Retry-After, JSON
    "analytics": (_throttled(CODE, RateLimit_Reset="2026-01-01T00:00:40.000Z", Retry_After="40"), 40.0),
    "only an ISO reset": (_throttled(CODE, RateLimit_Reset="2026-01-01T00:00:40Z"), 40.0),
    "ISO without a zone is UTC": (_throttled(CODE, RateLimit_Reset="2026-01-01T00:00:40"), 40.0),
    "ISO of another zone": (_throttled(CODE, RateLimit_Reset="2026-01-01T02:00:40+02:00"), 40.0),
    # a date, by the server's clock where it says what time it is there
    "HTTP date": (_throttled(b"", Retry_After="Thu, 01 Jan 2026 00:00:09 GMT"), 9.0),
    "server is an hour behind": (
        _throttled(b"", Retry_After="Wed, 31 Dec 2025 23:00:09 GMT", Date="Wed, 31 Dec 2025 23:00:00 GMT"),
        9.0,
    ),
    "date in the past": (_throttled(b"", Retry_After="Wed, 31 Dec 2025 07:28:00 GMT"), 60.0),
    # who says it first: the body, Retry-After, the reset
    "body before header": (_throttled({"retryAfter": 3}, Retry_After="50"), 3.0),
    "header before reset": (_throttled(b"", Retry_After="5", RateLimit_Reset="50"), 5.0),
    "null in the body": (_throttled({"retryAfter": None}, Retry_After="5"), 5.0),
    "number as text": (_throttled({"retryAfter": "4"}), 4.0),
    "fraction": (_throttled({"retryAfter": 0.25}), 0.25),
    "nothing to wait": (_throttled({"retryAfter": 0}), 0.0),
    # the limit, and both sides of it
    "59 s": (_throttled({"retryAfter": 59.5}), 59.5),
    "60 s": (_throttled({"retryAfter": 60.0}), 60.0),
    "61 s": (_throttled({"retryAfter": 61}), 60.0),
    "15 min": (_throttled(PLAIN, Retry_After="900"), 60.0),
    # hostile or broken
    "negative": (_throttled({"retryAfter": -5}), 0.0),
    "negative header": (_throttled(b"", Retry_After="-5"), 0.0),
    "not a number": (_throttled({"retryAfter": "nan"}), 60.0),
    "infinity": (_throttled(b"", Retry_After="inf"), 60.0),
    "10^300": (_throttled(b'{"retryAfter": 1e300}'), 60.0),
    "10^400": (_throttled(b'{"retryAfter": 1e400}'), 60.0),
    "integer of 400 digits": (_throttled(b'{"retryAfter": ' + b"9" * 400 + b"}"), 60.0),
    "header of 400 digits": (_throttled(b"", Retry_After="9" * 400), 60.0),
    "year 9999": (_throttled(b"", Retry_After="Fri, 31 Dec 9999 23:59:59 GMT"), 60.0),
    "year 1": (_throttled(b"", RateLimit_Reset="0001-01-01T00:00:00+14:00"), 60.0),
    "date with a long tail": (_throttled(b"", Retry_After="Thu, 01 Jan 2026 00:00:09 GMT" + " " * 90), 60.0),
    "words": (_throttled({"retryAfter": "soon"}), 60.0),
    "a list": (_throttled({"retryAfter": [1]}), 60.0),
    "true": (_throttled({"retryAfter": True}), 60.0),
    "a list as body": (_throttled([429]), 60.0),
    "header sent twice": (_throttled(b"", Retry_After=["1", "2"]), 60.0),
    "nothing": (_throttled(b""), 60.0),
}


@pytest.mark.parametrize(("answer", "seconds"), ASKED.values(), ids=ASKED.keys())
def test_back_off_is_what_the_answer_asks_at_most_a_minute(answer: Answer, seconds: float) -> None:
    assert back_off_s(answer, NOW_S) == seconds


@pytest.mark.parametrize(("asked", "seconds"), [("899", 899.0), ("900", 900.0), ("901", 900.0), (None, 900.0)])
def test_back_off_reaches_as_far_as_the_window_where_it_is_known(asked: str | None, seconds: float) -> None:
    answer = _throttled(PLAIN) if asked is None else _throttled(PLAIN, Retry_After=asked)
    assert back_off_s(answer, NOW_S, 900.0) == seconds


hostile = st.none() | st.text(max_size=30) | st.sampled_from(["-1", "1e9", "0", "2026-13-45", "nan", "NaN", "٣"])


@given(st.binary(max_size=40) | st.from_regex(rb'\{"retryAfter": ?-?[0-9e.]{1,9}\}'), hostile, hostile, hostile)
def test_whatever_comes_the_wait_is_between_nothing_and_the_window(
    body: bytes, retry_after: str | None, reset: str | None, date: str | None
) -> None:
    given_ = {"Retry_After": retry_after, "X_RateLimit_Reset": reset, "Date": date, "X_RateLimit_Remaining": "3"}
    headers = Headers(**{name: value for name, value in given_.items() if value is not None})
    assert 0.0 <= back_off_s(Answer(429, headers, body), NOW_S, 60.0) <= 60.0  # type: ignore[arg-type]  # as above
    for said in limits_said(headers, NOW_S):
        assert said.remaining == 3
        assert said.reset_in_s is None or said.reset_in_s > 0


# id: (headers, what they say)
SAID: dict[str, tuple[Headers, tuple[LimitSaid, ...]]] = {
    "redis": (
        Headers(X_RateLimit_Limit="10", X_RateLimit_Remaining="3", X_RateLimit_Reset="2026-01-01T00:01:00.000Z"),
        (LimitSaid(10, 3, 60.0),),
    ),
    "epoch": (
        Headers(X_RateLimit_Limit="100", X_RateLimit_Remaining="0", X_RateLimit_Reset="1767226000"),
        (LimitSaid(100, 0, 400.0),),
    ),
    "draft": (
        Headers(RateLimit_Limit="200", RateLimit_Remaining="199", RateLimit_Reset="17", RateLimit_Policy="200;w=60"),
        (LimitSaid(200, 199, 17.0),),
    ),
    "sliding": (
        Headers(RateLimit_Limit="100", RateLimit_Remaining="7", RateLimit_Reset="2026-01-01T00:15:00Z"),
        (LimitSaid(100, 7, 900.0),),
    ),
    "two limiters": (
        Headers(X_RateLimit_Remaining="4", RateLimit_Remaining="5"),
        (LimitSaid(None, 4, None), LimitSaid(None, 5, None)),
    ),
    "clocks differ: a reset that is over says nothing": (
        Headers(X_RateLimit_Remaining="0", X_RateLimit_Reset="1767225599"),
        (LimitSaid(None, 0, None),),
    ),
    "negative remaining": (Headers(X_RateLimit_Remaining="-4"), (LimitSaid(None, 0, None),)),
    "absurd remaining": (Headers(X_RateLimit_Remaining="9" * 19), (LimitSaid(None, 10**9, None),)),
    "no number": (Headers(X_RateLimit_Remaining="many"), ()),
    "sent twice": (Headers(X_RateLimit_Remaining=["1", "2"]), ()),
    "none": (Headers(), ()),
}


@pytest.mark.parametrize(("headers", "said"), SAID.values(), ids=SAID.keys())
def test_room_left_is_read_in_each_dialect(headers: Headers, said: tuple[LimitSaid, ...]) -> None:
    assert limits_said(headers, NOW_S) == said
