"""One run at a time loads a target: whoever comes second is told who was first, however it was started."""

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
from pathlib import Path
from typing import Any

import pytest

from settings.leases import LEASE_S, Lease, read_lease, release_lease, take_lease

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]


def leases() -> Path:
    return Path(os.environ["SELLERGATE_LEASES"])


def held(url: str) -> Lease:
    """Load `url`, as far as others can tell."""
    return take_lease(leases(), url, "20260801-load-1")


def age(seconds: float) -> None:
    """Let the one lease there is be renewed that long ago."""
    (path,) = leases().glob("*.json")
    lease = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(lease | {"renewed_at_s": time.time() - seconds}), "utf-8")


def test_of_two_runs_the_second_is_refused_with_who_was_first(
    sandbox: Callable[..., Any], sellergate: Callable[..., Any], load: Callable[..., Any], tmp_path: Path
) -> None:
    server = sandbox()
    first = load(server.url, "-u", "4", "-r", "4", "-t", "60s", "--run-id", "first", "--no-gate")
    first.until_requests(20)
    holder = read_lease(leases(), server.url)
    assert holder is not None
    assert (holder.run_id, holder.holder.endswith(f"pid {first.process.pid}")) == ("first", True)

    second = sellergate("run", "--reports", tmp_path / "second", BACKEND_URL=server.url)

    assert second.returncode == 3, second.stdout
    said = " ".join(second.stdout.split())
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(holder.since_s))
    assert f"is being loaded by run first of {holder.holder} since {since}" in said
    verdict = json.loads((tmp_path / "second" / "latest" / "verdict.json").read_text("utf-8"))
    assert verdict["totals"]["samples"] in (0, None)
    assert "lease_held" in {doubt["name"] for doubt in verdict["doubts"] if doubt["invalidates"]}

    third = load(server.url, "-u", "4", "-t", "5s", reports=tmp_path / "third")
    assert third.wait().code == 3
    assert third.log.read_text("utf-8").splitlines()[-1].startswith(f"target {holder.target_key} is being loaded by")
    assert not (tmp_path / "third").exists()

    first.process.send_signal(signal.SIGINT)
    first.wait()
    assert read_lease(leases(), server.url) is None


@pytest.mark.parametrize(
    ("age_s", "code"), [(LEASE_S + 5, 0), (LEASE_S - 20, 3)], ids=["expired", "not renewed for a while"]
)
def test_a_lease_nobody_renews_expires(
    sandbox: Callable[..., Any], load: Callable[..., Any], age_s: float, code: int
) -> None:
    server = sandbox()
    held(server.url)
    age(age_s)
    begun = load(server.url, "-u", "2", "-r", "2", "-t", "2s", "--no-gate")
    assert begun.wait().code == code, begun.log.read_text("utf-8")
    assert bool(server.received()) is (code == 0)


def test_a_target_of_another_port_is_another_target(sandbox: Callable[..., Any], load: Callable[..., Any]) -> None:
    held("http://127.0.0.1:9")
    begun = load(sandbox().url, "-u", "2", "-r", "2", "-t", "2s", "--no-gate")
    assert begun.wait().code == 0, begun.log.read_text("utf-8")


@pytest.fixture
def web_ui(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "locust", "--web-host", "127.0.0.1", "--web-port", port]
    with (tmp_path / "locust.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--reports", str(tmp_path / "reports")], cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                break
        except urllib.error.URLError:
            assert time.monotonic() < until, (tmp_path / "locust.log").read_text("utf-8")
            time.sleep(0.2)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=20)


def swarm(page: str, host: str) -> dict[str, Any]:
    form = urllib.parse.urlencode({"user_count": 1, "spawn_rate": 1, "host": host}).encode()
    with urllib.request.urlopen(f"{page}/swarm", form, timeout=10) as answer:  # noqa: S310  # our own http address
        reply: dict[str, Any] = json.load(answer)
    return reply


def test_the_web_ui_refuses_to_start_until_the_lease_is_given_back(
    sandbox: Callable[..., Any], web_ui: str, tmp_path: Path
) -> None:
    server = sandbox()
    lease = held(server.url)
    refused = swarm(web_ui, server.url)
    assert refused["success"] is False
    assert "is being loaded by run 20260801-load-1 of " in refused["message"]
    assert server.received() == {}
    assert not (tmp_path / "reports").exists()

    release_lease(leases(), lease)
    assert swarm(web_ui, server.url)["success"] is True
    assert swarm(web_ui, server.url)["success"] is True  # the same run, with another number of sellers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_run_that_is_told_to_stop_waiting_gives_its_lease_back(
    sandbox: Callable[..., Any], tmp_path: Path, number: int
) -> None:
    server = sandbox("health=cache:down")
    command = [sys.executable, "-m", "gate", "run", "--reports", str(tmp_path / "reports")]
    environment = {**os.environ, "BACKEND_URL": server.url, "HEALTH_CHECK_TIMEOUT": "300000"}
    with (tmp_path / "run.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 30
        while "waiting, " not in (tmp_path / "run.log").read_text("utf-8"):
            assert time.monotonic() < until, (tmp_path / "run.log").read_text("utf-8")
            time.sleep(0.1)
        assert read_lease(leases(), server.url) is not None
        process.send_signal(number)
        assert process.wait(timeout=20) == 3
        assert (tmp_path / "run.log").read_text("utf-8").splitlines()[-1] == "interrupted: there is no verdict"
        assert read_lease(leases(), server.url) is None
    finally:
        process.kill()
        process.wait()
