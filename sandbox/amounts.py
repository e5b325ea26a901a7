"""Read the durations, percentages and windows people write on the command line."""

import re
from dataclasses import dataclass
from math import inf

_UNIT_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min|m|h)")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
_WINDOW = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min|m|h)?-(\d+(?:\.\d+)?)(ms|s|min|m|h)")


class BadAmountError(ValueError):
    """A duration, percentage or window that cannot be read; the text says what is accepted."""


@dataclass(frozen=True, slots=True)
class Window:
    """When a fault is active, in seconds since the sandbox started to listen: start included, end not."""

    start_s: float = 0.0
    end_s: float = inf

    def holds(self, elapsed_s: float) -> bool:
        """Say whether the moment lies inside."""
        return self.start_s <= elapsed_s < self.end_s


ALWAYS = Window()


def duration_s(text: str) -> float:
    """Seconds of ``2s``, ``500ms``, ``5min`` or ``1h``; zero is refused."""
    match = _DURATION.fullmatch(text)
    if match is None or float(match[1]) == 0:
        raise BadAmountError(f"{text!r} is not a duration; accepted: 500ms, 2s, 5min, 1h")
    return float(match[1]) * _UNIT_S[match[2]]


def ratio(text: str) -> float:
    """Ratio (0..1] of ``10%``."""
    match = _PERCENT.fullmatch(text)
    if match is None or not 0 < float(match[1]) <= 100:  # noqa: PLR2004 - per cent
        raise BadAmountError(f"{text!r} is not a percentage; accepted: above 0% up to 100%")
    return float(match[1]) / 100


def window(text: str) -> Window:
    """Read ``30-60s`` or ``500ms-2s``; a start without a unit has the end's unit."""
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise BadAmountError(f"{text!r} is not a window; accepted: 30-60s")
    start_s = float(match[1]) * _UNIT_S[match[2] or match[4]]
    end_s = float(match[3]) * _UNIT_S[match[4]]
    if start_s >= end_s:
        raise BadAmountError(f"{text!r} ends before it starts; accepted: 30-60s")
    return Window(start_s, end_s)
