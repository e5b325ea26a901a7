"""Refuse profile, onboarding and tracking input the contract refuses, and hide what is private."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.conftest import M, sign_in

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client, Person


def test_validation_names_every_bad_field(seller: Person) -> None:
    body = {"storeName": "x" * 256, "businessType": 5, "ensHandle": "nope", "socialLinks": {"myspace": "x"}}
    answer = seller.client.put(f"{M}/seller/{seller.wallet}", body)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    named = {error["field"] for error in answer.json["error"]["details"]["errors"]}
    assert named == set(body)


@pytest.mark.parametrize(("chars", "status"), [(255, 200), (256, 400)])
def test_store_name_may_have_255_characters(seller: Person, chars: int, status: int) -> None:
    assert seller.client.put(f"{M}/seller/{seller.wallet}", {"storeName": "x" * chars}).status == status


def test_onboarding_refuses(seller: Person) -> None:
    base = f"{M}/seller/onboarding/{seller.wallet}"
    assert seller.client.put(f"{base}/dancing", {"completed": True}).status == 400
    assert seller.client.put(f"{base}/verification", {"completed": "yes"}).status == 400
    assert seller.client.put(f"{base}/verification", {"data": {"completed": True}}).status == 200


def test_private_fields_are_not_shown(seller: Person) -> None:
    body = {"completed": True, "data": {"taxId": "12-3456789", "businessType": "llc"}}
    seller.client.put(f"{M}/seller/onboarding/{seller.wallet}/business-info", body)
    profile = seller.client.get(f"{M}/seller/{seller.wallet}?u=1").data
    assert profile["businessType"] == "llc"
    assert "12-3456789" not in str(profile)


def test_second_profile_of_a_wallet_brings_the_first_up_to_date(seller: Person) -> None:
    body = {"walletAddress": seller.wallet, "bio": "Second thoughts"}
    answer = seller.client.post(f"{M}/seller/profile", body)
    assert (answer.status, answer.data["bio"], answer.data["storeName"]) == (200, "Second thoughts", "Oak and Ash")
    missing = seller.client.post(f"{M}/seller/profile", {"bio": "x"})
    assert (missing.status, missing.code) == (400, "VALIDATION_ERROR")


def test_routes_of_a_wallet_without_a_profile(client: Client) -> None:
    person = sign_in(client)
    assert client.put(f"{M}/seller/{person.wallet}", {"bio": "x"}).json["data"] is None
    assert client.put(f"{M}/seller/onboarding/{person.wallet}/verification", {"completed": True}).json["data"] is None
    assert client.get(f"{M}/seller/onboarding/{person.wallet}").data["completionPercentage"] == 0
    for path in (f"{M}/sellers/{person.wallet}", f"{M}/seller/{person.wallet}/tier"):
        assert client.get(path).code == "SELLER_NOT_FOUND"
    assert client.get(f"/api/seller-analytics/{person.uid}/metrics").status == 404
    dashboard = client.get(f"{M}/seller/dashboard/{person.wallet}").data
    assert (dashboard["sales"]["total"], dashboard["orders"]["pending"]) == (0, 0)
    assert client.get(f"{M}/seller/orders/{person.wallet}").data["orders"] == []


def test_payout_settings_are_kept_and_never_shown(seller: Person) -> None:
    answer = seller.client.put(f"{M}/seller/{seller.wallet}", {"payoutSettings": {"address": "0xsecret"}})
    assert answer.status == 200
    assert "0xsecret" not in answer.body.decode()
    assert seller.client.put(f"{M}/seller/{seller.wallet}", {"payoutSettings": "x"}).status == 400


@pytest.mark.parametrize("value", [None, "1", True, 1e16])
def test_tracked_value_must_be_a_number(seller: Person, value: object) -> None:
    body = {"metricType": "x", "value": value}
    assert seller.client.post(f"/api/seller-analytics/{seller.uid}/track", body).status == 400
