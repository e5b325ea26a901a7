import io
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from gate.load_process import LoadEnd, load_environment, run_load
from gate.progress import ProgressPrinter


def load(folder: Path, code: str, longest_s: float = 20.0) -> LoadEnd:
    """Run a stand-in for the load."""
    return run_load(
        [sys.executable, "-c", code],
        folder=folder,
        environ=dict(os.environ),
        longest_s=longest_s,
        printer=ProgressPrinter(io.StringIO()),
    )


def signal_self(number: int, after_s: float) -> threading.Timer:
    timer = threading.Timer(after_s, os.kill, (os.getpid(), number))
    timer.start()
    return timer


def test_end_is_code_and_last_words(tmp_path: Path) -> None:
    end = load(tmp_path, "import sys; print('hello'); print('refused', file=sys.stderr); sys.exit(2)")
    assert (end.code, end.overdue) == (2, False)
    assert sorted(end.last_words) == ["hello", "refused"]
    assert "hello" in (tmp_path / "locust.log").read_text()


def test_load_that_says_nothing_has_no_last_words(tmp_path: Path) -> None:
    assert load(tmp_path, "pass") == LoadEnd(0, overdue=False, last_words=())


DRAINS = """
import signal, sys, time
def drain(number, frame):
    time.sleep(0.3)
    print(signal.Signals(number).name, flush=True)
    sys.exit(7)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, drain)
print("up", flush=True)
time.sleep(30)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_is_passed_on_once_and_the_drain_waited_for(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    timer = signal_self(number, 1.0)
    end = load(tmp_path, DRAINS)
    timer.join()
    assert end.code == 7
    assert end.last_words == ("up", number.name)
    assert signal.getsignal(number) is before


def test_second_signal_kills(tmp_path: Path) -> None:
    stubborn = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(30)"
    timers = [signal_self(signal.SIGINT, after_s) for after_s in (0.6, 1.0)]
    end = load(tmp_path, stubborn)
    for timer in timers:
        timer.join()
    assert end.code == -signal.SIGKILL


def test_load_that_does_not_end_is_told_to(tmp_path: Path) -> None:
    end = load(tmp_path, DRAINS, longest_s=1.0)
    assert (end.code, end.overdue) == (7, True)
    assert end.last_words[-1] == "SIGTERM"


def test_load_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.load_process._TERM_S", 0.3)
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(30)"
    started_s = time.monotonic()
    end = load(tmp_path, stubborn, longest_s=0.6)
    assert (end.code, end.overdue) == (-signal.SIGKILL, True)
    assert time.monotonic() - started_s < 5


def test_what_the_load_left_behind_is_killed(tmp_path: Path) -> None:
    leaves = (
        "import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    )
    end = load(tmp_path, leaves)
    child = int(end.last_words[0])
    until = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and " Z " not in Path(f"/proc/{child}/stat").read_text():
        assert time.monotonic() < until, "a worker outlived the load"
        time.sleep(0.02)


def test_progress_is_shown_while_it_runs(tmp_path: Path) -> None:
    writes = f"""
import json, pathlib, time
pathlib.Path({str(tmp_path)!r}, "progress.json").write_text(json.dumps(
    dict(elapsed_s=1, planned_s=2, sellers=3, requests=4, failed=5, rps=6)))
time.sleep(0.5)
"""
    stream = io.StringIO()
    run_load(
        [sys.executable, "-c", writes],
        folder=tmp_path,
        environ=dict(os.environ),
        longest_s=20.0,
        printer=ProgressPrinter(stream),
    )
    assert stream.getvalue() == "1 of 2 s, 3 sellers, 6 req/s, 4 requests, 5 failed\n"


def test_locust_variables_do_not_change_the_profile() -> None:
    environ = {"PATH": "/bin", "LOCUST_USERS": "1", "LOCUST_RUN_TIME": "1s", "BACKEND_URL": "http://old"}
    assert load_environment(environ, BACKEND_URL="http://new") == {"PATH": "/bin", "BACKEND_URL": "http://new"}
