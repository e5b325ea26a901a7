"""One request becomes one sample; token life, cache status and whose body it is are read as the contract says."""

from types import SimpleNamespace

import pytest

from locustfiles._calls import Call, Plan, cache_status, computed, token_life_s
from locustfiles._checks import Answer
from runlog.columns import SampleColumns, to_arrow
from runlog.schema import Cache, Kind, Outcome, Sample
from settings.target import CacheHeaders

OTHER_NAMES = CacheHeaders(status_header="CF-Cache-Status", hit_values=("HIT", "STALE"), miss_values=("EXPIRED",))


class Headers(dict[str, str]):
    """Headers as the client gives them: capitals do not matter."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in given.items()})

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # as the client's
        return super().get(name.lower(), default)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("24h", 86_400.0),
        ("1h", 3_600.0),
        ("30m", 1_800.0),
        ("45s", 45.0),
        ("90", 90.0),
        (90, 90.0),
        (0, 0.0),
        (None, 86_400.0),
        ("", 86_400.0),
        ("7d", 86_400.0),
        ("h", 86_400.0),
        ("-5", 86_400.0),
        ("24h ", 86_400.0),
        ({}, 86_400.0),
    ],
)
def test_life_of_a_token(text: object, seconds: float) -> None:
    assert token_life_s(text) == seconds


DEFAULT = CacheHeaders()


@pytest.mark.parametrize(
    ("headers", "status", "names", "expected"),
    [
        ({"X-Cache": "HIT"}, 200, DEFAULT, Cache.HIT),
        ({"x-cache": "HIT"}, 200, DEFAULT, Cache.HIT),
        ({"X-Cache": "MISS"}, 200, DEFAULT, Cache.MISS),
        ({"X-Cache": "MISS", "Age": "7"}, 200, DEFAULT, Cache.MISS),  # an outer cache's age of a page it then asked for
        ({"X-Cache": "SKIP"}, 200, DEFAULT, Cache.NONE),
        ({}, 200, DEFAULT, Cache.NONE),
        ({"Age": "0"}, 200, DEFAULT, Cache.NONE),
        ({"Age": "1"}, 200, DEFAULT, Cache.HIT),
        ({}, 304, DEFAULT, Cache.HIT),
        ({"X-Cache": "MISS"}, 304, DEFAULT, Cache.HIT),
        ({"X-Cache": "HIT"}, 200, OTHER_NAMES, Cache.NONE),
        ({"CF-Cache-Status": "STALE"}, 200, OTHER_NAMES, Cache.HIT),
        ({"CF-Cache-Status": "EXPIRED"}, 200, OTHER_NAMES, Cache.MISS),
        ({"CF-Cache-Status": "DYNAMIC"}, 200, OTHER_NAMES, Cache.NONE),
    ],
)
def test_cache_status_is_what_the_headers_of_the_target_say(
    headers: dict[str, str], status: int, names: CacheHeaders, expected: Cache
) -> None:
    answer = Answer(status, Headers(headers), b"")
    assert cache_status(answer, names, unique=False) is expected
    assert cache_status(answer, names, unique=True) is Cache.BYPASS  # nobody ever asked for this address before


OWN = b'{"success": true, "data": {}, "metadata": {"requestId": "r-1"}}'

# body, what X-Request-ID says, whether a check parsed it, and what that comes to
COMPUTED: dict[str, tuple[bytes, str | None, bool, bool | None]] = {
    "made for this request": (OWN, "r-1", True, True),
    "made for another one": (OWN, "r-2", True, False),
    "nobody parsed it, and it is small": (OWN, "r-2", False, False),
    "nobody parsed it, and it is as large as still looked at": (OWN + b" " * (2_048 - len(OWN)), "r-2", False, False),
    "nobody parsed it, and it is large": (OWN + b" " * (2_049 - len(OWN)), "r-2", False, None),
    "a large one that was parsed": (OWN + b" " * 9_000, "r-2", True, False),
    "no id in the header": (OWN, None, True, None),
    "no id in the body": (b'{"metadata": {}}', "r-1", True, None),
    "no metadata": (b'{"requestId": "r-1"}', "r-1", True, None),
    "metadata of another kind": (b'{"metadata": ["requestId"]}', "r-1", True, None),
    "id of another kind": (b'{"metadata": {"requestId": 1}}', "1", True, False),
    "a list": (b'["requestId"]', "r-1", True, None),
    "no JSON": (b'<p>"requestId"</p>', "r-1", False, None),
    "nothing": (b"", "r-1", False, None),
}


@pytest.mark.parametrize(("body", "header", "parsed", "expected"), COMPUTED.values(), ids=COMPUTED.keys())
def test_whether_a_body_was_made_for_its_request_is_what_both_ids_say(
    body: bytes, header: str | None, *, parsed: bool, expected: bool | None
) -> None:
    answer = Answer(200, Headers({} if header is None else {"X-Request-ID": header}), body)
    if parsed:
        answer.json()
    assert computed(answer) is expected
    assert _recorded(_call(), Outcome.OK, 1.0, answer).computed is expected


COLUMNS = SampleColumns()


def _call(step: str | None = "creation", late_s: float | None = None) -> Call:
    subject = lambda *about: COLUMNS.subjects[about]  # noqa: E731  # as the recorder has it
    plan = Plan("listing", step, "POST", "/api/x/{lid}", subject=subject, says_step=True)
    call = Call(plan, "/api/x/55?u=1", seller=7, iteration=2, body={"title": "SG lamp"})
    call.start()
    call.sent_at_s, call.late_s = 1.5, late_s
    return call


def _answered(call: Call) -> Call:
    call.started_at, call.first_byte_at, call.connect_ms, call.request_bytes = 10.0, 10.25, 1.5, 410
    return call


def _recorded(
    call: Call,
    outcome: Outcome,
    time_ms: float | None,
    answer: Answer | None = None,
    cache: Cache | None = None,
    error: str | None = None,
) -> Sample:
    """Record a request, and read its sample back."""
    call.record(SimpleNamespace(put=COLUMNS.put, process=1), outcome, time_ms, answer, cache, error)
    batch = COLUMNS.take()
    assert batch is not None
    (row,) = to_arrow(batch).to_pylist()
    return Sample(**row)


def test_sample_has_all_that_is_known_of_the_request() -> None:
    answer = Answer(201, Headers({}), b"12345")
    sample = _recorded(_answered(_call()), Outcome.OK, 300.0, answer, Cache.MISS)
    assert sample._asdict() == {
        "kind": Kind.HTTP,
        "sent_at_s": 1.5,
        "intended_at_s": None,
        "workflow": "listing",
        "step": "creation",
        "seller": 7,
        "iteration": 2,
        "process": 1,
        "method": "POST",
        "route": "/api/x/{lid}",
        "status": 201,
        "outcome": Outcome.OK,
        "response_time_ms": 300.0,
        "connect_ms": 1.5,
        "wait_ms": 250.0,
        "request_bytes": 410,
        "response_bytes": 5,
        "cache": Cache.MISS,
        "error": None,
        "computed": None,
        "handshake_ms": None,
    }


def test_request_without_an_answer_has_no_status_and_no_size() -> None:
    sample = _recorded(_call(), Outcome.TIMEOUT, 300.0, error="no answer within 30 s of order 55")
    assert (sample.status, sample.response_bytes, sample.wait_ms, sample.connect_ms) == (None, None, None, None)
    assert sample.error == "no answer within N s of order N"


def test_request_outside_any_step_is_setup_of_no_workflow() -> None:
    sample = _recorded(_call(step=None), Outcome.OK, 1.0)
    assert (sample.kind, sample.workflow, sample.step) == (Kind.SETUP, None, None)


def test_pass_that_began_late_has_its_requests_intended_as_much_earlier() -> None:
    assert _recorded(_call(late_s=0.25), Outcome.OK, 1.0).intended_at_s == 1.25


def test_step_is_said_in_a_header_where_the_target_wants_it() -> None:
    assert _call().plan.step_line == "X-Load-Step: listing.creation\r\n"
    assert not _call(step=None).plan.step_line


def test_exchange_holds_what_was_sent_and_what_came_back() -> None:
    answer = Answer(500, Headers({"X-Request-Id": "req-9"}), "größer ✗".encode() + b"\xff")
    exchange = _call().exchange(Outcome.HTTP_ERROR, "status 500", answer)
    assert (exchange.url, exchange.request_body) == ("/api/x/55?u=1", '{"title":"SG lamp"}')
    assert (exchange.status, exchange.response_body) == (500, "größer ✗\ufffd")
    assert (exchange.server_request_id, exchange.seller, exchange.iteration) == ("req-9", 7, 2)
    assert (exchange.workflow, exchange.step, exchange.outcome) == ("listing", "creation", "http_error")


def test_exchange_without_an_answer_or_a_body_says_null() -> None:
    call = _call()
    call.body = None
    exchange = call.exchange(Outcome.TIMEOUT, "no answer", None)
    assert (exchange.request_body, exchange.status, exchange.response_body, exchange.server_request_id) == (None,) * 4
