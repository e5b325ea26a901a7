"""Hold listings to their fields, pages and order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.conftest import NOBODY, M, sign_in

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client, Person


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"price": 0}, 400), ({"price": "-1"}, 400), ({"price": "0.000000001"}, 400), ({"price": "0.00000001"}, 201),
        ({"price": "NaN"}, 400), ({"price": None}, 400), ({"price": True}, 400), ({"price": "1e12"}, 400),
        ({"price": 999_999_999_999}, 201), ({"title": ""}, 400), ({"title": "x" * 500}, 201),
        ({"title": "x" * 501}, 400), ({"description": ""}, 400), ({"categoryId": ""}, 400),
        ({"categoryId": NOBODY}, 500), ({"categoryId": "a brand new one"}, 201), ({"currency": "x" * 10}, 201),
        ({"currency": "x" * 11}, 400), ({"images": "a"}, 400), ({"inventory": -1}, 400), ({"metadata": []}, 400),
    ],
)  # fmt: skip
def test_listing_fields_are_held_to_their_limits(seller: Person, change: dict[str, Any], status: int) -> None:
    assert seller.listing(**change).status == status


def test_listing_of_a_wallet_without_a_profile_is_refused(client: Client) -> None:
    answer = sign_in(client).listing()
    assert (answer.status, answer.code) == (400, "SELLER_NOT_FOUND")


def test_listing_that_does_not_exist(seller: Person) -> None:
    assert seller.client.get(f"{M}/listings/{NOBODY}").code == "LISTING_NOT_FOUND"
    assert seller.client.put(f"{M}/seller/listings/{NOBODY}", {"price": "1"}).json["data"] is None
    assert seller.client("DELETE", f"{M}/seller/listings/{NOBODY}").json["data"] is None
    assert seller.client.get(f"{M}/listings/7").status == 400
    assert seller.client.put(f"{M}/seller/listings/{NOBODY}", {"status": "sold"}).status == 400


def test_lists_are_paged_and_sorted(seller: Person) -> None:
    prices = ["3.00000000", "1.00000000", "10.00000000"]
    ids = [seller.listing(price=price).data["id"] for price in prices]
    path = f"{M}/seller/listings/{seller.wallet}"
    by_price = seller.client.get(f"{path}?sortBy=price&sortOrder=asc").data["listings"]
    assert [listing["price"] for listing in by_price] == ["1.00000000", "3.00000000", "10.00000000"]
    second = seller.client.get(f"{path}?limit=2&offset=2").data
    assert ([listing["id"] for listing in second["listings"]], second["total"], second["page"]) == ([ids[0]], 3, 2)
    store = seller.client.get(f"{M}/sellers/{seller.wallet}/listings?page=2&limit=2").data
    assert [listing["id"] for listing in store["listings"]] == [ids[0]]
    assert (store["pagination"]["hasNext"], store["pagination"]["hasPrev"]) == (False, True)
    assert seller.client.get(f"{path}?status=draft").data["listings"] == []
    assert seller.client.get(f"{path}?status=eaten").status == 400


def test_metadata_is_merged_and_category_found_by_slug_name_and_id(seller: Person) -> None:
    lid = seller.listing(metadata={"a": 1, "b": 1}).data["id"]
    path = f"{M}/seller/listings/{lid}"
    assert seller.client.put(path, {"metadata": {"b": 2}}).data["metadata"] == {"a": 1, "b": 2}
    by_slug = seller.client.put(path, {"categoryId": "pet-supplies"}).data["categoryId"]
    assert seller.client.put(path, {"categoryId": "Pet Supplies"}).data["categoryId"] == by_slug
    assert seller.client.put(path, {"categoryId": by_slug}).data["categoryId"] == by_slug
    assert seller.client.put(path, {"categoryId": "!!"}).status == 400
    assert seller.client.get(f"{M}/seller/listings/detail/{lid}").data["categorySlug"] == "pet-supplies"
