"""Name the terms on which a run is judged."""

from dataclasses import dataclass
from typing import Literal

from analysis.threshold import ThresholdFile

Inconclusive = Literal["pass", "fail"]


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a run is judged: flags and environment, all read before anything is sent."""

    thresholds: ThresholdFile  # overrides applied
    stage: str | None  # None: the one the run was given
    strict: bool
    inconclusive: Inconclusive | None
    rollback_enabled: bool
