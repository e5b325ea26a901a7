"""Each check accepts what a seller needs and names, with the right outcome, what is not that."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from locustfiles import _checks
from locustfiles._checks import (
    Answer,
    CheckFailed,
    Data,
    HttpError,
    Stale,
    StepFailed,
    Throttled,
    Unreached,
    WrongBody,
    accepted,
    among,
    bare,
    equal,
    expect,
    expect_list,
    expect_rows,
    expect_status,
    objects,
    payload,
    refused,
    same_id,
    same_kind,
    same_page,
    same_wallet,
    some,
    token,
)
from runlog.schema import Outcome

WALLET = "0x52908400098527886e0f7030069857d2e4169ee7"
OTHER = "0x8617e340b3d01fa5f11f306f4090fd50e238070d"


def _answer(body: object, status: int = 200) -> Answer:
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def _envelope(data: object, status: int = 200) -> Answer:
    return _answer({"success": True, "data": data}, status)


ACCEPTED: dict[str, tuple[Callable[[], object], object]] = {
    "status as asked": (lambda: expect_status(_answer({}), 200), None),
    "one of two statuses": (lambda: expect_status(_answer({}, 201), 200, 201), None),
    "refusal as asked": (lambda: expect_status(_answer({}, 403), 403), None),
    "bare object": (lambda: bare(_answer({"a": 1})), {"a": 1}),
    "bare object of another status": (lambda: bare(_answer({"a": 1}, 201), 200, 201), {"a": 1}),
    "envelope without data": (lambda: accepted(_answer({"success": True})), {"success": True}),
    "payload of zero": (lambda: payload(_envelope(0)), 0),
    "empty list in data": (lambda: payload(_envelope([])), []),
    "object in data": (lambda: expect(_envelope({"id": 7})), {"id": 7}),
    "object in data of 201": (lambda: expect(_envelope({"id": 7}, 201), 201), {"id": 7}),
    "empty object in data": (lambda: expect(_envelope({})), {}),
    "list in data": (lambda: expect_list(_envelope([{"id": 7}])), [{"id": 7}]),
    "rows that are data": (lambda: expect_rows(_envelope([{"id": 7}]), "orders"), [{"id": 7}]),
    "rows under a key": (lambda: expect_rows(_envelope({"orders": [{"id": 7}]}), "orders"), [{"id": 7}]),
    "no rows": (lambda: expect_rows(_envelope({"orders": []}), "orders"), []),
    "own wallet": (lambda: same_wallet({"w": WALLET}, "w", WALLET), None),
    "own wallet in capitals": (lambda: same_wallet({"w": WALLET.upper()}, "w", WALLET), None),
    "own page": (lambda: same_page({"b": None}, "b"), None),
    "a page for a page": (lambda: same_kind({}, dict), None),
    "a list for a list": (lambda: same_kind([], list), None),
    "no page and no list: somebody else's to refuse": (lambda: same_kind(None, dict), None),
    "own id": (lambda: same_id({"id": "x-1"}, "id", "x-1"), None),
    "own id sent as a number": (lambda: same_id({"id": 71}, "id", "71"), None),
    "refused with the code": (lambda: refused(_answer({"error": {"code": "LIMIT"}}, 403), 403, "LIMIT"), None),
    "equal": (lambda: equal("price", "1.5", "1.5"), None),
    "objects": (lambda: objects([{"a": 1}], "x"), [{"a": 1}]),
    "among others": (lambda: among([{"id": 1}, {"id": "x"}], "id", "x"), None),
    "some": (lambda: some([Data(a=1)], "rows"), [{"a": 1}]),
    "token": (lambda: token(Data(token="eyJh.eyJz.c2ln"), "token"), "eyJh.eyJz.c2ln"),
}


@pytest.mark.parametrize(("check", "expected"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepts(check: Callable[[], object], expected: object) -> None:
    assert check() == expected


TOKENS: dict[str, object] = {
    "null": None,
    "empty": "",
    "a number": 7,
    "a list": ["a"],
    "two words": "a b",
    "a line": "a\n",
    "another header": "a\r\nX-Other: 1",
    "another request": "a\r\n\r\nGET /api/orders HTTP/1.1",
    "not ASCII": "\u20ac",
    "8001 characters": "x" * 8001,
}
REFUSED: dict[str, tuple[Callable[[], object], type[StepFailed], str]] = {
    **{
        f"token that is {name}": (partial(lambda bad: token(Data(t=bad), "t"), bad), CheckFailed, "'t' cannot stand")
        for name, bad in TOKENS.items()
    },
    "token with a header in it": (lambda: token(Data(token="a\r\nX: 1"), "token"), CheckFailed, "'token' cannot stand"),
    "among none": (lambda: among([], "id", "x"), Stale, "what this seller put there is not listed under 'id'"),
    "among others only": (lambda: among([{"id": "y"}, {}], "id", "x"), Stale, "what this seller put there is not"),
    "another path's page": (lambda: same_page({"a": 1}, "b"), WrongBody, "the body is another path's: no 'b'"),
    "a list for a page": (lambda: same_kind([], dict), WrongBody, "the body is another path's: a list"),
    "a page for a list": (lambda: same_kind({}, list), WrongBody, "the body is another path's: a single object"),
    "none of some": (lambda: some([], "requirements"), CheckFailed, "'requirements' is empty"),
    "error status": (lambda: expect_status(_answer({}, 500), 200), HttpError, "status 500, expected status 200"),
    "error status 400 is one": (lambda: expect_status(_answer({}, 400), 200), HttpError, "status 400, expected"),
    "status 399 is another success": (lambda: expect_status(_answer({}, 399), 200), CheckFailed, "status 399, expect"),
    "another success": (
        lambda: expect_status(_answer({}, 204), 200, 201),
        CheckFailed,
        "status 204, expected status 200 or status 201",
    ),
    "success where a refusal is wanted": (lambda: expect_status(_answer({}), 403), CheckFailed, "status 200, expected"),
    "error code of the envelope": (
        lambda: expect_status(_answer({"error": {"code": "NOT_OWNER"}}, 403), 200),
        HttpError,
        "status 403 NOT_OWNER, expected status 200",
    ),
    "error code beside it": (
        lambda: expect_status(_answer({"error": "no", "code": "NO_FILE"}, 400), 200),
        HttpError,
        "status 400 NO_FILE, expected status 200",
    ),
    "error page that is no JSON": (lambda: expect_status(_answer(b"<html>", 502), 200), HttpError, "status 502, exp"),
    "error body that is a list": (lambda: expect_status(_answer([1], 500), 200), HttpError, "status 500, expected"),
    "error code that is a number": (lambda: expect_status(_answer({"code": 5}, 500), 200), HttpError, "status 500, ex"),
    "no JSON": (lambda: bare(_answer(b"<html>")), CheckFailed, "body is not JSON (status 200)"),
    "empty body": (lambda: bare(_answer(b"")), CheckFailed, "body is not JSON (status 200)"),
    "bare list": (lambda: bare(_answer([])), CheckFailed, "body is not a JSON object"),
    "bare null": (lambda: bare(_answer(None)), CheckFailed, "body is not a JSON object"),
    "success false": (lambda: accepted(_answer({"success": False})), CheckFailed, "success is not true"),
    "success 1": (lambda: accepted(_answer({"success": 1})), CheckFailed, "success is not true"),
    "success null": (lambda: accepted(_answer({"success": None})), CheckFailed, "success is not true"),
    "no envelope": (
        lambda: accepted(_answer({"totalSales": 4})),
        CheckFailed,
        "no 'success: true' in the answer: envelope missing",
    ),
    "data missing": (lambda: payload(_answer({"success": True})), CheckFailed, "no 'data' in the answer"),
    "data null is not found": (lambda: payload(_envelope(None)), CheckFailed, "'data' is null"),
    "data a list": (lambda: expect(_envelope([])), CheckFailed, "'data' is not an object"),
    "data a text": (lambda: expect(_envelope("ok")), CheckFailed, "'data' is not an object"),
    "data an object where a list is due": (lambda: expect_list(_envelope({})), CheckFailed, "'data' is not a list of"),
    "list of texts": (lambda: expect_list(_envelope(["a"])), CheckFailed, "'data' is not a list of objects"),
    "list of one wrong": (lambda: expect_list(_envelope([{}, 1])), CheckFailed, "'data' is not a list of objects"),
    "rows missing": (lambda: expect_rows(_envelope({}), "orders"), CheckFailed, "no 'orders' in the answer"),
    "rows no list": (lambda: expect_rows(_envelope({"orders": 3}), "orders"), CheckFailed, "'orders' is not a list"),
    "rows a text": (lambda: expect_rows(_envelope("x"), "orders"), CheckFailed, "'data' is not an object"),
    "another wallet": (lambda: same_wallet({"w": OTHER}, "w", WALLET), WrongBody, "'w' is another seller's"),
    "no wallet": (lambda: same_wallet({}, "w", WALLET), CheckFailed, "no 'w' in the answer"),
    "wallet null": (lambda: same_wallet({"w": None}, "w", WALLET), CheckFailed, "no 'w' in the answer"),
    "wallet a number": (lambda: same_wallet({"w": 5}, "w", WALLET), CheckFailed, "no 'w' in the answer"),
    "another id": (lambda: same_id({"id": "x-2"}, "id", "x-1"), WrongBody, "'id' is another one's"),
    "id in other capitals": (lambda: same_id({"id": "X-1"}, "id", "x-1"), WrongBody, "'id' is another one's"),
    "no id": (lambda: same_id({}, "id", "x-1"), CheckFailed, "no 'id' in the answer"),
    "id null": (lambda: same_id({"id": None}, "id", "x-1"), CheckFailed, "no 'id' in the answer"),
    "not refused": (lambda: refused(_envelope({}, 201), 403, "LIMIT"), CheckFailed, "status 201, expected status 403"),
    "refused by a crash": (lambda: refused(_answer({}, 500), 403, "LIMIT"), HttpError, "status 500, expected"),
    "refused for another reason": (
        lambda: refused(_answer({"error": {"code": "NOT_OWNER"}}, 403), 403, "LIMIT"),
        CheckFailed,
        "refused with another code than LIMIT",
    ),
    "refused in words": (
        lambda: refused(_answer({"error": "LIMIT"}, 403), 403, "LIMIT"),
        CheckFailed,
        "refused with another code than LIMIT",
    ),
    "refused without an error": (lambda: refused(_answer({}, 403), 403, "LIMIT"), CheckFailed, "no 'error' in the"),
    "not equal": (lambda: equal("price", "1.50", "1.5"), CheckFailed, "price is not what was sent"),
}


@pytest.mark.parametrize(("check", "failure", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(check: Callable[[], object], failure: type[StepFailed], text: str) -> None:
    with pytest.raises(StepFailed) as caught:
        check()
    assert type(caught.value) is failure
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (CheckFailed, Outcome.CHECK_FAILED),
        (WrongBody, Outcome.WRONG_BODY),
        (Stale, Outcome.STALE),
        (HttpError, Outcome.HTTP_ERROR),
        (Throttled, Outcome.THROTTLED),
    ],
    ids=str,
)
def test_failure_says_which_outcome_its_sample_has(failure: type[StepFailed], outcome: Outcome) -> None:
    assert failure("x").outcome is outcome
    assert Unreached(Outcome.TIMEOUT, "x").outcome is Outcome.TIMEOUT


def test_every_check_is_tested_both_ways() -> None:
    names = {
        name
        for name, value in vars(_checks).items()
        if callable(value) and not isinstance(value, type) and value.__module__ == _checks.__name__ and name[0] != "_"
    }
    for table in (ACCEPTED, REFUSED):
        checks = (getattr(check, "func", check) for check, *_ in table.values())
        tested = {name for check in checks for name in check.__code__.co_names}
        assert names - {"objects"} <= tested  # `objects` is refused through `expect_list` and `expect_rows`


@pytest.mark.parametrize("status", [403, 200], ids=["wanted refusal", "success"])
def test_only_an_asked_for_status_is_expected(status: int) -> None:
    answer = _answer({}, status)
    assert not answer.expected
    with pytest.raises(StepFailed):
        expect_status(answer, 201)
    assert not answer.expected
    expect_status(answer, status)
    assert answer.expected


def test_server_text_is_not_in_the_error_but_its_code_is_and_short() -> None:
    long = _answer({"error": {"code": "E" * 300, "message": "SECRET"}}, 500)
    with pytest.raises(HttpError) as caught:
        expect_status(long, 200)
    assert str(caught.value) == f"status 500 {'E' * 80}, expected status 200"


# -- Data: a missing key is the server's failure, not ours -------------------------------------------------------------


def _body() -> Data:
    return Data({"id": 7, "text": "12.5", "none": None, "deep": {"er": {"x": 1}}, "rows": [{"a": 1}], "words": ["a"]})


def test_objects_inside_are_data_too() -> None:
    assert _body()["deep"]["er"]["x"] == 1
    assert _body().objects("rows")[0]["a"] == 1


GAPS: dict[str, tuple[Callable[[Data], Any], str]] = {
    "missing key": (lambda data: data["nope"], "no 'nope' in the answer"),
    "missing key inside": (lambda data: data["deep"]["nope"], "no 'nope' in the answer"),
    "missing key two inside": (lambda data: data["deep"]["er"]["nope"], "no 'nope' in the answer"),
    "missing key of a row": (lambda data: data.objects("rows")[0]["nope"], "no 'nope' in the answer"),
    "missing list": (lambda data: data.objects("nope"), "no 'nope' in the answer"),
    "list of texts": (lambda data: data.objects("words"), "'words' is not a list of objects"),
    "text where a list is due": (lambda data: data.objects("text"), "'text' is not a list of objects"),
    "missing number": (lambda data: data.number("nope"), "no 'nope' in the answer"),
    "null is no number": (lambda data: data.number("none"), "'none' is not a number"),
    "object is no number": (lambda data: data.number("deep"), "'deep' is not a number"),
}


@pytest.mark.parametrize(("look", "text"), GAPS.values(), ids=GAPS.keys())
def test_gap_in_an_answer_is_a_failed_check(look: Callable[[Data], Any], text: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        look(_body())
    assert str(caught.value) == text


def test_number_may_come_as_text() -> None:
    assert (_body().number("text"), _body().number("id")) == (12.5, 7.0)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "NaN"])
def test_what_is_no_amount_is_no_number(value: str) -> None:
    with pytest.raises(CheckFailed, match="'x' is not a number"):
        Data({"x": value}).number("x")


def test_get_of_a_missing_key_is_none() -> None:
    assert _body().get("nope") is None


def test_answer_is_parsed_once() -> None:
    answer = _answer({"a": [1]})
    assert answer.json() is answer.json()
