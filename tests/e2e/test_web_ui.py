"""Plain `locust` opens its web UI with the eight classes; what is started there is a run like any other."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
CLASSES = (
    "OnboardingSeller",
    "ProfileSeller",
    "DashboardSeller",
    "StoreSeller",
    "ListingSeller",
    "OrderSeller",
    "TierSeller",
    "AnalyticsSeller",
)


@dataclass
class Page:
    """A Locust with its web UI, and its reports folder."""

    url: str
    reports: Path

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:  # noqa: S310  # our own http address
            return str(answer.read().decode())

    def stop(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/stop", b"", timeout=10) as answer:  # noqa: S310  # likewise
            reply: dict[str, Any] = json.load(answer)
        return reply

    def swarm(self, **form: str | int) -> dict[str, Any]:
        data = urllib.parse.urlencode(form, doseq=True).encode()
        with urllib.request.urlopen(f"{self.url}/swarm", data, timeout=10) as answer:  # noqa: S310  # likewise
            reply: dict[str, Any] = json.load(answer)
        return reply

    def runs(self) -> list[Path]:
        return [path for path in self.reports.glob("*") if path.is_dir() and not path.is_symlink()]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Callable[..., Page]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> Page:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "locust", "--web-host", "127.0.0.1", "--web-port", str(port)]
        with (tmp_path / "locust.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [*command, "--reports", str(tmp_path / "reports"), *arguments],
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        page = Page(f"http://127.0.0.1:{port}", tmp_path / "reports")
        until = time.monotonic() + 30
        while True:
            try:
                page.get("/")
            except urllib.error.URLError:
                assert time.monotonic() < until, (tmp_path / "locust.log").read_text("utf-8")
                time.sleep(0.2)
            else:
                return page

    yield start
    for process in started:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_run_started_in_the_web_ui_can_be_judged(
    page: Callable[..., Page], sandbox: Callable[..., Any], sellergate: Callable[..., Any]
) -> None:
    shown, server = page(), sandbox()
    first = shown.get("/")
    assert all(name in first for name in CLASSES)

    for number in (1, 2):  # one process, two runs
        assert shown.swarm(user_count=16, spawn_rate=16, host=server.url)["success"] is True
        time.sleep(4)
        assert shown.stop()["success"] is True
        assert len(shown.runs()) == number

    for folder in shown.runs():
        until = time.monotonic() + 10
        while json.loads((folder / "run.json").read_text("utf-8"))["ended_at_s"] is None:
            assert time.monotonic() < until, "the run has no end"
            time.sleep(0.1)
        done = sellergate("judge", folder)
        verdict = json.loads((folder / "verdict.json").read_text("utf-8"))
        # four seconds are too few to say anything, but the run is whole: ended by hand, and that is its normal end
        assert done.returncode == 3, done.stdout
        doubts = {doubt["name"] for doubt in verdict["doubts"] if doubt["invalidates"]}
        assert "no_steady_samples" in doubts
        assert not doubts & {"cut_short", "worker_lost", "not_finished", "log_truncated"}
        assert (verdict["run"]["ended_by"], verdict["release_grade"]) == ("hand", True)
        assert verdict["run"]["target"]["url"] == server.url


def test_a_host_that_is_not_listed_is_refused(page: Callable[..., Page]) -> None:
    shown = page()
    for host in ("https://api.linkdao.io", "http://127.0.0.1@evil.example", "http://127.0.0.1.evil.example", "evil"):
        reply = shown.swarm(user_count=1, spawn_rate=1, host=host)
        assert reply["success"] is False, host
        assert "listed" in reply["message"] or "accepted" in reply["message"]
    assert shown.runs() == []


def test_the_class_picker_narrows_the_scope(
    page: Callable[..., Page], sandbox: Callable[..., Any], sellergate: Callable[..., Any]
) -> None:
    shown, server = page("--class-picker"), sandbox()
    assert all(name in shown.get("/") for name in CLASSES)
    reply = shown.swarm(user_count=4, spawn_rate=4, host=server.url, user_classes="ListingSeller")
    assert reply["success"] is True
    time.sleep(3)
    shown.stop()
    (folder,) = shown.runs()
    time.sleep(1)
    sellergate("judge", folder)
    verdict = json.loads((folder / "verdict.json").read_text("utf-8"))
    assert verdict["release_grade"] is False
    assert {step["workflow"] for step in verdict["steps"] if step["samples"]} == {"listing"}
    assert "not a release verdict" in (folder / "report.html").read_text("utf-8")
