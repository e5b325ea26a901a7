"""Hold one answer against what the workflow expects: status, envelope, identity."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from runlog.schema import Outcome

_EXCERPT: Final = 80
_TOKEN: Final = re.compile(r"[!-~]{1,8000}")
_FIRST_SUCCESS: Final = 200
_FIRST_ERROR: Final = 400


class StepFailed(Exception):
    """A request of a step did not do what the seller needed; `outcome` is what its sample says."""

    outcome = Outcome.CHECK_FAILED


class CheckFailed(StepFailed):
    """Status was fine, the body was not what was asked for."""


class WrongBody(StepFailed):
    """The body is another seller's, or another path's."""

    outcome = Outcome.WRONG_BODY


class Stale(StepFailed):
    """A write was not visible within the freshness budget."""

    outcome = Outcome.STALE


class HttpError(StepFailed):
    """An error status nobody asked for."""

    outcome = Outcome.HTTP_ERROR


class Throttled(StepFailed):
    """429, still after backing off."""

    outcome = Outcome.THROTTLED


class Unreached(StepFailed):
    """No answer came: the time was over, or there was no connection."""

    def __init__(self, outcome: Outcome, text: str) -> None:
        super().__init__(text)
        self.outcome = outcome


class Lost(StepFailed):
    """An event the server owed did not come in time."""

    outcome = Outcome.LOST


class Blocked(StepFailed):
    """A step cannot run because an earlier one of this iteration failed; nothing was sent."""


class Data(dict[str, Any]):
    """A JSON object whose missing keys and wrong types are the server's failure, not ours."""

    def __getitem__(self, key: str) -> Any:
        """Return the value of `key`; CheckFailed when there is none."""
        try:
            value = super().__getitem__(key)
        except KeyError:
            raise CheckFailed(f"no '{key}' in the answer") from None
        return Data(value) if type(value) is dict else value

    def objects(self, key: str) -> list["Data"]:
        """Return the list of objects under `key`; CheckFailed when it is not one."""
        return objects(self[key], key)

    def number(self, key: str) -> float:
        """Return the number under `key`, also when it was sent as text; CheckFailed when it is neither."""
        try:
            value = float(self[key])
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise CheckFailed(f"'{key}' is not a number")
        return value


def objects(value: Any, name: str) -> list[Data]:
    """Return `value` as a list of objects; CheckFailed when it is not one."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise CheckFailed(f"'{name}' is not a list of objects")
    return [Data(item) for item in value]


class Answer:
    """One HTTP answer: status, headers, body; JSON is parsed when first asked for."""

    __slots__ = ("_json", "body", "expected", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.expected = False  # a check asked for exactly this status: also a refusal a step wants is a success
        self._json: Any = None

    @property
    def status_code(self) -> int:
        """The status, as listeners of Locust's request event ask for it."""
        return self.status

    @property
    def content(self) -> bytes:
        """The body, as listeners ask for it."""
        return self.body

    @property
    def text(self) -> str:
        """The body as text, as listeners ask for it."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the parsed body; CheckFailed when it is not JSON."""
        if self._json is None:
            try:
                self._json = orjson.loads(self.body)
            except orjson.JSONDecodeError:
                raise CheckFailed(f"body is not JSON (status {self.status})") from None
        return self._json

    def about(self) -> dict[str, Any] | None:
        """Return what the answer is about, whatever its status; None when it is no envelope with an object in it."""
        try:
            body = self.json()
        except CheckFailed:
            return None
        data = body.get("data") if isinstance(body, dict) else None
        return data if isinstance(data, dict) else None


def expect_status(answer: Answer, *statuses: int) -> None:
    """Accept the given statuses; HttpError for an error status, CheckFailed for another success."""
    if answer.status in statuses:
        answer.expected = True
        return
    wanted = " or ".join(f"status {status}" for status in statuses)  # `error_text` keeps numbers after this word
    detail = _error_code(answer)
    text = f"status {answer.status}{detail}, expected {wanted}"
    if _FIRST_SUCCESS <= answer.status < _FIRST_ERROR:
        raise CheckFailed(text)
    raise HttpError(text)


def bare(answer: Answer, *statuses: int) -> Data:
    """Return the JSON object of an answer of a family without envelope."""
    expect_status(answer, *(statuses or (200,)))
    body = answer.json()
    if not isinstance(body, dict):
        raise CheckFailed("body is not a JSON object")
    return Data(body)


def accepted(answer: Answer, *statuses: int) -> Data:
    """Return the body of an answer that says `success: true`; nothing is asked of its data."""
    body = bare(answer, *statuses)
    if body.get("success") is not True:
        raise CheckFailed(
            "no 'success: true' in the answer: envelope missing" if "success" not in body else "success is not true"
        )
    return body


def payload(answer: Answer, *statuses: int) -> Any:
    """Return `data` of a successful envelope; CheckFailed when it is missing or null (the contract's "not found")."""
    data = accepted(answer, *statuses)["data"]
    if data is None:
        raise CheckFailed("'data' is null")
    return data


def expect(answer: Answer, *statuses: int) -> Data:
    """Return the object in `data` of a successful envelope."""
    data = payload(answer, *statuses)
    if not isinstance(data, dict):
        raise CheckFailed("'data' is not an object")
    return Data(data)


def expect_list(answer: Answer, *statuses: int) -> list[Data]:
    """Return the list of objects in `data` of a successful envelope."""
    return objects(payload(answer, *statuses), "data")


def expect_rows(answer: Answer, key: str) -> list[Data]:
    """Return the list of objects in `data`, which families of the API give bare or under a key."""
    data = payload(answer)
    return objects(data, "data") if isinstance(data, list) else expect(answer).objects(key)


def same_wallet(data: Mapping[str, Any], key: str, wallet: str) -> None:
    """Hold the identity in a body against the one asked for; WrongBody when it is somebody else's."""
    found = data.get(key)
    if not isinstance(found, str):
        raise CheckFailed(f"no '{key}' in the answer")
    if found.lower() != wallet:
        raise WrongBody(f"'{key}' is another seller's")


def same_page(data: Mapping[str, Any], mark: str) -> None:
    """Hold a body against the page asked for, told by a field only it has; WrongBody when it is another path's.

    A cache that gives several pages one key answers with the wrong one of the right seller (contract.md 0.3, 0.4).
    """
    if mark not in data:
        raise WrongBody(f"the body is another path's: no '{mark}'")


def same_kind(data: Any, kind: type[dict[str, Any]] | type[list[Any]]) -> None:
    """Hold `data` against the kind of the page asked for; WrongBody for a list where an object is due, or reversely."""
    if isinstance(data, (dict, list)) and not isinstance(data, kind):
        raise WrongBody(f"the body is another path's: a {'list' if kind is dict else 'single object'}")


def same_id(data: Mapping[str, Any], key: str, wanted: str) -> None:
    """Hold an id in a body against the one asked for; WrongBody when it is another's."""
    found = data.get(key)
    if found is None:
        raise CheckFailed(f"no '{key}' in the answer")
    if str(found) != wanted:
        raise WrongBody(f"'{key}' is another one's")


def among(rows: Sequence[Mapping[str, Any]], key: str, wanted: str) -> None:
    """Hold a list against what this seller put there before; Stale when it is not shown.

    An empty page is as quick as a full one, and as wrong.
    """
    if not any(str(row.get(key)) == wanted for row in rows):
        raise Stale(f"what this seller put there is not listed under '{key}'")


def some(rows: Sequence[Data], what: str) -> Sequence[Data]:
    """Return the rows of a list that is never empty; CheckFailed when it is."""
    if not rows:
        raise CheckFailed(f"'{what}' is empty")
    return rows


def refused(answer: Answer, status: int, code: str) -> None:
    """Accept the refusal a step wants: this status and this error code."""
    expect_status(answer, status)
    error = bare(answer, status)["error"]
    found = error.get("code") if isinstance(error, dict) else None
    if found != code:
        raise CheckFailed(f"refused with another code than {code}")


def token(data: Data, key: str) -> str:
    """Return a token that can stand in a header, and be only that: no blanks, line ends or other writing."""
    found = data[key]
    if not isinstance(found, str) or not _TOKEN.fullmatch(found):
        raise CheckFailed(f"'{key}' cannot stand in a header")
    return found


def equal(what: str, found: Any, wanted: Any) -> None:
    """Hold a value read back against the one sent."""
    if found != wanted:
        raise CheckFailed(f"{what} is not what was sent")


def _error_code(answer: Answer) -> str:
    """Return ` CODE` from an error envelope, or nothing; servers' free texts stay in failures.jsonl."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return ""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else body.get("code") if isinstance(body, dict) else None
    return f" {code[:_EXCERPT]}" if isinstance(code, str) else ""
