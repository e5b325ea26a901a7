"""Clean up as stand-ins for sellers whose shelves and keys are given, and print what came of it as one JSON object."""

import itertools
import json
import sys
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar

from locustfiles._checks import CheckFailed, Data, StepFailed, Unreached
from locustfiles._trial_clean import Cleaner, Leftovers, Tally, _found, leftovers
from locustfiles._wallets import wallets
from runlog.created import Created, Kind, Registry
from runlog.schema import Outcome

SECRET = b"for tests"


class Stub:
    """What cleaning up asks of a seller; `pages` are what each look at the shelf shows."""

    clean = Cleaner.clean
    _take_down = Cleaner._take_down
    _shelf = Cleaner._shelf
    w = "0xaa"

    def __init__(self, pages: list[list[dict[str, str]]], fails: dict[str, StepFailed]) -> None:
        self._pages, self._fails, self.sent = iter(pages), fails, list[str]()

    def sign_in(self, _step: None, _account: Any) -> None:
        self.sent.append("sign in")

    @contextmanager
    def step(self, _step: None, method: str, route: str, **given: Any) -> Any:
        self.sent.append(f"{method} {given.get('lid') or route.rpartition('/')[2]}")
        if given.get("lid") in self._fails:
            raise self._fails[given["lid"]]
        body = {"success": True, "data": {"listings": next(self._pages)}} if method == "GET" else {"success": True}
        yield SimpleNamespace(status=200, json=lambda: body, body=b"", expected=False)


def shelf(*names: str, status: str = "active", title: str = "SG lamp") -> list[dict[str, str]]:
    return [Data({"id": name, "title": title, "status": status}) for name in names]


def clean(left: Leftovers, *pages: list[dict[str, str]], **fails: StepFailed) -> dict[str, Any]:
    stub: Any = Stub(list(pages), fails)
    tally, failed = Tally(1), None
    try:
        stub.clean(None, left, tally)
    except StepFailed as failure:
        failed = str(failure)
    return {"sent": stub.sent, "down": tally.down, "gone": tally.gone, "failed": failed}


def left(*listings: str, **more: bool) -> Leftovers:
    return Leftovers("0xaa", set(listings), **more)


class Load:
    """A load whose pools and new wallets are made as a run makes them."""

    def __init__(self) -> None:
        self._pools: dict[str, Any] = {}
        self.new = wallets(SECRET, "run r1", itertools.count())

    def pool_wallet(self, workflow: str) -> Any:
        return next(self._pools.setdefault(workflow, wallets(SECRET, f"pool/{workflow}", itertools.count())))

    def new_wallet(self) -> Any:
        return next(self.new)


def keys() -> dict[str, bool]:
    """Return which of a run's wallets are found again."""
    other, owner = Load(), {}
    for workflow in ("listing", "ninth"):
        for number in range(3):
            owner[f"{workflow} of the pool {number}"] = (other.pool_wallet(workflow), workflow)
    for number, workflow in enumerate(("onboarding", "tier_upgrade", "ninth")):
        owner[f"new {workflow} {number}"] = (other.new_wallet(), workflow)
    stranger = next(wallets(b"another", "pool/listing", itertools.count()))
    owner["stranger"] = (stranger, "listing")
    created = [Created(Kind.LISTING, name, made.lower, 1.0, workflow) for name, (made, workflow) in owner.items()]
    registry = Registry(0, "pool", tuple(created))
    load: Any = Load()
    found = {address: wallet is not None for address, wallet in _found(load, leftovers(registry), registry)}
    return {name: found[made.lower] for name, (made, _) in owner.items()}


class Full:
    """A page of a hundred."""

    page: ClassVar = shelf(*(f"p{number}" for number in range(100)))


json.dump(
    {
        "own active ones": clean(left("a", "b", "gone"), shelf("a", "b", "other")),
        "one not active": clean(left("a", "b"), shelf("a") + shelf("b", status="inactive")),
        "unnamed": clean(left("a", unnamed=True), shelf("a", "x") + shelf("y", title="Real lamp")),
        "one fails": clean(left("a", "b"), shelf("a", "b"), a=CheckFailed("no")),
        "nobody answers": clean(left("a", "b"), shelf("a", "b"), a=Unreached(Outcome.CONNECT_ERROR, "refused")),
        "notified": clean(left(notified=True)),
        "second page": clean(left("p0", "q"), Full.page, shelf("q")),
        "same page again": clean(left("p0", "q"), Full.page, Full.page),
        "keys": keys(),
    },
    sys.stdout,
)
