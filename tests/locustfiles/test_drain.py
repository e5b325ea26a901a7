"""The master waits for every worker that may still answer, and names those that never did."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from locustfiles import _drain
from locustfiles._drain import Drain, serve_drain


class Clients(dict[str, SimpleNamespace]):
    @property
    def all(self) -> list[SimpleNamespace]:
        return list(self.values())


class Runner:
    """As much of Locust's runners as draining touches."""

    def __init__(self, *names: str) -> None:
        self.clients = Clients({name: SimpleNamespace(id=name, state="running") for name in names})
        self._indexes = {name: index for index, name in enumerate(names)}
        self.environment = SimpleNamespace(stop_timeout=0)
        self.listeners: dict[str, Callable[..., None]] = {}
        self.did: list[object] = []
        self.answer: Callable[[str], Any] = self.says_drained

    def register_message(self, name: str, listener: Callable[..., None], **options: object) -> None:
        self.listeners[name] = listener
        self.did.append(options)

    def send_message(self, name: str, client_id: str | None = None) -> None:
        self.did.append((name, client_id))
        if client_id is not None:
            self.answer(client_id)

    def says_drained(self, client: str) -> None:
        self.listeners["sellergate_drained"](environment=None, msg=SimpleNamespace(node_id=client))

    def get_worker_index(self, client: str) -> int:
        return self._indexes[client]

    def stop(self) -> None:
        self.did.append("stop")

    def _send_stats(self) -> None:
        self.did.append("stats")


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_drain, "_GRACE_S", 0.3)


def test_every_worker_is_asked_and_none_is_lost_when_all_answer() -> None:
    runner = Runner("a", "b")
    drain = Drain(runner, 0.0)
    runner.did.clear()
    assert drain.run() == []
    assert runner.did == [("sellergate_drain", "a"), ("sellergate_drain", "b")]


def test_late_answer_is_waited_for() -> None:
    runner = Runner("a")
    drain = Drain(runner, 0.0)
    runner.answer = lambda client: gevent.spawn_later(0.15, runner.says_drained, client)
    began = time.monotonic()
    assert drain.run() == []
    assert 0.14 < time.monotonic() - began < 5  # of ten it might have waited


@pytest.mark.usefixtures("short_grace")
def test_silent_worker_is_named_after_the_grace() -> None:
    runner = Runner("a", "b", "c")
    drain = Drain(runner, 0.0)
    runner.answer = lambda client: runner.says_drained(client) if client != "b" else None
    began = time.monotonic()
    assert drain.run() == [1]
    assert time.monotonic() - began >= 0.3


@pytest.mark.usefixtures("short_grace")
def test_workers_get_the_stop_timeout_on_top_of_the_grace() -> None:
    runner = Runner("a")
    runner.environment.stop_timeout = 5
    drain = Drain(runner, 0.0)
    runner.answer = lambda client: gevent.spawn_later(0.4, runner.says_drained, client)
    assert drain.run() == []


@pytest.mark.parametrize(
    "leave",
    [lambda runner: setattr(runner.clients["b"], "state", "missing"), lambda runner: runner.clients.pop("b")],
    ids=["missing", "removed from the list"],
)
def test_dead_worker_is_named_without_waiting_for_it(leave: Callable[[Runner], object]) -> None:
    runner = Runner("a", "b")
    drain = Drain(runner, 0.0)
    runner.answer = lambda client: runner.says_drained(client) if client == "a" else leave(runner)
    began = time.monotonic()
    assert drain.run() == [1]
    assert time.monotonic() - began < 5  # of ten it might have waited


@pytest.mark.usefixtures("short_grace")
def test_answer_of_an_earlier_run_does_not_count_for_this_one() -> None:
    runner = Runner("a")
    drain = Drain(runner, 0.0)
    assert drain.run() == []
    runner.answer = lambda _: None
    assert drain.run() == [0]


@pytest.mark.usefixtures("short_grace")
def test_a_worker_whose_samples_still_come_is_waited_for() -> None:
    runner = Runner("a")
    until = time.monotonic() + 0.5
    drain = Drain(runner, 0.0, lambda: min(until, time.monotonic()))
    runner.answer = lambda client: gevent.spawn_later(0.6, runner.says_drained, client)
    assert drain.run() == []


def test_samples_that_never_end_are_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_drain, "_GRACE_S", 0.1)
    monkeypatch.setattr(_drain, "_LONGEST_S", 0.2)
    runner = Runner("a")
    drain = Drain(runner, 0.0, time.monotonic)
    runner.answer = lambda _: None
    assert drain.run() == [0]


def test_worker_stops_and_reports_before_it_says_so() -> None:
    runner = Runner()
    serve_drain(runner, lambda: runner.did.append("all sent"))
    assert runner.did == [{"concurrent": True}]
    runner.did.clear()
    runner.listeners["sellergate_drain"](environment=None, msg=None)
    assert runner.did == ["stop", "stats", "all sent", ("sellergate_drained", None)]
