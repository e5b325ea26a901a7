"""Reckon what an open profile offers: its passes, the requests they make, the sellers they keep at work."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Final

from gate.budget.traffic import Traffic
from settings.arrivals import expected

_PIECES: Final = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """What the arrivals of a profile come to where every answer is quick and no limit holds anybody back."""

    passes: float  # in the whole run
    peak_per_s: float  # passes a second, at the highest rate
    peak_rps: float  # requests a second then, hits of the target's cache included
    at_work: float  # sellers at work then, on average; beyond the profile's sellers arrivals wait and are dropped


def offer(whole: Traffic) -> Offer | None:
    """Return what a profile offers; None of a closed one."""
    plan = whole.profile.arrivals
    if plan is None:
        return None
    workflows = tuple(islice(whole.mix(), whole.profile.sellers))
    peak_per_s = max(rate for _, rate in plan.rates)
    return Offer(
        passes=expected(plan, whole.profile.duration_s),
        peak_per_s=peak_per_s,
        peak_rps=peak_per_s * _mean([whole.sends(workflow) for workflow in workflows]),
        at_work=peak_per_s * _mean([whole.pass_s(workflow) for workflow in workflows]),
    )


def scaled(whole: Traffic, ratio: float) -> Traffic:
    """Return the traffic of an open profile with all its rates times `ratio`."""
    plan = whole.profile.arrivals
    if plan is None:
        raise ValueError("a closed profile has no rates")
    rates = tuple((at_s, rate * ratio) for at_s, rate in plan.rates)
    return replace(whole, profile=replace(whole.profile, arrivals=plan.model_copy(update={"rates": rates})))


def working_s(whole: Traffic, workflows: Sequence[str], until_s: float) -> dict[str, float]:
    """Return how long the sellers of each workflow are at work until then, if all take equal parts of the passes.

    Looked at piece by piece: where more comes than they have time for they are all at work, and no longer than that.
    """
    plan = whole.profile.arrivals
    if plan is None:
        raise ValueError("a closed profile has no passes to share out")
    reached = [expected(plan, until_s * piece / _PIECES) for piece in range(_PIECES + 1)]
    each = [(after - before) / len(workflows) for before, after in pairwise(reached)]  # passes of one seller
    return {
        workflow: number * sum(min(passes * whole.pass_s(workflow), until_s / _PIECES) for passes in each)
        for workflow, number in Counter(workflows).items()
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
