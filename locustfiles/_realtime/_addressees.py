"""Tell whose an event is: by the wallets in it, and by who was sent a message."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

_WALLETS: Final = ("walletAddress", "sellerAddress", "userAddress", "recipientAddress")
"""Fields of an event that say whose it is."""
_INSIDE: Final = ("data", "message", "notification")
"""Where the product puts what an event is about."""
_MESSAGES: Final = 20_000
"""Messages kept in mind; older ones are told to nobody any more."""


class Addressees:
    """Who in this process was sent which message: one that comes to another seller is a leak."""

    def __init__(self) -> None:
        self._wallets: OrderedDict[str, str] = OrderedDict()

    def note(self, message: str, wallet: str) -> None:
        """Note that a message is for a wallet."""
        self._wallets[message] = wallet
        if len(self._wallets) > _MESSAGES:
            self._wallets.popitem(last=False)

    def is_another_s(self, message: Any, wallet: str) -> bool:
        """Return whether a message with this id is known to be for another wallet."""
        return self._wallets.get(str(message), wallet) != wallet


def wallets_in(body: dict[str, Any], depth: int = 2) -> Iterator[str]:
    """Return the wallets an event says it is for, also those inside what it is about."""
    for name in _WALLETS:
        if isinstance(body.get(name), str):
            yield body[name]
    for name in _INSIDE if depth else ():
        inner = body.get(name)
        if isinstance(inner, dict):
            yield from wallets_in(inner, depth - 1)
