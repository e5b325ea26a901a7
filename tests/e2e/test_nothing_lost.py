"""What the server received, by route, is what the run log holds, however the run ends."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

Start = Callable[..., Any]
USERS = ("-u", "32", "-r", "32")


def settle(server: Any, sent: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """What the server received, once it has read what was still on its way when the load stopped."""
    until = time.monotonic() + 5
    while (received := server.received()) != sent and time.monotonic() < until:
        time.sleep(0.2)
    return Counter(received)


def test_a_timed_stop(sandbox: Start, load: Start) -> None:
    server = sandbox()
    done = load(server.url, *USERS, "-t", "6s").wait()
    assert len(done.samples) > 300
    assert settle(server, done.sent()) == done.sent()
    assert "cut_short" not in done.doubts()


def test_a_stop_with_slow_requests_in_flight_keeps_them_as_aborted(sandbox: Start, load: Start) -> None:
    server = sandbox("slow_step=dashboard.analytics_display:+4000ms", "slow_step=store.store_page:+4000ms")
    done = load(server.url, *USERS, "-t", "7s").wait()
    frame = done.samples
    aborted = frame[(frame["kind"] == "http") & (frame["outcome"] == "aborted")]
    assert aborted["step"].isin({"analytics_display", "store_page"}).sum() >= 3
    assert settle(server, done.sent()) == done.sent()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_before_the_planned_time_cuts_short_and_keeps_everything(
    sandbox: Start, load: Start, number: int
) -> None:
    server = sandbox()
    running = load(server.url, *USERS, "-t", "60s")
    running.until_requests(300)
    running.process.send_signal(number)
    done = running.wait()
    assert done.code == 3, done.output
    assert "cut_short" in done.doubts()
    assert settle(server, done.sent()) == done.sent()


def test_ctrl_c_in_a_terminal_reaches_master_and_workers_at_once(sandbox: Start, load: Start) -> None:
    server = sandbox()
    running = load(server.url, *USERS, "-t", "60s", "--processes", "2")
    running.until_requests(300)
    os.killpg(running.process.pid, signal.SIGINT)
    done = running.wait()
    assert done.code == 3, done.output
    assert "cut_short" in done.doubts()
    assert set(done.samples["process"]) == {0, 1}
    assert settle(server, done.sent()) == done.sent()


@pytest.mark.parametrize(
    "faults", [(), ("slow_step=dashboard.analytics_display:+4000ms",)], ids=["quick", "slow requests in flight"]
)
def test_two_processes(sandbox: Start, load: Start, faults: tuple[str, ...]) -> None:
    server = sandbox(*faults)
    done = load(server.url, *USERS, "-t", "8s", "--processes", "2").wait()
    frame = done.samples
    assert set(frame["process"]) == {0, 1}
    assert set(frame.loc[frame["process"] == 0, "seller"]).isdisjoint(frame.loc[frame["process"] == 1, "seller"])
    assert settle(server, done.sent()) == done.sent()
    assert not done.doubts() & {"worker_lost", "samples_lost", "log_truncated", "cut_short"}


def test_a_worker_killed_without_warning_makes_the_run_invalid(sandbox: Start, load: Start) -> None:
    server = sandbox()
    running = load(server.url, *USERS, "-t", "12s", "--processes", "2")
    running.until_requests(200)
    os.kill(running.workers()[0], signal.SIGKILL)
    done = running.wait()
    assert done.code == 3, done.output
    assert "worker_lost" in done.doubts()
    # what it had flushed before is still there
    assert set(done.samples["process"]) == {0, 1}


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Callable[[str], tuple[str, Path]]]:
    """An nginx in front of a server, started and stopped here; its access log is written by nobody of us."""
    binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if binary is None:
        assert not os.environ.get("CI"), "nginx is not installed, and in CI nothing is skipped"
        pytest.skip("nginx is not installed")
    started: list[subprocess.Popen[bytes]] = []

    def start(backend: str) -> tuple[str, Path]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = tmp_path / "access.log"
        (tmp_path / "nginx.conf").write_text(
            f"""
            daemon off; master_process off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log;
            events {{ worker_connections 512; }}
            http {{
                log_format line '$request_method $request_uri $http_user_agent';
                access_log {log} line;
                client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;
                fastcgi_temp_path {tmp_path}/fcgi; uwsgi_temp_path {tmp_path}/uwsgi; scgi_temp_path {tmp_path}/scgi;
                upstream backend {{ server {backend.removeprefix("http://")}; keepalive 64; }}
                server {{
                    listen 127.0.0.1:{port};
                    keepalive_requests 1000000;
                    proxy_ignore_client_abort on;
                    location / {{ proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; }}
                    location /socket.io/ {{
                        proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Host $host;
                        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
                    }}
                }}
            }}
            """,
            "utf-8",
        )
        started.append(subprocess.Popen([binary, "-p", tmp_path, "-c", tmp_path / "nginx.conf"]))
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return f"http://127.0.0.1:{port}", log
            time.sleep(0.05)
        raise AssertionError("nginx did not start")

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=10)


SHAPES = (
    (re.compile(r"0x[0-9a-f]{40}"), "{w}"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}"), "{uuid}"),
    (re.compile(r"(?<=/notifications/)\d+(?=/read)"), "{id}"),
)


def shape(path: str) -> str:
    """A path with its ids replaced by their form: nginx knows no route templates."""
    path = path.partition("?")[0]
    for pattern, name in SHAPES:
        path = pattern.sub(name, path)
    return path


def test_the_access_log_of_an_nginx_in_front_agrees(sandbox: Start, load: Start, nginx: Start) -> None:
    server = sandbox()
    front, log = nginx(server.url)
    done = load(front, *USERS, "-t", "6s").wait()
    templates = {"{uid}": "{uuid}", "{lid}": "{uuid}", "{oid}": "{uuid}"}
    sent: Counter[tuple[str, str]] = Counter()
    for (method, route), count in done.sent().items():
        for name, form in templates.items():
            route = route.replace(name, form)  # noqa: PLW2901  # one template after the other
        if "/conversations/{id}" in route:
            route = route.replace("{id}", "{uuid}")  # noqa: PLW2901  # conversations have UUIDs, notifications numbers
        sent[method, route] += count
    sessions = (done.samples["kind"] == "connect").sum()
    assert sessions > 0
    sent["GET", "/socket.io/"] = int(sessions)

    def logged() -> Counter[tuple[str, str]]:
        lines = [line.split(" ", 2) for line in log.read_text("utf-8").splitlines()]
        # health checks and monitors ask routes that sellers use too, but say who they are
        return Counter((method, shape(uri)) for method, uri, agent in lines if "(load test" in agent)

    until = time.monotonic() + 5
    while logged() != sent and time.monotonic() < until:
        time.sleep(0.2)
    difference = {key: (logged()[key], sent[key]) for key in logged() | sent if logged()[key] != sent[key]}
    assert difference == {}
