"""Hold each tier to its limit, from both sides, and move sellers up only when everything is met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.tiers import TIERS, Requirement, next_tier
from tests.sandbox.conftest import M

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Answer, InProcess


class Shelf:
    """A seller of a given tier in a sandbox without a socket."""

    def __init__(self, sandbox: InProcess, tier: str) -> None:
        self.sandbox = sandbox
        self.wallet, self.uid, self.token = sandbox.user(1)
        self.ask("POST", f"{M}/seller/profile", {"walletAddress": self.wallet, "storeName": "x"})
        sandbox.control.shop.db.write("UPDATE sellers SET tier = ?", tier)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        return self.sandbox(method, path, body, token=self.token)

    def publish(self) -> Answer:
        body = {"walletAddress": self.wallet, "title": "t", "description": "d", "price": 5, "categoryId": "art"}
        return self.ask("POST", f"{M}/seller/listings", body)

    def onboard(self) -> None:
        for step in ("profile-setup", "business-info", "payout-setup"):
            self.ask("PUT", f"{M}/seller/onboarding/{self.wallet}/{step}", {"completed": True})

    def sell(self, count: int) -> None:
        for number in range(count):
            self.sandbox.control.shop.db.write(
                "INSERT INTO orders VALUES (?, ?, 'b', 'b', 'l', 't', 'completed', 1, 0, 0, 0, '', '', '', 0, 0)",
                f"order-{number}", self.wallet,
            )  # fmt: skip

    def evaluate(self) -> dict[str, Any]:
        data: dict[str, Any] = self.ask("POST", "/api/sellers/tier/evaluate", {}).data
        return data


@pytest.mark.parametrize(("tier", "limit"), [("bronze", 5), ("silver", 15), ("gold", 50), ("platinum", 100)])
def test_limit_is_reached_exactly_and_not_passed(inside: Callable[..., InProcess], tier: str, limit: int) -> None:
    shelf = Shelf(inside(), tier)
    assert [shelf.publish().status for _ in range(limit)] == [201] * limit
    refused = shelf.publish()
    assert (refused.status, refused.code) == (403, "TIER_LIMIT_EXCEEDED")


def test_only_active_listings_use_up_the_limit(inside: Callable[..., InProcess]) -> None:
    shelf = Shelf(inside(), "bronze")
    ids = [shelf.publish().data["id"] for _ in range(5)]
    path = f"{M}/seller/listings/{ids[0]}"
    assert shelf.ask("PUT", path, {"status": "inactive"}).status == 200
    assert shelf.publish().status == 201
    back = shelf.ask("PUT", path, {"status": "active"})
    assert (back.status, back.code) == (403, "TIER_LIMIT_EXCEEDED")
    assert shelf.ask("PUT", f"{M}/seller/listings/{ids[1]}", {"status": "active"}).status == 200  # it already is
    assert shelf.ask("DELETE", f"{M}/seller/listings/{ids[1]}").status == 200
    assert shelf.ask("PUT", path, {"status": "active"}).status == 200


@pytest.mark.parametrize(
    ("listings", "onboarded", "tier"),
    [(3, True, "silver"), (2, True, "bronze"), (3, False, "bronze"), (5, True, "silver")],
)
def test_bronze_needs_onboarding_and_three_active_listings(
    inside: Callable[..., InProcess], listings: int, tier: str, *, onboarded: bool
) -> None:
    shelf = Shelf(inside(), "bronze")
    for _ in range(listings):
        shelf.publish()
    if onboarded:
        shelf.onboard()
    eligible = shelf.ask("GET", f"/api/seller-analytics/{shelf.uid}/tier-progression").data["eligible"]
    assert eligible is (tier == "silver")
    evaluated = shelf.evaluate()
    assert (evaluated["upgraded"], evaluated["currentTier"]) == (eligible, tier)
    assert shelf.ask("GET", f"{M}/seller/{shelf.wallet}/tier").data["tier"] == tier


@pytest.mark.parametrize(("sales", "tier"), [(9, "silver"), (10, "gold")])
def test_silver_needs_ten_completed_orders(inside: Callable[..., InProcess], sales: int, tier: str) -> None:
    shelf = Shelf(inside(), "silver")
    for _ in range(10):
        shelf.publish()
    shelf.onboard()
    shelf.sell(sales)
    assert shelf.evaluate()["currentTier"] == tier


def test_seller_moves_one_tier_at_a_time_and_stops_at_the_top(inside: Callable[..., InProcess]) -> None:
    shelf = Shelf(inside(), "platinum")
    for _ in range(40):
        shelf.publish()
    shelf.onboard()
    shelf.sell(50)
    shelf.sandbox.control.shop.db.write("UPDATE sellers SET tier = 'bronze'")
    assert [shelf.evaluate()["currentTier"] for _ in range(4)] == ["silver", "gold", "platinum", "platinum"]
    assert shelf.evaluate()["upgraded"] is False
    top = shelf.ask("GET", f"/api/seller-analytics/{shelf.uid}/tier-progression").data
    assert (top["nextTier"], top["requirements"], top["eligible"]) == (None, [], False)
    assert shelf.ask("GET", f"{M}/seller/{shelf.wallet}/tier/progress").data["progressPercentage"] == 100


def test_tiers_follow_each_other() -> None:
    assert [tier.name for tier in TIERS] == ["bronze", "silver", "gold", "platinum"]
    assert next_tier("gold") == TIERS[3]
    assert next_tier("platinum") is None


@pytest.mark.parametrize(("current", "met"), [(2, False), (3, True), (4, True)])
def test_requirement_is_met_at_its_value(current: int, *, met: bool) -> None:
    assert Requirement("activeListings", current, 3).met is met
