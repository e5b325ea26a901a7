"""Workflow: somebody new connects a wallet and becomes a seller; a new wallet for every pass."""

from typing import ClassVar

from locust import between, task

from locustfiles._checks import CheckFailed, Data, expect, same_page, same_wallet
from locustfiles._routes import (
    ONBOARD_BUSINESS,
    ONBOARD_LISTING,
    ONBOARD_PAYOUT,
    ONBOARD_PROFILE,
    ONBOARD_VERIFICATION,
    ONBOARDING,
    SELLER_LISTINGS,
    SELLER_PROFILE,
    VERIFY,
)
from locustfiles._seller import Seller
from locustfiles._sending import Account


class OnboardingSeller(Seller):
    """Fills in one form after the other, once in a life."""

    workflow = "onboarding"
    weight = 1
    wait_time = between(0.5, 1.5)
    needs: ClassVar = {
        "profile_setup": ("wallet_connection",),
        "verification": ("profile_setup",),
        "first_listing": ("profile_setup",),
        "payout_setup": ("verification", "first_listing"),
    }

    def arrive(self) -> None:
        """Bring nothing: the wallet is connected in the first step."""

    @task
    def become_a_seller(self) -> None:
        """Go through the whole of onboarding."""
        self.iterate()

    def begin(self) -> None:
        """Be somebody new."""
        self.account = Account(self.load.new_wallet())

    def wallet_connection(self) -> None:
        """Sign in with a wallet the platform has never seen."""
        self.sign_in("wallet_connection", self.account)

    def profile_setup(self) -> None:
        """Create the profile and tell about the business."""
        self.need(self.account.token, "sign-in")
        profile = {
            "walletAddress": self.w,
            "storeName": self.texts.store_name(),
            "bio": self.texts.sentence(),
            "description": self.texts.sentence(),
        }
        with self.step("profile_setup", "POST", SELLER_PROFILE, json=profile) as answer:
            same_wallet(expect(answer, 200, 201), "walletAddress", self.w)
        business = {"businessType": "individual", "legalBusinessName": self.texts.store_name()}
        self._set("profile_setup", ONBOARD_PROFILE, "profile_setup", {})
        self._set("profile_setup", ONBOARD_BUSINESS, "business_info", business)

    def verification(self) -> None:
        """Have the mail address verified."""
        self.need(self.account.token, "sign-in")
        self._set("verification", ONBOARD_VERIFICATION, "verification", {"method": "email"})
        with self.step("verification", "POST", VERIFY, json={"verificationType": "email"}) as answer:
            expect(answer)

    def first_listing(self) -> None:
        """Publish the first listing."""
        self.need(self.account.token, "sign-in")
        with self.step("first_listing", "POST", SELLER_LISTINGS, json=self.texts.listing(self.w)) as answer:
            data = expect(answer, 201)
            same_wallet(data, "sellerAddress", self.w)
            lid = str(data["id"])
        self._set("first_listing", ONBOARD_LISTING, "first_listing", {"listingId": lid})

    def payout_setup(self) -> None:
        """Say where the money goes, and see onboarding completed."""
        self.need(self.account.token, "sign-in")
        self._set(
            "payout_setup", ONBOARD_PAYOUT, "payout_setup", {"method": "wallet", "address": self.account.wallet.address}
        )

        def completed() -> bool:
            with self.step("payout_setup", "GET", ONBOARDING, unique=True, w=self.w) as answer:
                data = expect(answer)
                same_page(data, "completionPercentage")
                same_wallet(data, "walletAddress", self.w)
                return data["completed"] is True and data["completionPercentage"] == 100  # noqa: PLR2004  # percent

        self.until_visible("payout_setup", completed, ONBOARDING)

    def _set(self, step: str, route: str, flag: str, details: dict[str, str]) -> None:
        """Mark one onboarding step as done and see that it is."""
        with self.step(step, "PUT", route, json={"completed": True, "data": details}, w=self.w) as answer:
            data = expect(answer)
            same_wallet(data, "walletAddress", self.w)
            done: Data = data["steps"]
            if done[flag] is not True:
                raise CheckFailed(f"steps.{flag} is not true")
