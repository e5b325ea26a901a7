"""Keep account of the events a server owes one seller: what came, twice, too late, in the wrong order, or never."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from math import inf
from typing import Any, Final

from locustfiles._realtime._addressees import Addressees, wallets_in
from locustfiles._realtime._server_clock import ServerClock, stamp_s
from locustfiles._socketio import Arrived
from runlog.schema import Outcome

_REMEMBERED: Final = 1024
"""Events kept in mind to know them again; a session gets a few a second."""
_LATELY: Final = 64
_TOO_LATE: Final = "came after more than {:g} s"


@dataclass(slots=True, eq=False)
class Owed:
    """One event the server owes; times are Unix seconds of our clock. Without an outcome it is still awaited."""

    event: str
    step: str | None
    iteration: int
    caused_at_s: float | None
    """When its cause was sent; None when somebody else caused it and the server's clock is not known."""
    known_at_s: float
    """When the seller knew that it is owed: its cause had been accepted."""
    needles: tuple[bytes, ...] = ()
    """All of these stand in the event, so that it is told from others of its name."""
    fields: tuple[tuple[str, str], ...] = ()
    """Likewise: fields of its object, and what they hold."""
    outcome: Outcome | None = None
    error: str | None = None
    came_at_s: float | None = None
    bytes: int | None = None
    body: dict[str, Any] = field(default_factory=dict)
    from_s: float | None = None
    """Its latency counts from here: from the cause, or from the return of a seller who was away."""

    @property
    def latency_ms(self) -> float | None:
        """Milliseconds until it came; None when it did not, or from when to count is not known."""
        if self.came_at_s is None or self.from_s is None:
            return None
        return (self.came_at_s - self.from_s) * 1000


@dataclass(slots=True)
class _Here:
    """An event that came; nobody may have said yet that it is owed."""

    arrived: Arrived
    body: dict[str, Any]
    mark: bytes
    outcome: Outcome
    error: str | None


class Ledger:
    """What one seller is owed, across all the sessions it holds one after another.

    `settled` hears of every event once it is decided, in whatever greenlet decides it. Times come in as arguments.
    """

    def __init__(
        self,
        wallet: str,
        *,
        clock: ServerClock,
        lost_after_s: float,
        keep_s: float,
        uncalled: Mapping[str, str],
        addressees: Addressees,
        mark: bytes,
        settled: Callable[[Owed], None],
    ) -> None:
        """Open it; `keep_s` is how long an event may wait for the answer that says it is owed.

        `uncalled` names the events others cause, and the step each belongs to; `mark` is what this run puts into what
        it has sellers told, up to the seller's own number, `addressees` who of this process was sent a message.
        """
        self.wallet = wallet
        self.iteration = -1
        self._clock = clock
        self._lost_after_s = lost_after_s
        self._keep_s = keep_s
        self._uncalled = uncalled
        self._addressees = addressees
        self._mark, self._own_mark = mark.rpartition(b"-")[0] + b"-", mark + b"-"
        self._settled = settled
        self._awaited: list[Owed] = []
        self._unclaimed: list[_Here] = []
        self._told: deque[Owed] = deque(maxlen=_REMEMBERED)
        self._seen: OrderedDict[bytes, Owed | None] = OrderedDict()
        self._came: deque[Owed] = deque(maxlen=_LATELY)
        self._given_up: deque[Owed] = deque(maxlen=_LATELY)
        self._asking: Counter[str] = Counter()
        self._last_number = 0
        self._counts_from_s: float | None = None
        self._left_at_s = 0.0

    # -- what is owed ------------------------------------------------------------------------------------------------

    def owe(self, owed: Owed) -> Owed:
        """Expect an event whose cause was accepted; it may have come before the answer did."""
        if owed.event == "new_message" and owed.needles:
            self._addressees.note(owed.needles[0].decode(), self.wallet)
        for index, early in enumerate(self._unclaimed):
            if _fits(owed, early) and self._made_after(early, owed.caused_at_s):
                del self._unclaimed[index]
                self._pay(owed, early)
                return owed
        self._awaited.append(owed)
        return owed

    def asking(self, event: str) -> None:
        """Note that a request is sent that may cause an event."""
        self._asking[event] += 1

    def answered(self, event: str) -> None:
        """Note that its answer is there, and what is owed for it was said; what came meanwhile may be an older one."""
        self._asking[event] -= 1
        for early in [each for each in self._unclaimed if each.arrived.event == event]:
            if self._claimed(early):
                self._unclaimed.remove(early)

    def told(self, event: str) -> list[Owed]:
        """Take what came of an event others cause, oldest first."""
        taken = [owed for owed in self._told if owed.event == event]
        for owed in taken:
            self._told.remove(owed)
        return taken

    @property
    def busy(self) -> bool:
        """Whether a review could decide anything."""
        return bool(self._awaited or self._unclaimed)

    @property
    def awaits(self) -> bool:
        """Whether an event is neither here nor lost."""
        return bool(self._awaited)

    # -- what comes --------------------------------------------------------------------------------------------------

    def arrived(self, arrived: Arrived) -> None:
        """Take in one event of the seller's own."""
        body = _body(arrived)
        mark = _mark(arrived, body)
        if mark in self._seen and not self._looks_alike(arrived, body):
            self._again(arrived, self._seen[mark])
            return
        self._seen[mark] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        outcome, error = self._judged(arrived, body)
        here = _Here(arrived, body, mark, outcome, error)
        if self._claimed(here):
            return
        if arrived.event in self._uncalled:
            self._told.append(self._unasked(here, self._uncalled[arrived.event], self.iteration))
        else:
            self._unclaimed.append(here)

    def _claimed(self, here: _Here) -> bool:
        """Find what an event was owed for, and settle that; whether there is anything."""
        owed = self._owed_for(here, self._awaited)
        if owed is not None:
            self._awaited.remove(owed)
            self._pay(owed, here)
            return True
        owed = self._owed_for(here, self._given_up)
        if owed is not None:  # counted as lost already, and that it is
            self._given_up.remove(owed)
            self._seen[here.mark] = owed
        return owed is not None

    def _owed_for(self, here: _Here, among: Iterable[Owed]) -> Owed | None:
        """Return which of several an event is: what can be told from others is sure, and what was made meanwhile.

        Of the rest the oldest, unless a request is under way that may have caused it: then its answer will tell.
        """
        fitting = [owed for owed in among if _fits(owed, here) and self._made_after(here, owed.caused_at_s)]
        for owed in fitting:
            if owed.needles or owed.fields or self._made_meanwhile(here, owed):
                return owed
        return None if not fitting or self._asking[here.arrived.event] else fitting[0]

    def _made_after(self, here: _Here, moment_s: float | None) -> bool:
        """Return whether the server can have made an event after a moment of our clock."""
        return moment_s is None or self._clock.between(stamp_s(here.body), moment_s, inf) is not False

    def _made_meanwhile(self, here: _Here, owed: Owed) -> bool:
        """Return whether the server made an event while it was asked to do what causes it."""
        if owed.caused_at_s is None:
            return False
        return self._clock.between(stamp_s(here.body), owed.caused_at_s, owed.known_at_s) is True

    def _looks_alike(self, arrived: Arrived, body: dict[str, Any]) -> bool:
        """Return whether an event that came before, to the letter, may be another: no id, no stamp, and it is owed."""
        if isinstance(body.get("eventId"), str) or stamp_s(body) is not None:
            return False
        return any(owed.event == arrived.event and not owed.needles and not owed.fields for owed in self._awaited)

    def _judged(self, arrived: Arrived, body: dict[str, Any]) -> tuple[Outcome, str | None]:
        """Say whether an event is this seller's, and in its place where the server numbers its events."""
        if any(whose.lower() != self.wallet for whose in wallets_in(body)) or self._is_another_s(arrived, body):
            return Outcome.WRONG_BODY, "an event of another wallet"
        number = body.get("seq")
        if type(number) is int:
            if number < self._last_number:
                return Outcome.OUT_OF_ORDER, "came after a later one"
            self._last_number = number
        return Outcome.OK, None

    def _judged_again(self, here: _Here) -> tuple[Outcome, str | None]:
        """Judge what nobody was owed once more: by now it may be known whose it is."""
        if here.outcome is Outcome.OK and self._is_another_s(here.arrived, here.body):
            return Outcome.WRONG_BODY, "an event of another wallet"
        return here.outcome, here.error

    def _is_another_s(self, arrived: Arrived, body: dict[str, Any]) -> bool:
        """Return whether an event is known to be meant for another seller of this process, or of this run."""
        message = body.get("message")
        if isinstance(message, dict) and self._addressees.is_another_s(message.get("id"), self.wallet):
            return True
        return self._mark in arrived.raw and self._own_mark not in arrived.raw

    def _pay(self, owed: Owed, here: _Here) -> None:
        arrived = here.arrived
        self._seen[here.mark] = owed
        owed.came_at_s, owed.bytes, owed.body = arrived.at_s, arrived.bytes, here.body
        owed.outcome, owed.error = here.outcome, here.error
        if owed.caused_at_s is not None and here.outcome is Outcome.OK:
            self._clock.learn(stamp_s(here.body), owed.caused_at_s, arrived.at_s)
        owed.from_s = self._counted_from_s(owed, queued=here.body.get("queued") is True)
        if owed.outcome is Outcome.OK and "seq" not in here.body and self._overtaken(owed):
            owed.outcome, owed.error = Outcome.OUT_OF_ORDER, "came after a later one"
        if owed.outcome in (Outcome.OK, Outcome.OUT_OF_ORDER) and self._too_late(owed):
            owed.outcome, owed.error = Outcome.LOST, _TOO_LATE.format(self._lost_after_s)
            owed.came_at_s = None
        self._came.append(owed)
        self._settled(owed)

    def _counted_from_s(self, owed: Owed, *, queued: bool) -> float | None:
        """Return from when on a seller waited: one who was away by his own choice could not have seen it before."""
        began_s = owed.caused_at_s
        if began_s is None:
            began_s = self._clock.ours(stamp_s(owed.body))
        if began_s is None or not queued or self._counts_from_s is None:
            return began_s
        return max(began_s, self._counts_from_s)

    def _too_late(self, owed: Owed) -> bool:
        """Return whether an event came when it had been lost for its seller."""
        if owed.came_at_s is None or owed.from_s is None:
            return False
        since_s = owed.from_s if owed.caused_at_s is None else max(owed.from_s, owed.known_at_s)
        return owed.came_at_s - since_s > self._lost_after_s

    def _overtaken(self, owed: Owed) -> bool:
        """Return whether an event came before whose cause was sent after this one's had been answered."""
        if owed.caused_at_s is None or owed.came_at_s is None:
            return False
        return any(
            other.caused_at_s is not None
            and other.came_at_s is not None
            and other.caused_at_s > owed.known_at_s
            and other.came_at_s < owed.came_at_s
            for other in self._came
        )

    def _again(self, arrived: Arrived, first: Owed | None) -> None:
        """Note a further arrival of the same event."""
        again = Owed(arrived.event, None, -1, None, arrived.at_s)
        if first is not None:
            again.step, again.iteration, again.caused_at_s, again.from_s = (
                first.step, first.iteration, first.caused_at_s, first.from_s
            )  # fmt: skip
        again.came_at_s, again.bytes = arrived.at_s, arrived.bytes
        again.outcome, again.error = Outcome.DUPLICATED, "came again"
        self._settled(again)

    # -- what does not come ------------------------------------------------------------------------------------------

    def away(self, at_s: float) -> None:
        """Stop counting: a seller who left can be owed, but not be told. One who was dropped goes on counting."""
        self._counts_from_s, self._left_at_s = None, at_s

    def back(self, at_s: float) -> None:
        """Count from now, unless it does so already: the seller wants to be told. Numbers begin anew."""
        self._last_number = 0
        if self._counts_from_s is None:
            self._counts_from_s = at_s

    def review(self, now_s: float) -> None:
        """Give up what is overdue, and put down what came and nobody said he had caused."""
        counts_from_s = self._counts_from_s
        if counts_from_s is not None:
            due_s = now_s - self._lost_after_s
            self._lose([owed for owed in self._awaited if max(owed.known_at_s, counts_from_s) <= due_s])
        kept_since_s = now_s - self._keep_s
        self._put_down([each for each in self._unclaimed if each.arrived.at_s <= kept_since_s])

    def close(self) -> None:
        """Decide everything, for nothing more will come; what nobody was there to be told was cut by the stop."""
        counted = self._counts_from_s is not None
        self._lose([owed for owed in self._awaited if counted or owed.known_at_s < self._left_at_s])
        while self._awaited:
            owed = self._awaited.pop()
            owed.outcome = Outcome.ABORTED
            self._settled(owed)
        self._put_down(list(self._unclaimed))

    def _lose(self, overdue: list[Owed]) -> None:
        for owed in overdue:
            self._awaited.remove(owed)
            self._given_up.append(owed)
            owed.outcome, owed.error = Outcome.LOST, f"{owed.event} did not come within {self._lost_after_s:g} s"
            self._settled(owed)

    def _put_down(self, nobodys: list[_Here]) -> None:
        for each in nobodys:
            self._unclaimed.remove(each)
            each.outcome, each.error = self._judged_again(each)
            self._unasked(each, None, -1)

    def _unasked(self, here: _Here, step: str | None, iteration: int) -> Owed:
        """Settle an event somebody else caused: it counts from the moment the server says it made it."""
        owed = Owed(here.arrived.event, step, iteration, None, here.arrived.at_s)
        self._pay(owed, here)
        return owed


def _fits(owed: Owed, here: _Here) -> bool:
    return (
        owed.event == here.arrived.event
        and all(needle in here.arrived.raw for needle in owed.needles)
        and all(str(here.body.get(name)) == held for name, held in owed.fields)
    )


def _mark(arrived: Arrived, body: dict[str, Any]) -> bytes:
    """Return what an event is known by again: the server's id of it, or all of its text, stamp and all."""
    named = body.get("eventId")
    whole = named.encode() if isinstance(named, str) else arrived.raw
    return blake2b(arrived.event.encode() + b"\0" + whole, digest_size=12).digest()


def _body(arrived: Arrived) -> dict[str, Any]:
    first = arrived.args[0] if arrived.args else None
    return first if isinstance(first, dict) else {}
