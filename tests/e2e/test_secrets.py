"""Nothing secret leaves: what a whole run, its checks and its clean-up wrote or showed holds no key and no token."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from locustfiles._wallets import wallet

from .conftest import environment
from .relay import Relay

pytestmark = pytest.mark.e2e

KEY = "canary-key-6f1d0c5e9b"
CANARIES = {
    "CANARY_KEY": KEY,
    "CANARY_HEADER": "canary-header-77b1e2",
    "CANARY_USER": "canary-user-1c9d",
    "CANARY_PASSWORD": "canary-password-0f3a",
}
COOKIE = "canary-cookie-5ad2e8"
TARGET = """
format = 1
url = "{url}"
wallet_secret_env = "CANARY_KEY"
step_header = true
consents = ["image_upload"]
[headers]
X-Gate = "${{CANARY_HEADER}}"
[basic_auth]
user = "${{CANARY_USER}}"
password = "${{CANARY_PASSWORD}}"
header = "X-Gate-Authorization"
[health]
database = "/health/database"
[[monitor]]
name = "memory"
url = "/api/monitoring/metrics/prometheus"
format = "prometheus"
metric = "marketplace_memory_usage_percent"
scale = 0.01
"""
PROFILES = """
format = 1
[brief]
description = "long enough for every kind of failure"
sellers = 24
spawn_per_s = 24
ramp = "2 s"
duration = "14 s"
think_ratio = 0.2
"""


@pytest.fixture
def relay(sandbox: Callable[..., object]) -> Iterator[Relay]:
    """A relay before a sandbox that misbehaves in every way that makes failing exchanges."""
    behind = sandbox("error_rate=15%", "wrong_body=3%", "no_envelope=3%")
    between = Relay(behind.url, f"session={COOKIE}", spoil=b"/api/auth/wallet-connect")  # type: ignore[attr-defined]  # conftest's Sandbox
    threading.Thread(target=between.serve, daemon=True).start()
    yield between
    between.close()


def typed(folder: Path, *arguments: str) -> str:
    """Type a command with the canaries in the environment and return all it showed."""
    done = subprocess.run(
        [sys.executable, "-m", "gate", *arguments, "--targets", str(folder / "targets")],
        cwd=Path(__file__).parents[2],
        env=environment(**CANARIES),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 70, done.stdout
    return done.stdout


def readable(path: Path) -> str:
    """Everything a file holds, also what is compressed in it."""
    text = path.read_bytes().decode("latin-1")
    if path.suffix == ".parquet":
        text += pd.read_parquet(path).to_csv()
    elif path.suffix == ".arrow":
        with pa.OSFile(str(path)) as file:
            text += pa.ipc.open_stream(file).read_all().to_pandas().to_csv()
    return text


def test_no_canary_is_found_in_anything_a_run_wrote_or_showed(relay: Relay, tmp_path: Path) -> None:
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "here.toml").write_text(TARGET.format(url=relay.url), "utf-8")
    (tmp_path / "profiles.toml").write_text(PROFILES, "utf-8")
    reports = tmp_path / "reports"
    common = ("--target", "here", "--profiles", str(tmp_path / "profiles.toml"), "--load-profile", "brief")
    shown = {
        "check": typed(tmp_path, "check", *common),
        "run": typed(tmp_path, "run", *common, "--reports", str(reports)),
        "try": typed(tmp_path, "try", "onboarding.wallet_connection", "--target", "here", "--full"),
        "try --json": typed(tmp_path, "try", "listing.creation", "--target", "here", "--json"),
        "seed": typed(tmp_path, "seed", "orders", "--sql", "--count", "3", "--target", "here"),
        "clean": typed(tmp_path, "clean", str(reports / "latest"), "--target", "here"),
    }
    run = (reports / "latest").resolve()
    assert (run / "failures.jsonl").stat().st_size > 2_000, shown["run"]
    assert "wallet-connect" in (run / "failures.jsonl").read_text("utf-8"), "no sign-in failed"

    canaries = {*CANARIES.values(), COOKIE}
    keys = {
        _key(pool, number) for pool in ("pool/listing", "pool/onboarding", f"run {run.name}") for number in range(40)
    }
    heard = relay.secrets()
    assert len(heard) > 100, "the relay heard no tokens"
    everything = {f"screen of {name}": text for name, text in shown.items()}
    everything |= {str(path.relative_to(tmp_path)): readable(path) for path in reports.rglob("*") if path.is_file()}
    for place, text in everything.items():
        found = [secret for secret in canaries | keys | heard if secret in text]
        assert not found, f"{place} holds {found[:3]}"


def _key(pool: str, number: int) -> str:
    """The private key of a wallet, 64 hex digits."""
    return wallet(KEY.encode(), pool, number)._key.to_bytes().hex()
