"""Hold one threshold as it was understood: statistic, scope, limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final, Literal

from analysis.limits import Limit
from analysis.statistics import Statistic
from analysis.verdict import Scope, Severity

Each = Literal["step", "workflow", "route"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """What one statistic of one scope, or of each of many, must show; at least one limit."""

    statistic: Statistic
    scope: Scope  # as written; `each` makes one of every step, workflow or route inside it
    each: Each | None
    profiles: tuple[str, ...] | None  # load profiles it is for; None: every run
    not_profiles: tuple[str, ...]  # load profiles it is not for
    limits: tuple[tuple[Severity, Limit], ...]  # worst severity first, rollback last
    why: str

    def applies_to(self, profile: str | None) -> bool:
        """Return whether a run of this load profile is held against it."""
        return (self.profiles is None or profile in self.profiles) and profile not in self.not_profiles

    @property
    def whole_run(self) -> bool:
        """Return whether it is of the run as a whole: what the overrides move."""
        return self.each is None and self.scope == Scope()


@dataclass(frozen=True, slots=True)
class ThresholdFile:
    """All thresholds of one file, after overrides."""

    thresholds: tuple[Threshold, ...]
    path: Path
    sha256: str  # of the file as written
    overrides: tuple[str, ...] = ()  # what flags and environment changed, in words


def check_order(limits: Sequence[tuple[Severity, Limit]]) -> None:
    """Refuse (ValueError) a worse severity that is stricter than a lesser one: it would never be the first to break."""
    ordered = sorted(limits, key=lambda limit: _LOOSEST_FIRST.index(limit[0]))
    for (worse, loose), (lesser, strict) in combinations(ordered, 2):
        if worse is not lesser and loose.stricter_than(strict):
            raise ValueError(f"{worse} {loose.text!r} is stricter than {lesser} {strict.text!r}")


_LOOSEST_FIRST: Final = (Severity.ROLLBACK, Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
