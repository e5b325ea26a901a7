"""Cut the steady part out of a run: without the ramp, and without what was sent after the load ended."""

import math
from dataclasses import dataclass

import pandas as pd

from analysis.statistics import STEADY_S
from analysis.verdict import Window
from runlog.run import Run


@dataclass(frozen=True, slots=True)
class Cut:
    """The steady window, None when the run has none, and the rule it was cut by."""

    window: Window | None
    rule: str

    @property
    def steady_s(self) -> float:
        """Return the length of the window in seconds; 0 when there is none."""
        return 0.0 if self.window is None else self.window.end_s - self.window.start_s

    @property
    def long_enough(self) -> bool:
        """Return whether rates can be told from it."""
        return self.steady_s >= STEADY_S


def cut(run: Run, samples: pd.DataFrame) -> Cut:
    """Return the steady window of a run.

    It starts after the profile's ramp, or without one when the last seller had been spawned, and ends when load was
    told to stop, or in a run without an end with its last sample. When spawning never finished nothing is steady.
    """
    end_s, end_rule = _end(run, samples)
    start_s, start_rule = _start(run)
    rule = f"{start_rule}; {end_rule}"
    if start_s is None or end_s is None or not (math.isfinite(start_s) and math.isfinite(end_s) and start_s < end_s):
        return Cut(None, rule)
    return Cut(Window(start_s, end_s, rule), rule)


def steady(samples: pd.DataFrame, run: Run, window: Window | None) -> pd.DataFrame:
    """Return the samples sent inside the window, its start included, its end not; none without a window."""
    if window is None:
        return samples.iloc[:0]
    return within(samples, "sent_at_s", run, window)


def within(frame: pd.DataFrame, column: str, run: Run, window: Window) -> pd.DataFrame:
    """Return the rows whose time (Unix seconds) lies inside the window, its start included, its end not."""
    since_start_s = frame[column] - run.started_at_s
    return frame[(since_start_s >= window.start_s) & (since_start_s < window.end_s)]


def _start(run: Run) -> tuple[float | None, str]:
    ramp_s = run.load_profile.ramp_s
    if ramp_s is not None:
        return ramp_s, f"from {ramp_s:g} s, the ramp of the load profile"
    if run.spawned_at_s is not None:
        spawning_s = round(run.spawned_at_s - run.started_at_s, 3)
        return spawning_s, f"from {spawning_s:g} s, when the last seller had been spawned"
    return None, "spawning never finished, so nothing is steady"


def _end(run: Run, samples: pd.DataFrame) -> tuple[float | None, str]:
    if run.ended_at_s is not None:
        end_s = round(run.ended_at_s - run.started_at_s, 3)
        return end_s, f"to {end_s:g} s, when load ended"
    if samples.empty:
        return None, "without an end and without samples"
    end_s = round(float(samples["sent_at_s"].max()) - run.started_at_s, 3)
    return end_s, f"to {end_s:g} s, the last sample of a run without an end"
