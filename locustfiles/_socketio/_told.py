"""What a session tells its owner: that it is open, what arrived, how it ended, why it failed."""

from dataclasses import dataclass
from typing import Any, Literal

from runlog.schema import Outcome

EndedBy = Literal["us", "server", "network", "silence", "protocol", "bug"]


@dataclass(frozen=True, slots=True)
class Opened:
    """How long the phases of opening took, each counted from the start (milliseconds) but the connecting itself."""

    connect_ms: float
    """TCP, the proxy's tunnel and TLS."""
    wait_ms: float
    """Until the server agreed to speak WebSocket."""
    handshake_ms: float
    """Until the namespace was joined."""
    status: int
    """HTTP status of the upgrade: 101."""
    sid: str
    """The session's id in its namespace."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One event, stamped when its bytes were read: `at` on the performance counter, `at_s` in Unix seconds."""

    event: str
    args: list[Any]
    raw: bytes
    """The event as it was sent: a JSON list of name and arguments."""
    at: float
    at_s: float
    namespace: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a session: who ended it, in whose words, when."""

    by: EndedBy
    why: str
    at: float
    at_s: float


class SocketFailed(Exception):
    """A session could not be opened, or does not do what it is asked; `outcome` is what the sample says."""

    def __init__(
        self,
        outcome: Outcome,
        text: str,
        *,
        status: int | None = None,
        connect_ms: float | None = None,
        wait_ms: float | None = None,
    ) -> None:
        super().__init__(text)
        self.outcome = outcome
        self.text = text
        self.status = status
        self.connect_ms = connect_ms
        self.wait_ms = wait_ms
