"""Hold every threshold against a run: all of them, once, without stopping at the first that breaks."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analysis.limits import Limit, Unit
from analysis.selection import EVERY_STEP, Populations, StepKey
from analysis.statistics import MONITOR_NEEDED, SOCKETS, Measured
from analysis.threshold import Each, Threshold
from analysis.verdict import Outcome, Result, Scope, Severity
from runlog.schema import Kind


@dataclass(frozen=True, slots=True)
class Judgement:
    """One result, the threshold it came from, and how many samples it would have taken."""

    result: Result
    threshold: Threshold
    needed: int


@dataclass(frozen=True, slots=True)
class Held:
    """All judgements in the order of the file, and what could not be judged at all."""

    judgements: tuple[Judgement, ...]
    unmatched: tuple[str, ...]  # thresholds no part of the run is in the scope of
    undeclared: tuple[str, ...]  # monitors of thresholds that the target does not declare


def hold(thresholds: Iterable[Threshold], populations: Populations) -> Held:
    """Return one judgement for each limit of each threshold in each of its scopes."""
    judgements: list[Judgement] = []
    unmatched: list[str] = []
    undeclared: list[str] = []
    for threshold in thresholds:
        monitor = threshold.scope.monitor
        if monitor is not None and monitor not in populations.declared_monitors:
            undeclared.append(monitor)
            continue
        scopes = _scopes(threshold, populations)
        if scopes is None:
            unmatched.append(_described(threshold))
            continue
        for scope in scopes:
            measured = _measured(threshold, scope, populations)
            for severity, limit in threshold.limits:
                judgements.append(_judgement(threshold, scope, severity, limit, measured))
    return Held(tuple(judgements), tuple(dict.fromkeys(unmatched)), tuple(dict.fromkeys(undeclared)))


def decide(limit: Limit, measured: Measured, needed: int, *, only_worsens: bool = False) -> Outcome:
    """Return what one figure says about one limit; what is not a finite number never passes."""
    if measured.value is None or not math.isfinite(measured.value):
        return Outcome.INCONCLUSIVE
    holds = limit.holds(measured.value)
    if measured.samples < needed and (holds or not only_worsens):
        return Outcome.INCONCLUSIVE
    return Outcome.PASS if holds else Outcome.FAIL


def _judgement(threshold: Threshold, scope: Scope, severity: Severity, limit: Limit, measured: Measured) -> Judgement:
    statistic = threshold.statistic
    needed = MONITOR_NEEDED if scope.monitor is not None else statistic.needed(limit)
    observed = measured.value if measured.value is not None and math.isfinite(measured.value) else None
    result = Result(
        scope=scope,
        stat=statistic.name,
        severity=severity,
        limit=limit.text,
        observed=observed,
        interval=None,
        samples=measured.samples,
        outcome=decide(limit, measured, needed, only_worsens=statistic.only_worsens),
        margin_ratio=None if observed is None else limit.margin_ratio(observed),
        why=threshold.why,
        unit=_unit(threshold, limit),
    )
    return Judgement(result, threshold, needed)


def _unit(threshold: Threshold, limit: Limit) -> Unit:
    if threshold.scope.monitor is None:
        return threshold.statistic.unit
    return Unit.RATIO if limit.text.endswith("%") else Unit.COUNT


def _measured(threshold: Threshold, scope: Scope, populations: Populations) -> Measured:
    statistic = threshold.statistic
    if scope.monitor is None:
        return statistic.measure(populations.of(statistic, scope), populations.steady_s)
    values = populations.monitor(scope.monitor)["value"].to_numpy(np.float64)
    if statistic.of_values is None or not len(values):
        return Measured(None, len(values))
    return Measured(statistic.of_values(values), len(values))


def _scopes(threshold: Threshold, populations: Populations) -> Sequence[Scope] | None:
    """Return the scopes of one threshold; None when nothing in the run matches.

    Empty when gaps excuse all of it, when it is of each step with a kind that the steps of a narrowed run lack, or of
    real-time sessions in a run that has none and needs none, or of requests in a run of nothing but sessions.
    """
    wanted = threshold.scope
    if wanted.monitor is not None:
        return [wanted]
    steps = [
        (workflow, step)
        for workflow, step in populations.steps
        if wanted.workflow in (None, workflow) and wanted.step in (None, step)
    ]
    if steps and (_of_absent_sessions(threshold, populations) or _of_absent_requests(threshold, populations)):
        return []
    if not steps or not _occurs(wanted, populations):
        # in a part of the steps it speaks of there may be none that has this kind; in all of them there is
        spoken_of = {key for key in EVERY_STEP if wanted.workflow in (None, key[0])}
        narrowed = threshold.each == "step" and wanted.kind is not None and not spoken_of <= set(steps)
        return [] if steps and narrowed else None
    live = [key for key in steps if key not in populations.gap_steps]
    if threshold.each is None or not live:
        return [wanted] if live else []
    return _EACH[threshold.each](threshold, live, populations)


def _each_step(threshold: Threshold, live: Sequence[StepKey], populations: Populations) -> Sequence[Scope]:
    """Return one scope a step; of a named kind only steps that have it, or that wait for an event and saw none."""
    kind = threshold.scope.kind
    owing = populations.owing_steps if kind == Kind.PUSH else frozenset()
    scopes = {key: replace(threshold.scope, workflow=key[0], step=key[1]) for key in live}
    return [scope for key, scope in scopes.items() if kind is None or key in owing or _occurs(scope, populations)]


def _of_absent_sessions(threshold: Threshold, populations: Populations) -> bool:
    """Return whether a threshold is of events or sessions, no step in scope waits for one, and none is there."""
    kinds = (Kind(threshold.scope.kind),) if threshold.scope.kind is not None else threshold.statistic.kinds
    return set(kinds) <= set(SOCKETS) and not populations.owing_steps and not populations.has(kinds)


def _of_absent_requests(threshold: Threshold, populations: Populations) -> bool:
    """Return whether a threshold is of requests, and only those who do nothing but hold sessions take part."""
    kinds = populations.kinds_of(threshold.statistic, threshold.scope)
    return threshold.each is None and kinds == (Kind.HTTP,) and populations.only_sessions


def _each_workflow(threshold: Threshold, live: Sequence[StepKey], _populations: Populations) -> Sequence[Scope]:
    return [replace(threshold.scope, workflow=workflow) for workflow in dict.fromkeys(workflow for workflow, _ in live)]


def _each_route(threshold: Threshold, _live: Sequence[StepKey], populations: Populations) -> Sequence[Scope] | None:
    """Return one scope a route; what routes there are only the samples tell."""
    routes = populations.of(threshold.statistic, threshold.scope)["route"].dropna().unique()
    return [replace(threshold.scope, route=str(route)) for route in sorted(routes)] or None


_EACH: Final[dict[Each, Callable[[Threshold, Sequence[StepKey], Populations], Sequence[Scope] | None]]] = {
    "step": _each_step,
    "workflow": _each_workflow,
    "route": _each_route,
}


def _occurs(scope: Scope, populations: Populations) -> bool:
    """Return whether a named kind or route is anywhere in the run; steps are known from its scope."""
    if scope.kind is None and scope.route is None:
        return True
    frame = populations.whole
    chosen = frame["kind"] == (scope.kind or Kind.HTTP)
    for column in ("workflow", "step", "route"):
        name = getattr(scope, column)
        if name is not None:
            chosen &= frame[column] == name
    return bool(chosen.any())


def _described(threshold: Threshold) -> str:
    scope = threshold.scope
    parts = [
        f"{key} {value}" for key in ("workflow", "step", "route", "kind") if (value := getattr(scope, key)) is not None
    ]
    if threshold.each is not None:
        parts.append(f"each {threshold.each}")
    return f"{threshold.statistic.name} of {', '.join(parts) or 'the whole run'}"
