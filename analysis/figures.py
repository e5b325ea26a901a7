"""Spell figures inside the sentences of a verdict: reasons, doubts, rollback triggers."""

from analysis.verdict import Result, Scope


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


def against(result: Result) -> str:
    """Return a result's figure and limit: `p95 3 041 ms, limit < 2000 ms`."""
    return f"{result.stat} {spelled(result.observed, result.unit)}, limit {result.limit}"


def _number(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}".replace(",", " ")
    return text.rstrip("0").rstrip(".") if "." in text else text
