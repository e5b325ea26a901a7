"""Read what an answer says about rate limits, in each of the product's dialects, believing nothing beyond reason."""

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

from locustfiles._checks import Answer

BACK_OFF_S: Final = 60.0
"""The longest wait where no window is known, and the one taken when a 429 does not say (contract.md 4.5)."""
_FAMILIES: Final = ("x-ratelimit", "ratelimit")
_NUMBER: Final = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?")
_LONGEST_DATE: Final = 40
_EPOCH_FROM: Final = 1e9
"""A larger reset is a moment (Unix seconds), a smaller one a number of seconds; in between lie 30 years."""
_EPOCH_MS_FROM: Final = 1e11
_LARGEST_COUNT: Final = 10**9


@dataclass(frozen=True, slots=True)
class LimitSaid:
    """What one family of headers says; None where it does not, or says nothing usable."""

    most: int | None
    remaining: int | None
    reset_in_s: float | None  # above 0; a reset in the past says that clocks differ, not that the window is over


def limits_said(headers: Mapping[str, Any], now_s: float) -> tuple[LimitSaid, ...]:
    """Return what X-RateLimit-* and RateLimit-* of an answer say about how much may still be sent.

    `now_s` is this machine's clock in Unix seconds; where the answer carries a Date, moments count from that.
    """
    said = []
    for family in _FAMILIES:
        remaining = _count(headers.get(f"{family}-remaining"))
        if remaining is not None:
            reset_in_s = _wait_s(headers.get(f"{family}-reset"), _server_now_s(headers, now_s))
            said.append(LimitSaid(_count(headers.get(f"{family}-limit")), remaining, reset_in_s or None))
    return tuple(said)


def back_off_s(answer: Answer, now_s: float, longest_s: float = BACK_OFF_S) -> float:
    """Return how many seconds a 429 asks to wait: 0 to `longest_s`, which is also what one asks that does not say.

    Asked in this order: retryAfter of the body, Retry-After (seconds or a date), the reset of the window.
    """
    now_s = _server_now_s(answer.headers, now_s)
    asked = _body_s(answer.body)
    if asked is None:
        asked = _wait_s(answer.headers.get("retry-after"), now_s)
    for family in _FAMILIES:
        if asked is None:
            asked = _wait_s(answer.headers.get(f"{family}-reset"), now_s)
    return longest_s if asked is None else min(asked, longest_s)


def _body_s(body: bytes) -> float | None:
    """Return retryAfter of a JSON body; one dialect answers in plain text."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    said = content.get("retryAfter") if isinstance(content, dict) else None
    if isinstance(said, str):
        said = _number(said)
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said):
        return None
    return max(float(said), 0.0)


def _wait_s(text: Any, now_s: float) -> float | None:
    """Return the seconds until what `text` names: a number of them, Unix seconds, an ISO time or an HTTP date."""
    if not isinstance(text, str):  # missing, or sent twice: then nobody can tell which is meant
        return None
    number = _number(text)
    if number is None:
        at_s = _date_s(text)
        return None if at_s is None or at_s <= now_s else at_s - now_s
    if number < _EPOCH_FROM:
        return max(number, 0.0)
    at_s = number if number < _EPOCH_MS_FROM else number / 1000
    return None if at_s <= now_s else at_s - now_s


def _server_now_s(headers: Mapping[str, Any], now_s: float) -> float:
    """Return what the server takes for now, to the second: its moments are by its own clock."""
    date = headers.get("date")
    at_s = _date_s(date) if isinstance(date, str) else None
    return now_s if at_s is None else at_s


def _date_s(text: str) -> float | None:
    """Return the Unix seconds of an ISO time (of UTC where it names no zone) or of an HTTP date."""
    if len(text) > _LONGEST_DATE:
        return None
    try:
        when = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    try:
        return (when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp()
    except (ValueError, OverflowError):  # year 1 somewhere east
        return None


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


def _count(text: Any) -> int | None:
    number = _number(text) if isinstance(text, str) else None
    return None if number is None else int(min(max(number, 0), _LARGEST_COUNT))
