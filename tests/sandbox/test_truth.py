"""Count every request at receipt, by method, route, step and outcome."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from locustfiles._routes import ALLOWED
from runlog.workflows import WORKFLOWS
from sandbox.routes import ROUTES
from sandbox.steps import STEPS
from sandbox.truth import Truth, outcome_of
from tests.sandbox.conftest import M

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import InProcess, Running


def test_every_request_sent_is_counted_once_by_route_and_step(inside: Callable[..., InProcess]) -> None:
    sandbox = inside()
    wallet, uid, token = sandbox.user(1)
    sandbox("POST", f"{M}/seller/profile", {"walletAddress": wallet, "storeName": "x"}, token=token)
    sandbox.control.truth.reset()
    sent: Counter[tuple[str, str, str | None, str]] = Counter()
    for number in range(50):
        for method, path, label, step, outcome in (
            ("GET", f"{M}/seller/{wallet}", f"{M}/seller/{{w}}", "store.store_page", "ok"),
            ("GET", f"{M}/seller/{wallet}?u={number}", f"{M}/seller/{{w}}", "profile_management.data_sync", "ok"),
            ("PUT", f"{M}/seller/onboarding/{wallet}/profile-setup",
             f"{M}/seller/onboarding/{{w}}/profile-setup", None, "client_error"),
            ("GET", f"/api/seller-analytics/{uid}/trends", "/api/seller-analytics/{uid}/trends",
             "analytics.trends", "client_error"),
            ("PUT", f"{M}/seller/dashboard/notifications/{number}/read",
             f"{M}/seller/dashboard/notifications/{{id}}/read", None, "ok"),
            ("PUT", f"{M}/seller/dashboard/notifications/x/read",
             f"{M}/seller/dashboard/notifications/{{id}}/read", None, "server_error"),
            ("GET", "/api/nothing", "(unmatched)", None, "client_error"),
        ):  # fmt: skip
            headers = {"X-Load-Step": step} if step else {}
            sandbox(method, path, {} if method == "PUT" else None, token=token, headers=headers)
            sent[method, label, step, outcome] += 1
    truth = json.loads(sandbox.control.truth.as_json())
    answered = {(e["method"], e["route"], e["step"], e["outcome"]): e["count"] for e in truth["answered"]}
    assert answered == sent
    received: Counter[tuple[str, str, str | None]] = Counter()
    for (method, label, step, _), count in sent.items():
        received[method, label, step] += count
    assert {(e["method"], e["route"], e["step"]): e["count"] for e in truth["received"]} == received
    assert truth["format"] == 1


def test_health_monitoring_control_and_probes_are_kept_apart(inside: Callable[..., InProcess]) -> None:
    sandbox = inside()
    probes = [
        ("GET", "/health"), ("GET", "/health/database"), ("GET", "/api/cache/health"), ("GET", "/api/cache/stats"),
        ("GET", "/api/health/websocket"), ("GET", "/api/marketplace/health"), ("GET", "/api/monitoring/dashboard"),
        ("GET", "/api/monitoring/metrics/prometheus"), ("GET", "/_sandbox/truth"),
        ("POST", f"{M}/seller/images/upload"), ("GET", "/api/user-notifications/unread-count"),
    ]  # fmt: skip
    for method, path in probes:
        sandbox(method, path)
    sandbox("GET", f"{M}/listings/categories", headers={"X-Load-Step": "health"})
    truth = json.loads(sandbox.control.truth.as_json())
    assert truth["received"] == truth["answered"] == []
    assert sum(entry["count"] for entry in truth["apart"]["received"]) == len(probes) + 1


def test_request_is_counted_before_it_is_answered(start: Callable[..., Running]) -> None:
    running = start("--service-time", "10s")
    port = int(running.address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET {M}/listings/categories HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until_s = time.monotonic() + 5
        while not running.truth()["received"] and time.monotonic() < until_s:
            time.sleep(0.02)
        truth = running.truth()
    assert [entry["count"] for entry in truth["received"]] == [1]
    assert truth["answered"] == []


def test_reset_clears_counters_and_faults(start: Callable[..., Running]) -> None:
    client = start("--fault", "error_rate=100%").client()
    assert client.get(f"{M}/listings/categories").status == 500
    assert client.get("/_sandbox/truth").json["faults"] == {"error_rate": 1}
    assert client.post("/_sandbox/reset").status == 200
    truth = client.get("/_sandbox/truth").json
    client.close()
    assert (truth["received"], truth["answered"], truth["faults"]) == ([], [], {})


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "ok"), (201, "ok"), (304, "ok"), (399, "ok"), (400, "client_error"), (403, "client_error"),
     (429, "throttled"), (430, "client_error"), (499, "client_error"), (500, "server_error"), (503, "server_error")],
)  # fmt: skip
def test_outcome_of_a_status(status: int, outcome: str) -> None:
    assert outcome_of(status) == outcome


def test_invented_steps_do_not_grow_the_counters_for_ever() -> None:
    truth = Truth()
    for number in range(2_000):
        truth.receive("GET", "/x", f"made.up{number}", apart=False)
    truth.receive("GET", "/x", "a" * 81, apart=False)
    received = json.loads(truth.as_json())["received"]
    assert len(received) == 501
    assert received[-1] == {"method": "GET", "route": "/x", "step": "(other)", "count": 1501}


def test_truth_file_is_replaced_in_one_move(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text("old")
    Truth().write(path)
    assert json.loads(path.read_bytes())["format"] == 1
    assert list(tmp_path.iterdir()) == [path]


def test_steps_and_routes_are_those_the_load_sends() -> None:
    # the two packages know nothing of each other: what both call by one name is held together here
    assert {f"{workflow}.{step}" for workflow, steps in WORKFLOWS.items() for step in steps} == STEPS
    assert {(route.method, route.template) for route in ROUTES} >= ALLOWED
