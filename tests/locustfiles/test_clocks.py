"""Master and workers exchange the time whenever a worker reports."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from locustfiles._clocks import Clocks, serve_clock


class Hook:
    def __init__(self) -> None:
        self.listeners: list[Callable[..., None]] = []

    def add_listener(self, listener: Callable[..., None]) -> None:
        self.listeners.append(listener)


class Runner:
    """As much of Locust's runners as asking for the time touches; what is sent arrives at `other` at once."""

    def __init__(self, client: str = "") -> None:
        self.worker_indexes = {"a": 0, "b": 3}
        self.environment = SimpleNamespace(events=SimpleNamespace(worker_report=Hook()))
        self._client = client
        self._listeners: dict[str, Callable[..., None]] = {}
        self.others: dict[str, Runner] = {}

    def register_message(self, name: str, listener: Callable[..., None]) -> None:
        self._listeners[name] = listener

    def send_message(self, name: str, data: dict[str, Any], client_id: str = "master") -> None:
        message = SimpleNamespace(data=dict(data), node_id=self._client)
        self.others[client_id]._listeners[name](environment=None, msg=message)

    def get_worker_index(self, client: str) -> int:
        return self.worker_indexes[client]

    def report(self, client: str) -> None:
        for listener in self.environment.events.worker_report.listeners:
            listener(client_id=client, data={})


def connected(**ahead_s: float) -> tuple[Runner, Clocks]:
    master = Runner()
    for name, offset_s in ahead_s.items():
        worker = Runner(name)
        worker.others["master"] = master
        master.others[name] = worker
        serve_clock(worker, lambda offset_s=offset_s: time.time() + offset_s)
    return master, Clocks(master)


def test_each_workers_clock_is_known_by_its_process() -> None:
    master, clocks = connected(a=-2.5, b=7.0)
    for name in ("a", "b", "a"):
        master.report(name)
    first, second = clocks.measured()
    assert (first.process, second.process) == (0, 3)
    assert abs(first.offset_s + 2.5) <= first.uncertainty_s + 1e-6
    assert abs(second.offset_s - 7.0) <= second.uncertainty_s + 1e-6
    assert max(first.uncertainty_s, second.uncertainty_s) < 0.05
    clocks.forget()
    assert clocks.measured() == ()


def test_a_worker_of_another_master_is_not_asked() -> None:
    master, clocks = connected(stranger=1.0)
    master.report("stranger")
    assert clocks.measured() == ()
