"""Die of the requests that kill the real process, and count those nobody may send."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locustfiles._routes import ALLOWED
from sandbox import server
from sandbox.deployed.forbidden import BAD_SIGNATURE, is_canary, never_label
from tests.sandbox.conftest import NOBODY, M, Staging, new_seller, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sandbox.conftest import InProcess, Running

DEADLY = [
    ("GET", "/api/orders"),
    ("GET", f"/api/orders/{NOBODY}"),
    ("GET", "/api/orders/mine"),
    ("POST", "/api/orders"),
    ("PUT", f"/api/orders/{NOBODY}/status"),
    ("GET", "/API/Orders/1"),
    ("POST", f"{M}/registration/seller"),
    ("GET", "/api/enhanced-escrow/1"),
    ("POST", "/api/enhanced-fiat-payment/process"),
]
HARMLESS = [
    "/api/order-management/1", "/api/ordersx", f"{M}/seller/orders/{NOBODY}", "/api/sellers/orders", "/x/api/orders",
    f"{M}/registrations", "/",
]  # fmt: skip


class _DiedError(Exception):
    pass


@pytest.mark.parametrize(("method", "path"), DEADLY)
def test_0_1_deadly_request_ends_the_process_and_is_counted(
    inside: Callable[..., InProcess], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: str, path: str
) -> None:
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        raise _DiedError

    monkeypatch.setattr(server.os, "_exit", end)
    sandbox = inside(as_deployed=True, truth_file=tmp_path / "truth.json")
    with pytest.raises(_DiedError):
        sandbox(method, path)
    truth = json.loads((tmp_path / "truth.json").read_bytes())
    assert (codes, truth["canary"]) == ([1], 1)
    assert truth["received"] == [{"method": method, "route": "(canary)", "step": None, "count": 1}]


@pytest.mark.parametrize("path", HARMLESS)
def test_0_1_what_only_looks_like_it_is_harmless(path: str) -> None:
    assert not is_canary(path)


def test_0_1_real_process_is_gone_at_once_and_its_truth_is_written(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    running = start("--as-deployed", "--truth-file", str(tmp_path / "truth.json"))
    client = running.client()
    client.get("/health")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        client.get(f"/api/orders/{NOBODY}")
    client.close()
    assert running.process.wait(5) == 1
    truth = json.loads((tmp_path / "truth.json").read_bytes())
    assert (truth["canary"], [entry["route"] for entry in truth["received"]]) == (1, ["(canary)"])


def test_ordinary_sandbox_survives_them(inside: Callable[..., InProcess]) -> None:
    sandbox = inside()
    assert [sandbox(method, path).status for method, path in DEADLY] == [404] * len(DEADLY)
    assert json.loads(sandbox.control.truth.as_json())["canary"] == 0


NEVER = [
    ("POST", "/api/stripe/connect/onboard", "POST /api/stripe/connect/onboard"),
    ("POST", "/api/cache/clear", "POST /api/cache"),
    ("DELETE", "/api/cache/key/x", "DELETE /api/cache"),
    ("POST", "/api/automation/process-all", "POST /api/automation/process-all"),
    ("GET", "/api/performance/metrics", "GET /api/performance/metrics"),
    ("GET", "/api/performance/stream", "GET /api/performance/stream"),
    ("GET", "/api/monitoring/metrics/realtime", "GET /api/monitoring/metrics/realtime"),
    ("POST", "/api/auth/wallet-connect/verify-2fa", "POST /api/auth/wallet-connect/verify-2fa"),
]


@pytest.mark.parametrize(("method", "path", "label"), NEVER)
def test_4_5_request_nobody_may_send_is_counted_and_survived(
    staging: Staging, method: str, path: str, label: str
) -> None:
    assert [staging.ask(method, path, {}).status for _ in range(2)] == [404, 404]
    assert staging.truth()["forbidden"] == {label: 2}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/cache/stats"), ("GET", "/api/cache/health"), ("GET", "/api/monitoring/metrics/prometheus"),
     ("GET", "/api/stripe/connect/status"), ("POST", "/api/auth/wallet-connect"), ("GET", "/api/performance/report")],
)  # fmt: skip
def test_4_5_neighbours_of_those_are_not_counted(method: str, path: str) -> None:
    assert never_label(method, path) is None


@given(st.sampled_from(sorted(ALLOWED)), st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True))
def test_nothing_the_load_may_send_is_deadly_or_forbidden(place: tuple[str, str], value: str) -> None:
    method, route = place
    path = route.format(w=value, uid=value, lid=value, oid=value, id=value)
    assert not is_canary(path)
    assert never_label(method, path) is None


# -- signing in


def test_4_5_bad_signature_is_counted(start: Callable[..., Running]) -> None:
    running = start("--as-deployed")
    client = running.client()
    person = sign_in(client)
    text = client.post("/api/auth/nonce", {"walletAddress": "0x" + "0" * 40}).data["message"]
    body = {"walletAddress": "0x" + "0" * 40, "signature": "0x" + "1" * 130, "message": text}
    assert client.post("/api/auth/wallet-connect", body).code == "INVALID_SIGNATURE"
    assert running.truth()["forbidden"] == {BAD_SIGNATURE: 1}
    ended = client.post("/api/auth/logout")
    profile = client.get("/api/auth/profile")
    refreshed = client.post("/api/auth/refresh", {"refreshToken": person.tokens["refreshToken"]})
    client.close()
    assert (ended.status, profile.status, refreshed.status) == (200, 200, 401)  # 2.2: access tokens outlive a logout


def test_2_1_nonce_wants_the_checksummed_address(staging: Staging) -> None:
    address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    assert staging.ask("POST", "/api/auth/nonce", {"walletAddress": address}).status == 200
    assert staging.ask("POST", "/api/auth/nonce", {"walletAddress": address.lower()}).status == 500


def test_2_1_nonce_by_get_is_cached(staging: Staging) -> None:
    address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    path = f"/api/auth/nonce?walletAddress={address}"
    first, again = staging.get(path, who=None), staging.get(path, who=None)
    assert (first.status, again.headers["x-cache"], again.data["nonce"]) == (200, "HIT", first.data["nonce"])


def test_2_1_second_wallet_with_the_same_handle_cannot_register(start: Callable[..., Running]) -> None:
    running = start("--as-deployed")
    person = new_seller(running.address)
    assert person.client.get(f"{M}/seller/{person.wallet}").data["storeName"] == "Oak and Ash"
    body = {"walletAddress": "", "signature": "0x" + "1" * 130, "message": "x"}
    handle = person.tokens["user"]["handle"].removeprefix("user_")
    taken = person.client.post("/api/auth/wallet-connect", body | {"walletAddress": handle + "0" * 34})
    again = person.client.post("/api/auth/wallet-connect", body | {"walletAddress": person.tokens["address"]})
    free = person.client.post("/api/auth/wallet-connect", body | {"walletAddress": "0x" + "9" * 40})
    person.client.close()
    assert (taken.status, taken.code, free.status) == (500, "DATABASE_ERROR", 401)
    assert again.status == 401  # its own handle does not stand in its way: only the signature is wrong
