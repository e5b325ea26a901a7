"""Workflow: a seller publishes a listing, prices it, files it and takes it down again."""

from contextlib import suppress
from typing import ClassVar

from locust import between, task

from locustfiles._checks import (
    CheckFailed,
    StepFailed,
    accepted,
    equal,
    expect,
    expect_list,
    payload,
    same_id,
    same_kind,
    same_wallet,
)
from locustfiles._data import CURRENCIES
from locustfiles._routes import CATEGORIES, LISTING_DETAIL, SELLER_LISTING, SELLER_LISTINGS
from locustfiles._seller import Seller


class ListingSeller(Seller):
    """Publishes at the pace of somebody filling in a form."""

    workflow = "listing"
    weight = 1
    wait_time = between(0.5, 1.5)
    needs: ClassVar = {
        "image_management": ("creation",),
        "pricing_currency": ("creation",),
        "category": ("creation",),
        "status_management": ("creation",),
    }

    listing: str | None = None
    untidy = False  # the pass before may have left something on the shelf

    def arrive(self) -> None:
        """Come with an open shop and nothing on the shelf but one thing."""
        super().arrive()
        self.open_shop()
        self.put_on_shelf()

    @task
    def publish(self) -> None:
        """Publish one listing and take it down again."""
        self.iterate()

    def begin(self) -> None:
        """Forget the listing of the pass before, and take it down if that pass could not.

        Otherwise every pass that broke would leave one, until the tier's limit refuses all others.
        """
        self.listing = None
        if self.untidy:
            with suppress(StepFailed):  # then the next pass tries
                self.put_on_shelf()
                self.untidy = False

    def creation(self) -> None:
        """Publish a new listing."""
        self.untidy = True
        with self.step("creation", "POST", SELLER_LISTINGS, json=self.texts.listing(self.w)) as answer:
            data = expect(answer, 201)
            same_wallet(data, "sellerAddress", self.w)
            self.listing = str(data["id"])

    def image_management(self) -> None:
        """Add pictures in an order that has to stay."""
        lid = self.need(self.listing, "listing")
        url = self.upload("image_management", "listing", 500)
        if url is None:
            return
        images = [url, f"{url}?side=2", f"{url}?side=3"]
        self.rng.shuffle(images)
        with self.step("image_management", "PUT", SELLER_LISTING, json={"images": images}, lid=lid) as answer:
            data = expect(answer)
            same_id(data, "id", lid)
            equal("order of images", data["images"], images)

    def pricing_currency(self) -> None:
        """Try the price in every currency; the last one stays."""
        lid = self.need(self.listing, "listing")
        price, currency = "", ""
        for currency in self.rng.sample(CURRENCIES, len(CURRENCIES)):
            price = self.texts.price()
            body = {"price": price, "currency": currency}
            with self.step("pricing_currency", "PUT", SELLER_LISTING, json=body, lid=lid) as answer:
                same_id(expect(answer), "id", lid)

        def priced() -> bool:
            with self.step("pricing_currency", "GET", LISTING_DETAIL, unique=True, lid=lid) as answer:
                data = expect(answer)
                same_id(data, "id", lid)
                return bool(data["price"] == price and data["currency"] == currency)

        self.until_visible("pricing_currency", priced, LISTING_DETAIL)

    def category(self) -> None:
        """File the listing under another category."""
        lid = self.need(self.listing, "listing")
        with self.step("category", "GET", CATEGORIES) as answer:
            same_kind(payload(answer), list)
            offered = [str(each["id"]) for each in expect_list(answer)]
            if not offered:
                raise CheckFailed("no categories offered")
        chosen = self.rng.choice(offered)
        with self.step("category", "PUT", SELLER_LISTING, json={"categoryId": chosen}, lid=lid) as answer:
            data = expect(answer)
            same_id(data, "id", lid)
            equal("category", str(data["categoryId"]), chosen)

    def status_management(self) -> None:
        """Take the listing off, put it back, delete it; read each state back."""
        lid = self.need(self.listing, "listing")
        for status in ("inactive", "active"):
            with self.step("status_management", "PUT", SELLER_LISTING, json={"status": status}, lid=lid) as answer:
                same_id(expect(answer), "id", lid)
            self._read_back(lid, status)
        with self.step("status_management", "DELETE", SELLER_LISTING, lid=lid) as answer:
            accepted(answer)
        self.untidy = False
        self._read_back(lid, "inactive")

    def _read_back(self, lid: str, status: str) -> None:
        self.until_visible("status_management", lambda: self._is(lid, status), LISTING_DETAIL)

    def _is(self, lid: str, status: str) -> bool:
        with self.step("status_management", "GET", LISTING_DETAIL, unique=True, lid=lid) as answer:
            data = expect(answer)
            same_id(data, "id", lid)
            return bool(data["status"] == status)
