"""Say of every step and every workflow what became of it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analysis.figures import against, counted, figure_name
from analysis.holding import Judgement
from analysis.selection import EVERY_STEP, Populations, StepKey, asked
from analysis.statistics import (
    Floats,
    bad,
    completion_ratio,
    error_ratio,
    percentile,
    percentile_needed,
    times_ms,
)
from analysis.verdict import Outcome, Result, StepResult, StepStatus, WorkflowResult
from runlog.run import Gap
from runlog.schema import Kind
from runlog.schema import Outcome as Ending
from runlog.workflows import WORKFLOWS

ENOUGH: Final = percentile_needed(0.95)
"""Samples a step must have where no threshold on each step says what it takes."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One step with everything that decides what became of it."""

    key: StepKey
    steady: pd.DataFrame  # its http samples of the steady window; what it asks over a session where it does only that
    seen: bool  # it has a sample of some kind, somewhere in the run
    leaks: int
    judgements: Sequence[Judgement]  # of thresholds on each step


def steps_seen(samples: pd.DataFrame) -> frozenset[StepKey]:
    """Return the steps with at least one sample of any kind anywhere in the run."""
    named = samples[["workflow", "step"]].dropna().drop_duplicates()
    return frozenset(zip(named["workflow"].astype(str), named["step"].astype(str), strict=True))


def step_results(
    judgements: Sequence[Judgement], populations: Populations, overdue: Sequence[Gap]
) -> tuple[StepResult, ...]:
    """Return what became of the forty steps, and of those of other workflows in scope, in order.

    Counts and times are of the http samples of the steady window. A step has passed when it ran with enough samples,
    every result of an `each = "step"` threshold on it holds, and it has no wrong body in the whole run.
    """
    by_step: defaultdict[StepKey, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        scope = judgement.result.scope
        if judgement.threshold.each == "step" and scope.workflow is not None and scope.step is not None:
            by_step[scope.workflow, scope.step].append(judgement)
    seen = steps_seen(populations.whole)
    steady = _by_step(asked(populations.steady))
    leaks = _by_step(populations.whole[populations.whole["outcome"] == Ending.WRONG_BODY])
    results = []
    for key in dict.fromkeys((*EVERY_STEP, *populations.steps)):
        leaked = len(leaks[key]) if key in leaks else 0
        place = _Place(key, steady.get(key, populations.steady.iloc[:0]), key in seen, leaked, by_step[key])
        results.append(_step_result(place, *_status(place, populations, overdue)))
    return tuple(results)


def workflow_results(populations: Populations) -> tuple[WorkflowResult, ...]:
    """Return what became of the workflows in scope, in the order of the guide; figures are of the steady window."""
    known = [workflow for workflow in WORKFLOWS if any(workflow == name for name, _ in populations.steps)]
    frame = populations.steady
    results = []
    for workflow in dict.fromkeys((*known, *(workflow for workflow, _ in populations.steps))):
        own = frame[frame["workflow"] == workflow]
        iterations = own[own["kind"] == Kind.ITERATION]
        results.append(
            WorkflowResult(
                workflow=workflow,
                iterations=len(iterations),
                completed=int((iterations["outcome"] == Ending.OK).sum()),
                completion_ratio=completion_ratio(iterations).value,
                p95_ms=_quantile(0.95, times_ms(own[own["kind"] == Kind.HTTP])),
            )
        )
    return tuple(results)


def _by_step(frame: pd.DataFrame) -> dict[StepKey, pd.DataFrame]:
    return {
        (str(workflow), str(step)): own
        for (workflow, step), own in frame.groupby(["workflow", "step"], observed=True, sort=False)
    }


def _step_result(place: _Place, status: StepStatus, reason: str | None) -> StepResult:
    times = times_ms(place.steady)
    return StepResult(
        workflow=place.key[0],
        step=place.key[1],
        status=status,
        samples=len(place.steady),
        ok=int((place.steady["outcome"] == Ending.OK).sum()),
        failed=int(bad(place.steady).sum()),
        reason=reason,
        p50_ms=_quantile(0.5, times),
        p95_ms=_quantile(0.95, times),
        error_ratio=error_ratio(place.steady).value,
    )


def _status(place: _Place, populations: Populations, overdue: Sequence[Gap]) -> tuple[StepStatus, str | None]:
    """Return what became of a step, and why if it has not passed."""
    leaks = f"{counted(place.leaks)} answers were another seller's or another path's" if place.leaks else None
    for gap in populations.gaps if place.key in populations.steps else ():
        if (gap.workflow, gap.step) == place.key:
            words = f"{gap.reason} (gap of {gap.owner}, until {gap.expires})"
            return StepStatus.GAP, words if leaks is None else f"{words}; {leaks}, which no gap excuses"
    if leaks is not None:
        return StepStatus.FAILED, leaks
    if place.key not in populations.steps:
        return StepStatus.NOT_RUN, "not in scope"
    for gap in overdue:
        if (gap.workflow, gap.step) == place.key:
            return StepStatus.FAILED, f"its gap has expired on {gap.expires}: {gap.reason} ({gap.owner})"
    if not place.seen:
        return StepStatus.NOT_RUN, "no samples"
    shortfalls = _shortfalls(place)
    return (StepStatus.FAILED, "; ".join(shortfalls)) if shortfalls else (StepStatus.PASSED, None)


def _shortfalls(place: _Place) -> list[str]:
    """Return what a step that ran does not show: broken limits, or without any the ones nothing can be said about."""
    broken = [judgement for judgement in place.judgements if judgement.result.outcome is Outcome.FAIL]
    if broken:
        return list(dict.fromkeys(_broken(judgement.result) for judgement in broken))
    if not place.judgements and len(place.steady) < ENOUGH:
        return [f"{counted(len(place.steady))} samples, {ENOUGH} needed"]
    undecided = [judgement for judgement in place.judgements if judgement.result.outcome is not Outcome.PASS]
    return list(dict.fromkeys(_missing(judgement) for judgement in undecided))


def _broken(result: Result) -> str:
    return against(result) if result.waived is None else f"{against(result)}, waived: {result.waived}"


def _missing(judgement: Judgement) -> str:
    result = judgement.result
    if result.samples >= judgement.needed:
        return f"{figure_name(result)} not measured"
    return f"{figure_name(result)} of {counted(result.samples)} samples, {counted(judgement.needed)} needed"


def _quantile(share: float, values: Floats) -> float | None:
    if not len(values) or not np.isfinite(values).all():
        return None
    return percentile(share, values)
