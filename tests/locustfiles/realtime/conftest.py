"""A Socket.IO client that does what a test says, and what a line records of it."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import gevent
import orjson
import pytest

from locustfiles._realtime import Addressees, Ledger, Line, Rows, ServerClock, _line
from locustfiles._socketio import Arrived, Ended, Opened, SocketFailed, SocketIO
from runlog.schema import Kind, Outcome, Sample

WALLET = "0x" + "a" * 40
ANSWERS = {"authenticate": "authenticated", "subscribe": "subscribed", "unsubscribe": "unsubscribed"}


class Socket:
    """One connection: granted everything, unless the test says otherwise."""

    def __init__(self, plan: Any, on_event: Callable[[Arrived], None], on_end: Callable[[Ended], None]) -> None:
        self.plan, self._on_event, self._on_end = plan, on_event, on_end
        self.sent: list[tuple[str, Any]] = []
        self.open_now = False

    def open(self) -> Opened:
        if isinstance(self.plan, SocketFailed):
            raise self.plan
        if self.plan == "hangs":
            gevent.sleep(60)
        self.open_now = True
        return Opened(1.0, 2.0, 3.0, 101, "sid")

    def emit(self, event: str, body: Any) -> None:
        self.sent.append((event, body))
        if self.plan == "mute":
            return
        if self.plan == "ends at once" and event == "subscribe":
            self.ends("network", "reset")
        elif self.plan == "denies":
            self.comes({"authenticate": "auth_error", "subscribe": "subscription_error"}[event], message="who are you?")
        else:
            self.comes(ANSWERS[event], subscriptionId="s-1")

    def comes(self, event: str, **body: Any) -> None:
        raw = orjson.dumps([event, body])
        at, at_s = time.perf_counter(), time.time()
        gevent.get_hub().loop.run_callback(self._on_event, Arrived(event, [body], raw, at, at_s, "/", len(raw)))

    def ends(self, by: Any, why: str = "gone") -> None:
        if self.open_now:
            self.open_now = False
            self._on_end(Ended(by, why, time.perf_counter(), time.time()))

    def close(self) -> None:
        self.ends("us", "closed")


class Bench:
    """A line, the connections it made, and its samples."""

    def __init__(self) -> None:
        self.plans: list[Any] = []
        self.sockets: list[Socket] = []
        self.samples: list[Sample] = []
        self.stopping = False
        self.bugs: list[Exception] = []
        recorder = cast("Any", SimpleNamespace(process=0, add=self.samples.append))
        self.clock = ServerClock()
        self.rows = Rows(recorder, None, seller=7, workflow="store")
        self.line = Line(
            self._connect,
            open_ledger=partial(
                Ledger,
                WALLET,
                clock=self.clock,
                lost_after_s=0.2,
                keep_s=0.2,
                uncalled={},
                addressees=Addressees(),
                mark=b"sg-r-1-7",
            ),
            rows=self.rows,
            timeout_s=0.3,
            stopping=lambda: self.stopping,
            bug=self.bugs.append,
        )

    def _connect(self, on_event: Callable[[Arrived], None], on_end: Callable[[Ended], None]) -> SocketIO:
        plan = self.plans.pop(0) if self.plans else None
        self.sockets.append(Socket(plan, on_event, on_end))
        return cast("SocketIO", self.sockets[-1])

    def of(self, kind: Kind) -> list[Sample]:
        return [sample for sample in self.samples if sample.kind is kind]

    def told(self) -> list[tuple[Kind, str, Outcome]]:
        return [(sample.kind, sample.route or "", sample.outcome) for sample in self.samples]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Lines come back quickly here: the product's pauses are longer than a test."""
    monkeypatch.setattr(_line, "PAUSES_S", (0.01, 0.02, 0.03))
    made = Bench()
    yield made
    made.line.close()


@pytest.fixture
def socket() -> type[Socket]:
    """Return the class of connections that do what they are told."""
    return Socket
