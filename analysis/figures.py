"""Spell figures inside the sentences of a verdict: reasons, doubts, rollback triggers."""

from typing import Final

from analysis.verdict import Result, Scope, WaiverState, WaiverUse
from runlog.run import ArrivalPlan

_WAIVER_STATES: Final = {
    WaiverState.WITHHELD: "does not hold, for a rollback limit of the same figure is broken",
    WaiverState.NOT_ENOUGH: "does not suffice, for the limit is broken outside what it names",
    WaiverState.NOT_NEEDED: "not needed in this run, for nothing it names is broken",
    WaiverState.EXPIRED: "expired",
}


def spelled(value: float | None, unit: str) -> str:
    """Return a value in its unit: `3 041 ms`, `12.5 %`, `132.4 rps`, `3`; `not measured` when unknown."""
    if value is None:
        return "not measured"
    if unit == "ratio":
        return f"{_number(value * 100, 2)} %"
    if unit == "ms":
        return f"{_number(value, 0 if abs(value) >= 100 else 1)} ms"  # noqa: PLR2004 - below, a tenth still matters
    return f"{_number(value, 1)} rps" if unit == "rps" else _number(value, 3)


def counted(value: int) -> str:
    """Return a count, thousands apart."""
    return f"{value:,}".replace(",", " ")


def place(scope: Scope) -> str:
    """Return what a result is about."""
    if scope.monitor is not None:
        return f"monitor {scope.monitor}"
    parts = [".".join(name for name in (scope.workflow, scope.step) if name is not None), scope.route, scope.kind]
    return " ".join(part for part in parts if part) or "the whole run"


def figure_name(result: Result) -> str:
    """Return what was measured: `p95`, and of what kind where that is not requests: `freshness error_rate`."""
    return f"{result.scope.kind} {result.stat}" if result.scope.kind else result.stat


def against(result: Result) -> str:
    """Return a result's figure and limit: `p95 3 041 ms, limit < 2000 ms`; its kind too where that is not requests."""
    return f"{figure_name(result)} {spelled(result.observed, result.unit)}, limit {result.limit}"


def waiver_name(waiver: WaiverUse) -> str:
    """Return what a waiver is for: `p95 of listing.creation, high`."""
    where = ".".join(part for part in (waiver.workflow, waiver.step) if part is not None)
    kind = f"{waiver.kind} " if waiver.kind else ""
    return f"{kind}{waiver.stat}{f' of {where}' if where else ''}{f', {waiver.severity}' if waiver.severity else ''}"


def waiver_state(waiver: WaiverUse) -> str:
    """Return what a waiver came to."""
    if waiver.state is WaiverState.WAIVES:
        return f"waives {counted(waiver.limits)} broken limit{'s' if waiver.limits != 1 else ''}"
    return _WAIVER_STATES[waiver.state]


def waiver_words(waiver: WaiverUse) -> str:
    """Return a waiver with everything that is said of it."""
    return (
        f"waiver of {waiver_name(waiver)} by {waiver.owner} until {waiver.expires}: {waiver.reason}; "
        f"{waiver_state(waiver)}"
    )


def schedule_words(plan: ArrivalPlan) -> str:
    """Return when passes begin: `poisson, 30 passes/s`."""
    rates = [f"{rate:g}" for _, rate in plan.rates]
    first = f"{plan.shape}, {rates[0]}"
    if plan.shape == "ramp":
        return f"{first} to {rates[-1]} passes/s"
    if plan.shape == "steps":
        return " then ".join((first, *rates[2::2])) + " passes/s"
    if plan.shape == "spike":
        (from_s, _), (until_s, _) = plan.rates[2:4]
        return f"{first} passes/s, {rates[2]} from {from_s:g} to {until_s:g} s"
    return f"{first} passes/s"


def _number(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}".replace(",", " ")
    return text.rstrip("0").rstrip(".") if "." in text else text
