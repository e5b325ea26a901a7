"""Hold everything a run left behind, read and not yet judged."""

from dataclasses import dataclass, field

import pandas as pd

from runlog.run import Run


@dataclass(frozen=True, slots=True)
class LogDoubt:
    """One way in which the log is not all of what the run did, as the run log's own check names it."""

    name: str
    process: int | None  # None: the run as a whole
    detail: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run with its samples and series (columns of runlog.schema); frames are empty when nothing could be read."""

    run: Run
    samples: pd.DataFrame
    generator: pd.DataFrame
    monitors: pd.DataFrame
    log_doubts: tuple[LogDoubt, ...] = ()
    paced_s: float | None = None  # what sellers waited for room in rate limits, all added up; None: nobody paced them
    files: dict[str, str] = field(default_factory=dict)  # name → sha256
