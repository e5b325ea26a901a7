"""Let nobody touch or read what is another seller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tests.sandbox.conftest import NOBODY, M

if TYPE_CHECKING:
    from tests.sandbox.conftest import Person


TOKEN_ROUTES = [
    ("POST", f"{M}/seller/profile"),
    ("PUT", f"{M}/seller/{{w}}"),
    ("PUT", f"{M}/seller/onboarding/{{w}}/verification"),
    ("POST", f"{M}/seller/listings"),
    ("PUT", f"{M}/seller/listings/{{lid}}"),
    ("DELETE", f"{M}/seller/listings/{{lid}}"),
    ("GET", f"{M}/seller/orders/{{w}}"),
    ("GET", f"{M}/seller/dashboard/{{w}}"),
    ("GET", f"{M}/seller/dashboard/analytics/{{w}}"),
    ("GET", f"{M}/seller/dashboard/notifications/{{w}}"),
    ("GET", f"{M}/seller/verification/{{uid}}/verification"),
    ("GET", "/api/seller-analytics/{uid}/metrics"),
    ("POST", "/api/seller-analytics/{uid}/track"),
    ("GET", "/api/seller-performance/{uid}/recommendations"),
    ("GET", "/api/sellers/profile"),
    ("GET", "/api/sellers/orders"),
    ("POST", "/api/sellers/verify"),
    ("POST", "/api/sellers/tier/evaluate"),
    ("POST", "/api/user-notifications"),
    ("GET", "/api/user-notifications/unread-count"),
    ("POST", "/api/messaging/conversations"),
    ("POST", f"{M}/seller/orders/bulk-status"),
    ("POST", f"{M}/seller/orders/{NOBODY}/process"),
]


def filled(template: str, person: Person, lid: str) -> str:
    return template.replace("{w}", person.wallet).replace("{uid}", person.uid).replace("{lid}", lid)


@pytest.mark.parametrize(("method", "template"), TOKEN_ROUTES)
@pytest.mark.parametrize(
    "authorization", ["", "Bearer ", "Bearer x.y.z", "Basic abc"], ids=["none", "empty", "forged", "basic"]
)
def test_route_without_a_valid_token_is_401(seller: Person, method: str, template: str, authorization: str) -> None:
    path = filled(template, seller, NOBODY)
    body = None if method == "GET" else {"walletAddress": seller.wallet}
    assert seller.client(method, path, body, Authorization=authorization).status == 401


def test_token_signed_by_another_key_is_401(seller: Person) -> None:
    claims = jwt.decode(seller.client.token, options={"verify_signature": False})
    forged = jwt.encode(claims, "k" * 32, algorithm="HS256")
    unsigned = jwt.encode(claims, "", algorithm="none")
    for token in (forged, unsigned):
        assert seller.client.get("/api/sellers/profile", Authorization=f"Bearer {token}").status == 401


@pytest.mark.parametrize(
    ("method", "template", "body"),
    [
        ("PUT", f"{M}/seller/{{w}}", {"storeName": "mine now"}),
        ("PUT", f"{M}/seller/onboarding/{{w}}/profile-setup", {"completed": True}),
        ("POST", f"{M}/seller/profile", {"walletAddress": "{w}", "storeName": "x"}),
        ("PUT", f"{M}/seller/listings/{{lid}}", {"price": "1"}),
        ("DELETE", f"{M}/seller/listings/{{lid}}", None),
        ("GET", f"{M}/seller/orders/{{w}}", None),
        ("GET", f"{M}/seller/dashboard/{{w}}", None),
        ("GET", f"{M}/seller/dashboard/analytics/{{w}}", None),
        ("GET", f"{M}/seller/dashboard/notifications/{{w}}", None),
        ("GET", f"{M}/seller/verification/{{uid}}/verification", None),
        ("GET", "/api/seller-analytics/{uid}/dashboard", None),
        ("POST", "/api/seller-analytics/{uid}/track", {"metricType": "x", "value": 1}),
        ("GET", "/api/seller-performance/{uid}/recommendations", None),
    ],
)
def test_route_of_another_seller_is_403(
    seller: Person, other: Person, method: str, template: str, body: dict[str, Any] | None
) -> None:
    lid = seller.listing().data["id"]
    if method == "GET":
        assert seller.client.get(filled(template, seller, lid)).status == 200  # now it is in the cache, if it ever is
    sent = {k: filled(v, seller, lid) if isinstance(v, str) else v for k, v in (body or {}).items()}
    answer = other.client(method, filled(template, seller, lid), None if body is None else sent)
    assert answer.status == 403
    assert "FORBIDDEN" in answer.body.decode()
    assert seller.client.get(f"{M}/seller/{seller.wallet}").data["storeName"] == "Oak and Ash"
    assert seller.client.get(f"{M}/listings/{lid}").data["status"] == "active"


def test_listing_for_another_wallet_is_403(seller: Person, other: Person) -> None:
    assert other.listing(walletAddress=seller.wallet).status == 403
