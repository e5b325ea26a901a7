"""Plain Locust, started as people and pipelines do: from another folder, with the web UI that closes by itself."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]


def locust(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(ROOT / "locustfiles"), *arguments],
        cwd=folder, text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=False,
    )  # fmt: skip


def test_from_another_folder_relative_paths_mean_that_folder(sandbox: Callable[..., Any], tmp_path: Path) -> None:
    url = sandbox().url
    load = ("--headless", "--host", url, "-u", "4", "-r", "4", "-t", "2s", "--run-id", "mine", "--reports", "out")
    own = (ROOT / "thresholds.toml").read_text("utf-8").replace('"< 2000 ms"', '"< 1999 ms"')
    (tmp_path / "own.toml").write_text(own, "utf-8")

    done = locust(tmp_path, *load, "--thresholds", "own.toml")

    assert done.returncode == 3, done.stdout
    verdict = json.loads((tmp_path / "out" / "mine" / "verdict.json").read_text("utf-8"))
    assert "own.toml" in verdict["files"]
    assert "< 1999 ms" in {result["limit"] for result in verdict["results"]}

    again = locust(tmp_path, *load)
    assert (again.returncode, "already" in again.stderr) == (2, True), again.stderr


def test_a_web_ui_that_closes_by_itself_exits_with_the_verdict(sandbox: Callable[..., Any], tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    load = ("--host", sandbox().url, "-u", "4", "-r", "4", "-t", "2s", "--reports", str(tmp_path))
    done = locust(ROOT, "--autostart", "--autoquit", "0", "--web-host", "127.0.0.1", "--web-port", port, *load)
    assert done.returncode == 3, done.stdout
    assert "verdict: INVALID (exit 3)" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP], ids=["told", "killed", "frozen"])
def test_a_run_nobody_watched_to_its_end_is_invalid(
    sandbox: Callable[..., Any], load: Callable[..., Any], number: int
) -> None:
    running = load(sandbox().url, "-u", "4", "-r", "4", "-t", "5s")
    running.until_requests(10)
    children = psutil.Process(running.process.pid).children()
    (monitors,) = [child for child in children if "monitor" in child.cmdline()]
    monitors.send_signal(number)
    done = running.wait()
    assert done.code == 3, done.output
    assert "harness_problem" in done.doubts()
