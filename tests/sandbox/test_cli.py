"""Start, refuse and stop as the command line promises."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from sandbox import addresses
from sandbox.addresses import RefusedAddressError, checked_host
from sandbox.cli import main
from tests.sandbox.conftest import ROOT, M

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sandbox.conftest import Running


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fault", "nonsense"], "--fault 'nonsense': unknown fault; accepted: cache_off"),
        (["--fault", "die@30s", "--fault", "drop_sockets=x"], "'x' is not a number of sessions"),
        (["--host", "0.0.0.0"], "--host '0.0.0.0' is not loopback; accepted: 127.0.0.1"),
        (["--host", "::"], "is not loopback"),
        (["--host", "8.8.8.8"], "is not loopback"),
        (["--host", "example.org"], "is not an address"),
        (["--host", "10.1.2.3"], "private address inside a network namespace"),
        (["--port", "65536"], "accepted: 0 to 65535"),
        (["--port", "-1"], "--port"),
        (["--seed", "x"], "accepted: 0 to"),
        (["--service-time", "2"], "accepted: 500ms, 2s, 5min, 1h"),
        (["--stop-after", "never"], "'never' is not a duration"),
        (["--truth-file", "/nowhere/at/all.json"], "--truth-file /nowhere/at/all.json: no such folder"),
        (["--ready-file", "/nowhere/at/all"], "--ready-file"),
        (["--seed-orders", "5"], "--seed-orders needs --as-deployed"),
        (["--as-deployed", "--seed-orders", "10001"], "accepted: 0 to 10000"),
        (["--caches"], "unrecognized arguments: --caches"),
        (["--rate"], "unrecognized arguments: --rate"),
        (["extra"], "unrecognized arguments: extra"),
    ],
)
def test_wrong_argument_is_one_line_and_exit_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert says in said.err


@pytest.mark.parametrize(
    ("host", "bound"),
    [("127.0.0.1", "127.0.0.1"), ("127.9.9.9", "127.9.9.9"), ("::1", "::1"), ("localhost", "127.0.0.1")],
)
def test_loopback_is_accepted(host: str, bound: str) -> None:
    assert checked_host(host) == bound


@pytest.mark.parametrize(
    ("host", "own_namespace", "accepted"),
    [("10.1.2.3", True, True), ("10.1.2.3", False, False), ("8.8.8.8", True, False), ("0.0.0.0", True, False)],
)
def test_private_address_needs_a_namespace_of_its_own(
    monkeypatch: pytest.MonkeyPatch, host: str, *, own_namespace: bool, accepted: bool
) -> None:
    monkeypatch.setattr(addresses, "in_own_namespace", lambda: own_namespace)
    if accepted:
        assert checked_host(host) == host
    else:
        with pytest.raises(RefusedAddressError):
            checked_host(host)


def test_taken_port_is_one_line_and_exit_1(sandbox: Running, capsys: pytest.CaptureFixture[str]) -> None:
    port = sandbox.address.rpartition(":")[2]
    assert main(["--port", port]) == 1
    assert capsys.readouterr().err == f"sandbox: 127.0.0.1:{port}: Address already in use\n"


def test_ready_file_holds_the_address(start: Callable[..., Running], tmp_path: Path) -> None:
    running = start("--ready-file", str(tmp_path / "ready"))
    assert (tmp_path / "ready").read_text() == running.address
    assert list(tmp_path.iterdir()) == [tmp_path / "ready"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_signal_stops_cleanly_and_writes_the_truth(
    start: Callable[..., Running], tmp_path: Path, number: signal.Signals
) -> None:
    running = start("--truth-file", str(tmp_path / "truth.json"))
    client = running.client()
    client.get(f"{M}/listings/categories", X_Load_Step="listing.category")
    running.process.send_signal(number)
    _, errors = running.process.communicate(timeout=10)
    client.close()
    assert (running.process.returncode, errors) == (0, "")
    truth = json.loads((tmp_path / "truth.json").read_bytes())
    assert truth["received"] == [
        {"method": "GET", "route": f"{M}/listings/categories", "step": "listing.category", "count": 1}
    ]


def test_it_stops_by_itself_after_the_given_time(start: Callable[..., Running], tmp_path: Path) -> None:
    running = start("--stop-after", "700ms", "--truth-file", str(tmp_path / "truth.json"))
    assert running.process.wait(5) == 0
    assert time.monotonic() - running.started_s < 3
    assert (tmp_path / "truth.json").exists()


def test_it_stops_when_its_parent_is_gone(tmp_path: Path) -> None:
    ready, truth = tmp_path / "ready", tmp_path / "truth.json"
    code = (
        "import subprocess, sys, time, pathlib\n"
        "files = ['--ready-file', sys.argv[1], '--truth-file', sys.argv[2]]\n"
        "p = subprocess.Popen([sys.executable, '-m', 'sandbox', *files], stdout=subprocess.DEVNULL)\n"
        "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.02)\n"
        "print(p.pid)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code, str(ready), str(truth)], cwd=ROOT, capture_output=True, text=True, timeout=20,
        check=True,
    )  # fmt: skip
    pid = int(parent.stdout)
    until_s = time.monotonic() + 5
    while not truth.exists() and time.monotonic() < until_s:
        time.sleep(0.05)
    stopped = truth.exists()
    if not stopped:
        os.kill(pid, signal.SIGKILL)
    assert stopped


def test_stop_does_not_wait_for_slow_requests_longer_than_the_grace(start: Callable[..., Running]) -> None:
    running = start("--service-time", "1min")
    client = running.client()
    client._connection.request("GET", f"{M}/listings/categories")
    time.sleep(0.2)
    started_s = time.monotonic()
    running.process.terminate()
    running.process.wait(10)
    client.close()
    assert time.monotonic() - started_s < 5


def test_rate_limits_are_off_by_default_and_count_addresses_when_on(start: Callable[..., Running]) -> None:
    free, limited = start().client(), start("--rate-limits").client()
    path = f"{M}/seller/0x{'1' * 40}/tier/progress"  # 30 a minute; a 404 is never cached
    assert {free.get(path).status for _ in range(40)} == {404}
    answers = [limited.get(path, X_Forwarded_For="6.6.6.6, 10.0.0.1") for _ in range(31)]
    assert [answer.status for answer in answers] == [404] * 30 + [429]
    assert answers[0].headers["x-ratelimit-remaining"] == "29"
    assert answers[-1].json["retryAfter"] == 60
    assert limited.get(path, X_Forwarded_For="6.6.6.6, 10.0.0.2").status == 404
    assert limited.get(path).status == 404
    free.close()
    limited.close()


def test_hits_do_not_count_against_the_limit(start: Callable[..., Running]) -> None:
    client = start("--rate-limits").client()
    path = f"{M}/seller/0x{'1' * 40}"  # 60 a minute
    assert {client.get(path).status for _ in range(100)} == {200}
    assert [client.get(f"{path}?u={n}").status for n in range(60)] == [200] * 59 + [429]
    client.close()


def test_failed_sign_ins_do_not_count(start: Callable[..., Running]) -> None:
    client = start("--rate-limits").client()
    assert {client.post("/api/auth/wallet-connect").status for _ in range(210)} == {400}
    client.close()


def test_prometheus_text_has_the_gauges(sandbox: Running) -> None:
    client = sandbox.client()
    answer = client.get("/api/monitoring/metrics/prometheus")
    client.close()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    figures = dict(line.split() for line in answer.body.decode().splitlines() if not line.startswith("#"))
    assert 0 < float(figures["marketplace_memory_usage_percent"]) < 50
    assert float(figures["marketplace_memory_usage_bytes"]) > 10_000_000
    assert 0 <= float(figures["marketplace_cpu_usage_percent"]) < 250


def test_namespace_of_its_own_is_recognised() -> None:
    ask = [sys.executable, "-c", "from sandbox.addresses import in_own_namespace as own; print(own())"]
    outside = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    inside = subprocess.run(["unshare", "-n", *ask], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    if inside.returncode != 0 and "unshare" in inside.stderr:
        pytest.skip(f"no network namespaces here: {inside.stderr.strip()}")
    assert (outside.stdout, inside.stdout) == ("False\n", "True\n")
