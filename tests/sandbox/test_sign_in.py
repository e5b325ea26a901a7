"""Sign wallets in, refresh, sign out, and refuse everybody else as the contract does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import jwt
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from tests.sandbox.conftest import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth_account.signers.local import LocalAccount

    from tests.sandbox.conftest import Client


def signed(client: Client, account: LocalAccount) -> dict[str, str]:
    text = client.post("/api/auth/nonce", {"walletAddress": account.address}).data["message"]
    signature = "0x" + account.sign_message(encode_defunct(text=text)).signature.hex().removeprefix("0x")
    return {"walletAddress": account.address, "signature": signature, "message": text}


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
