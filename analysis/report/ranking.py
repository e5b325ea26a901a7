"""Sort results and doubts so that what decided the verdict comes first."""

from collections.abc import Iterable
from typing import Final

from analysis.report.wording import FAILING, SEVERITIES
from analysis.verdict import Doubt, Outcome, Result

_ORDER: Final = (Outcome.FAIL, Outcome.INVALID, Outcome.INCONCLUSIVE, None, Outcome.PASS)
_WAIVED: Final = _ORDER.index(None)


def ranked(results: Iterable[Result]) -> list[Result]:
    """Return broken results first, then undecided, waived and held ones; in each by severity, then by margin."""
    return sorted(results, key=_rank)


def _rank(result: Result) -> tuple[int, int, float]:
    margin = float("-inf") if result.margin_ratio is None else result.margin_ratio
    standing = _WAIVED if result.waived is not None else _ORDER.index(result.outcome)
    return standing, SEVERITIES.index(result.severity), margin


def broken(results: Iterable[Result]) -> list[Result]:
    """Return the broken results that fail a run, waived ones left out."""
    return [result for result in ranked(results) if result.broken and result.severity in FAILING]


def warnings(results: Iterable[Result]) -> list[Result]:
    """Return the broken results that by themselves only warn, or fire a rollback trigger."""
    return [result for result in ranked(results) if result.broken and result.severity not in FAILING]


def waived(results: Iterable[Result]) -> list[Result]:
    """Return the broken results that decide nothing because somebody answers for them."""
    return [result for result in ranked(results) if result.waived is not None]


def undecided(results: Iterable[Result]) -> list[Result]:
    """Return the results that are neither broken nor held."""
    return [result for result in ranked(results) if result.outcome not in {Outcome.FAIL, Outcome.PASS}]


def gravest(doubts: Iterable[Doubt]) -> list[Doubt]:
    """Return the doubts that invalidate the run first."""
    return sorted(doubts, key=lambda doubt: not doubt.invalidates)
