"""Wallets are the same in every run, never share a handle, sign what sign-in verifies and show nothing secret."""

import hashlib
import hmac
import itertools
import traceback

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given, settings
from hypothesis import strategies as st

from locustfiles import _wallets
from locustfiles._wallets import LOOPBACK_SECRET, wallet, wallets

SECRET = b"canary secret of a pool"


def test_wallet_is_the_hmac_of_secret_pool_and_number() -> None:
    key = hmac.new(SECRET, b"pool/store/3", hashlib.sha256).digest()
    assert wallet(SECRET, "pool/store", 3).address == Account.from_key(key).address


def test_first_wallet_of_the_sandbox_never_changes() -> None:
    # seeded data of a deployment refers to pool wallets: another derivation would orphan them
    assert wallet(LOOPBACK_SECRET, "pool/store", 0).address == "0x7b4198AbBdaF4d3709AF150725BFcAB058cfa2b6"


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=20), st.text(max_size=10), st.integers(0, 10**9))
def test_wallet_is_deterministic_and_differs_by_each_of_its_parts(secret: bytes, pool: str, number: int) -> None:
    made = wallet(secret, pool, number)
    assert wallet(secret, pool, number).address == made.address
    others = [wallet(secret + b"x", pool, number), wallet(secret, pool + "x", number), wallet(secret, pool, number + 1)]
    assert len({made.address, *(other.address for other in others)}) == 4


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=300), st.integers(0, 50))
def test_signature_recovers_to_the_wallet(text: str, number: int) -> None:
    made = wallet(SECRET, "p", number)
    signature = made.sign(text)
    assert len(signature) == 2 + 130
    assert Account.recover_message(encode_defunct(text=text), signature=signature) == made.address
    assert Account.recover_message(encode_defunct(text=text + "x"), signature=signature) != made.address


def test_address_is_checksummed_and_lower_is_its_path_form() -> None:
    made = wallet(SECRET, "p", 1)
    assert made.address != made.address.lower()
    assert (made.lower, len(made.lower)) == (made.address.lower(), 42)


def test_handles_of_a_pool_are_unique() -> None:
    made = list(itertools.islice(wallets(SECRET, "p", itertools.count()), 2_000))
    assert len({each.address[:8] for each in made}) == 2_000


def test_wallet_whose_handle_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wallets, "_HANDLE", 3)  # one digit: after sixteen wallets every other one collides
    made = list(wallets(SECRET, "p", iter(range(200))))
    assert len({each.address[:3] for each in made}) == len(made)
    assert 16 <= len(made) <= 22
    assert [each.address for each in made] == [each.address for each in wallets(SECRET, "p", iter(range(200)))]


def _key() -> bytes:
    return hmac.new(SECRET, b"p/1", hashlib.sha256).digest()


def _fail() -> str:
    made = wallet(SECRET, "p", 1)
    try:
        made.sign(5)  # type: ignore[arg-type]  # what a bug would do
    except Exception as error:  # noqa: BLE001  # whichever it is, its text is what is looked at
        return "".join(traceback.format_exception(error)) + repr(error)
    return ""


@pytest.mark.parametrize(
    "text",
    [
        repr(wallet(SECRET, "p", 1)),
        str(wallet(SECRET, "p", 1)),
        f"{wallet(SECRET, 'p', 1)!r}",
        repr([wallet(SECRET, "p", 1)]),
        _fail(),
    ],
    ids=["repr", "str", "format", "in a list", "in a traceback"],
)
def test_no_text_of_a_wallet_holds_its_key(text: str) -> None:
    assert text
    for secret in (_key().hex(), repr(_key()), SECRET.decode(), str(int.from_bytes(_key()))):
        assert secret not in text
