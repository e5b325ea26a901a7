"""Apply waivers: a broken limit somebody answers for decides nothing until the waiver expires."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

import numpy as np

from analysis.expiry import overdue_days
from analysis.holding import Held, Judgement
from analysis.selection import Populations
from analysis.statistics import STATISTICS
from analysis.verdict import Outcome, Result, Scope, Severity, WaiverState, WaiverUse
from runlog.run import Waiver
from runlog.schema import Outcome as Ending

LEAK: Final = "wrong_body"

_Answer = tuple[WaiverState, tuple[Waiver, ...]]
"""What became of a broken limit, and the waivers that had a part in it; nobody's when there are none."""


def waive(
    held: Held, waivers: Iterable[Waiver], populations: Populations, today: date
) -> tuple[Held, tuple[WaiverUse, ...]]:
    """Return the judgements with what is waived marked, and what each waiver came to.

    A waiver is for the broken limits of the statistic it names (of a monitor: the monitor's name) in the scope and the
    severity it names. Three things are never waived: a limit that could not be decided, a rollback limit, and any
    limit of a figure whose rollback limit is broken as well: nobody agreed to that much.
    A wrong body is waived only by a waiver that names `wrong_body`, and only when every one of them is in a step such a
    waiver is for: answers for one step do not excuse a leak in another.
    """
    declared = tuple(waivers)
    live = [waiver for waiver in declared if overdue_days(waiver, today) is None]
    fired = {
        (judgement.result.scope, judgement.result.stat)
        for judgement in held.judgements
        if judgement.result.severity is Severity.ROLLBACK and judgement.result.outcome is Outcome.FAIL
    }
    answers = [_answer(judgement.result, live, populations, fired) for judgement in held.judgements]
    judgements = tuple(map(_marked, held.judgements, answers))
    uses = tuple(_use(waiver, waiver in live, answers) for waiver in declared)
    return replace(held, judgements=judgements), uses


def _answer(result: Result, live: Sequence[Waiver], populations: Populations, fired: set[tuple[Scope, str]]) -> _Answer:
    if result.outcome is not Outcome.FAIL:
        return WaiverState.NOT_NEEDED, ()
    fitting = [waiver for waiver in live if _is_for(waiver, result)]
    if result.stat == LEAK:
        state, named = _leaks(result, fitting, populations)
    else:
        named = tuple(waiver for waiver in fitting if _names(waiver, result.scope.workflow, result.scope.step))
        state = WaiverState.WAIVES
    if named and (result.scope, result.stat) in fired:  # a broken rollback limit is one of these itself
        return WaiverState.WITHHELD, named
    return state, named


def _is_for(waiver: Waiver, result: Result) -> bool:
    """Return whether a waiver is for a limit; one of requests is none of their freshness, and reversely."""
    named = waiver.stat == (result.scope.monitor or result.stat) and waiver.kind == result.scope.kind
    return named and waiver.severity in (None, result.severity)


def _names(waiver: Waiver, workflow: str | None, step: str | None) -> bool:
    return waiver.workflow in (None, workflow) and waiver.step in (None, step)


def _leaks(result: Result, fitting: Sequence[Waiver], populations: Populations) -> _Answer:
    """Return whether waivers answer for every wrong body there was, and those that answer for any."""
    frame = populations.of(STATISTICS[LEAK], result.scope)
    leaks = frame[frame["outcome"] == Ending.WRONG_BODY]
    answered, named = np.zeros(len(leaks), dtype=bool), list[Waiver]()
    for waiver in fitting:
        own = np.ones(len(leaks), dtype=bool)
        for column in ("workflow", "step"):
            name = getattr(waiver, column)
            if name is not None:
                own &= (leaks[column] == name).to_numpy(bool)
        if own.any():
            named.append(waiver)
            answered |= own
    return WaiverState.WAIVES if answered.all() else WaiverState.NOT_ENOUGH, tuple(named)


def _marked(judgement: Judgement, answer: _Answer) -> Judgement:
    state, named = answer
    if state is not WaiverState.WAIVES or not named:
        return judgement
    words = "; ".join(f"{waiver.reason} ({waiver.owner}, until {waiver.expires})" for waiver in named)
    return replace(judgement, result=replace(judgement.result, waived=words))


_STRONGEST: Final = (WaiverState.WAIVES, WaiverState.WITHHELD, WaiverState.NOT_ENOUGH)


def _use(waiver: Waiver, holds: bool, answers: Sequence[_Answer]) -> WaiverUse:  # noqa: FBT001 - a fact, not a switch
    states = [state for state, named in answers if waiver in named]
    state = next((each for each in _STRONGEST if each in states), WaiverState.NOT_NEEDED)
    return WaiverUse(
        stat=waiver.stat,
        workflow=waiver.workflow,
        step=waiver.step,
        severity=waiver.severity,
        reason=waiver.reason,
        owner=waiver.owner,
        expires=waiver.expires,
        state=state if holds else WaiverState.EXPIRED,
        limits=states.count(WaiverState.WAIVES),
        kind=waiver.kind,
    )
