"""Workflow: a small seller meets the limit of the tier, moves up and sells more; a new wallet for every pass."""

from typing import ClassVar, Final

from locust import between, task

from locustfiles._checks import CheckFailed, accepted, equal, expect, payload, refused, same_page, same_wallet, some
from locustfiles._routes import (
    CRITERIA,
    EVALUATE,
    ONBOARD_BUSINESS,
    ONBOARD_PAYOUT,
    ONBOARD_PROFILE,
    SELLER_LISTINGS,
    TIER,
    TIER_PROGRESS,
    TIER_PROGRESSION,
)
from locustfiles._seller import Seller
from locustfiles._sending import Account

_FIRST_TIER: Final = "bronze"
_NEXT_TIER: Final = "silver"
_FIRST_LIMIT: Final = 5
"""Active listings a bronze seller may have (design.md, The sandbox)."""
_FORBIDDEN: Final = 403


class TierSeller(Seller):
    """Grows out of bronze."""

    workflow = "tier_upgrade"
    weight = 1
    wait_time = between(0.5, 1.5)
    needs: ClassVar = {
        "automated_upgrade": ("limit_enforcement",),
        "benefit_activation": ("automated_upgrade",),
    }

    def arrive(self) -> None:
        """Bring nothing: every pass has a seller of its own."""

    @task
    def grow(self) -> None:
        """Move up one tier."""
        self.iterate()

    def begin(self) -> None:
        """Be a new seller with onboarding done and an empty shelf; setup."""
        self.account = Account(self.load.new_wallet())
        self.sign_in(None, self.account)
        self.open_shop()
        for route in (ONBOARD_PROFILE, ONBOARD_BUSINESS, ONBOARD_PAYOUT):
            with self.step(None, "PUT", route, json={"completed": True}, w=self.w) as answer:
                same_wallet(expect(answer), "walletAddress", self.w)

    def progress_tracking(self) -> None:
        """See how far the next tier is, and look again."""
        for _ in range(self.rng.randint(2, 3)):
            with self.step("progress_tracking", "GET", TIER_PROGRESS, w=self.w) as answer:
                data = expect(answer)
                same_page(data, "progressPercentage")
                same_wallet(data, "walletAddress", self.w)
                equal("currentTier", data["currentTier"], _FIRST_TIER)

    def eligibility(self) -> None:
        """See what is asked for the next tier."""
        with self.step("eligibility", "GET", TIER_PROGRESSION, uid=self.uid) as answer:
            for requirement in some(expect(answer).objects("requirements"), "requirements"):
                requirement.number("current")
                requirement.number("required")
                if not isinstance(requirement["met"], bool):
                    raise CheckFailed("requirements[].met is not true or false")

    def limit_enforcement(self) -> None:
        """Fill the shelf to the tier's limit and be refused past it, not before."""
        for _ in range(_FIRST_LIMIT):
            self._publish("limit_enforcement")
        with self.step("limit_enforcement", "POST", SELLER_LISTINGS, json=self.texts.listing(self.w)) as answer:
            refused(answer, _FORBIDDEN, "TIER_LIMIT_EXCEEDED")

    def automated_upgrade(self) -> None:
        """Be evaluated, move up, and be told."""
        with self.step("automated_upgrade", "POST", EVALUATE, json={}) as answer:
            accepted(answer)

        def moved_up() -> bool:
            with self.step("automated_upgrade", "GET", TIER, unique=True, w=self.w) as answer:
                data = expect(answer)
                same_page(data, "tierDisplayName")
                same_wallet(data, "walletAddress", self.w)
                return bool(data["tier"] == _NEXT_TIER)

        self.until_visible("automated_upgrade", moved_up, TIER)
        self.told("tier_upgraded")

    def benefit_activation(self) -> None:
        """Publish what was refused before."""
        with self.step("benefit_activation", "GET", CRITERIA) as answer:
            payload(answer)
        self._publish("benefit_activation")

    def _publish(self, step: str) -> None:
        with self.step(step, "POST", SELLER_LISTINGS, json=self.texts.listing(self.w)) as answer:
            same_wallet(expect(answer, 201), "sellerAddress", self.w)
