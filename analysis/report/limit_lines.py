"""Read from a verdict's limits where a chart draws its lines."""

from collections.abc import Callable
from dataclasses import dataclass

from analysis.limits import Better, Unit, parse_limit
from analysis.verdict import Result, Severity


@dataclass(frozen=True, slots=True)
class LimitLine:
    """One line across a chart."""

    level: float  # in the statistic's unit
    upper: bool  # what is above the line is bad
    label: str


def limit_lines(results: tuple[Result, ...], wanted: Callable[[Result], bool]) -> list[LimitLine]:
    """Return the lines of the wanted results' limits, strictest first, each level once; rollback limits are left out.

    A limit that is not understood gets no line: the table shows it in any case.
    """
    found: dict[float, LimitLine] = {}
    for result in results:
        line = _line(result) if wanted(result) and result.severity is not Severity.ROLLBACK else None
        if line is not None:
            found.setdefault(line.level, line)
    return sorted(found.values(), key=lambda line: line.level if line.upper else -line.level)


def _line(result: Result) -> LimitLine | None:
    try:
        limit = parse_limit(result.limit, Unit(result.unit), Better.EITHER)
    except ValueError:
        return None  # of another version, or written by hand
    return LimitLine(limit.value, upper=limit.better is Better.LOWER, label=f"{result.severity} {limit.text}")
