"""Count the real-time sessions a profile holds, and hold them against what a deployment lets an address have."""

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from math import ceil

from gate.budget.traffic import Traffic
from runlog.workflows import HOLDING


@dataclass(frozen=True, slots=True)
class Sessions:
    """How many sessions a profile holds at the same time, and how many the target takes; None: nothing is known."""

    wanted: int = 0
    of_an_address: int = 0  # from the client address that has most; a proxy's or X-Forwarded-For do not count
    addresses: int = 1
    per_address: int | None = None
    at_most: int | None = None

    @property
    def fits(self) -> bool:
        """Whether none would be turned away."""
        return not self._beyond(self.of_an_address, self.per_address) and not self._beyond(self.wanted, self.at_most)

    @property
    def addresses_needed(self) -> int | None:
        """Return how many client addresses would do; None where more do not help, or are not needed."""
        if self.per_address is None or self.fits or self._beyond(self.wanted, self.at_most):
            return None
        return ceil(self.wanted / self.per_address)

    @staticmethod
    def _beyond(number: int, most: int | None) -> bool:
        return most is not None and number > most


def sessions(whole: Traffic) -> Sessions:
    """Return the sessions of a profile: sellers use the client addresses in turn."""
    target = whole.target
    holding = [seller for seller, name in enumerate(islice(whole.mix(), whole.profile.sellers)) if name in HOLDING]
    addresses = max(1, len(target.client_addresses))
    crowd = Counter(seller % addresses for seller in holding)
    return Sessions(
        wanted=len(holding),
        of_an_address=max(crowd.values(), default=0),
        addresses=addresses,
        per_address=target.sockets.sessions_per_address,
        at_most=target.sockets.sessions_at_most,
    )
