"""Remember which sellers are looking at their orders."""

from collections.abc import Callable
from time import monotonic

WATCHES_FOR_S = 30.0


class Watchers:
    """Sellers who read an orders route lately."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._seen_at_s: dict[str, float] = {}

    def saw(self, wallet: str) -> None:
        """Remember that a seller looked just now."""
        self._seen_at_s[wallet] = self._clock()

    def present(self) -> list[str]:
        """Return the wallets that looked within the last thirty seconds, and forget the others."""
        since_s = self._clock() - WATCHES_FOR_S
        self._seen_at_s = {wallet: at_s for wallet, at_s in self._seen_at_s.items() if at_s >= since_s}
        return list(self._seen_at_s)
