"""Convert quantities as people write them, `2 s`, `1 %`, `100 rps`, into plain numbers with one unit."""

import re
from typing import Final

_NUMBER_AND_UNIT: Final = re.compile(r"\s*([+-]?(?:\d+(?:\.\d+)?|\.\d+))\s*([^\s\d].*?)?\s*", re.DOTALL)

_TIMES_S: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_RATES_RPS: Final = {"rps": 1.0, "req/s": 1.0}

TIME: Final = "a time ('ms', 's', 'min', 'h')"
RATE: Final = "a rate ('rps', 'req/s')"
RATIO: Final = "a ratio ('%', or a number from 0 to 1)"


def parse_duration_s(text: str, given: str | None = None) -> float:
    """Return seconds of `2 s`, `2000 ms`, `1.5s`, `5m`, `5 min`, `1h`.

    `given` is what the message quotes, when `text` is only a part of what was written. ValueError names what was
    given and what is accepted; a time without a unit, and a negative one, are refused.
    """
    return _with_unit(text, _TIMES_S, TIME, given or text)


def parse_rate_rps(text: str, given: str | None = None) -> float:
    """Return requests per second of `100 rps` or `100 req/s`; ValueError like `parse_duration_s`."""
    return _with_unit(text, _RATES_RPS, RATE, given or text)


def parse_ratio(text: str, given: str | None = None) -> float:
    """Return 0..1 of `1 %` or `0.01`; ValueError like `parse_duration_s`, also outside 0..1."""
    given = given or text
    number, unit = _split(text, RATIO, given)
    if unit not in ("", "%"):
        raise ValueError(f"{given!r} is in {unit!r}, expected {RATIO}")
    ratio = number / 100 if unit else number
    if not 0 <= ratio <= 1:
        raise ValueError(f"{given!r} is not between 0 % and 100 %, expected {RATIO}")
    return ratio


def parse_count(text: str, given: str | None = None) -> float:
    """Return a plain number without a unit, 0 or more; ValueError like `parse_duration_s`."""
    given = given or text
    number, unit = _split(text, "a plain number", given)
    if unit:
        raise ValueError(f"{given!r} is in {unit!r}, expected a plain number")
    return _not_negative(number, given)


def _with_unit(text: str, units: dict[str, float], expected: str, given: str) -> float:
    number, unit = _split(text, expected, given)
    if not unit:
        raise ValueError(f"{given!r} has no unit, expected {expected}")
    if unit not in units:
        raise ValueError(f"{given!r} is in {unit!r}, expected {expected}")
    # A division for parts of a second: 2000 * 0.001 is exact, 300 * 0.001 is not.
    factor = units[unit]
    return _not_negative(number * factor if factor >= 1 else number / round(1 / factor), given)


def _split(text: str, expected: str, given: str) -> tuple[float, str]:
    match = _NUMBER_AND_UNIT.fullmatch(text)
    if match is None:
        raise ValueError(f"{given!r} is not a number with a unit, expected {expected}")
    return float(match[1]), match[2] or ""


def _not_negative(number: float, given: str) -> float:
    if number < 0:
        raise ValueError(f"{given!r} is negative, expected 0 or more")
    return number
