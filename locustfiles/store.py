"""Workflow: a store is visited, tended and talked to; the seller and the buyers who come by."""

from typing import Final

from locust import between, task

from locustfiles._checks import (
    accepted,
    among,
    equal,
    expect,
    payload,
    same_id,
    same_kind,
    same_page,
    same_wallet,
)
from locustfiles._routes import (
    CONVERSATIONS,
    DASHBOARD_ANALYTICS,
    LISTING,
    LISTING_VIEW,
    LISTINGS_OF,
    MESSAGES,
    MESSAGING_ANALYTICS,
    PUBLIC_LISTINGS,
    SELLER,
)
from locustfiles._seller import Seller
from locustfiles._sending import Account

_AWAY_EVERY: Final = 5
"""In one of so many passes the seller is offline when a buyer writes."""


class StoreSeller(Seller):
    """Keeps a store that buyers come back to."""

    workflow = "store"
    weight = 1
    wait_time = between(0.5, 1.5)

    shelf: str
    buyer: Account

    def arrive(self) -> None:
        """Come with an open shop, something on the shelf, and a buyer who knows the place."""
        super().arrive()
        self.open_shop()
        self.shelf = self.put_on_shelf()
        self.buyer = Account(self.load.pool_wallet("buyers"))
        self.sign_in(None, self.buyer)

    @task
    def tend(self) -> None:
        """Tend the store for a while."""
        self.iterate()

    def store_page(self) -> None:
        """Be visited: each visitor opens the store and its shelf, as people come back to the same page."""
        for _ in range(self.rng.randint(4, 7)):
            with self.step("store_page", "GET", SELLER, w=self.w) as answer:
                data = expect(answer)
                same_page(data, "applicationStatus")
                same_wallet(data, "walletAddress", self.w)
            with self.step("store_page", "GET", PUBLIC_LISTINGS, query="page=1&limit=20", w=self.w) as answer:
                for listing in expect(answer).objects("listings"):
                    same_wallet(listing, "sellerAddress", self.w)

    def listing_management(self) -> None:
        """See the own shelf; have the thing on it looked at."""
        with self.step("listing_management", "GET", LISTINGS_OF, w=self.w) as answer:
            own = expect(answer).objects("listings")
            for listing in own:
                same_wallet(listing, "sellerAddress", self.w)
            among(own, "id", self.shelf)
        for _ in range(self.rng.randint(2, 4)):
            with self.step("listing_management", "GET", LISTING, lid=self.shelf) as answer:
                same_kind(payload(answer), dict)
                same_id(expect(answer), "id", self.shelf)
        with self.step("listing_management", "POST", LISTING_VIEW, lid=self.shelf) as answer:
            accepted(answer, 200, 201)

    def customization(self) -> None:
        """Give the store a new face."""
        look = {
            "storeName": self.texts.store_name(),
            "storeDescription": self.texts.sentence(),
            "coverImageUrl": f"https://img.example/{self.number}/{self.iteration}.jpg",
            "sellerStory": self.texts.sentence(),
        }
        with self.step("customization", "PUT", SELLER, json=look, w=self.w) as answer:
            data = expect(answer)
            same_wallet(data, "walletAddress", self.w)
            for field, text in look.items():
                equal(field, data[field], text)

    def customer_interaction(self) -> None:
        """Be written to by a buyer and be told; now and then the seller is away meanwhile, and told on his return."""
        opening = {"participantAddress": self.w, "conversationType": "direct"}
        with self.step("customer_interaction", "POST", CONVERSATIONS, json=opening, by=self.buyer) as answer:
            conversation = str(expect(answer, 200, 201)["id"])
        body = {"content": self.texts.sentence(), "encryptionMetadata": {"version": 1, "algorithm": "test"}}
        with (
            self.away(really=self.iteration % _AWAY_EVERY == _AWAY_EVERY - 1),
            self.step("customer_interaction", "POST", MESSAGES, json=body, by=self.buyer, id=conversation) as answer,
        ):
            expect(answer, 201)["id"]
        self.told("new_message")

    def store_analytics(self) -> None:
        """Look at how the store does, and again after a while."""
        for _ in range(self.rng.randint(2, 3)):
            with self.step("store_analytics", "GET", DASHBOARD_ANALYTICS, query="period=7d", w=self.w) as answer:
                expect(answer)
        with self.step("store_analytics", "GET", MESSAGING_ANALYTICS, w=self.w) as answer:
            expect(answer)
