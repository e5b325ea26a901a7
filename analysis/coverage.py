"""Find what a run was to show and did not: steps that never ran, answers that never came, thresholds without a part."""

from collections.abc import Iterator, Sequence
from typing import Final

from analysis.evidence import Evidence
from analysis.figures import counted, spelled, waiver_name
from analysis.holding import Held
from analysis.selection import Populations, StepKey
from analysis.statistics import bad
from analysis.steps import steps_seen
from analysis.verdict import Doubt, Severity, WaiverState, WaiverUse
from runlog.run import Gap
from runlog.schema import Kind
from runlog.schema import Outcome as Ending

DECIDING = frozenset({Severity.CRITICAL, Severity.HIGH})
"""Severities that fail a run by themselves."""
UNANSWERED_MS: Final = 5000.0
"""A request that had waited longer than this when load ended was not just on its way; the fuse's patience, too."""
UNANSWERED_LIMIT_RATIO: Final = 0.01


def coverage_doubts(
    evidence: Evidence, populations: Populations, held: Held, overdue: Sequence[Gap]
) -> tuple[Doubt, ...]:
    """Return what is missing between what was in scope and what was judged."""
    return (
        *_steps(evidence, populations, held, overdue),
        *_workflows(populations),
        *_unanswered(populations, held),
        *_thresholds(held),
        *_monitors(populations, held),
        *_gaps(overdue),
    )


def _steps(evidence: Evidence, populations: Populations, held: Held, overdue: Sequence[Gap]) -> Iterator[Doubt]:
    """Yield a doubt for steps in scope without samples.

    One exception keeps a broken release from being called a broken run: where a step of the same workflow failed and
    the run fails on its thresholds, the steps after it could not run, and the verdict is that failure.
    """
    if not populations.steps:
        yield Doubt("step_not_run", "no step is in scope", "steps to judge", invalidates=True)
    seen = steps_seen(evidence.samples)
    excused = populations.gap_steps | {(gap.workflow, gap.step) for gap in overdue}
    missing = [key for key in populations.steps if key not in seen and key not in excused]
    if missing:
        failed = evidence.samples.loc[bad(evidence.samples), "workflow"].dropna().unique()
        explained = all(workflow in failed for workflow, _ in missing) and _fails(held)
        yield Doubt("step_not_run", _listed(missing), "every step in scope has samples", invalidates=not explained)


def _workflows(populations: Populations) -> Iterator[Doubt]:
    """Yield a doubt for workflows nobody got through, well or badly; those a gap excuses as a whole are left out."""
    frame = populations.whole
    finished = (frame["kind"] == Kind.ITERATION) & (bad(frame) | (frame["outcome"] == Ending.OK))
    done = set(frame.loc[finished, "workflow"].dropna().unique())
    live = dict.fromkeys(
        workflow for workflow, step in populations.steps if (workflow, step) not in populations.gap_steps
    )
    idle = [workflow for workflow in live if workflow not in done]
    if idle:
        rule = "iterations of every workflow in scope that came to an end"
        yield Doubt("zero_iterations", ", ".join(idle), rule, invalidates=True)


def _unanswered(populations: Populations, held: Held) -> Iterator[Doubt]:
    """Yield a doubt when sellers still waited for overdue answers at the end.

    These requests are aborted, so no statistic sees them: a server that fell silent shortly before the end would show
    nothing but its good time. Sellers are counted, not requests: one who waits sends no others. A run that fails
    anyway is the server's failure, not a doubtful run. What a gap excuses may stay silent: nobody expects an answer.
    """
    frame = populations.whole
    sent = frame[frame["kind"].isin((Kind.HTTP, Kind.SETUP))]
    unanswered = (sent["outcome"] == Ending.ABORTED) & (sent["response_time_ms"] > UNANSWERED_MS)
    overdue = sent[unanswered & ~populations.excused(sent)]
    waiting, sellers = overdue["seller"].nunique(), sent["seller"].nunique()
    if waiting > UNANSWERED_LIMIT_RATIO * sellers:
        longest = spelled(float(overdue["response_time_ms"].max()), "ms")
        figure = f"{counted(waiting)} of {counted(sellers)} sellers waited for an answer, up to {longest}"
        rule = (
            f"at most {spelled(UNANSWERED_LIMIT_RATIO, 'ratio')} of the sellers waiting longer than "
            f"{spelled(UNANSWERED_MS, 'ms')} when load ended"
        )
        yield Doubt("unanswered", figure, rule, invalidates=not _fails(held))


def _fails(held: Held) -> bool:
    """Return whether the run fails on its thresholds."""
    return any(judgement.result.broken and judgement.result.severity in DECIDING for judgement in held.judgements)


def _thresholds(held: Held) -> Iterator[Doubt]:
    if held.unmatched:
        rule = "every threshold matches a part of the run"
        yield Doubt("threshold_unmatched", "; ".join(held.unmatched), rule, invalidates=True)
    if not any(judgement.result.severity in DECIDING for judgement in held.judgements):
        figure = f"{counted(len(held.judgements))} limits apply to this run, none of them critical or high"
        yield Doubt("no_thresholds", figure, "at least one limit that can fail the run", invalidates=True)


def _monitors(populations: Populations, held: Held) -> Iterator[Doubt]:
    named = [name for name in populations.declared_monitors if populations.monitor(name).empty]
    if named:
        rule = "an answer of every declared monitor in the steady window"
        yield Doubt("monitor_missing", ", ".join(named), rule, invalidates=False)
    if held.undeclared:
        rule = "declared in the target's file; not judged otherwise"
        yield Doubt("monitor_undeclared", ", ".join(held.undeclared), rule, invalidates=False)


def _gaps(overdue: Sequence[Gap]) -> Iterator[Doubt]:
    if overdue:
        figure = ", ".join(f"{gap.workflow}.{gap.step} on {gap.expires}" for gap in overdue)
        yield Doubt("gap_expired", figure, "no gap past its date", invalidates=False)


def waiver_doubts(waivers: Sequence[WaiverUse]) -> Iterator[Doubt]:
    """Yield what is to be said of waivers that do not hold."""
    expired = [waiver for waiver in waivers if waiver.state is WaiverState.EXPIRED]
    if expired:
        figure = ", ".join(f"{waiver_name(waiver)} on {waiver.expires}" for waiver in expired)
        yield Doubt("waiver_expired", figure, "no waiver past its date", invalidates=False)


def _listed(steps: Sequence[StepKey]) -> str:
    return f"{counted(len(steps))}: " + ", ".join(f"{workflow}.{step}" for workflow, step in steps)
