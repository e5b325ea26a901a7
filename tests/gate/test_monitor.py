import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.monitor import MonitorLoop, monitor_run
from gate.probe import Answer, ProbeError
from runlog.reader import read_series
from runlog.run import read_run, write_run
from settings.target import Target, load_target

from .conftest import Site

TARGET = """
format = 1
url = "{url}"
[health]
database = "/health/database"
image_upload = "POST /upload 400"
[[monitor]]
name = "memory"
url = "/metrics"
format = "prometheus"
metric = "memory_percent"
scale = 0.01
every = "100 ms"
[[monitor]]
name = "cpu"
url = "/metrics"
format = "prometheus"
metric = "cpu_percent"
scale = 0.01
every = "100 ms"
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask in tenths of seconds."""
    for name, value in (("HEALTH_EVERY_S", 0.1), ("ALIVE_EVERY_S", 0.1), ("_TICK_S", 0.01), ("_LOOK_EVERY_S", 0.05)):
        monkeypatch.setattr(f"gate.monitor.{name}", value)


def target_at(url: str, folder: Path) -> Target:
    (folder / "here.toml").write_text(TARGET.format(url=url))
    return load_target("here", environ={}, folder=folder)


def rows(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_series(folder, "monitors").to_pylist()
    return found


def for_seconds(duration_s: float) -> Callable[[], bool]:
    until = time.monotonic() + duration_s
    return lambda: time.monotonic() > until


@pytest.mark.usefixtures("quick")
def test_figures_and_health_are_written_as_ratios_and_ones(site: Site, tmp_path: Path) -> None:
    site.answer("/metrics", 200, b"memory_percent 50\n")
    site.answer("/health/database")
    site.answer("/upload", 400)
    MonitorLoop(target_at(site.url, tmp_path), tmp_path).run(for_seconds(0.5))
    values = {(row["monitor"], row["value"], row["error"]) for row in rows(tmp_path)}
    assert values == {
        ("memory", 0.5, None),
        ("cpu", None, "answer has no cpu_percent"),
        ("health.database", 1.0, None),
        ("health.image_upload", 1.0, None),
    }
    assert not (tmp_path / "stop.json").exists()


COUNTERS = """
[[monitor]]
name = "cpu"
url = "/dashboard"
format = "json"
path = ["cpu.user", "cpu.system"]
scale = 0.000001
every = "100 ms"
counters = true
"""


@pytest.mark.usefixtures("quick")
def test_counters_are_written_from_their_second_answer_on(site: Site, tmp_path: Path) -> None:
    (tmp_path / "here.toml").write_text(f'format = 1\nurl = "{site.url}"\n{COUNTERS}')
    loop = MonitorLoop(load_target("here", environ={}, folder=tmp_path), tmp_path)
    began_s = time.monotonic()

    def ended() -> bool:  # a core is busy all the time
        busy_us = int((time.monotonic() - began_s) * 1e6)
        site.answer("/dashboard", body=json.dumps({"cpu": {"user": busy_us, "system": 7}}).encode())
        return time.monotonic() - began_s > 1.0

    loop.run(ended)
    scrapes = sum(path.startswith("/dashboard") for path in site.paths())
    values = [row["value"] for row in rows(tmp_path)]
    assert {row["error"] for row in rows(tmp_path)} == {None}
    assert 3 < len(values) < scrapes
    assert sum(values) / len(values) == pytest.approx(1.0, abs=0.4)


@pytest.mark.usefixtures("quick")
def test_monitors_of_one_address_share_a_request(site: Site, tmp_path: Path) -> None:
    site.answer("/metrics", 200, b"memory_percent 50\ncpu_percent 20\n")
    MonitorLoop(target_at(site.url, tmp_path), tmp_path).run(for_seconds(0.3))
    scrapes = sum(path.startswith("/metrics") for path in site.paths())
    names = [row["monitor"] for row in rows(tmp_path)]
    assert names.count("memory") == names.count("cpu") <= scrapes


@pytest.mark.usefixtures("quick")
def test_part_that_is_down_is_0_with_its_answer(site: Site, tmp_path: Path) -> None:
    site.answer("/health/database", 503)
    MonitorLoop(target_at(site.url, tmp_path), tmp_path).run(for_seconds(0.3))
    found = {(row["value"], row["error"]) for row in rows(tmp_path) if row["monitor"] == "health.database"}
    assert found == {(0.0, "answered 503, expected 2xx")}


@pytest.mark.usefixtures("quick")
def test_silent_target_stops_the_run(nobody: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.fuse.SILENT_S", 0.3)
    MonitorLoop(target_at(nobody, tmp_path), tmp_path).run(for_seconds(0.8))
    reason = json.loads((tmp_path / "stop.json").read_text())["reason"]
    assert reason.startswith("the target did not answer for 0.")
    assert reason.endswith(" s: connection refused")
    found = {(row["monitor"], row["value"], row["error"]) for row in rows(tmp_path)}
    assert ("memory", None, "connection refused") in found
    assert ("health.database", 0.0, "connection refused") in found


@pytest.mark.usefixtures("quick")
def test_target_that_answers_errors_is_not_silent(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.fuse.SILENT_S", 0.2)
    site.answer("/health/database", 500)
    MonitorLoop(target_at(site.url, tmp_path), tmp_path).run(for_seconds(0.6))
    assert not (tmp_path / "stop.json").exists()


@pytest.mark.usefixtures("quick")
def test_answer_between_failures_keeps_the_run_going(
    nobody: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def every_other(_target: Target, url: str, _method: str) -> Answer:
        asked.append(url)
        if len(asked) % 2:
            raise ProbeError("refused")
        return Answer(200, b"")

    (tmp_path / "here.toml").write_text(f'format = 1\nurl = "{nobody}"\n')
    monkeypatch.setattr("gate.monitor.ask", every_other)
    monkeypatch.setattr("gate.fuse.SILENT_S", 0.3)
    MonitorLoop(load_target("here", environ={}, folder=tmp_path), tmp_path).run(for_seconds(1.2))
    assert set(asked) == {"/"}
    assert len(asked) > 5
    assert not (tmp_path / "stop.json").exists()


@pytest.mark.usefixtures("quick")
def test_series_that_cannot_be_written_is_not_swallowed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = target_at(site.url, tmp_path)
    loop = MonitorLoop(target, tmp_path)
    monkeypatch.setattr(loop._writer, "append", _full)
    with pytest.raises(OSError, match="No space left"):
        loop.run(for_seconds(5))


def _full(_row: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.usefixtures("quick")
def test_ends_when_the_run_has_ended(site: Site, tmp_path: Path, unreached: Path) -> None:
    ended = read_run(unreached)
    write_run(tmp_path, ended.model_copy(update={"ended_at_s": None}))
    target = target_at(site.url, tmp_path)
    threading.Timer(0.4, write_run, (tmp_path, ended)).start()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    started_s = time.monotonic()
    try:
        monitor_run(tmp_path, target, os.getppid())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert 0.3 < time.monotonic() - started_s < 3


def _start(folder: Path, unreached: Path, site: Site, parent: int) -> "subprocess.Popen[bytes]":
    """Start the side process as the load does, on a run that has not ended."""
    target_at(site.url, folder)
    run = read_run(unreached)
    here = run.target.model_copy(update={"name": "here", "url": site.url})
    write_run(folder, run.model_copy(update={"ended_at_s": None, "target": here}))
    command = [sys.executable, "-m", "gate", "monitor", str(folder), "--parent", str(parent), "--targets", str(folder)]
    return subprocess.Popen(command)


def _wait_for(condition: Callable[[], bool], timeout_s: float = 15.0) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


@pytest.mark.parametrize("ctrl_c", [False, True], ids=["sigterm", "ctrl-c-first"])
def test_process_ends_on_sigterm_with_a_whole_file(
    site: Site, tmp_path: Path, unreached: Path, *, ctrl_c: bool
) -> None:
    site.answer("/health/database")
    process = _start(tmp_path, unreached, site, os.getpid())
    _wait_for(lambda: any(path.startswith("/health") for path in site.paths()))
    if ctrl_c:
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
    time.sleep(0.5)
    process.terminate()
    assert process.wait(timeout=10) == 0
    assert {row["monitor"] for row in rows(tmp_path)} >= {"health.database"}


@pytest.mark.parametrize("direct", [True, False], ids=["its-parent", "a-process-it-was-told-of"])
def test_process_ends_when_the_load_is_gone(site: Site, tmp_path: Path, unreached: Path, *, direct: bool) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    if direct:
        # a parent that starts it and is then killed
        target_at(site.url, tmp_path)
        process_file = tmp_path / "pid"
        run = read_run(unreached)
        here = run.target.model_copy(update={"name": "here", "url": site.url})
        write_run(tmp_path, run.model_copy(update={"ended_at_s": None, "target": here}))
        code = (
            "import os, subprocess, sys, pathlib, time\n"
            f"args = [sys.executable, '-m', 'gate', 'monitor', {str(tmp_path)!r}, '--parent', str(os.getpid()),"
            f" '--targets', {str(tmp_path)!r}]\n"
            f"p = subprocess.Popen(args); pathlib.Path({str(process_file)!r}).write_text(str(p.pid)); time.sleep(60)\n"
        )
        sleeper.kill()
        sleeper.wait()
        sleeper = subprocess.Popen([sys.executable, "-c", code])
        _wait_for(lambda: bool(site.asked))
        pid = int(process_file.read_text())
    else:
        process = _start(tmp_path, unreached, site, sleeper.pid)
        _wait_for(lambda: bool(site.asked))
        pid = process.pid
    sleeper.kill()
    sleeper.wait()
    if direct:
        _wait_for(lambda: not _alive(pid))
    else:
        assert process.wait(timeout=10) == 0


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.usefixtures("quick")
def test_run_whose_file_cannot_be_read_has_not_ended(site: Site, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    started_s = time.monotonic()
    try:
        monitor_run(tmp_path, target_at(site.url, tmp_path), os.getppid())
    finally:
        timer.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    assert time.monotonic() - started_s > 0.4
