"""Select the samples a statistic is of: a scope of the steady window, or of the whole run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import pandas as pd

from analysis.evidence import Evidence
from analysis.expiry import overdue_days
from analysis.statistics import Statistic
from analysis.verdict import Scope
from analysis.window import Cut, steady, within
from runlog.run import Gap
from runlog.schema import Kind
from runlog.workflows import EVENT_STEPS, ONLY_WHEN_NAMED, WORKFLOWS

StepKey = tuple[str, str]
EVERY_STEP: Final[tuple[StepKey, ...]] = tuple(
    (workflow, step) for workflow, steps in WORKFLOWS.items() for step in steps
)


def only_sessions(steps: Iterable[StepKey]) -> bool:
    """Return whether nobody is in scope but those who only hold sessions: they ask over these, and send no requests."""
    workflows = {workflow for workflow, _ in steps}
    return bool(workflows) and workflows <= set(ONLY_WHEN_NAMED)


def asked(samples: pd.DataFrame) -> pd.DataFrame:
    """Return what steps ask and are answered: their requests, and what those who only hold sessions ask over these."""
    over_session = (samples["kind"] == Kind.ACK) & samples["workflow"].isin(list(ONLY_WHEN_NAMED))
    return samples[(samples["kind"] == Kind.HTTP) | over_session]


@dataclass(frozen=True, slots=True)
class Populations:
    """What the statistics of one run are computed from."""

    whole: pd.DataFrame  # every sample of the run
    steady: pd.DataFrame  # sent inside the window, without the steps of unexpired gaps
    monitors: pd.DataFrame  # values inside the window
    steady_s: float
    steps: tuple[StepKey, ...]  # in scope, gaps included
    gaps: tuple[Gap, ...]  # unexpired
    declared_monitors: tuple[str, ...]

    @property
    def gap_steps(self) -> frozenset[StepKey]:
        """Return the steps a declared, unexpired gap excuses."""
        return frozenset((gap.workflow, gap.step) for gap in self.gaps)

    def of(self, statistic: Statistic, scope: Scope) -> pd.DataFrame:
        """Return the samples of one scope that a statistic is of."""
        frame = self.whole if statistic.whole_run else self.steady
        if statistic.excusable:
            frame = frame[~self.excused(frame)]
        kinds = self.kinds_of(statistic, scope)
        chosen = frame["kind"].isin(kinds)
        for column in ("workflow", "step", "route"):
            name = getattr(scope, column)
            if name is not None:
                chosen &= frame[column] == name
        return frame[chosen]

    def kinds_of(self, statistic: Statistic, scope: Scope) -> tuple[Kind, ...]:
        """Return the kinds a statistic is of in a scope: where somebody only holds sessions, questions over these."""
        if scope.kind is not None:
            return (Kind(scope.kind),)
        asks = scope.workflow in ONLY_WHEN_NAMED and statistic.kinds == (Kind.HTTP,)
        return (Kind.ACK,) if asks else statistic.kinds

    @property
    def owing_steps(self) -> frozenset[StepKey]:
        """Return the steps in scope, without gaps, that wait for an event of a real-time session."""
        return frozenset(key for key in self.steps if key in EVENT_STEPS) - self.gap_steps

    @property
    def only_sessions(self) -> bool:
        """Return whether nobody is in scope but those who only hold sessions."""
        return only_sessions(self.steps)

    def has(self, kinds: Sequence[Kind]) -> bool:
        """Return whether some sample of these kinds is anywhere in the run."""
        return bool(self.whole["kind"].isin(kinds).any())

    def excused(self, frame: pd.DataFrame) -> "pd.Series[bool]":
        """Return which samples are of steps that an unexpired gap excuses."""
        return _excused(frame, self.gaps)

    def monitor(self, name: str) -> pd.DataFrame:
        """Return the answers of one monitor inside the window; unanswered questions are left out."""
        return self.monitors[(self.monitors["monitor"] == name) & self.monitors["value"].notna()]


def populations(evidence: Evidence, cut: Cut, today: date) -> Populations:
    """Return the populations of a run; a gap counts up to and including the day it expires."""
    run = evidence.run
    gaps = tuple(gap for gap in run.target.gaps if overdue_days(gap, today) is None)
    window = steady(evidence.samples, run, cut.window)
    monitors = evidence.monitors
    return Populations(
        whole=evidence.samples,
        steady=window[~_excused(window, gaps)],
        monitors=monitors.iloc[:0] if cut.window is None else within(monitors, "at_s", run, cut.window),
        steady_s=cut.steady_s,
        steps=tuple(dict.fromkeys((name.workflow, name.step) for name in run.scope)),
        gaps=gaps,
        declared_monitors=run.target.monitors,
    )


def _excused(frame: pd.DataFrame, gaps: tuple[Gap, ...]) -> "pd.Series[bool]":
    excused = pd.Series(data=False, index=frame.index)
    for gap in gaps:
        excused |= (frame["workflow"] == gap.workflow) & (frame["step"] == gap.step)
    return excused
