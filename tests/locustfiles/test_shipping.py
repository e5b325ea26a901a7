"""Worker and master agree on what has arrived, and neither waits for the other for ever."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from locustfiles import _shipping
from locustfiles._shipping import Inbox, Outbox, is_marked, mark_folder
from runlog.parcels import Packer
from runlog.writer import closing_path, samples_path


class Hook:
    def __init__(self) -> None:
        self.listeners: list[Callable[..., None]] = []

    def add_listener(self, listener: Callable[..., None]) -> None:
        self.listeners.append(listener)

    def fire(self, **words: Any) -> None:
        for listener in self.listeners:
            listener(**words)


class Runner:
    """As much of Locust's runners as shipping touches; a worker's reports reach `other` at once, unless cut off."""

    def __init__(self) -> None:
        self.environment = SimpleNamespace(events=SimpleNamespace(report_to_master=Hook(), worker_report=Hook()))
        self.worker_indexes = {"a": 2}
        self.greenlet = ["one that listens"]
        self.listeners: dict[str, Callable[..., None]] = {}
        self.other: Runner | None = None
        self.cut = False
        self.told: list[str] = []

    def register_message(self, name: str, listener: Callable[..., None]) -> None:
        self.listeners[name] = listener

    def get_worker_index(self, client: str) -> int:
        return self.worker_indexes[client]

    def _send_stats(self) -> dict[str, Any]:
        data: dict[str, Any] = {}
        self.environment.events.report_to_master.fire(client_id="a", data=data)
        if self.other is not None and not self.cut:
            self.other.environment.events.worker_report.fire(client_id="a", data=data)
        return data

    def send_message(self, name: str, data: Any = None, client_id: str = "") -> None:
        self.told.append(f"{name} {client_id}")
        if self.other is not None and name in self.other.listeners:
            self.other.listeners[name](environment=None, msg=SimpleNamespace(data=data, node_id=""))


class Pair:
    """A worker that has written, and its master."""

    def __init__(self, place: Path) -> None:
        self.spool, self.run = place / "spool", place / "run"
        self.spool.mkdir()
        self.run.mkdir()
        self.worker, self.master = Runner(), Runner()
        self.worker.other, self.master.other = self.master, self.worker
        self.outbox, self.inbox = Outbox(self.worker), Inbox(self.master)
        self.problems: list[str] = []
        samples_path(self.spool, 2).write_bytes(b"x" * 100)
        self.outbox.begin("r1", Packer(self.spool, 2))
        self.inbox.open("r1", self.run, self.problems.append)

    def close(self) -> None:
        closing_path(self.spool, 2).write_bytes(b"{}")

    @property
    def arrived(self) -> bool:
        return closing_path(self.run, 2).exists()


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_reports_bring_what_was_written_and_the_end_brings_the_rest(pair: Pair) -> None:
    assert pair.inbox.heard() == 0.0
    pair.worker._send_stats()
    assert samples_path(pair.run, 2).read_bytes() == b"x" * 100
    assert pair.inbox.heard() > 0.0
    with samples_path(pair.spool, 2).open("ab") as file:
        file.write(b"y" * 50)
    pair.close()
    assert pair.outbox.finish()
    assert samples_path(pair.run, 2).read_bytes() == b"x" * 100 + b"y" * 50
    assert pair.arrived
    assert pair.problems == []


def test_a_worker_in_the_masters_own_folder_sends_nothing(pair: Pair) -> None:
    pair.outbox.begin("r1", None)
    assert pair.worker._send_stats() == {}
    assert pair.outbox.finish()


def test_a_report_of_another_run_is_passed_over(pair: Pair) -> None:
    pair.inbox.open("r2", pair.run, pair.problems.append)
    pair.worker._send_stats()
    assert list(pair.run.iterdir()) == []


def test_nothing_comes_into_a_run_that_is_closed(pair: Pair) -> None:
    pair.inbox.close()
    pair.worker._send_stats()
    assert list(pair.run.iterdir()) == []


def test_a_receipt_of_another_run_is_passed_over(pair: Pair) -> None:
    pair.close()
    receipt = {"run": "r0", "have": {"process-2.json": 2}, "gaps": [], "refused": ""}
    pair.worker.listeners["sellergate_receipt"](environment=None, msg=SimpleNamespace(data=receipt))
    assert pair.outbox.finish()
    assert pair.arrived


def test_a_master_that_takes_nothing_is_not_waited_for_for_ever(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shipping, "_GIVE_UP_S", 0.05)
    monkeypatch.setattr(_shipping, "REPORT_S", 0.02)
    pair.worker.cut = True
    pair.close()
    assert not pair.outbox.finish()


def test_nobody_waits_where_nobody_listens_any_more(pair: Pair) -> None:
    pair.worker.greenlet = []
    pair.close()
    assert not pair.outbox.finish()


def test_what_is_not_answered_for_is_sent_again_and_then_waited_for_longer(pair: Pair) -> None:
    pair.outbox._patience_s = 1e-9
    pair.worker.cut = True
    pair.worker._send_stats()
    assert pair.worker._send_stats()  # again
    assert pair.outbox._patience_s == 2e-9
    pair.worker.cut = False
    pair.worker._send_stats()
    assert samples_path(pair.run, 2).read_bytes() == b"x" * 100
    assert pair.outbox._patience_s == _shipping._AGAIN_S  # heard of


def test_what_is_on_its_way_is_bounded(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shipping, "_IN_FLIGHT_BYTES", 100)
    pair.worker.cut = True
    assert pair.worker._send_stats()
    with samples_path(pair.spool, 2).open("ab") as file:
        file.write(b"y")
    assert pair.worker._send_stats() == {}


def test_a_spool_that_cannot_be_read_back_is_given_up(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Packer, "take", refuse)
    assert pair.worker._send_stats() == {}
    assert pair.outbox.finish()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda pair: samples_path(pair.run, 2).write_bytes(b""), "was there before"),
        (lambda pair: samples_path(pair.run, 2).symlink_to("/dev/full"), "was there before"),
        (lambda pair: pair.run.rmdir(), "No such file or directory"),
    ],
    ids=["a file that was there", "a device", "no folder"],
)
def test_what_the_master_cannot_keep_is_a_problem_of_the_run_and_not_sent_again(
    pair: Pair, spoil: Callable[[Pair], object], words: str
) -> None:
    spoil(pair)
    pair.worker._send_stats()
    (problem,) = pair.problems
    assert problem.startswith("log of process 2 not kept: ")
    assert words in problem
    assert pair.worker._send_stats() == {}


def test_a_worker_of_another_master_is_told_to_quit_and_none_of_its_bytes_are_kept(pair: Pair) -> None:
    pair.master.worker_indexes = {}
    pair.worker._send_stats()
    assert pair.master.told == ["quit a"]
    assert list(pair.run.iterdir()) == []


def test_a_folder_is_known_by_its_mark_alone(tmp_path: Path) -> None:
    mark = mark_folder(tmp_path)
    (tmp_path / "other").mkdir()
    assert is_marked(tmp_path, mark)
    assert not is_marked(tmp_path / "other", mark)
    assert mark_folder(tmp_path / "other") != mark
    assert not is_marked(tmp_path / "other", mark)
