"""Declare the kinds of values that several files share: durations with units, numbers above zero, names."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator

from settings.quantity import TIME, parse_duration_s

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(?:-[a-z0-9_]+)*")


def _duration_s(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} has no unit, expected {TIME}")  # noqa: TRY004 - pydantic answers ValueError only
    return parse_duration_s(value)


def _above_zero(value: float) -> float:
    if value <= 0:
        raise ValueError(f"{value:g} is not above 0")
    return value


def _name(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise ValueError(f"{value!r} is not a name; accepted: lower-case letters, digits and _")
    return value


def _not_empty(value: str) -> str:
    if not value.strip():
        raise ValueError("empty text; accepted: at least a word")
    return value


AboveZero = Annotated[float, AfterValidator(_above_zero)]
"""A finite number above zero."""

Duration = Annotated[float, BeforeValidator(_duration_s)]
"""Seconds, written as text with a unit."""

DurationAboveZero = Annotated[float, BeforeValidator(_duration_s), AfterValidator(_above_zero)]
"""Seconds above zero, written as text with a unit."""

Name = Annotated[str, AfterValidator(_name)]
"""A name that may stand in reports and file names."""

Words = Annotated[str, AfterValidator(_not_empty)]
"""Text for people: not empty."""
