"""Imagine what the sellers of a profile send: who comes when, and each one's requests and pauses in order."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from heapq import heapify, heapreplace
from itertools import count, islice
from math import floor, inf, log2
from typing import Final

from runlog.workflows import ONLY_WHEN_NAMED
from settings.arrivals import schedule
from settings.bill import BILL, Send, WorkflowBill
from settings.limits import RateLimit
from settings.profile import Profile, known_workflows
from settings.target import Target

ANSWER_S: Final = 0.003
"""What a request is taken to last: as long as one that a cache answers, so that a 429 is rather predicted too early."""
REQUESTS_AT_MOST: Final = 200_000
"""As many are looked at: what a longer run adds is more of the same, and nobody waits for a sum."""
_GOLDEN: Final = 0.6180339887498949
_OF_A_PASS: Final = ("{oid}",)
"""Ids that are others in each pass, also where the seller stays the same."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A request as the simulation needs it: which limiters see it, and what tells its path from others."""

    send: Send
    limits: tuple[RateLimit, ...]
    of_seller: bool  # its path names the seller, or something of the seller's
    of_pass: bool  # its path names something each pass has anew

    @property
    def name(self) -> str:
        """How people are told of it."""
        return f"{self.send.method} {self.send.route}"

    def path(self, seller: int, number: int) -> tuple[str, int, int]:
        """Return what tells the path of this request, in pass `number` of a seller, from all others."""
        return self.send.route, seller if self.of_seller else -1, number if self.of_pass else -1


Due = tuple[Planned, int]
"""A request, and the number of the pass it is of."""


class Turn(Enum):
    """What a script says beside requests and pauses."""

    PASS = "pass"  # noqa: S105  # not a password: a pass of the open model begins as soon as one is due


@dataclass(frozen=True)
class Traffic:
    """The sellers of one profile against one target; workflows without a bill take their share and send nothing."""

    profile: Profile
    target: Target
    workflows: tuple[str, ...]

    def mix(self) -> Iterator[str]:
        """Return the workflow of each seller, in the order Locust spawns them in."""
        weights = ((self.profile.weights.get(name, 1.0), name) for name in self.workflows)
        heap = [(weight * log2(weight / (weight + 1)), weight + 1, weight, name) for weight, name in weights]
        heapify(heap)
        while True:
            _, given, weight, name = heap[0]
            yield name
            heapreplace(heap, (weight * log2(given / (given + 1)), given + 1, weight, name))

    def spawned_at_s(self, seller: int) -> float:
        """Return when a seller comes: Locust spawns whole ones, several at a time where it is many a second."""
        rate = self.profile.spawn_per_s
        at_a_time = max(1, floor(rate))
        return (seller // at_a_time) * at_a_time / rate

    def script(self, workflow: str, seller: int) -> Iterator[Due | float | Turn]:
        """Return a seller's requests, and the seconds of pause between them, without end; nothing without a bill.

        In the closed model a seller pauses after every step. In the open one he pauses between the steps of a pass, and
        a turn says where a pass begins, for that is the next arrival's to say.
        """
        plan = self._plans.get(workflow)
        if plan is None:
            return
        yield from ((planned, 0) for planned, _ in plan.setup)
        think_s = plan.think_s * self.profile.think_ratio
        drawn = (seller * _GOLDEN) % 1.0  # sellers differ in when the larger number comes up
        for number in count():
            if self.profile.arrivals is not None:
                yield Turn.PASS
            for planned, times in plan.begin:
                yield from [(planned, number)] * _drawn(times, number, drawn)
            for left in range(len(plan.steps) - 1, -1, -1):
                for planned, times in plan.steps[-1 - left]:
                    yield from [(planned, number)] * _drawn(times, number, drawn)
                if left or self.profile.arrivals is None:
                    yield think_s

    def horizon_s(self, workflows: Collection[str]) -> float:
        """Return how much of the run is looked at when so many sellers of these workflows send."""
        plan = self.profile.arrivals
        if plan is not None:
            passes = REQUESTS_AT_MOST * len(workflows) / max(1.0, sum(map(self.sends, workflows)))
            return min(self.profile.duration_s, next(islice(schedule(plan, seed=1), int(passes), None), inf))
        rps = sum(self._rps(workflow) * sellers for workflow, sellers in Counter(workflows).items())
        return min(self.profile.duration_s, REQUESTS_AT_MOST / rps) if rps else self.profile.duration_s

    def sends(self, workflow: str) -> float:
        """Return how many requests a pass makes on average; 0 without a bill."""
        plan = self._plans.get(workflow)
        return 0.0 if plan is None else sum(times for sends in (plan.begin, *plan.steps) for _, times in sends)

    def pass_s(self, workflow: str) -> float:
        """Return how long a pass lasts, with the pauses it has in this profile's load model; 0 without a bill."""
        plan = self._plans.get(workflow)
        if plan is None:
            return 0.0
        pauses = len(plan.steps) - (self.profile.arrivals is not None)
        return pauses * plan.think_s * self.profile.think_ratio + self.sends(workflow) * ANSWER_S

    def _rps(self, workflow: str) -> float:
        sent = self.sends(workflow)
        return sent / self.pass_s(workflow) if sent else 0.0

    def setup_limits(self, workflow: str) -> Iterator[RateLimit]:
        """Return the limit of each request a seller arrives with, as often as it is sent."""
        plan = self._plans.get(workflow)
        for planned, _ in () if plan is None else plan.setup:
            yield from planned.limits

    @cached_property
    def _plans(self) -> dict[str, "_Plan"]:
        return {name: self._plan(BILL[name]) for name in self.workflows if name in BILL}

    def _plan(self, bill: WorkflowBill) -> "_Plan":
        def planned(sends: tuple[Send, ...]) -> tuple[tuple[Planned, float], ...]:
            wanted = (send for send in sends if send.consent is None or send.consent in self.target.consents)
            return tuple((self._planned(send, new_wallet=bill.new_wallet), send.times) for send in wanted)

        return _Plan(
            setup=planned(bill.setup),
            begin=planned(bill.begin),
            steps=tuple(planned(sends) for sends in bill.steps.values()),
            think_s=bill.think_s,
        )

    def _planned(self, send: Send, *, new_wallet: bool) -> Planned:
        place = (send.method, send.route)
        named = "{" in send.route
        return Planned(
            send=send,
            limits=tuple(limit for limit in self.target.rate_limits if place in limit.routes),
            of_seller=named,
            of_pass=named and (new_wallet or any(name in send.route for name in _OF_A_PASS)),
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    setup: tuple[tuple[Planned, float], ...]
    begin: tuple[tuple[Planned, float], ...]
    steps: tuple[tuple[tuple[Planned, float], ...], ...]
    think_s: float


def traffic(profile: Profile, target: Target, workflows: Collection[str] | None = None) -> Traffic:
    """Return the traffic of a profile; of all workflows that take part by themselves, unless some are named."""
    return Traffic(profile, target, tuple(sorted(workflows or set(known_workflows()) - set(ONLY_WHEN_NAMED))))


def not_counted(workflows: Collection[str]) -> tuple[str, ...]:
    """Return the workflows nobody wrote a bill for: what they send is not known."""
    return tuple(name for name in workflows if name not in BILL and name not in ONLY_WHEN_NAMED)


def _drawn(times: float, number: int, drawn: float) -> int:
    """Return how often a request is sent in one pass, so that over all passes the mean is `times`."""
    return floor((number + 1) * times + drawn) - floor(number * times + drawn)
