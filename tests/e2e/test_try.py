"""`sellergate try` on a real sandbox: one step, quickly, whole, without its secrets, and with an honest exit code."""

import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

Command = Callable[..., CompletedProcess[str]]
WALLET_SECRET = "canary-wallet-secret-7f3a"
HEADER_SECRET = "canary-header-secret-91bc"


@pytest.fixture
def staging(tmp_path: Path, sandbox: Callable[..., Any]) -> tuple[Path, Any]:
    """A folder of target files whose one target, staging, is a sandbox that wants a header from the environment."""
    server = sandbox()
    (tmp_path / "staging.toml").write_text(
        f'format = 1\nurl = "{server.url}"\nwallet_secret_env = "WALLETS"\nstep_header = true\n'
        '[headers]\nX-Gate-Key = "${GATE_KEY}"\n'
        '[[gap]]\nworkflow = "listing"\nstep = "category"\nreason = "not built"\nowner = "us"\nexpires = "9999-12-31"\n'
    )
    return tmp_path, server


def test_step_is_done_and_shown_quickly(sellergate: Command, sandbox: Callable[..., Any]) -> None:
    server = sandbox()
    began = time.perf_counter()
    done = sellergate("try", "listing.creation", BACKEND_URL=server.url)
    took_s = time.perf_counter() - began
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert re.fullmatch(r"listing\.creation: ok, 1 request, [\d.]+ ms", lines[-1])
    assert "before  setup: 200," in lines[0]
    assert "< status 201" in done.stdout
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.stdout
    assert took_s < 8  # below 2 s where nothing else runs; tests share their cores


def test_nothing_secret_is_shown(staging: tuple[Path, Any], sellergate: Command) -> None:
    targets, _server = staging
    where = ("--target", "staging", "--targets", targets)
    secrets = {"WALLETS": WALLET_SECRET, "GATE_KEY": HEADER_SECRET}
    shown = sellergate("try", "onboarding.wallet_connection", "--full", *where, **secrets)
    told = sellergate("try", "onboarding.wallet_connection", "--json", *where, **secrets)
    assert (shown.returncode, told.returncode) == (0, 0)
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert lines[-1]["outcome"] == "ok"
    for text in (shown.stdout, told.stdout):
        assert WALLET_SECRET not in text
        assert HEADER_SECRET not in text
        assert not re.search(r"eyJ[\w-]{10,}", text), "a token"
        assert not re.search(r"0x[0-9a-f]{100,}", text), "a signature"
        assert not re.search(r"[0-9a-f]{64}", text), "a nonce"
        assert "[hidden]" in text


def test_bearer_is_hidden_by_its_scheme(sellergate: Command, sandbox: Callable[..., Any]) -> None:
    done = sellergate("try", "store.customization", BACKEND_URL=sandbox().url)
    assert "> Authorization: Bearer [hidden]" in done.stdout.splitlines()


def test_failed_step_is_code_1_with_what_was_expected(sellergate: Command, sandbox: Callable[..., Any]) -> None:
    done = sellergate("try", "analytics.insights", BACKEND_URL=sandbox("no_envelope=100%").url)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("analytics.insights: ")
    assert "check_failed: " in done.stdout
    assert "envelope missing" in done.stdout


def test_declared_gap_is_named(staging: tuple[Path, Any], sellergate: Command) -> None:
    targets, _server = staging
    secrets = {"WALLETS": WALLET_SECRET, "GATE_KEY": HEADER_SECRET}
    done = sellergate("try", "listing.category", "--target", "staging", "--targets", targets, **secrets)
    assert "declared gap of us until 9999-12-31: not built" in done.stdout.splitlines()


def test_step_without_consent_is_not_run_and_not_ok(staging: tuple[Path, Any], sellergate: Command) -> None:
    targets, _server = staging
    where = ("--target", "staging", "--targets", targets)
    done = sellergate("try", "profile_management.image_upload", *where, WALLETS=WALLET_SECRET, GATE_KEY=HEADER_SECRET)
    assert done.returncode == 1
    assert "not run: it sends nothing without the target's consent" in done.stdout.splitlines()[-1]


def test_target_nobody_answers_at_is_code_3(sellergate: Command) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        done = sellergate("try", "listing.creation", BACKEND_URL=f"http://127.0.0.1:{held.getsockname()[1]}")
    assert done.returncode == 3
    assert "target not reachable" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        pytest.param(["listing.creatoin"], {}, "did you mean 'listing.creation'?", id="misspelt step"),
        pytest.param(["creation"], {}, "no step 'creation'", id="no workflow"),
        pytest.param(["x.y", "--target", "sandbx"], {}, "did you mean 'sandbox'?", id="misspelt target"),
        pytest.param(["listing.creation"], {"BACKEND_URL": "http://evil.example"}, "not listed", id="host not listed"),
    ],
)
def test_what_is_wrong_is_one_line_and_code_2(
    arguments: list[str], environment: dict[str, str], words: str, sellergate: Command
) -> None:
    done = sellergate("try", *arguments, **environment)
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) == 1
    assert words in done.stdout


def test_production_needs_a_permission(tmp_path: Path, sellergate: Command, sandbox: Callable[..., Any]) -> None:
    server = sandbox()
    (tmp_path / "live.toml").write_text(f'format = 1\nurl = "{server.url}"\nproduction = true\n')
    where = ("--target", "live", "--targets", tmp_path)
    refused = sellergate("try", "analytics.insights", *where)
    assert refused.returncode == 2
    assert "accepted: with --allow-production" in refused.stdout
    assert not server.received()
    assert sellergate("try", "analytics.insights", "--allow-production", *where).returncode == 0


def test_pools_are_different_sellers(sellergate: Command, sandbox: Callable[..., Any]) -> None:
    server = sandbox()

    def wallet(pool: str) -> str:
        done = sellergate("try", "profile_management.social_links", "--pool", pool, BACKEND_URL=server.url)
        return re.findall(r"0x[0-9a-f]{40}", done.stdout)[0]

    assert wallet("pool") != wallet("team-b")
