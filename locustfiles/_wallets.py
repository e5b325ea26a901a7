"""Make sellers' wallets: the same secret, pool and number always give the same one."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from eth_account import Account
from eth_account.messages import encode_defunct

LOOPBACK_SECRET: Final = b"sellergate: wallets of the sandbox, worth nothing"
"""On loopback wallets need no secret; anywhere else it comes from the environment and is never recorded."""
_HANDLE: Final = 8
"""Characters of an address the product makes a unique handle of (contract.md 2.1)."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """One seller's key pair; the key never leaves this object and is in no repr."""

    address: str  # EIP-55, as sign-in wants it
    _account: object

    def __repr__(self) -> str:
        """Show the public half only."""
        return f"Wallet({self.address})"

    @property
    def lower(self) -> str:
        """The address as it stands in paths and bodies."""
        return self.address.lower()

    def sign(self, text: str) -> str:
        """Return the EIP-191 signature of `text`, 0x and 130 hex digits."""
        signed = self._account.sign_message(encode_defunct(text=text))  # type: ignore[attr-defined]  # LocalAccount
        return "0x" + bytes(signed.signature).hex()


def wallet(secret: bytes, pool: str, number: int) -> Wallet:
    """Return wallet `number` of `pool`: key = HMAC-SHA256(secret, pool and number)."""
    key = hmac.new(secret, f"{pool}/{number}".encode(), hashlib.sha256).digest()
    account = Account.from_key(key)
    return Wallet(address=account.address, _account=account)


def wallets(secret: bytes, pool: str, numbers: Iterator[int]) -> Iterator[Wallet]:
    """Yield wallets whose handles differ: two that share one could not both sign in (contract.md 2.1)."""
    handles: set[str] = set()
    for number in numbers:
        made = wallet(secret, pool, number)
        handle = made.address[:_HANDLE]
        if handle not in handles:
            handles.add(handle)
            yield made
