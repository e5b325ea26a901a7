"""Hold every cached page against one computed afresh, after any sequence of writes."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.buyer import Buyers
from sandbox.routes import ROUTES
from tests.sandbox.conftest import InProcess, M

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Town:
    """Two sellers who know each other, every write they can make, and every page that is cached."""

    def __init__(self) -> None:
        self.sandbox = InProcess()
        self.people = [self.sandbox.user(number) for number in (1, 2)]
        self.unique = itertools.count()
        self.listings: list[tuple[int, str]] = []
        self.conversation = ""
        self.buyers = Buyers(self.sandbox.control.shop)
        for who in (0, 1):
            self.write(who, "POST", f"{M}/seller/profile", {"walletAddress": self.people[who][0], "storeName": "a"})
            self.new_listing(who)

    def write(self, who: int, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self.sandbox(method, path, body or {}, token=self.people[who][2])
        assert answer.status < 500, (method, path, answer.body)
        document: dict[str, Any] = answer.json
        return document

    def new_listing(self, who: int) -> None:
        body = {"walletAddress": self.people[who][0], "title": "t", "description": "d", "price": 5, "categoryId": "art"}
        answer = self.write(who, "POST", f"{M}/seller/listings", body)
        if answer["success"]:
            self.listings.append((who, answer["data"]["id"]))

    def orders(self, who: int) -> list[str]:
        wallet, _, token = self.people[who]
        path = f"{M}/seller/orders/{wallet}?u={next(self.unique)}"
        return [order["id"] for order in self.sandbox("GET", path, token=token).data["orders"]]

    def pages(self) -> Iterator[tuple[str, str]]:
        """Yield every cached page with the token to read it with."""
        ids = {"w": [person[0] for person in self.people], "lid": [lid for _, lid in self.listings[-4:]]}
        for route in ROUTES:
            if not route.tags:
                continue
            name = next((name for name in ids if f"{{{name}}}" in route.template), None)
            for value in ids[name] if name else [""]:
                token = next((person[2] for person in self.people if person[0] == value), self.people[0][2])
                yield route.template.replace(f"{{{name}}}", value), token


def _update(town: Town, who: int, draw: random.Random) -> None:
    town.write(who, "PUT", f"{M}/seller/{town.people[who][0]}", {"storeName": f"n{draw.random()}"})


def _onboard(town: Town, who: int, draw: random.Random) -> None:
    step = draw.choice(["profile-setup", "business-info", "payout-setup", "verification"])
    body = {"completed": draw.random() < 0.8}
    town.write(who, "PUT", f"{M}/seller/onboarding/{town.people[who][0]}/{step}", body)


def _verify(town: Town, who: int, draw: random.Random) -> None:
    town.write(who, "POST", "/api/sellers/verify", {"verificationType": draw.choice(["email", "phone"])})


def _listing(town: Town, who: int, _draw: random.Random) -> None:
    town.new_listing(who)


def _change(town: Town, who: int, draw: random.Random) -> None:
    mine = [lid for owner, lid in town.listings if owner == who]
    change = draw.choice(
        [
            {"price": f"{draw.random() + 0.1:.8f}"},
            {"status": draw.choice(["active", "inactive", "draft", "sold_out"])},
            {"categoryId": f"made up {draw.randrange(5)}"},
            {"title": f"t{draw.random()}"},
        ]
    )
    town.write(who, "PUT", f"{M}/seller/listings/{draw.choice(mine)}", change)


def _delete(town: Town, who: int, draw: random.Random) -> None:
    mine = [lid for owner, lid in town.listings if owner == who]
    town.write(who, "DELETE", f"{M}/seller/listings/{draw.choice(mine)}")


def _view(town: Town, who: int, draw: random.Random) -> None:
    town.write(who, "POST", f"{M}/listings/{draw.choice(town.listings)[1]}/view")
    if draw.random() < 0.5:
        town.sandbox.control.shop.tallies.fold(town.sandbox.control.shop.db)


def _notify(town: Town, who: int, draw: random.Random) -> None:
    town.write(who, "POST", "/api/user-notifications", {"title": "t", "message": f"m{draw.random()}"})


def _read(town: Town, who: int, draw: random.Random) -> None:
    if draw.random() < 0.3:
        town.write(who, "POST", "/api/user-notifications/read-all")
        return
    town.write(who, "PUT", f"{M}/seller/dashboard/notifications/{draw.randrange(1, 6)}/read")


def _evaluate(town: Town, who: int, _draw: random.Random) -> None:
    town.write(who, "POST", "/api/sellers/tier/evaluate")


def _buy(town: Town, who: int, _draw: random.Random) -> None:
    town.orders(who)
    town.buyers.go_round()


def _fulfil(town: Town, who: int, draw: random.Random) -> None:
    for order in town.orders(who)[:1]:
        base = f"{M}/seller/orders"
        status = draw.choice(["processing", "delivered", "completed", "cancelled"])
        if draw.random() < 0.5:
            town.write(who, "POST", f"{base}/bulk-status", {"orderIds": [order], "status": status, "notes": "n"})
        elif draw.random() < 0.5:
            town.write(who, "POST", f"{base}/{order}/ready")
        else:
            town.write(who, "POST", f"{base}/{order}/ship", {"carrier": "UPS", "trackingNumber": "1Z" + "1" * 16})


def _talk(town: Town, who: int, _draw: random.Random) -> None:
    body = {"participantAddress": town.people[1 - who][0]}
    conversation = town.write(who, "POST", "/api/messaging/conversations", body)["data"]["id"]
    path = f"/api/messaging/conversations/{conversation}/messages"
    town.write(who, "POST", path, {"content": "x", "encryptionMetadata": {}})


WRITES: dict[str, Callable[[Town, int, random.Random], None]] = {
    "update": _update,
    "onboard": _onboard,
    "verify": _verify,
    "listing": _listing,
    "change": _change,
    "delete": _delete,
    "view": _view,
    "notify": _notify,
    "read": _read,
    "evaluate": _evaluate,
    "buy": _buy,
    "fulfil": _fulfil,
    "talk": _talk,
}


def assert_pages_are_fresh(town: Town) -> int:
    """Compare each page with the same page under a query nobody asked before; returns how many were hits."""
    hits = 0
    for path, token in town.pages():
        kept = town.sandbox("GET", path, token=token)
        fresh = town.sandbox("GET", f"{path}?u={next(town.unique)}", token=token)
        assert fresh.headers["x-cache"] == "MISS"
        assert kept.data == fresh.data, f"{path} ({kept.headers['x-cache']}) shows what no longer is"
        hits += kept.headers["x-cache"] == "HIT"
    return hits


actions = st.lists(st.tuples(st.sampled_from(sorted(WRITES)), st.integers(0, 1)), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(actions, st.integers(0, 2**32))
def test_read_after_any_writes_is_never_stale(writes: list[tuple[str, int]], seed: int) -> None:
    town, draw = Town(), random.Random(seed)
    try:
        for name, who in writes:
            assert_pages_are_fresh(town)  # fills the cache with the state before the write
            WRITES[name](town, who, draw)
        assert_pages_are_fresh(town)
        assert assert_pages_are_fresh(town) > 10  # nothing was written since: the pages come from the cache
    finally:
        town.sandbox.close()


@pytest.mark.parametrize("name", sorted(WRITES))
def test_write_leaves_the_other_sellers_pages_in_the_cache(name: str) -> None:
    """Invalidation is exact: what a write does not change stays a hit."""
    town = Town()
    try:
        WRITES["buy"](town, 0, random.Random(1))
        assert_pages_are_fresh(town)
        town.sandbox.control.shop.watchers._seen_at_s.clear()  # reading every page made both sellers look at orders
        WRITES[name](town, 0, random.Random(1))
        wallet, _, token = town.people[1]
        for path in (f"{M}/seller/{wallet}/tier", f"{M}/seller/dashboard/analytics/{wallet}", f"{M}/sellers/{wallet}"):
            assert town.sandbox("GET", path, token=token).headers["x-cache"] == "HIT", path
    finally:
        town.sandbox.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "kept"),
    [
        ("PUT", f"{M}/seller/{{w}}", {"location": "Oslo"}, f"{M}/seller/{{w}}/tier"),
        ("PUT", f"{M}/seller/{{w}}", {"location": "Oslo"}, f"{M}/seller/onboarding/{{w}}"),
        ("PUT", f"{M}/seller/listings/{{lid}}", {"price": "2"}, f"{M}/seller/{{w}}"),
        ("PUT", f"{M}/seller/listings/{{lid}}", {"price": "2"}, f"{M}/seller/dashboard/{{w}}"),
        ("PUT", f"{M}/seller/listings/{{lid}}", {"price": "2"}, f"{M}/seller/{{w}}/tier/progress"),
        ("POST", f"{M}/listings/{{lid}}/view", {}, f"{M}/listings/{{lid}}"),
        ("POST", "/api/user-notifications/read-all", {}, f"{M}/seller/dashboard/notifications/{{w}}"),
        ("POST", "/api/sellers/tier/evaluate", {}, f"{M}/seller/{{w}}/tier"),
    ],
)
def test_write_keeps_own_pages_it_does_not_change(method: str, path: str, body: dict[str, Any], kept: str) -> None:
    town = Town()
    try:
        assert_pages_are_fresh(town)
        names = {"w": town.people[0][0], "lid": town.listings[0][1]}
        town.write(0, method, path.format(**names), body)
        assert town.sandbox("GET", kept.format(**names), token=town.people[0][2]).headers["x-cache"] == "HIT"
    finally:
        town.sandbox.close()


def test_completed_order_shows_on_the_profile_and_the_way_to_the_next_tier() -> None:
    town = Town()
    try:
        WRITES["buy"](town, 0, random.Random(1))
        wallet, order = town.people[0][0], town.orders(0)[0]
        assert_pages_are_fresh(town)
        town.write(0, "POST", f"{M}/seller/orders/bulk-status", {"orderIds": [order], "status": "completed"})
        assert_pages_are_fresh(town)
        assert town.sandbox("GET", f"{M}/seller/{wallet}").data["stats"]["completedOrders"] == 1
    finally:
        town.sandbox.close()
