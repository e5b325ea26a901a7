"""Walk and wait with stand-ins for sellers, and print what came of each case as one JSON object.

Locust patches the standard library of the process it is imported into, which is therefore not the one of the tests.
"""

import json
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar

import gevent

from locustfiles import _waiting
from locustfiles._checks import Blocked, CheckFailed, Stale, StepFailed
from locustfiles._seller import Seller
from locustfiles._waiting import Waiter, _counted_from_s
from locustfiles.listing import ListingSeller
from locustfiles.onboarding import OnboardingSeller
from locustfiles.tier_upgrade import TierSeller

FAILED, BLOCKED = CheckFailed("x"), Blocked("y")


class Walker:
    """What walking through a pass asks of a seller."""

    steps: ClassVar = ("a", "b", "c")
    _walk = Seller._walk

    def __init__(self, fails: dict[str, StepFailed], gaps: str) -> None:
        self._fails, self._gaps, self.walked = fails, set(gaps), ""
        self._at = ""

    def think(self) -> None:
        pass

    def __getattr__(self, step: str) -> Any:
        if step not in self.steps:
            raise AttributeError(step)

        def do() -> None:
            self.walked += step
            if step in self._fails:
                raise self._fails[step]

        return do


def walk(fails: dict[str, StepFailed], gaps: str) -> list[str]:
    walker = Walker(fails, gaps)
    return [walker._walk()[0], walker.walked]


class Watcher:
    """What waiting asks of a seller."""

    _budget_s = Waiter._budget_s
    until_known = Waiter.until_known
    until_visible = Waiter.until_visible

    def __init__(self, **budgets_s: float) -> None:
        self.event: list[Any] = []
        self.thought_s = 7.0  # of what the pass did before
        self.load = SimpleNamespace(freshness_budget_s=budgets_s.__getitem__)

    def _record_event(self, kind: Any, _step: Any, _at_s: Any, outcome: Any, time_ms: float, error: Any) -> None:
        self.event = [kind, outcome, time_ms, error]


def look(ahead_s: float | None) -> Any:
    """Return a look that takes 20 ms and sees a stamp so far ahead of our clock, or nothing."""

    def seen() -> float | None:
        time.sleep(0.02)
        return None if ahead_s is None else time.time() + ahead_s

    return seen


def wait(ahead_s: float | None, **budgets_s: float) -> list[Any]:
    watcher: Any = Watcher(**budgets_s)
    try:
        watcher.until_known("step", look(ahead_s), 0.1, *budgets_s)
    except Stale as stale:
        return [*watcher.event, str(stale)]
    return [*watcher.event, None]


def held_back(held_s: float, *, shown: bool, **budgets_s: float) -> list[Any]:
    """Wait with a look that takes 50 ms, so much of it for room in a rate limit."""
    watcher: Any = Watcher(**budgets_s)
    began_at_s = time.time()

    def seen() -> float | None:
        time.sleep(0.05)
        watcher.thought_s += held_s
        return began_at_s if shown else None

    with suppress(Stale):
        watcher.until_known("step", seen, 0.02, *budgets_s)
    return list(watcher.event)


def visible(ahead_s: float | None, **budgets_s: float) -> list[Any]:
    watcher: Any = Watcher(**budgets_s)
    with suppress(Stale):
        watcher.until_visible("step", lambda: look(ahead_s)() is not None, *budgets_s)
    return list(watcher.event)


def refused(needs: dict[str, tuple[str, ...]]) -> str:
    body = {"workflow": "ninth", "steps": ("first", "second"), "needs": needs}
    try:
        type("NinthSeller", (Seller,), body | {"first": lambda _: None, "second": lambda _: None})
    except TypeError as error:
        return str(error)
    return "accepted"


def gaps_of(days: int) -> list[str]:
    """Return the gaps a seller of listing knows of one that expires in so many days, and one of another workflow."""
    expires = (datetime.now(UTC).date() + timedelta(days=days)).isoformat()
    gaps = [
        SimpleNamespace(workflow="listing", step="creation", expires=expires),
        SimpleNamespace(workflow="store", step="category", expires="9999-01-01"),
    ]

    def born(seller: Any, _environment: Any) -> None:
        target = SimpleNamespace(gaps=gaps)
        seller.load, seller.rng = SimpleNamespace(target=target, think_ratio=0, arrivals=None), None

    Waiter.__init__ = born  # type: ignore[method-assign]  # no client, no load: only what gaps are read from
    return sorted(ListingSeller(SimpleNamespace())._gaps)


_waiting._POLL_S = 0.001  # type: ignore[misc]  # nobody is asked here
gevent.sleep(0)
json.dump(
    {
        "walk": {
            "nothing failed": walk({}, ""),
            "failed": walk({"b": FAILED}, ""),
            "declared": walk({"b": FAILED}, "b"),
            "another is declared": walk({"b": FAILED}, "c"),
            "blocked by a gap": walk({"a": FAILED, "b": BLOCKED}, "a"),
            "both declared": walk({"a": FAILED, "b": BLOCKED}, "ab"),
        },
        "from": {
            str(since_s): _counted_from_s(since_s, unseen_at_s=99.0, asked_at_s=100.0, now_s=100.05)
            for since_s in (90.0, 100.0, 100.01, 100.05, 100.06, 5_000.0)
        },
        "wait": {
            "future": wait(60.0, a=5.0),
            "late": wait(-1.0, a=0.01),
            "late at one, in time at the other": wait(-1.0, a=0.01, b=9.0),
            "never": wait(None, a=5.0),
            "visible": visible(0.0, a=5.0),
            "invisible": visible(None, a=0.05),
            "late, held back": held_back(0.045, shown=True, a=0.02),
            "late, held back a little": held_back(0.005, shown=True, a=0.02),
            "in time, held back": held_back(0.045, shown=True, a=5.0),
        },
        "before": {
            "nothing": ListingSeller.before("creation"),
            "one, not those between": ListingSeller.before("category"),
            "what it needs needs": OnboardingSeller.before("verification"),
            "in order": TierSeller.before("benefit_activation"),
        },
        "refused": {
            "a later step": refused({"first": ("second",)}),
            "itself": refused({"first": ("first",)}),
            "unknown": refused({"second": ("no such",)}),
            "of an unknown step": refused({"no such": ("first",)}),
            "an earlier step": refused({"second": ("first",)}),
        },
        "gaps": {"last day": gaps_of(0), "day after": gaps_of(-1)},
    },
    sys.stdout,
)
