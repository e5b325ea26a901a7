"""Workflow: a seller keeps the profile up to date and sees the change everywhere it is shown."""

from typing import Any, Final

from locust import between, task

from locustfiles._checks import CheckFailed, bare, equal, expect, same_page, same_wallet
from locustfiles._routes import OWN_PROFILE, PUBLIC_SELLER, SELLER, TIER, VERIFICATION
from locustfiles._seller import Seller

_NOT_FOUND: Final = 404
_NONE_FILED: Final = "No verification found"


class ProfileSeller(Seller):
    """Edits texts, pictures and links."""

    workflow = "profile_management"
    weight = 1
    wait_time = between(0.5, 1.5)

    tier: str | None = None

    def arrive(self) -> None:
        """Come with an open shop."""
        super().arrive()
        self.open_shop()

    @task
    def keep_up(self) -> None:
        """Go over the whole profile once."""
        self.iterate()

    def profile_update(self) -> None:
        """Read the page, change the description, look at it again."""
        self._look("profile_update")
        description = self.texts.sentence()
        with self.step("profile_update", "PUT", SELLER, json={"description": description}, w=self.w) as answer:
            data = expect(answer)
            same_wallet(data, "walletAddress", self.w)
            equal("description", data["description"], description)
        for _ in range(self.rng.randint(2, 3)):
            self._look("profile_update")

    def _look(self, step: str) -> None:
        with self.step(step, "GET", SELLER, w=self.w) as answer:
            data = expect(answer)
            same_page(data, "applicationStatus")
            same_wallet(data, "walletAddress", self.w)
            self.tier = str(data["tier"])

    def image_upload(self) -> None:
        """Upload a new profile picture."""
        self.upload("image_upload", "profile", 400)

    def social_links(self) -> None:
        """Replace all links."""
        links = self.texts.social_links()
        with self.step("social_links", "PUT", SELLER, json={"socialLinks": links}, w=self.w) as answer:
            data = expect(answer)
            same_wallet(data, "walletAddress", self.w)
            equal("socialLinks", data["socialLinks"], links)

    def verification_status(self) -> None:
        """See how far verification is, and that the tier is the one on the profile."""
        for _ in range(self.rng.randint(1, 2)):
            with self.step("verification_status", "GET", TIER, w=self.w) as answer:
                data = expect(answer)
                same_page(data, "tierDisplayName")
                same_wallet(data, "walletAddress", self.w)
                if self.tier is not None:
                    equal("tier", data["tier"], self.tier)
        with self.step("verification_status", "GET", VERIFICATION, uid=self.uid) as answer:
            if answer.status == _NOT_FOUND:  # how a deployment says that none was filed (contract.md 6.1)
                equal("message", bare(answer, _NOT_FOUND)["message"], _NONE_FILED)
            elif not isinstance(expect(answer)["status"], str):
                raise CheckFailed("no verification status")

    def data_sync(self) -> None:
        """Rename the store and see the new name in every place."""
        name = self.texts.store_name()
        with self.step("data_sync", "PUT", SELLER, json={"storeName": name}, w=self.w) as answer:
            data = expect(answer)
            same_wallet(data, "walletAddress", self.w)
            equal("storeName", data["storeName"], name)
        places: tuple[tuple[str, dict[str, Any]], ...] = (
            (SELLER, {"w": self.w}),
            (PUBLIC_SELLER, {"w": self.w}),
            (OWN_PROFILE, {}),
        )
        shown = set[str]()

        def everywhere() -> bool:
            for route, ids in places:
                if route not in shown and self._shows(name, route, ids):
                    shown.add(route)
            return len(shown) == len(places)

        self.until_visible("data_sync", everywhere, *(route for route, _ in places))

    def _shows(self, name: str, route: str, ids: dict[str, Any]) -> bool:
        with self.step("data_sync", "GET", route, unique=True, **ids) as answer:
            data = expect(answer)
            same_wallet(data, "walletAddress", self.w)
            return bool(data["storeName"] == name)
