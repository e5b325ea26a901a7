"""Read from a verdict's limits where a chart draws its lines."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from analysis.verdict import Result, Severity

_LIMIT = re.compile(r"\s*(?P<sign><=?|>=?|=)\s*(?P<figure>[0-9.]+)\s*(?P<unit>[a-z%/]*)\s*")
_FACTORS: Final = {
    "ms": {"ms": 1.0, "s": 1000.0, "min": 60_000.0, "m": 60_000.0},
    "ratio": {"": 1.0, "%": 0.01},
    "rps": {"": 1.0, "rps": 1.0, "req/s": 1.0},
    "count": {"": 1.0},
    "score": {"": 1.0},
}
"""Unit of a statistic → units its limits may be written in."""


@dataclass(frozen=True, slots=True)
class LimitLine:
    """One line across a chart."""

    value: float  # in the statistic's unit
    upper: bool  # what is above the line is bad
    label: str


def limit_lines(results: tuple[Result, ...], wanted: Callable[[Result], bool]) -> list[LimitLine]:
    """Return the lines of the wanted results' limits, strictest first, each value once; rollback limits are left out.

    A limit that is not understood gets no line: the table shows it in any case.
    """
    found: dict[float, LimitLine] = {}
    for result in results:
        line = _line(result) if wanted(result) and result.severity is not Severity.ROLLBACK else None
        if line is not None:
            found.setdefault(line.value, line)
    return sorted(found.values(), key=lambda line: line.value if line.upper else -line.value)


def _line(result: Result) -> LimitLine | None:
    match = _LIMIT.fullmatch(result.limit)
    factor = _FACTORS.get(result.unit, {}).get(match["unit"]) if match else None
    if match is None or factor is None:
        return None
    try:
        value = float(match["figure"]) * factor
    except ValueError:
        return None  # 1.2.3
    return LimitLine(value, upper=match["sign"].startswith("<"), label=f"{result.severity} {result.limit}")
