"""Tell wallets what happens to them: in the order of causes, later those who are away, wrongly where faults say so."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from typing import Any

import orjson

from sandbox.chaos import Chaos
from sandbox.envelopes import iso
from sandbox.realtime.journal import Journal, Record
from sandbox.realtime.sessions import Session, Sessions
from sandbox.realtime.terms import Terms

QUEUED_AT_MOST = 200  # events of a wallet that is away; the oldest goes (contract 8.4: 20 to 200 by plan)
QUEUED_IN_ALL_AT_MOST = 20_000
HELD_AT_MOST_S = 1.0  # a held back event is no longer out of order when none has passed it until then


@dataclass(slots=True, eq=False)
class _Parcel:
    """An event on its way."""

    record: Record
    body: dict[str, Any]


@dataclass(slots=True, eq=False)
class _Lane:
    """What goes to one wallet that has had a session: one event behind the other."""

    wallet: str
    seq: int = 0
    not_before_s: float = 0.0
    delayed: int = 0
    waiting: deque[_Parcel] = field(default_factory=deque)
    held: _Parcel | None = None


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    """A place in the outbox; ``release`` lets a held back event go that none has passed."""

    at_s: float
    number: int
    lane: _Lane = field(compare=False)
    parcel: _Parcel = field(compare=False)
    release: bool = field(compare=False, default=False)


class Publisher:
    """Sends events at once, and from a task of its own (``run``) what is delayed; one fault at most strikes each."""

    def __init__(self, sessions: Sessions, journal: Journal, chaos: Chaos, terms: Terms) -> None:
        self._sessions = sessions
        self._journal = journal
        self._chaos = chaos
        self._terms = terms
        self._lanes: dict[str, _Lane] = {}
        self._outbox: list[_Due] = []
        self._numbers = itertools.count()
        self._wake = asyncio.Event()
        self.waiting = 0

    def publish(self, event: str, wallet: str, body: Mapping[str, Any]) -> None:
        """Tell a wallet of an event, unless it never had a session or this server tells nobody of such events."""
        if not self._terms.tells_of(event):
            return
        lane = self._lanes.get(wallet)
        if lane is None:
            self._journal.unheard(event)
            return
        lane.seq += 1
        record = self._journal.caused(event, wallet, lane.seq)
        told = dict(body)
        if self._terms.numbered:
            told |= {"eventId": record.event_id, "seq": record.seq, "timestamp": iso(self._chaos.now_ms())}
        parcel, delay_s = _Parcel(record, told), self._chaos.event_delay_s()
        if delay_s or lane.delayed:
            lane.not_before_s = max(lane.not_before_s, time.monotonic() + delay_s)  # overtakes none of its wallet
            lane.delayed += 1
            self._put(_Due(lane.not_before_s, next(self._numbers), lane, parcel))
        else:
            self._dispatch(lane, parcel)

    def came(self, wallet: str) -> None:
        """Send what a wallet missed, before anything that happens from now on."""
        lane = self._lanes.setdefault(wallet, _Lane(wallet))
        missed = tuple(lane.waiting)
        lane.waiting.clear()
        self.waiting -= len(missed)
        for parcel in missed:
            self._dispatch(lane, parcel)

    def left(self, wallet: str) -> None:
        """Keep for later what was held back for a wallet whose last session ended."""
        lane = self._lanes.get(wallet)
        if lane is not None and lane.held is not None and not self._sessions.of(wallet):
            held, lane.held = lane.held, None
            self._keep(lane, held)

    async def run(self) -> None:
        """Send what is due, for ever."""
        while True:
            self._wake.clear()
            left_s = self._send_due()
            try:
                async with asyncio.timeout(left_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _send_due(self) -> float | None:
        """Send every event whose time has come; returns seconds until the next, None without any."""
        while self._outbox:
            left_s = self._outbox[0].at_s - time.monotonic()
            if left_s > 0:
                return left_s
            due = heappop(self._outbox)
            if not due.release:
                due.lane.delayed -= 1
                self._dispatch(due.lane, due.parcel)
            elif due.lane.held is due.parcel:
                due.lane.held = None
                self._hand_over(due.parcel)
        return None

    def _put(self, due: _Due) -> None:
        heappush(self._outbox, due)
        self._wake.set()

    def _dispatch(self, lane: _Lane, parcel: _Parcel) -> None:
        """Send an event, lose it, or hold it back, as the faults want."""
        if not self._sessions.of(lane.wallet):
            self._keep(lane, parcel)
            return
        fault = self._chaos.event_fault()
        if fault == "lose_events":
            self._chaos.count(fault)
            self._journal.lost(parcel.record)
            return
        if fault == "reorder_events" and lane.held is None:
            lane.held = parcel
            at_s = time.monotonic() + HELD_AT_MOST_S
            self._put(_Due(at_s, next(self._numbers), lane, parcel, release=True))
            return
        self._hand_over(parcel)
        if fault == "duplicate_events":
            self._chaos.count(fault)
            self._hand_over(parcel, again=True)
        if lane.held is not None:
            held, lane.held = lane.held, None
            self._chaos.count("reorder_events")
            self._hand_over(held, fault="reorder_events")

    def _hand_over(self, parcel: _Parcel, *, again: bool = False, fault: str | None = None) -> None:
        """Give an event to every session of its wallet."""
        record = parcel.record
        body = parcel.body | {"queued": True} if record.queued else parcel.body
        packet = "2" + orjson.dumps([record.event, body]).decode()
        for session in self._sessions.of(record.wallet):
            session.send(packet, partial(self._taken, session, record, fault, again=again))

    def _taken(self, session: Session, record: Record, fault: str | None, *, again: bool) -> None:
        if session.over:
            return  # its socket was cut: nobody reads what is still written
        if again:
            self._journal.delivered_again(record)
        else:
            self._journal.delivered(record, fault)

    def _keep(self, lane: _Lane, parcel: _Parcel) -> None:
        """Keep an event for a wallet that is away, in place of its oldest or not at all when there are too many."""
        parcel.record.queued = True
        if len(lane.waiting) >= QUEUED_AT_MOST:
            lane.waiting.popleft()
            self.waiting -= 1
        if self.waiting >= QUEUED_IN_ALL_AT_MOST:
            return
        lane.waiting.append(parcel)
        self.waiting += 1
