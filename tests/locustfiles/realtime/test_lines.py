"""All sessions of a process: reviewed in time, and settled when the load ends."""

import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import gevent
import pytest

from locustfiles._load import Load
from locustfiles._realtime import Line, Lines, Owed, _lines
from runlog.schema import Kind, Outcome, Sample
from settings.target import load_target

WALLET = "0x" + "a" * 40


class Process:
    """What lines need of a load."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.bugs: list[tuple[str, Exception]] = []
        target = load_target("sandbox", environ={})
        self.load = SimpleNamespace(
            target=replace(target, timeout_s=0.3, sockets=replace(target.sockets, lost_after_s=0.4)),
            recorder=SimpleNamespace(process=0, add=self.samples.append),
            stopping=False,
            run_id="r-1",
            harness_bug=lambda place, bug: self.bugs.append((place, bug)),
            way=lambda _seller: None,
        )
        self.lines = Lines(cast("Load", self.load))
        self.sockets: list[Any] = []

    def open(self, workflow: str = "dashboard") -> Line:
        return self.lines.open(
            wallet=WALLET, seller=1, workflow=workflow, url="ws://127.0.0.1:1", headers={}, stats=None
        )

    def pushes(self) -> list[Outcome]:
        return [sample.outcome for sample in self.samples if sample.kind is Kind.PUSH]


@pytest.fixture
def process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    made = Process()

    class Socket:
        """Grants everything."""

        def __init__(self, *_: Any, on_event: Any, on_end: Any, **__: Any) -> None:
            bench = request.getfixturevalue("socket")(None, on_event, on_end)
            self.open, self.emit, self.close, self.comes = bench.open, bench.emit, bench.close, bench.comes
            made.sockets.append(bench)

    monkeypatch.setattr(_lines, "SocketIO", Socket)
    yield made
    made.load.stopping = True
    made.lines.stop()


def owe(line: Line, *needles: bytes) -> Owed:
    return line.ledger.owe(Owed("notification", "realtime_updates", 0, time.time(), time.time(), needles))


def test_lost_event_is_found_without_anybody_asking(process: Process) -> None:
    line = process.open()
    line.hold()
    owed = owe(line)
    began = time.monotonic()
    line.wait(owed)
    assert owed.outcome is Outcome.LOST
    assert 0.3 < time.monotonic() - began < 2.0


def test_stop_waits_for_what_is_owed_and_no_longer(process: Process) -> None:
    line = process.open()
    line.hold()
    owe(line, b"here")
    gevent.spawn_later(0.1, process.sockets[0].comes, "notification", message="here")
    began = time.monotonic()
    process.load.stopping = True
    process.lines.stop()
    assert process.pushes() == [Outcome.OK]
    assert time.monotonic() - began < 0.4
    assert process.samples[-1].kind is Kind.SESSION
    assert not line.live


def test_stop_calls_lost_what_does_not_come(process: Process) -> None:
    line = process.open()
    line.hold()
    owe(line)
    process.lines.stop()
    assert process.pushes() == [Outcome.LOST]


def test_what_nobody_was_there_to_be_told_is_cut_not_lost(process: Process) -> None:
    line = process.open()
    line.hold()
    line.leave()
    owe(line)
    process.lines.stop()
    assert process.pushes() == [Outcome.ABORTED]


def test_session_of_who_leaves_lives_until_nothing_is_owed(process: Process) -> None:
    line = process.open()
    line.hold()
    owe(line, b"late")
    process.lines.retire(line)
    gevent.sleep(0.05)
    assert line.live
    process.sockets[0].comes("notification", message="late")
    gevent.sleep(0.25)
    assert not line.live
    assert process.pushes() == [Outcome.OK]


def test_stop_ends_those_on_their_way_out(process: Process) -> None:
    line = process.open()
    line.hold()
    owe(line)
    process.lines.retire(line)
    process.lines.stop()
    assert process.pushes() == [Outcome.LOST]
    assert [sample.outcome for sample in process.samples if sample.kind is Kind.SESSION] == [Outcome.OK]


def test_orders_others_make_belong_to_their_step(process: Process) -> None:
    line = process.open("order_management")
    line.at(2)
    line.hold()
    process.sockets[0].comes("new_order", orderId="o-1")
    gevent.sleep(0.05)
    row = next(sample for sample in process.samples if sample.kind is Kind.PUSH)
    assert (row.step, row.iteration, row.outcome) == ("order_notification", 2, Outcome.OK)
    assert [owed.body["orderId"] for owed in line.ledger.told("new_order")] == ["o-1"]
    assert line.ledger.told("new_order") == []


def test_orders_nobody_waits_for_are_nobodys_step(process: Process) -> None:
    line = process.open("dashboard")
    line.hold()
    process.sockets[0].comes("new_order", orderId="o-1")
    process.lines.stop()
    row = next(sample for sample in process.samples if sample.kind is Kind.PUSH)
    assert (row.step, row.iteration) == (None, -1)


def test_bug_in_one_account_is_told_and_the_others_are_reviewed(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = process.open(), process.open()
    broken.hold()
    sound.hold()
    owe(broken)
    owed = owe(sound)

    def bug(_now_s: float) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(broken.ledger, "review", bug)
    sound.wait(owed)
    assert owed.outcome is Outcome.LOST
    assert process.bugs
    assert process.bugs[0][0] == "a real-time session"
