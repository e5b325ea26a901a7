"""Read when passes are to begin in the open model, and make the schedule of it."""

import math
import random
from collections.abc import Iterator
from itertools import count, islice, pairwise
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from runlog.run import ArrivalPlan
from settings.document import Document
from settings.fields import Duration, DurationAboveZero

_Rate = Annotated[float, Field(ge=0, le=100_000)]
_KEYS: Final = {
    "constant": ("rate",),
    "poisson": ("rate",),
    "ramp": ("rate", "end_rate"),
    "steps": ("steps",),
    "spike": ("rate", "peak_rate", "peak_at", "peak_lasts"),
}
"""Shape → the keys it needs; others do not belong to it."""
_OF_EVERY_SHAPE: Final = ("shape", "drop_after")


class _Step(Document):
    at: Duration
    rate: _Rate


class ArrivalsTable(Document):
    """`[<profile>.arrivals]`: rates are passes a second of all sellers together, times count from the run's start."""

    shape: Literal["constant", "ramp", "poisson", "steps", "spike"]
    rate: _Rate | None = None
    end_rate: _Rate | None = None
    peak_rate: _Rate | None = None
    peak_at: Duration | None = None
    peak_lasts: DurationAboveZero | None = None
    steps: list[_Step] | None = Field(default=None, min_length=1)
    drop_after: Duration = 5.0

    @model_validator(mode="after")
    def _keys_of_its_shape(self) -> "ArrivalsTable":
        needed = _KEYS[self.shape]
        for key in needed:
            if key not in self.model_fields_set:
                raise ValueError(f"missing key {key!r}; shape {self.shape!r} needs {', '.join(needed)}")
        for key in sorted(self.model_fields_set):
            if key not in (*needed, *_OF_EVERY_SHAPE):
                raise ValueError(f"key {key!r} is not of shape {self.shape!r}; accepted: {', '.join(needed)}")
        return self

    def plan(self, duration_s: float) -> ArrivalPlan:
        """Return the plan of a run so long; ValueError when it does not fit into it, or nobody ever arrives."""
        corners = tuple(self._corners(duration_s))
        if corners[0][0] != 0:
            raise ValueError(f"arrivals: steps: the first is at {corners[0][0]:g} s; accepted: 0 s")
        for (before_s, _), (after_s, _) in pairwise(corners):
            if after_s < before_s:
                raise ValueError(f"arrivals: steps: {after_s:g} s comes after {before_s:g} s; accepted: in order")
        if corners[-1][0] > duration_s:
            raise ValueError(f"arrivals: {corners[-1][0]:g} s is after the run's end; accepted: up to {duration_s:g} s")
        plan = ArrivalPlan(shape=self.shape, rates=corners, drop_after_s=self.drop_after)
        if expected(plan, duration_s) < 1:
            raise ValueError(f"arrivals: not one pass begins in {duration_s:g} s; accepted: higher rates")
        return plan

    def _corners(self, duration_s: float) -> Iterator[tuple[float, float]]:
        rate, peak_at_s = self.rate or 0.0, self.peak_at or 0.0
        if self.shape == "steps":
            steps = self.steps or []
            yield steps[0].at, steps[0].rate
            for before, step in pairwise(steps):
                yield from ((step.at, before.rate), (step.at, step.rate))
            return
        yield 0.0, rate
        if self.shape == "ramp":
            yield duration_s, self.end_rate or 0.0
        if self.shape == "spike":
            over_s = peak_at_s + (self.peak_lasts or 0.0)
            yield from ((peak_at_s, rate), (peak_at_s, self.peak_rate or 0.0))
            yield from ((over_s, self.peak_rate or 0.0), (over_s, rate))


def schedule(plan: ArrivalPlan, seed: int, part: int = 0, parts: int = 1) -> Iterator[float]:
    """Return when passes are to begin, in seconds since the start, in order; endless unless the rate ends at 0.

    Arrivals are where the integral of the rate reaches ½, 1½, 2½ …, or for `poisson` the next of a Poisson process of
    rate 1 that the seed alone decides. Of several processes each takes one of every `parts`: together they are exactly
    the schedule of one.
    """
    marks = _poisson_marks(seed) if plan.shape == "poisson" else (number + 0.5 for number in count())
    return islice(_times(plan, marks), part, None, parts)


def expected(plan: ArrivalPlan, until_s: float) -> float:
    """Return how many arrivals a plan means until then: the integral of its rate."""
    total = 0.0
    for (from_s, rate), (to_s, to_rate) in pairwise((*plan.rates, (math.inf, plan.rates[-1][1]))):
        if from_s >= until_s:
            break
        end_s = min(to_s, until_s)
        end_rate = to_rate if end_s == to_s or to_rate == rate else _between(from_s, rate, to_s, to_rate, end_s)
        total += (rate + end_rate) / 2 * (end_s - from_s)
    return total


def _between(from_s: float, rate: float, to_s: float, to_rate: float, at_s: float) -> float:
    return rate + (to_rate - rate) * (at_s - from_s) / (to_s - from_s)


def _poisson_marks(seed: int) -> Iterator[float]:
    drawn = random.Random(f"{seed}/arrivals")
    mark = 0.0
    while True:
        mark += drawn.expovariate(1.0)
        yield mark


def _times(plan: ArrivalPlan, marks: Iterator[float]) -> Iterator[float]:
    """Yield when the integral of the rate reaches each mark."""
    mark, before = next(marks), 0.0
    for (from_s, rate), (to_s, to_rate) in pairwise(plan.rates):
        area = (rate + to_rate) / 2 * (to_s - from_s)
        while mark <= before + area:
            yield min(to_s, from_s + _reached_s(mark - before, rate, (to_rate - rate) / (to_s - from_s)))
            mark = next(marks)
        before += area
    last_s, last_rate = plan.rates[-1]
    while last_rate > 0:
        yield last_s + (mark - before) / last_rate
        mark = next(marks)


def _reached_s(area: float, rate: float, slope: float) -> float:
    """Return when the area under a straight line is reached: of the two forms of the root the one without 0 / 0."""
    return 2 * area / (rate + math.sqrt(max(0.0, rate * rate + 2 * slope * area)))
