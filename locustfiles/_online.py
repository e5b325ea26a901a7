"""Hold a real-time session where the workflow has one, and wait for what the server owes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from locustfiles._calls import Call
from locustfiles._checks import Answer, Lost, StepFailed, WrongBody
from locustfiles._realtime import Line, Owed, event_of, owed_after, stamp_s
from locustfiles._waiting import Waiter
from runlog.schema import Outcome
from runlog.workflows import EVENT_STEPS

_GONE_S: Final = 0.25
"""A seller who left is gone for so long at least: the server has to notice."""


class Online(Waiter):
    """A sender that can be told things.

    The session is kept from pass to pass; one that is lost comes back by itself. `runlog.workflows.HOLDING` names who
    has one; where `holds_session` is False nothing here does anything.
    """

    abstract = True
    holds_session: ClassVar[bool] = False
    line: Line | None = None
    _owed: dict[str, Owed]

    @property
    def session_wallet(self) -> str:
        """Whose session it is: the wallet in lower case, for rooms are told apart by letters."""
        return self.account.wallet.lower

    def go_online(self) -> None:
        """See that this seller holds a session; one who has become somebody else opens his own. Fails never."""
        if not self.holds_session:
            return
        if self.line is not None and self.line.wallet != self.session_wallet:
            self.go_offline()
        self._owed = {}
        if self.line is None:
            self.line = self.load.lines.open(
                wallet=self.session_wallet,
                seller=self.number,
                workflow=self.workflow,
                url=self.load.socket_url(str(self.host)),
                headers=self._own_headers,
                stats=self.environment.stats,
            )
        self.line.at(self.iteration)
        self.line.hold()

    def go_offline(self) -> None:
        """Give up the session, as soon as nothing is owed on it; at the end of the load all of them are settled."""
        line, self.line = self.line, None
        if line is not None and not self.load.stopping:
            self.load.lines.retire(line)

    def on_stop(self) -> None:
        """Leave: Locust calls this when a seller is taken away."""
        self.go_offline()
        self.wire.close()

    @contextmanager
    def away(self, *, really: bool = True) -> Iterator[None]:
        """Be offline for the length of a with-block; not while something is on its way, which would be lost with it."""
        line = self.line if really else None
        if line is None or line.ledger.awaits:
            yield
            return
        line.leave()
        self.pause(_GONE_S)
        try:
            yield
        except StepFailed:
            line.hold()
            raise
        line.hold()

    def be_online(self) -> None:
        """See that this seller has had a session; Lost when not: nobody could have told it anything."""
        if self.line is not None and self.line.live_since_s is None:
            raise Lost("there is no session")

    def told(self, event: str) -> Owed:
        """Wait for the event that the last request of this seller's caused; Lost when it does not come."""
        line = self.line
        if line is None or event not in self._owed:
            raise Lost(f"there is no session to get {event} over")
        return self.came(self._owed[event])

    def came(self, owed: Owed) -> Owed:
        """Wait until an event came and return it; Lost when it does not, WrongBody when it is somebody else's."""
        if self.line is not None:
            self.line.wait(owed)
        if owed.outcome is Outcome.LOST:
            raise Lost(owed.error or owed.event)
        if owed.outcome is Outcome.WRONG_BODY:
            raise WrongBody(owed.error or owed.event)
        return owed

    def about_to_write(self, call: Call) -> None:
        """Note that a request may cause an event: one that comes before the answer may be it."""
        event = None if self.line is None else event_of(call)
        if self.line is not None and event is not None:
            self.line.ledger.asking(event)

    def wrote(self, call: Call, outcome: Outcome, answer: Answer | None) -> None:
        """Note which event is owed now."""
        if not self.holds_session:
            return
        now_s = time.time()
        if outcome is Outcome.OK and answer is not None:  # no read comes from a cache: the server made it just now
            self.load.lines.clock.learn(stamp_s(_metadata(answer)), call.sent_at_s, now_s)
        event = None if self.line is None else event_of(call)
        if self.line is None or event is None:
            return
        cause = None if answer is None else owed_after(call, outcome, answer.about())
        step_event = EVENT_STEPS.get((self.workflow, call.step or ""))
        if cause is not None and (event == step_event or event in self.load.target.sockets.emits):
            owed = Owed(event, call.step, self.iteration, call.sent_at_s, now_s, cause.needles, cause.fields)
            self._owed[event] = owed
            self.line.ledger.owe(owed)
        self.line.ledger.answered(event)


def _metadata(answer: Answer) -> Any:
    body = answer._json  # noqa: SLF001  # parsed by a check or not at all; asking would parse it
    return body.get("metadata") if isinstance(body, dict) else None
