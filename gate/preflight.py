"""Look whether the target answers before any load is sent to it."""

import time
from dataclasses import dataclass
from typing import Final

from gate.findings import Findings
from gate.probe import ProbeError, ask
from gate.reading import health_value
from settings.target import Target

PATIENCE_S: Final = 5.0
_PAUSE_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a look at the target showed."""

    unreachable: str | None  # why it does not answer at all; None when it does
    down: dict[str, str]  # health check → what came instead


def look(target: Target, patience_s: float) -> Preflight:
    """Ask the target and each health check once; a target that does not answer is asked again for `patience_s`."""
    unreachable = _unreachable(target, patience_s)
    if unreachable is not None:
        return Preflight(unreachable, {})
    down: dict[str, str] = {}
    for name, check in target.health.items():
        try:
            health_value(check, ask(target, check.path, check.method))
        except ProbeError as error:
            down[name] = str(error)
    return Preflight(None, down)


def found(preflight: Preflight, target: Target, findings: Findings) -> Findings:
    """Return the findings with what the look showed."""
    if preflight.unreachable is not None:
        return findings.with_doubt(
            "target_unreachable",
            f"{target.url}: {preflight.unreachable}",
            "the target answers before the load starts",
            invalidates=True,
        )
    for name, error in preflight.down.items():
        findings = findings.with_doubt(
            "health_down", f"{name}: {error}", "every health check is up before the load starts", invalidates=False
        )
    return findings


def _unreachable(target: Target, patience_s: float) -> str | None:
    """Return why the target gives no HTTP answer whatever; None at the first answer."""
    path = next((check.path for check in target.health.values() if check.method == "GET"), "/")
    until = time.monotonic() + patience_s
    while True:
        try:
            ask(target, path)
        except ProbeError as error:
            if time.monotonic() + _PAUSE_S >= until:
                return str(error)
        else:
            return None
        time.sleep(_PAUSE_S)
