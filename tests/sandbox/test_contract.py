"""Refuse what the contract refuses, with its statuses, codes and envelopes."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from PIL import Image

from tests.sandbox.conftest import M, sign_in
from tests.sandbox.test_steps import multipart, noise_jpeg, upload, wait_for_orders

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth_account.signers.local import LocalAccount

    from tests.sandbox.conftest import Answer, Client, Person

NOBODY = "00000000-0000-4000-8000-000000000000"


def signed(client: Client, account: LocalAccount) -> dict[str, str]:
    text = client.post("/api/auth/nonce", {"walletAddress": account.address}).data["message"]
    signature = "0x" + account.sign_message(encode_defunct(text=text)).signature.hex().removeprefix("0x")
    return {"walletAddress": account.address, "signature": signature, "message": text}


# Sign-in


def test_nonce_answers_with_the_text_to_sign(client: Client) -> None:
    account = Account.create()
    data = client.post("/api/auth/nonce", {"walletAddress": account.address}).data
    assert (len(data["nonce"]), data["expiresIn"], data["chainId"], data["domain"]) == (64, 600, 1, "127.0.0.1")
    lines = data["message"].split("\n")
    assert lines[0] == "127.0.0.1 wants you to sign in with your Ethereum account:"
    assert (lines[1], lines[3]) == (account.address, "Sign in with Ethereum to LinkDAO")
    assert f"Nonce: {data['nonce']}" in lines


@pytest.mark.parametrize(
    "change", [str.lower, lambda a: a[:-1], lambda _: "alice"], ids=["lower case", "short", "text"]
)
def test_nonce_for_a_wallet_not_in_eip55_is_500(client: Client, change: Callable[[str], str]) -> None:
    answer = client.post("/api/auth/nonce", {"walletAddress": change(Account.create().address)})
    assert (answer.status, answer.json["error"]["message"]) == (500, "Failed to generate nonce")


def _other_signature(body: dict[str, str]) -> dict[str, str]:
    other = Account.create().sign_message(encode_defunct(text=body["message"]))
    return body | {"signature": "0x" + other.signature.hex().removeprefix("0x")}


@pytest.mark.parametrize(
    ("spoil", "status", "code"),
    [
        (lambda b: b | {"signature": b["signature"][:127]}, 400, "VALIDATION_ERROR"),
        (lambda b: b | {"walletAddress": "0x12"}, 400, "VALIDATION_ERROR"),
        (lambda b: b | {"message": ""}, 400, "VALIDATION_ERROR"),
        (lambda b: b | {"message": "let me in"}, 401, "SIWE_VALIDATION_ERROR"),
        (lambda b: b | {"walletAddress": Account.create().address}, 401, "ADDRESS_MISMATCH"),
        (lambda b: b | {"message": b["message"].replace("Nonce: ", "Nonce: 0")[:-1]}, 401, "SIWE_VALIDATION_ERROR"),
        (lambda b: b | {"message": b["message"] + "0"}, 400, "INVALID_NONCE"),
        (_other_signature, 401, "INVALID_SIGNATURE"),
        (lambda b: b | {"signature": b["signature"].removeprefix("0x")}, 401, "INVALID_SIGNATURE"),
        (lambda b: b | {"signature": "0x" + "f" * 130}, 401, "INVALID_SIGNATURE"),
    ],
    ids=[
        "short signature", "bad wallet", "no message", "no SIWE", "other wallet", "broken nonce", "changed text",
        "other key", "no 0x", "no signature",
    ],
)  # fmt: skip
def test_wallet_connect_refuses(
    client: Client, spoil: Callable[[dict[str, str]], dict[str, str]], status: int, code: str
) -> None:
    answer = client.post("/api/auth/wallet-connect", spoil(signed(client, Account.create())))
    assert (answer.status, answer.code) == (status, code)


def test_nonce_is_good_for_one_sign_in(client: Client) -> None:
    body = signed(client, Account.create())
    assert client.post("/api/auth/wallet-connect", body).status == 200
    again = client.post("/api/auth/wallet-connect", body)
    assert (again.status, again.code) == (400, "INVALID_NONCE")


def test_second_sign_in_is_the_same_user(client: Client) -> None:
    account = Account.create()
    first, second = (client.post("/api/auth/wallet-connect", signed(client, account)).data for _ in range(2))
    assert (first["isNewUser"], second["isNewUser"]) == (True, False)
    assert first["user"] == second["user"]
    assert first["user"]["walletAddress"] == account.address.lower()
    assert first["user"]["handle"] == "user_" + account.address[:8]


def test_refresh_rotates(client: Client) -> None:
    old = sign_in(client).tokens["refreshToken"]
    new = client.post("/api/auth/refresh", {"refreshToken": old})
    assert (new.status, new.data["expiresIn"]) == (200, "24h")
    assert client.get("/api/auth/profile", Authorization=f"Bearer {new.data['token']}").status == 200
    reused = client.post("/api/auth/refresh", {"refreshToken": old})
    assert (reused.status, reused.code) == (401, "INVALID_SESSION")
    assert client.post("/api/auth/refresh", {"refreshToken": new.data["refreshToken"]}).status == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [({}, 400, "MISSING_REFRESH_TOKEN"), ({"refreshToken": "x.y.z"}, 401, "INVALID_REFRESH_TOKEN")],
)
def test_refresh_refuses(client: Client, body: dict[str, str], status: int, code: str) -> None:
    answer = client.post("/api/auth/refresh", body)
    assert (answer.status, answer.code) == (status, code)


def test_access_token_does_not_refresh(client: Client) -> None:
    answer = client.post("/api/auth/refresh", {"refreshToken": sign_in(client).tokens["token"]})
    assert answer.code == "INVALID_REFRESH_TOKEN"


def test_sixth_sign_in_ends_the_refresh_token_of_the_first_and_not_of_the_second(client: Client) -> None:
    account = Account.create()
    tokens = [client.post("/api/auth/wallet-connect", signed(client, account)).data for _ in range(6)]
    answers = [client.post("/api/auth/refresh", {"refreshToken": t["refreshToken"]}).status for t in tokens[:2]]
    assert answers == [401, 200]
    assert client.get("/api/auth/profile", Authorization=f"Bearer {tokens[0]['token']}").status == 200


def test_token_is_refused_after_logout(client: Client) -> None:
    person = sign_in(client)
    assert client.post("/api/auth/logout").status == 200
    assert client.get("/api/auth/profile").status == 401
    refused = client.post("/api/auth/refresh", {"refreshToken": person.tokens["refreshToken"]})
    assert refused.code == "INVALID_SESSION"


def test_token_holds_the_claims_of_the_contract(client: Client) -> None:
    person = sign_in(client)
    claims = jwt.decode(person.tokens["token"], options={"verify_signature": False})
    assert (claims["userId"], claims["walletAddress"]) == (person.uid, person.wallet)
    assert claims["exp"] - claims["iat"] == 24 * 3600
    assert abs(claims["iat"] - time.time()) < 60


# Who may do what

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


# Envelopes, headers and errors


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


def test_validation_names_every_bad_field(seller: Person) -> None:
    body = {"storeName": "x" * 256, "businessType": 5, "ensHandle": "nope", "socialLinks": {"myspace": "x"}}
    answer = seller.client.put(f"{M}/seller/{seller.wallet}", body)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    named = {error["field"] for error in answer.json["error"]["details"]["errors"]}
    assert named == set(body)


@pytest.mark.parametrize(("chars", "status"), [(255, 200), (256, 400)])
def test_store_name_may_have_255_characters(seller: Person, chars: int, status: int) -> None:
    assert seller.client.put(f"{M}/seller/{seller.wallet}", {"storeName": "x" * chars}).status == status


def test_schema_violation_of_the_token_family_is_422(seller: Person) -> None:
    answer = seller.client.post("/api/sellers/verify", {"verificationType": "fax"})
    assert (answer.status, answer.json["code"], answer.json["success"]) == (422, "VALIDATION_ERROR", False)


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


# Orders


def test_order_life_cycle_refuses(seller: Person, other: Person) -> None:
    seller.listing()
    order = wait_for_orders(seller, 1)[-1]["id"]
    base = f"{M}/seller/orders/{order}"
    for path in ("process", "ready", "ship", "messages"):
        body = {"carrier": "UPS", "trackingNumber": "1Z" + "1" * 16, "message": "x"}
        assert other.client.post(f"{base}/{path}", body).status == 403, path
        assert seller.client.post(f"{M}/seller/orders/{NOBODY}/{path}", body).json["data"] is None, path
    assert seller.client.post(f"{base}/process").status == 200
    again = seller.client.post(f"{base}/process")
    assert (again.status, again.code) == (500, "PROCESS_ERROR")
    assert seller.client.post(f"{base}/ship", {"carrier": "UPS", "trackingNumber": "1Z" + "1" * 16}).status == 200
    late = seller.client.post(f"{base}/ready")
    assert (late.status, late.code) == (400, "INVALID_ORDER_STATUS")


@pytest.mark.parametrize(
    ("carrier", "number", "good"),
    [
        ("UPS", "1Z" + "A1" * 8, True), ("UPS", "1Z" + "A1" * 8 + "2", False), ("UPS", "2Z" + "A1" * 8, False),
        ("FEDEX", "1" * 11, False), ("FEDEX", "1" * 12, True), ("fedex", "1" * 15, True), ("FEDEX", "1" * 16, False),
        ("DHL", "1" * 9, False), ("DHL", "1" * 10, True), ("DHL", "1" * 11, True), ("DHL", "1" * 12, False),
        ("USPS", "1" * 19, False), ("USPS", "1" * 20, True), ("USPS", "1" * 22, True), ("USPS", "1" * 23, False),
        ("Pigeon", "12345", False), ("Pigeon", "123456", True),
    ],
)  # fmt: skip
def test_tracking_number_must_look_like_its_carriers(seller: Person, carrier: str, number: str, *, good: bool) -> None:
    body = {"carrier": carrier, "trackingNumber": number}
    answer = seller.client.post(f"{M}/seller/orders/{NOBODY}/ship", body)  # nobody's order: only the number is judged
    assert answer.status == (200 if good else 400)


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (50, 200), (51, 400)])
def test_bulk_takes_one_to_fifty_orders(seller: Person, count: int, status: int) -> None:
    body = {"orderIds": [NOBODY] * count, "status": "processing"}
    answer = seller.client.post(f"{M}/seller/orders/bulk-status", body)
    assert answer.status == status
    if status == 200:
        assert (answer.data["success"], answer.data["failed"], len(answer.data["errors"])) == (0, count, count)


def test_buyer_keeps_three_paid_orders_and_no_more(seller: Person, other: Person) -> None:
    seller.listing()
    wait_for_orders(seller, 3)
    time.sleep(0.8)  # two more rounds of the buyer
    orders = wait_for_orders(seller, 3)
    assert [order["status"] for order in orders] == ["paid"] * 3
    other.listing()  # other never looks at orders, so nobody buys there
    stats = other.client.get(f"{M}/seller/dashboard/{other.wallet}").data
    assert stats["orders"]["pending"] == 0


# Images


@pytest.mark.parametrize(
    ("edge_px", "context", "status"),
    [(99, "profile", 400), (100, "profile", 201), (199, "listing", 400), (200, "listing", 201), (399, "cover", 400)],
)
def test_image_sizes(seller: Person, edge_px: int, context: str, status: int) -> None:
    assert upload(seller.client, noise_jpeg(edge_px), context).status == status


def test_image_refusals(seller: Person, client: Client) -> None:
    picture, path = noise_jpeg(200), f"{M}/seller/images/upload"
    for answer, status, code in (
        (upload(seller.client, picture, "banner"), 400, "INVALID_CONTEXT"),
        (upload(seller.client, b"not a picture", "listing"), 400, "IMAGE_VALIDATION_ERROR"),
        (upload(seller.client, picture, "listing", mime="image/png"), 400, "IMAGE_VALIDATION_ERROR"),
        (upload(seller.client, picture, "listing", mime="text/html"), 500, "INTERNAL_ERROR"),
        (upload(seller.client, picture, "listing", field="file"), 400, "FILE_UPLOAD_ERROR"),
        (upload(client, picture, "listing"), 401, "UNAUTHORIZED"),
        (client("POST", path), 400, "NO_FILE"),
        (
            client("POST", f"{M}/seller/images/upload", b"x", Content_Type="multipart/form-data"),
            400,
            "FILE_UPLOAD_ERROR",
        ),
    ):
        assert (answer.status, answer.json["code"], answer.json["success"]) == (status, code, False)


def test_flat_picture_is_refused(seller: Person) -> None:
    target = io.BytesIO()
    Image.new("RGB", (300, 300), "white").save(target, "JPEG")
    answer: Answer = upload(seller.client, target.getvalue(), "listing")
    assert answer.json["code"] == "IMAGE_VALIDATION_ERROR"


def test_upload_form_is_plain_multipart() -> None:
    body, content_type = multipart(b"x", "listing")
    assert content_type.split("boundary=")[1].encode() in body


# Messages and notifications


def test_message_needs_encryption_metadata_and_a_member(seller: Person, other: Person, client: Client) -> None:
    opened = other.client.post("/api/messaging/conversations", {"participantAddress": seller.wallet}).data["id"]
    again = seller.client.post("/api/messaging/conversations", {"participantAddress": other.wallet}).data["id"]
    assert opened == again
    path = f"/api/messaging/conversations/{opened}/messages"
    assert other.client.post(path, {"content": "x"}).status == 400
    assert other.client.post(path, {"content": "x" * 2001, "encryptionMetadata": {}}).status == 400
    assert other.client.post(path, {"content": "x" * 2000, "encryptionMetadata": {}}).status == 201
    sign_in(client)
    assert client.get(path).status == 403
    assert client.post(path, {"content": "x", "encryptionMetadata": {}}).status == 403
    mine = {"participantAddress": seller.wallet}
    assert seller.client.post("/api/messaging/conversations", mine).status == 400


def test_notification_refusals(seller: Person, other: Person) -> None:
    assert seller.client.post("/api/user-notifications", {"title": "x"}).json == {"error": "message is required"}
    seller.client.post("/api/user-notifications", {"title": "x", "message": "y"})
    listed = seller.client.get("/api/user-notifications").json["notifications"][0]
    base = f"{M}/seller/dashboard/notifications"
    assert other.client.put(f"{base}/{listed['id']}/read", {}).status == 403
    assert seller.client.put(f"{base}/x/read", {}).status == 500
    assert seller.client.put(f"{base}/999999999/read", {}).json["data"] is None
    assert seller.client.post(f"/api/user-notifications/{listed['id']}/read").json == {"success": True}


def test_trends_refuses_limit_and_needs_a_metric(seller: Person) -> None:
    base = f"/api/seller-analytics/{seller.uid}/trends"
    assert seller.client.get(f"{base}?metricType=totalSales&limit=5").status == 400
    assert seller.client.get(base).status == 400
    assert seller.client.get(f"{base}?metricType=totalSales&period=year").status == 400


@pytest.mark.parametrize(("period", "status"), [("1d", 200), ("365d", 200), ("366d", 400), ("0d", 400), ("1y", 400)])
def test_dashboard_period(seller: Person, period: str, status: int) -> None:
    assert seller.client.get(f"{M}/seller/dashboard/analytics/{seller.wallet}?period={period}").status == status


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


@pytest.mark.parametrize(
    ("query", "status"),
    [("?limit=0", 400), ("?limit=1", 200), ("?limit=100", 200), ("?limit=101", 400), ("?limit=x", 400),
     ("?offset=-1", 400), ("?status=paid", 200), ("?status=eaten", 400), ("?sortBy=amount&sortOrder=asc", 200)],
)  # fmt: skip
def test_order_list_query(seller: Person, query: str, status: int) -> None:
    assert seller.client.get(f"{M}/seller/orders/{seller.wallet}{query}").status == status


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


@pytest.mark.parametrize("value", [None, "1", True, 1e16])
def test_tracked_value_must_be_a_number(seller: Person, value: object) -> None:
    body = {"metricType": "x", "value": value}
    assert seller.client.post(f"/api/seller-analytics/{seller.uid}/track", body).status == 400


def test_dashboards_sum_up_real_orders(seller: Person) -> None:
    seller.listing(price="100", currency="USD")
    orders = wait_for_orders(seller, 2)
    first = orders[0]["id"]
    seller.client.post(f"{M}/seller/orders/bulk-status", {"orderIds": [first], "status": "cancelled"})
    orders = wait_for_orders(seller, 2)
    wanted = sum(float(order["amount"]) for order in orders if order["status"] != "cancelled")
    stats = seller.client.get(f"{M}/seller/dashboard/{seller.wallet}?u=1").data
    assert stats["sales"]["total"] % 112.99 == pytest.approx(0, abs=0.01)  # 100 + 8 % tax + 4.99 shipping, each
    assert stats["sales"]["total"] >= wanted - 0.01
    assert stats["sales"]["total"] == stats["sales"]["today"] == stats["sales"]["thisMonth"]
    metrics = seller.client.get(f"/api/seller-analytics/{seller.uid}/metrics").data
    assert metrics["averageOrderValue"] == 112.99
    series = seller.client.get(f"/api/seller-analytics/{seller.uid}/trends?metricType=averageOrderValue").data
    assert series["trends"][-1]["value"] == 112.99
    counted = seller.client.get(f"/api/seller-analytics/{seller.uid}/trends?metricType=totalOrders").data
    assert counted["trends"][-1]["value"] >= 1
    analytics = seller.client.get(f"{M}/seller/dashboard/analytics/{seller.wallet}?u=1").data
    assert analytics["orders"]["byStatus"]["cancelled"] == 1
    assert analytics["products"]["topSelling"][0]["title"] == "Oak stool"
