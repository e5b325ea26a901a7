"""Boil results and doubts down to one answer and one sentence."""

from collections.abc import Sequence
from typing import Final

from analysis.figures import against, counted, place
from analysis.verdict import Doubt, Outcome, Result, Severity, Totals
from analysis.window import Cut

_FAILING: Final = (Severity.CRITICAL, Severity.HIGH)
_FAILING_STRICT: Final = (*_FAILING, Severity.MEDIUM, Severity.LOW)


def answer(results: Sequence[Result], doubts: Sequence[Doubt], *, strict: bool) -> Outcome:
    """Return the outcome of a run: as bad as its worst.

    Invalid when a doubt says so; fail when a limit of severity critical or high is broken and not waived, with
    `strict` also medium or low; inconclusive when one of severity critical or high could not be decided; pass
    otherwise.
    """
    if any(doubt.invalidates for doubt in doubts):
        return Outcome.INVALID
    if broken(results, strict=strict):
        return Outcome.FAIL
    return Outcome.INCONCLUSIVE if undecided(results) else Outcome.PASS


def broken(results: Sequence[Result], *, strict: bool) -> list[Result]:
    """Return the broken limits that fail the run, worst severity first."""
    severities = _FAILING_STRICT if strict else _FAILING
    failed = [result for result in results if result.broken and result.severity in severities]
    return sorted(failed, key=lambda result: severities.index(result.severity))


def undecided(results: Sequence[Result]) -> list[Result]:
    """Return the limits of severity critical or high that nothing could be said about."""
    return [result for result in results if result.outcome is Outcome.INCONCLUSIVE and result.severity in _FAILING]


def headline(
    outcome: Outcome, results: Sequence[Result], doubts: Sequence[Doubt], totals: Totals, cut: Cut, *, strict: bool
) -> str:
    """Return one sentence: the answer and its first reason."""
    if outcome is Outcome.INVALID:
        against_run = [doubt for doubt in doubts if doubt.invalidates]
        first = against_run[0]
        return f"Invalid: {first.name}, {first.figure}{_more(len(against_run))}."
    if outcome is Outcome.FAIL:
        limits = broken(results, strict=strict)
        return f"Fail: {place(limits[0].scope)}: {against(limits[0])}{_more(len(limits))}."
    if outcome is Outcome.INCONCLUSIVE:
        limits = undecided(results)
        first_open = limits[0]
        return (
            f"Inconclusive: {place(first_open.scope)}: {against(first_open)}, "
            f"from {counted(first_open.samples)} samples{_more(len(limits))}."
        )
    held = [result for result in results if result.severity is not Severity.ROLLBACK and result.outcome is Outcome.PASS]
    warned = [result for result in results if result.severity in _FAILING_STRICT and result.broken]
    waived = [result for result in results if result.waived is not None]
    warning = f", {counted(len(warned))} of lower severity broken" if warned else ""
    waiving = f", {counted(len(waived))} broken and waived" if waived else ""
    return (
        f"Pass: {counted(len(held))} limits hold over {counted(totals.samples)} requests "
        f"in {cut.steady_s:.0f} steady s{warning}{waiving}."
    )


def _more(how_many: int) -> str:
    return f" and {counted(how_many - 1)} more" if how_many > 1 else ""
