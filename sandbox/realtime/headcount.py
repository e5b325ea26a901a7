"""Count the sessions: who came, who was let in, who is here, and why the others left."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Headcount:
    """Counters since the start or the last reset; ``live`` is now.

    ``opened`` counts every attempt, the refused ones included; ``refused`` is by the words of the refusal, ``ended`` by
    reason.
    """

    opened: int = 0
    authenticated: int = 0
    live: int = 0
    live_max: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)

    def came(self) -> None:
        """Count one more that is here."""
        self.live += 1
        self.live_max = max(self.live, self.live_max)

    def left(self, reason: str) -> None:
        """Count one that is no longer here."""
        self.live -= 1
        self.ended[reason] += 1

    def reset(self) -> None:
        """Forget every count but of those who are here."""
        self.opened, self.authenticated, self.live_max = 0, 0, self.live
        self.refused.clear()
        self.ended.clear()

    def as_dict(self) -> dict[str, object]:
        """Return the counters as the truth shows them; ``dropped`` are those a fault cut off."""
        return {
            "opened": self.opened,
            "authenticated": self.authenticated,
            "live": self.live,
            "live_max": self.live_max,
            "refused": dict(self.refused),
            "dropped": self.ended["dropped"],
            "ended": dict(self.ended),
        }
