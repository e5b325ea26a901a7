"""What a connection tells of one request: when what happened, what came, or why nothing did."""

import time
from typing import NamedTuple

from locustfiles._http._fields import Fields


class Trace:
    """What happened to one request: when it was connected, sent, first answered, wholly answered."""

    __slots__ = ("connect_ms", "ended_at", "first_byte_at", "request_bytes", "sent", "started_at")

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin, or begin anew; times are perf_counter seconds."""
        self.started_at = self.ended_at = time.perf_counter()
        self.connect_ms: float | None = None
        self.sent = False
        self.first_byte_at: float | None = None
        self.request_bytes: int | None = None

    @property
    def time_ms(self) -> float:
        """Milliseconds from the start until the answer was whole."""
        return (self.ended_at - self.started_at) * 1000

    @property
    def wait_ms(self) -> float | None:
        """Milliseconds from the start until the answer's head had come."""
        return None if self.first_byte_at is None else (self.first_byte_at - self.started_at) * 1000


class Received(NamedTuple):
    """One whole answer; the body as it came, still encoded where a field says so."""

    status: int
    fields: Fields
    body: bytes
    encoded: bool


class Unanswered(Exception):
    """The connection ended before an answer began."""


class Broken(Exception):
    """An answer began, and is none: cut short, against the protocol, or longer than anybody could want."""
