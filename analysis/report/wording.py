"""Put values into the words and figures every report shares."""

import math
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from analysis.figures import waiver_words
from analysis.verdict import Result, Scope, Severity, StepStatus, ThrottledRoute, Verdict

MISSING: Final = "—"
"""What is not known; never 0."""
_DIGITS: Final = 3
"""Significant digits of a measured figure; more only where fewer would hide on which side of a limit it is."""
_MOST_DIGITS: Final = 12
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_UNITS: Final = {"ms": " ms", "ratio": " %", "rps": " rps", "count": "", "score": ""}
_SECONDS_A_MINUTE: Final = 60
_SECONDS_AN_HOUR: Final = 3600
SEVERITIES: Final = tuple(Severity)
"""Worst first."""
FAILING: Final = frozenset({Severity.CRITICAL, Severity.HIGH})
"""Severities whose broken limit fails a run; the others warn."""


def printable(text: str) -> str:
    r"""Return `text` fit for HTML, XML and a terminal: what is neither printable nor `\n` or `\t` becomes U+FFFD.

    Control characters and lone surrogates are not allowed in XML, escape sequences would act on a terminal, and
    direction marks would show a text in another order than it is.
    """
    if text.isprintable():
        return text
    return "".join(character if _is_shown(character) else _REPLACEMENT for character in text)


def _is_shown(character: str) -> bool:
    return character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


def one_line(text: str) -> str:
    """Return `text` printable and on one line."""
    return " ".join(printable(text).split())


def number(value: float | None, digits: int = _DIGITS) -> str:
    """Return `value` with `digits` significant digits, thousands apart; MISSING when unknown."""
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return "not finite"
    text = f"{Decimal(f'{value:.{digits - 1}e}'):,f}".replace(",", " ")
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: int | None) -> str:
    """Return a count in full, thousands apart."""
    return MISSING if value is None else f"{value:,}".replace(",", " ")


def several(how_many: int, one: str, more: str) -> str:
    """Return a count with its noun."""
    return f"{count(how_many)} {one if how_many == 1 else more}"


def ratio(value: float | None, digits: int = _DIGITS) -> str:
    """Return a ratio as percent figure, without the sign."""
    return number(None if value is None else value * 100, digits)


def quantity(value: float | None, unit: str, digits: int = _DIGITS) -> str:
    """Return `value` with its unit; ratios are percent, counts are given in full."""
    if value is None:
        return MISSING
    if unit == "ratio":
        return ratio(value, digits) + _UNITS[unit]
    if unit == "count":
        return number(value, _MOST_DIGITS)
    return number(value, digits) + _UNITS.get(unit, f" {unit}")


def observed(result: Result) -> str:
    """Return what was observed, with as many digits as it takes to see on which side of its limit it is."""
    return quantity(result.observed, result.unit, _telling_digits(result.margin_ratio))


def interval(result: Result) -> str | None:
    """Return the interval of what was observed."""
    if result.interval is None:
        return None
    low, high = result.interval
    return f"{quantity(low, result.unit)} to {quantity(high, result.unit)}"


def _telling_digits(margin_ratio: float | None) -> int:
    """Return how many significant digits keep the rounding error below the margin."""
    if margin_ratio is None or not math.isfinite(margin_ratio):
        return _DIGITS
    if margin_ratio == 0:
        return _MOST_DIGITS
    needed = math.floor(1 + math.log10(0.5 / abs(margin_ratio))) + 1
    return min(max(_DIGITS, needed), _MOST_DIGITS)


def margin(margin_ratio: float | None) -> str:
    """Return the distance to the limit in percent of it, signed; negative is broken."""
    if margin_ratio is None:
        return MISSING
    text = ratio(margin_ratio)
    return f"{'+' if margin_ratio > 0 else ''}{text} %"


def moment(at_s: float | None) -> str:
    """Return a time in UTC."""
    if at_s is None:
        return MISSING
    try:
        return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return MISSING  # not a time; a reader of a broken run.json still gets a page


def duration(value_s: float | None) -> str:
    """Return seconds as people say them."""
    if value_s is None:
        return MISSING
    if not math.isfinite(value_s) or value_s < 2 * _SECONDS_A_MINUTE:
        return f"{number(value_s)} s"
    minutes, seconds = divmod(round(value_s), _SECONDS_A_MINUTE)
    hours, minutes = divmod(minutes, _SECONDS_A_MINUTE)
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{value} {unit}" for value, unit in parts if value)


def scope_name(scope: Scope) -> str:
    """Return what a result is about."""
    if scope.monitor is not None:
        return f"monitor {scope.monitor}"
    place = ".".join(part for part in (scope.workflow, scope.step) if part is not None)
    parts = [place, scope.route or "", f"kind {scope.kind}" if scope.kind is not None else ""]
    return " ".join(part for part in parts if part) or "whole run"


def grade(verdict: Verdict) -> str:
    """Return whether the verdict is one about a release, and if not, how much of one was tried."""
    if verdict.release_grade:
        return f"release-grade: all {len(verdict.run.scope)} steps in scope"
    in_scope = {(name.workflow, name.step) for name in verdict.run.scope}
    ran = sum(step.samples > 0 for step in verdict.steps if (step.workflow, step.step) in in_scope)
    return f"{ran} of {len(in_scope)} steps in scope, not a release verdict"


def step_count(verdict: Verdict) -> str:
    """Return how many steps ended how, without the statuses that did not occur."""
    words = {StepStatus.NOT_RUN: "not run"}
    counts = [(status, sum(step.status is status for step in verdict.steps)) for status in StepStatus]
    return (
        ", ".join(f"{how_many} {words.get(status, status)}" for status, how_many in counts if how_many)
        or "no step judged"
    )


def exceptions(verdict: Verdict) -> list[str]:
    """Return every gap and waiver the target declares, and what each waiver came to."""
    gaps = [
        f"gap {gap.workflow}.{gap.step} of {gap.owner} until {gap.expires}: {gap.reason}"
        for gap in verdict.run.target.gaps
    ]
    return [*gaps, *map(waiver_words, verdict.waivers)]


def throttled(row: ThrottledRoute) -> str:
    """Return how often a route was answered 429."""
    return f"{row.method} {row.route} {count(row.throttled)} of {several(row.requests, 'request', 'requests')}"
