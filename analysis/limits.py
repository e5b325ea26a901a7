"""Parse a limit as people write it, `< 2000 ms`, and hold a figure against it."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from settings.quantity import parse_count, parse_duration_s, parse_rate_rps, parse_ratio

_WRITTEN: Final = re.compile(r"\s*(<=|>=|<|>|=)\s*(.*?)\s*", re.DOTALL)
_FORM: Final = "expected an operator (<, <=, >, >=, =) and a quantity, like '< 2000 ms'"
_TINY: Final = 9
"""Decimals kept of converted quantities: 570 ms are 0.57 s and again 570 ms, not 569.9999999999999."""


class Unit(StrEnum):
    """What a statistic is counted in; the values are the `unit` of a result."""

    MS = "ms"
    RATIO = "ratio"
    RPS = "rps"
    COUNT = "count"
    SCORE = "score"


class Better(StrEnum):
    """Which side of a limit is the good one."""

    LOWER = "lower"
    HIGHER = "higher"
    EITHER = "either"  # a monitor: free memory must be high, used memory low


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure must show, in the statistic's own unit."""

    operator: str
    value: float
    text: str

    @property
    def better(self) -> Better:
        """Return on which side figures are good; `=` is only for counts, which are good when low."""
        return Better.HIGHER if self.operator in (">", ">=") else Better.LOWER

    def holds(self, observed: float) -> bool:
        """Return whether a finite figure keeps the limit."""
        return _HOLDS[self.operator](observed, self.value)

    def margin_ratio(self, observed: float) -> float | None:
        """Return the distance to the limit over the limit, negative when broken; None when the limit is 0."""
        if self.value == 0:
            return None
        distance = observed - self.value if self.better is Better.HIGHER else self.value - observed
        return distance / self.value

    def stricter_than(self, other: "Limit") -> bool:
        """Return whether a figure can break this limit and keep the other, both being of one direction."""
        if self.value == other.value:
            return self.operator in ("<", ">") and other.operator not in ("<", ">")
        return (self.value < other.value) == (self.better is Better.LOWER)


_HOLDS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda observed, limit: observed < limit,
    "<=": lambda observed, limit: observed <= limit,
    ">": lambda observed, limit: observed > limit,
    ">=": lambda observed, limit: observed >= limit,
    "=": lambda observed, limit: observed == limit,
}


def parse_limit(text: str, unit: Unit, better: Better) -> Limit:
    """Return the limit written in `text`; ValueError with what was given and what is accepted.

    Refused besides what is not understood: a limit that looks the wrong way, and one that nothing can keep or break.
    """
    match = _WRITTEN.fullmatch(text)
    if match is None or not match[2]:
        raise ValueError(f"{text!r} is not a limit, {_FORM}")
    operator, quantity = match[1], match[2]
    limit = Limit(operator, _PARSERS[unit](quantity, text), " ".join(text.split()))
    if not math.isfinite(limit.value):
        raise ValueError(f"{text!r} is too large a number")
    if operator == "=" and unit is not Unit.COUNT:
        raise ValueError(f"{text!r}: '=' is for counts; use '<' or '>'")
    if better is not Better.EITHER and limit.better is not better:
        wanted = "'<' or '<='" if better is Better.LOWER else "'>' or '>='"
        raise ValueError(f"{text!r} contradicts the statistic, of which {better} is better; use {wanted}")
    if not _can_hold(limit, unit):
        raise ValueError(f"{text!r} cannot hold, whatever a run shows")
    if not _can_break(limit, unit):
        raise ValueError(f"{text!r} cannot be broken, whatever a run shows")
    return limit


def _can_hold(limit: Limit, unit: Unit) -> bool:
    """Return whether some run can show it; to show that a ratio is exactly 0 or 1 would take endless samples."""
    if limit.better is Better.LOWER:
        return limit.value > 0 or (unit is Unit.COUNT and limit.operator != "<")
    return unit not in (Unit.RATIO, Unit.SCORE) or limit.value < 1


def _can_break(limit: Limit, unit: Unit) -> bool:
    if limit.better is Better.HIGHER:
        return limit.value > 0 or limit.operator == ">"
    return unit not in (Unit.RATIO, Unit.SCORE) or limit.value < 1 or (limit.value == 1 and limit.operator == "<")


def _milliseconds(quantity: str, text: str) -> float:
    return round(parse_duration_s(quantity, text) * 1000, _TINY)


def _ratio(quantity: str, text: str) -> float:
    return round(parse_ratio(quantity, text), _TINY + 2)


def _score(quantity: str, text: str) -> float:
    score = parse_count(quantity, text)
    if score > 1:
        raise ValueError(f"{text!r} is not between 0 and 1")
    return score


_PARSERS: Final[dict[Unit, Callable[[str, str], float]]] = {
    Unit.MS: _milliseconds,
    Unit.RATIO: _ratio,
    Unit.RPS: parse_rate_rps,
    Unit.COUNT: parse_count,
    Unit.SCORE: _score,
}
