"""Read what moves a verdict from flags and environment: the guide's three limits, and whether it may roll back."""

from collections.abc import Mapping
from typing import Final

from analysis.thresholds import Overrides
from settings.problem import UsageProblem

_TRUE: Final = ("true", "1", "yes", "on")
_FALSE: Final = ("false", "0", "no", "off")
_PERCENT: Final = 100.0


def read_overrides(
    response_time_ms: float | None,
    error_rate_percent: float | None,
    throughput_rps: float | None,
    environ: Mapping[str, str],
) -> Overrides:
    """Return the limits given by flags, else by the environment; UsageProblem when one is not a number above 0."""
    response_time_ms = _number("--response-time", response_time_ms, "RESPONSE_TIME_THRESHOLD", environ)
    percent = _number("--error-rate", error_rate_percent, "ERROR_RATE_THRESHOLD", environ)
    throughput_rps = _number("--throughput", throughput_rps, "THROUGHPUT_THRESHOLD", environ)
    if percent is not None and percent > _PERCENT:
        name = "ERROR_RATE_THRESHOLD" if error_rate_percent is None else "--error-rate"
        raise UsageProblem(f"{name}: '{percent:g}' is not a percentage; accepted: above 0, up to 100")
    return Overrides(
        response_time_ms=response_time_ms,
        error_rate_ratio=None if percent is None else percent / _PERCENT,
        throughput_rps=throughput_rps,
    )


def rollback_enabled(environ: Mapping[str, str]) -> bool:
    """Return ROLLBACK_ENABLED, true unless it says otherwise; UsageProblem when it says neither."""
    text = environ.get("ROLLBACK_ENABLED", "").strip().lower()
    if text in ("", *_TRUE):
        return True
    if text in _FALSE:
        return False
    raise UsageProblem(f"ROLLBACK_ENABLED: {text!r} is neither; accepted: true, false")


def _number(flag: str, given: float | None, variable: str, environ: Mapping[str, str]) -> float | None:
    name, text = (flag, str(given)) if given is not None else (variable, environ.get(variable, "").strip())
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise UsageProblem(f"{name}: {text!r} is not accepted; accepted: a number above 0")
    return number
