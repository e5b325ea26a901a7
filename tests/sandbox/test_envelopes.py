"""Speak the envelopes, headers and refusals of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.conftest import M

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client, Person


def test_unified_envelope_names_the_request_it_was_computed_for(seller: Person) -> None:
    path = f"{M}/seller/{seller.wallet}"
    computed, kept = seller.client.get(path), seller.client.get(path)
    assert (computed.headers["x-cache"], kept.headers["x-cache"]) == ("MISS", "HIT")
    assert computed.json["metadata"]["requestId"] == computed.headers["x-request-id"]
    assert kept.json["metadata"]["requestId"] == computed.headers["x-request-id"] != kept.headers["x-request-id"]
    assert computed.json["metadata"]["version"] == "1.0.0"


def test_kept_page_has_age_and_etag_and_answers_304(seller: Person) -> None:
    path = f"{M}/seller/{seller.wallet}"
    first, second = seller.client.get(path), seller.client.get(path)
    assert "age" not in first.headers
    assert second.headers["age"] == "0"
    assert first.headers["etag"] == second.headers["etag"]
    same = seller.client.get(path, If_None_Match=first.headers["etag"])
    assert (same.status, same.body, same.headers["x-cache"]) == (304, b"", "HIT")
    assert seller.client.get(path, If_None_Match='"other"').status == 200
    seller.client.put(path, {"bio": "new"})
    assert seller.client.get(path, If_None_Match=first.headers["etag"]).status == 200


@pytest.mark.parametrize(
    "path", ["/api/sellers/profile", "/api/sellers/orders", "/api/user-notifications/unread-count", "/api/auth/profile"]
)
def test_answer_by_identity_is_private_and_uncached(seller: Person, path: str) -> None:
    headers = seller.client.get(path).headers
    assert "x-cache" not in headers
    assert headers["cache-control"] == "private, no-store"


def test_correlation_id_is_echoed(client: Client) -> None:
    assert client.get("/health", X_Correlation_ID="abc").headers["x-correlation-id"] == "abc"


def test_unknown_route_is_a_json_404(client: Client) -> None:
    for method, path in (("GET", "/api/nothing"), ("PUT", "/health"), ("GET", "/"), ("GET", f"{M}/seller/")):
        answer = client(method, path, None if method == "GET" else {})
        assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", [f"{M}/seller/0x12", f"{M}/seller/0x12/tier", f"{M}/seller/listings/me"])
def test_bad_wallet_is_400(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status, answer.json["error"]["message"]) == (400, "Invalid wallet address")


def test_profile_that_does_not_exist_is_200_with_null(client: Client) -> None:
    assert client.get(f"{M}/seller/0x{'1' * 40}").json["data"] is None


def test_wallet_in_upper_case_is_the_same_seller(seller: Person) -> None:
    path = f"{M}/seller/0x{seller.wallet[2:].upper()}"
    assert seller.client.get(path).data["walletAddress"] == seller.wallet


def test_schema_violation_of_the_token_family_is_422(seller: Person) -> None:
    answer = seller.client.post("/api/sellers/verify", {"verificationType": "fax"})
    assert (answer.status, answer.json["code"], answer.json["success"]) == (422, "VALIDATION_ERROR", False)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("Create your own dining table", True), ("Select any colour from the range", True), ("a `quoted` word", True),
        ("$(rm)", True), ("../../etc", True), ("1 or 1=1", True), ("x; drop it", True), ("<script>", True),
        ("javascript:x", True), ("a | cat", True), ("onload=x", True), ("Create your own dining chair", False),
        ("The table you can create", False), ("Tea & biscuits; fine", False), ("concatenate", False),
    ],
)  # fmt: skip
def test_content_screen(seller: Person, text: str, *, refused: bool) -> None:
    answer = seller.client.put(f"{M}/seller/{seller.wallet}", {"bio": text})
    assert answer.status == (400 if refused else 200)
    if refused:
        assert answer.json["error"] == "Invalid Input"
        assert set(answer.json) == {"error", "message"}


def test_content_screen_combines_fields_and_exempts_content(seller: Person, other: Person) -> None:
    path = f"{M}/seller/{seller.wallet}"
    assert seller.client.put(path, {"bio": "create", "description": "table"}).status == 400
    opened = other.client.post("/api/messaging/conversations", {"participantAddress": seller.wallet}).data["id"]
    body = {"content": "select from `where`", "encryptionMetadata": {}}
    assert other.client.post(f"/api/messaging/conversations/{opened}/messages", body).status == 201


def test_request_past_one_mebibyte_is_500(seller: Person) -> None:
    path = f"{M}/seller/{seller.wallet}"
    frame = len(b'{"x":""}')
    fits = b'{"x":"%s"}' % (b"a" * (1024 * 1024 - frame))
    assert seller.client("PUT", path, fits, Content_Type="application/json").status == 200
    answer = seller.client("PUT", path, fits + b" ", Content_Type="application/json")
    assert (answer.status, answer.json["error"]["message"]) == (500, "Request too large")


@pytest.mark.parametrize(
    ("content", "content_type", "status", "message"),
    [
        (b"{", "application/json", 400, "Request body is not valid JSON"),
        (b"[]", "application/json", 400, "Request body must be a JSON object"),
        (b"{}", "application/xml", 500, "Invalid Content-Type"),
    ],
)
def test_body_that_cannot_be_read(seller: Person, content: bytes, content_type: str, status: int, message: str) -> None:
    answer = seller.client("PUT", f"{M}/seller/{seller.wallet}", content, Content_Type=content_type)
    assert (answer.status, answer.json["error"]["message"]) == (status, message)
