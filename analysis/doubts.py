"""Collect every reason why a run's numbers may not be the server's, or not be enough."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import pandas as pd

from analysis.arrivals import arrival_doubts
from analysis.evidence import Evidence
from analysis.figures import counted, spelled
from analysis.generator import generator_doubts
from analysis.selection import only_sessions
from analysis.statistics import STEADY_S, throttled_ratio
from analysis.verdict import Doubt
from analysis.window import Cut
from runlog.run import EndedBy, Run
from runlog.schema import Kind, Outcome

THROTTLED_LIMIT_RATIO: Final = 0.01
EARLY_SLACK_S: Final = 1.0
"""Timers are not exact: a run that ended this much before its planned time was not cut short."""
CLOCK_SLACK_S: Final = 1.0
DRAIN_S: Final = 120.0
"""The longest a request can be sent after load was told to stop and the clocks still agree."""

_PLANNED_ENDS: Final = (EndedBy.TIME, EndedBy.HAND)  # by hand, and not early
_UNPLANNED_ENDS: Final = (EndedBy.TIME, EndedBy.HAND, EndedBy.SIGNAL)

_LOG_RULES: Final = {
    "log_missing": "a samples file from every process",
    "log_truncated": "every samples file readable to its end",
    "log_unreadable": "a readable run log",
    "samples_lost": "every sample made is in the log",
    "recording_failed": "the disk takes every sample",
    "unrecorded": "every request through step(...)",
    "bug": "no error of the harness itself",
}
_NAMED: Final = re.compile(r"([a-z]+(?:_[a-z]+)+): (.+)", re.DOTALL)
"""A problem that brings its own doubt's name: `listener_crashed: request listener, KeyError`."""


def run_doubts(evidence: Evidence, cut: Cut) -> tuple[Doubt, ...]:
    """Return what speaks against the run as it was made, whatever its thresholds say; the window's doubts included.

    All of it looks at the whole run, because a leak or a bug in the ramp is one too.
    """
    run = evidence.run
    return (
        *_ending(run),
        *_losses(run, evidence),
        *_problems(run),
        *_clock(run, evidence.samples),
        *_emptiness(run, evidence.samples, cut),
        *_spawning(run, cut),
        *_throttled(evidence.samples, cut, run),
        *_harness(evidence.samples),
        *arrival_doubts(run),
        *generator_doubts(run, evidence.generator, cut.window, evidence.samples["process"].unique()),
    )


def _ending(run: Run) -> Iterator[Doubt]:
    planned_s = run.load_profile.duration_s
    if run.ended_at_s is None:
        yield Doubt("not_finished", "run.json has no end", "a run that ended and closed its log", invalidates=True)
        return
    lasted_s = run.ended_at_s - run.started_at_s
    early = planned_s is not None and not lasted_s >= planned_s - EARLY_SLACK_S
    if early or run.ended_by not in (_PLANNED_ENDS if planned_s is not None else _UNPLANNED_ENDS):
        how = "nobody knows what" if run.ended_by is None else f"{run.ended_by}"
        because = f" ({run.end_reason})" if run.end_reason else ""
        rule = "a run ended by its own failure" if planned_s is None else f"{planned_s:g} s as planned"
        yield Doubt("cut_short", f"after {lasted_s:.1f} s by {how}{because}", rule, invalidates=True)
    if run.ended_by is EndedBy.FUSE:
        yield Doubt("target_lost", run.end_reason or "the fuse blew", "a target that answers", invalidates=True)


def _losses(run: Run, evidence: Evidence) -> Iterator[Doubt]:
    """Yield one doubt a kind of loss, naming the processes it hit."""
    details: defaultdict[str, list[str]] = defaultdict(list)
    for process in run.lost_processes:
        details["worker_lost"].append(f"process {process}: went away during the run")
    for doubt in evidence.log_doubts:
        name = "worker_lost" if doubt.name == "not_closed" else doubt.name
        details[name].append(doubt.detail if doubt.process is None else f"process {doubt.process}: {doubt.detail}")
    for name, figures in details.items():
        rule = _LOG_RULES.get(name, "every process stays to the end and closes its log")
        yield Doubt(name, "; ".join(figures), rule, invalidates=True)


def _problems(run: Run) -> Iterator[Doubt]:
    for problem in run.problems:
        named = _NAMED.fullmatch(problem)
        name, figure = (named[1], named[2]) if named is not None else ("harness_problem", problem)
        yield Doubt(name, figure, "a harness without problems of its own", invalidates=True)


def _clock(run: Run, samples: pd.DataFrame) -> Iterator[Doubt]:
    """Yield a doubt when times contradict each other: whatever is cut by time is then cut wrongly."""
    sent_s = samples.loc[samples["kind"] == Kind.HTTP, "sent_at_s"] - run.started_at_s
    ended_s = float("inf") if run.ended_at_s is None else run.ended_at_s - run.started_at_s
    outside = int((~((sent_s >= -CLOCK_SLACK_S) & (sent_s <= ended_s + DRAIN_S))).sum())
    figures = [f"{counted(outside)} requests sent before the run started or long after it ended"] if outside else []
    spawned_s = 0.0 if run.spawned_at_s is None else run.spawned_at_s - run.started_at_s
    if not (ended_s >= 0 and spawned_s >= 0):
        figures.append("the run ended, or had spawned its sellers, before it started")
    figures += [
        f"process {each.process}: its clock is known within {each.uncertainty_s:.1f} s only"
        for each in run.clocks
        if not each.uncertainty_s <= CLOCK_SLACK_S
    ]
    if figures:
        yield Doubt("clock", "; ".join(figures), "times in the order things happened", invalidates=True)


def _emptiness(run: Run, samples: pd.DataFrame, cut: Cut) -> Iterator[Doubt]:
    if only_sessions((each.workflow, each.step) for each in run.scope):
        asked, name, many = samples[samples["kind"].isin((Kind.CONNECT, Kind.ACK))], "session", "sessions"
        answered = asked["outcome"] == Outcome.OK
    else:
        asked, name, many = samples[samples["kind"] == Kind.HTTP], "request", "requests"
        answered = asked["status"].notna()
    if asked.empty:
        yield Doubt("no_samples", f"not one {name} was recorded", f"{many} to judge", invalidates=True)
    elif not answered.any():
        figure = f"none of {counted(len(asked))} {many} was answered"
        yield Doubt("target_unreachable", figure, "a target that answers", invalidates=True)
    if not cut.long_enough:
        figure = f"{cut.steady_s:.1f} steady s ({cut.rule})"
        yield Doubt("no_steady_samples", figure, f"at least {STEADY_S:g} steady s", invalidates=True)


def _spawning(run: Run, cut: Cut) -> Iterator[Doubt]:
    """Yield a doubt when the profile's sellers were not all there while their run was judged."""
    if cut.window is None or run.load_profile.ramp_s is None:
        return
    rule = f"all sellers there after the ramp of {run.load_profile.ramp_s:g} s"
    if run.spawned_at_s is None:
        yield Doubt("spawning_late", "spawning never finished", rule, invalidates=True)
        return
    spawned_s = run.spawned_at_s - run.started_at_s
    if not spawned_s <= cut.window.start_s + EARLY_SLACK_S:
        figure = f"the last seller was spawned after {spawned_s:.1f} s"
        yield Doubt("spawning_late", figure, rule, invalidates=not spawned_s < cut.window.end_s)


def _throttled(samples: pd.DataFrame, cut: Cut, run: Run) -> Iterator[Doubt]:
    """Yield a doubt when either the whole run, sign-in included, or its steady part was throttled."""
    sent = samples[samples["kind"].isin((Kind.HTTP, Kind.SETUP))]
    parts: Sequence[tuple[str, pd.DataFrame]] = [("the run", sent)]
    if cut.window is not None:
        since_s = sent["sent_at_s"] - run.started_at_s
        steady = (since_s >= cut.window.start_s) & (since_s < cut.window.end_s) & (sent["kind"] == Kind.HTTP)
        parts = [*parts, ("its steady part", sent[steady])]
    figures = [
        f"{spelled(ratio, 'ratio')} of {part}"
        for part, frame in parts
        if (ratio := throttled_ratio(frame).value) is not None and not ratio <= THROTTLED_LIMIT_RATIO
    ]
    if figures:
        rule = f"at most {spelled(THROTTLED_LIMIT_RATIO, 'ratio')} answered 429"
        yield Doubt("throttled", "; ".join(figures), rule, invalidates=True)


def _harness(samples: pd.DataFrame) -> Iterator[Doubt]:
    broken = samples[samples["outcome"] == Outcome.HARNESS_ERROR]
    if len(broken):
        texts = sorted({str(text) for text in broken["error"].dropna().unique()})
        first = f": {texts[0]}" if texts else ""
        figure = f"{counted(len(broken))} samples ended in an error of our own{first}"
        yield Doubt("harness_error", figure, "no error of the harness itself", invalidates=True)
