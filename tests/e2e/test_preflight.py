"""Preflight as people type it, at real sandboxes: ready or not, before any load is sent."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
SANDBOX = (ROOT / "targets" / "sandbox.toml").read_text("utf-8")
# nothing a workflow sends but what signs one seller in and counts what is there
ALLOWED = {
    ("POST", "/api/auth/nonce"),
    ("POST", "/api/auth/wallet-connect"),
    ("GET", "/api/marketplace/listings/categories"),
    ("GET", "/api/marketplace/seller/orders/{w}"),
}


def test_a_sandbox_is_ready_and_sees_one_sign_in(
    sandbox: Callable[..., Any], sellergate: Callable[..., Any], tmp_path: Path
) -> None:
    server = sandbox()
    started_s = time.monotonic()
    done = sellergate("preflight", "--reports", tmp_path / "reports", BACKEND_URL=server.url)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "preflight: ok"), done.stdout
    assert time.monotonic() - started_s < 40  # 3 s on a machine with nothing else to do
    received = server.received()
    assert received.keys() <= ALLOWED
    assert received["POST", "/api/auth/wallet-connect"] == 1
    assert not (tmp_path / "reports").exists()


def test_a_database_that_is_down_is_found_before_the_load(
    sellergate: Callable[..., Any], profiles: Path, tmp_path: Path
) -> None:
    done = sellergate(
        "run", "--load-profile", "demo", "--profiles", profiles, "--reports", tmp_path,
        "--with-sandbox", "--fault", "health=database:down",
    )  # fmt: skip
    assert done.returncode == 3, done.stdout
    assert "preflight: 1 problem (exit 3)" in done.stdout.splitlines()
    folder = (tmp_path / "latest").resolve()
    verdict = json.loads((folder / "verdict.json").read_text("utf-8"))
    (doubt,) = [doubt for doubt in verdict["doubts"] if doubt["name"] == "health_down"]
    assert doubt["invalidates"]
    assert doubt["figure"].startswith("health database: ")
    truth = json.loads((folder / "sandbox-truth.json").read_text("utf-8"))
    assert {(row["method"], row["route"]) for row in truth["received"]} <= ALLOWED


def test_a_disk_without_room_is_the_only_problem(
    sandbox: Callable[..., Any], sellergate: Callable[..., Any], small_disk: Path
) -> None:
    done = sellergate("preflight", "--reports", small_disk, BACKEND_URL=sandbox().url)
    assert done.returncode == 3, done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("problem ")]
    assert line.split()[1:3] == ["disk", "space"]


def test_orders_that_nobody_seeded_and_a_monitor_that_is_not_there(
    sandbox: Callable[..., Any], sellergate: Callable[..., Any], tmp_path: Path
) -> None:
    # as a deployment is described: without the sandbox's header, whose buyers order by themselves
    text = SANDBOX.replace("step_header = true", "step_header = false")
    text = text.replace('metric = "marketplace_cpu_usage_percent"', 'metric = "nowhere_cpu"')
    (tmp_path / "here.toml").write_text(text, "utf-8")
    done = sellergate("preflight", "--target", "here", "--targets", tmp_path, BACKEND_URL=sandbox().url)
    assert done.returncode == 3, done.stdout
    lines = done.stdout.splitlines()
    said = [line.split()[1] for line in lines if line.startswith("problem ")]
    assert said == ["orders", "monitor"], done.stdout
    assert "orders must be seeded" in done.stdout
    assert "answer has no nowhere_cpu" in done.stdout
    assert lines[-1] == "preflight: 2 problems (exit 3)"


@pytest.mark.parametrize("fault", ["throttle=100%", "error_rate=100%"], ids=["throttled", "broken"])
def test_nobody_is_let_in_and_that_is_known_soon(
    sandbox: Callable[..., Any], sellergate: Callable[..., Any], fault: str
) -> None:
    started_s = time.monotonic()
    done = sellergate("preflight", BACKEND_URL=sandbox(fault).url)
    assert time.monotonic() - started_s < 40  # a run's sellers would wait for a minute and more after a 429
    assert done.returncode == 3, done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("problem ")]
    assert line.split()[1:4] == ["sign-in", "status", "429" if "throttle" in fault else "500"]
    assert "not looked at orders" in " ".join(done.stdout.split())
