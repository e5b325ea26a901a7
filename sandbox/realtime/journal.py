"""Write down every event sellers were owed: when it was caused, when it was sent, and what a fault did to it."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

KEPT_AT_MOST = 200_000  # records, some 300 bytes each; the counters go on


@dataclass(slots=True, eq=False)
class Record:
    """One event for one wallet; times are Unix seconds. ``sent_at_s`` is None until a socket has it.

    ``seq`` counts a wallet's events in the order of their causes.
    """

    event_id: str
    seq: int
    event: str
    wallet: str
    caused_at_s: float
    sent_at_s: float | None = None
    queued: bool = False
    fault: str | None = None


class Journal:
    """Counters by the event's name, and the records themselves as far as they fit."""

    def __init__(self, kept_at_most: int = KEPT_AT_MOST) -> None:
        self._kept_at_most = kept_at_most
        self._boot = f"{os.getpid():x}{time.time_ns() // 1_000_000:x}"
        self._number = 0
        self._records: list[Record] = []
        self._not_kept = 0
        self._counts: dict[str, Counter[str]] = {}

    def caused(self, event: str, wallet: str, seq: int) -> Record:
        """Count an event that somebody must be told of, and return what is kept of it."""
        self._number += 1
        record = Record(f"{self._boot}-{self._number:x}", seq, event, wallet, time.time())
        self._count(record, "emitted")
        if len(self._records) < self._kept_at_most:
            self._records.append(record)
        else:
            self._not_kept += 1
        return record

    def unheard(self, event: str) -> None:
        """Count an event of a wallet that never had a session: nobody is told, now or later."""
        self._counts.setdefault(event, Counter())["unheard"] += 1

    def delivered(self, record: Record, fault: str | None = None) -> None:
        """Count an event at the moment a socket gets it, the first time it does."""
        if record.sent_at_s is not None:
            return
        record.sent_at_s, record.fault = time.time(), fault
        self._count(record, "delivered")
        if record.queued:
            self._count(record, "queued")
        if fault == "reorder_events":
            self._count(record, "out_of_order")

    def delivered_again(self, record: Record) -> None:
        """Count that a socket got an event a second time."""
        if record.fault is None:
            record.fault = "duplicate_events"
            self._count(record, "duplicated")

    def lost(self, record: Record) -> None:
        """Count an event a fault made away with."""
        record.fault = "lose_events"
        self._count(record, "lost")

    def reset(self) -> None:
        """Forget every count and record; events under way will be delivered without having been emitted."""
        self._records.clear()
        self._counts.clear()
        self._not_kept = 0

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the counters by event; ``undelivered`` are those no socket has and no fault took, so far."""
        return {event: _with_undelivered(counts) for event, counts in self._counts.items()}

    def page(self, after: int, limit: int) -> bytes:
        """Return records in the order of their causes as JSON, from the one with the index ``after`` on."""
        records = self._records[after : after + limit]
        end = after + len(records)
        return orjson.dumps(
            {
                "format": 1,
                "events": [dict(_fields(record)) for record in records],
                "next": end if end < len(self._records) else None,
                "kept": len(self._records),
                "not_kept": self._not_kept,
            },
        )

    def _count(self, record: Record, what: str) -> None:
        self._counts.setdefault(record.event, Counter())[what] += 1


_COUNTED = ("emitted", "delivered", "queued", "lost", "duplicated", "out_of_order", "unheard")


def _with_undelivered(counts: Counter[str]) -> dict[str, int]:
    undelivered = max(counts["emitted"] - counts["delivered"] - counts["lost"], 0)
    return {name: counts[name] for name in _COUNTED} | {"undelivered": undelivered}


def _fields(record: Record) -> Iterator[tuple[str, object]]:
    yield "eventId", record.event_id
    yield "seq", record.seq
    yield "event", record.event
    yield "wallet", record.wallet
    yield "caused_at_s", record.caused_at_s
    yield "sent_at_s", record.sent_at_s
    yield "queued", record.queued
    yield "fault", record.fault
