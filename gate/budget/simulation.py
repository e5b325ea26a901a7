"""Play a profile against a deployment's rate limits, second by second and without sending anything."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf
from typing import Final

from gate.budget.offers import working_s
from gate.budget.traffic import ANSWER_S, Planned, Traffic, Turn
from gate.budget.windows import Key, PacedWindows, ServerWindows, Windows
from settings.arrivals import schedule
from settings.limits import RateLimit

TOLERATED_WAIT_RATIO: Final = 0.1
"""Sellers who spend more of their time waiting for a limit than this are no longer the profile's sellers."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The first request above a limit."""

    at_s: float
    limit: RateLimit
    route: str  # "POST /api/…"


@dataclass(slots=True)
class Played:
    """What a simulation showed."""

    sent: int = 0  # requests that reached a cache or the server
    steady_sent: int = 0  # those after the last seller had come
    unique_keys_at_most: int = 0  # cache entries of unique queries alive at the same time
    refused: Refused | None = None  # unpaced: what ended it
    waited_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # paced: workflow → seconds
    waits_s: dict[tuple[RateLimit, str], float] = field(default_factory=lambda: defaultdict(float))  # limit, route
    wait_ratio: float = 0.0  # of the workflow that waited most; above the tolerated one it ended there

    @property
    def too_long(self) -> bool:
        """Whether sellers wait more than is tolerated."""
        return self.wait_ratio > TOLERATED_WAIT_RATIO


class Simulation:
    """Some sellers of a traffic, each with an address: one of several, in turn, or one of its own."""

    def __init__(self, traffic: Traffic, sellers: int, addresses: int | None) -> None:
        """`addresses` None: every seller has one of its own."""
        self._traffic = traffic
        self._addresses = addresses or sellers
        self._cached_for_s = traffic.target.cached_for_s
        mix = traffic.mix()
        self._workflows = [next(mix) for _ in range(sellers)]
        self.duration_s = traffic.horizon_s(self._workflows)
        self._spawned_s = [traffic.spawned_at_s(seller) for seller in range(sellers)]
        self._present_s: dict[str, float] = defaultdict(float)
        for workflow, at_s in zip(self._workflows, self._spawned_s, strict=True):
            self._present_s[workflow] += max(0.0, self.duration_s - at_s)
        if traffic.profile.arrivals is not None:  # who is idle does not wait for a limit, and must not hide who does
            for workflow, at_work_s in working_s(traffic, self._workflows, self.duration_s).items():
                self._present_s[workflow] = at_work_s

    def until_refused(self) -> Played:
        """Send as people would, whatever the limits, until the first 429 or the profile's end."""
        return self._play(ServerWindows())

    def paced(self) -> Played:
        """Send within the limits; ends early once sellers wait too much."""
        return self._play(PacedWindows())

    def _play(self, windows: Windows) -> Played:
        played = Played()
        arrivals = self._arrivals()
        scripts = [self._traffic.script(workflow, seller) for seller, workflow in enumerate(self._workflows)]
        due = [(at_s, seller) for seller, at_s in enumerate(self._spawned_s)]
        heapify(due)
        cached: dict[Key, float] = {}
        uniques: deque[float] = deque()
        while due:
            now_s, seller = heappop(due)
            if now_s >= self.duration_s:
                break
            coming = next(scripts[seller], None)
            if coming is None:
                continue
            if isinstance(coming, float):
                heappush(due, (now_s + coming, seller))
                continue
            if isinstance(coming, Turn):
                heappush(due, (self._begins_s(arrivals, now_s), seller))
                continue
            request, number = coming
            path = request.path(seller, number)
            hit = self._is_hit(request, path, now_s, cached)
            sent_s = self._sent_at(request, path, seller, now_s, hit=hit, windows=windows, played=played)
            if sent_s is None or played.too_long:
                break
            self._count(request, sent_s, played, uniques)
            heappush(due, (sent_s + ANSWER_S, seller))
        return played

    def _arrivals(self) -> Iterator[float]:
        """Return when passes are to begin; nothing in the closed model. Any seed stands for all."""
        plan = self._traffic.profile.arrivals
        return iter(()) if plan is None else schedule(plan, seed=1)

    def _begins_s(self, arrivals: Iterator[float], now_s: float) -> float:
        """Return when a seller who is idle now begins his next pass: at once, or with the next arrival not dropped."""
        plan = self._traffic.profile.arrivals
        if plan is None:
            return now_s
        wanted = (at_s for at_s in arrivals if at_s >= now_s - plan.drop_after_s)
        return max(now_s, next(wanted, inf))

    def _is_hit(self, request: Planned, path: Key, now_s: float, cached: dict[Key, float]) -> bool:
        """Return whether the deployment's cache answers; what it does not know it knows from then on."""
        if not self._cached_for_s or request.send.unique or request.send.method != "GET":
            return False
        if cached.get(path, 0.0) > now_s:
            return True
        cached[path] = now_s + self._cached_for_s
        return False

    def _sent_at(
        self, request: Planned, path: Key, seller: int, now_s: float, *, hit: bool, windows: Windows, played: Played
    ) -> float | None:
        """Return when a request that is due now is sent; None when a limit refuses it."""
        sent_s = now_s
        for limit in request.limits:
            if hit and not limit.cached_count:
                continue
            key = (limit.name, seller % self._addresses, path if limit.per_path else None)
            at_s = windows.at_s(limit, key, sent_s)
            if at_s is None:
                played.refused = Refused(now_s, limit, request.name)
                return None
            if at_s > sent_s:
                self._waited(request, limit, seller, min(at_s, self.duration_s) - sent_s, played)
            sent_s = at_s
        return sent_s

    def _waited(self, request: Planned, limit: RateLimit, seller: int, seconds: float, played: Played) -> None:
        workflow = self._workflows[seller]
        played.waits_s[limit, request.name] += seconds
        played.waited_s[workflow] += seconds
        played.wait_ratio = max(played.wait_ratio, played.waited_s[workflow] / self._present_s[workflow])

    def _count(self, request: Planned, sent_s: float, played: Played, uniques: deque[float]) -> None:
        if sent_s >= self.duration_s:
            return
        played.sent += 1
        played.steady_sent += sent_s >= self._spawned_s[-1]
        if request.send.unique and self._cached_for_s:
            uniques.append(sent_s)
            while uniques[0] <= sent_s - self._cached_for_s:
                uniques.popleft()
            played.unique_keys_at_most = max(played.unique_keys_at_most, len(uniques))
