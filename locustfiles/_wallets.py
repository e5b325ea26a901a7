"""Make sellers' wallets: the same secret, pool and number always give the same one."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from eth_keys.datatypes import PrivateKey

LOOPBACK_SECRET: Final = b"sellergate: wallets of the sandbox, worth nothing"
"""On loopback wallets need no secret; anywhere else it comes from the environment and is never recorded."""
_HANDLE: Final = 8
"""Characters of an address the product makes a unique handle of (contract.md 2.1)."""

_FIRST_V: Final = 27
"""Ethereum writes the recovery bit of a signature as 27 or 28."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """One seller's key pair; the key never leaves this object and is in no repr."""

    address: str  # EIP-55, as sign-in wants it
    _key: PrivateKey

    def __repr__(self) -> str:
        """Show the public half only."""
        return f"Wallet({self.address})"

    @property
    def lower(self) -> str:
        """The address as it stands in paths and bodies."""
        return self.address.lower()

    def sign(self, text: str) -> str:
        """Return the EIP-191 signature of `text`, 0x and 130 hex digits."""
        said = text.encode()
        signature = self._key.sign_msg(b"\x19Ethereum Signed Message:\n%d%b" % (len(said), said))
        r_and_s, recovery = signature.to_bytes()[:64], signature.v
        return f"0x{r_and_s.hex()}{recovery + _FIRST_V:02x}"


def wallet(secret: bytes, pool: str, number: int) -> Wallet:
    """Return wallet `number` of `pool`: key = HMAC-SHA256(secret, pool and number)."""
    key = hmac.new(secret, f"{pool}/{number}".encode(), hashlib.sha256).digest()
    private = PrivateKey(key)
    return Wallet(address=private.public_key.to_checksum_address(), _key=private)


def wallets(secret: bytes, pool: str, numbers: Iterator[int]) -> Iterator[Wallet]:
    """Yield wallets whose handles differ: two that share one could not both sign in (contract.md 2.1)."""
    handles: set[str] = set()
    for number in numbers:
        made = wallet(secret, pool, number)
        handle = made.address[:_HANDLE]
        if handle not in handles:
            handles.add(handle)
            yield made
