"""Commit every fault over real HTTP, and see that it happened, to whom, and that it was counted."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sandbox.amounts import Window
from sandbox.faults import parse_fault
from tests.sandbox.conftest import InProcess, M, new_seller

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sandbox.conftest import Answer, Running

QUIET = ("/health", "/health/database", "/api/cache/health", "/api/marketplace/health", "/api/cache/stats",
         "/api/monitoring/metrics/prometheus", "/api/monitoring/dashboard")  # fmt: skip


def misbehaving(inside: Callable[..., InProcess], *faults: str) -> tuple[InProcess, str, str]:
    """Return a sandbox with faults, a seller's wallet and token; the profile is written past the faults."""
    sandbox = inside(faults=tuple(parse_fault(text) for text in faults))
    wallet, _, token = sandbox.user(1)
    faults_now, sandbox.control.chaos.faults = sandbox.control.chaos.faults, ()
    profile = {"walletAddress": wallet, "storeName": "First"}
    assert sandbox("POST", f"{M}/seller/profile", profile, token=token).status == 201
    sandbox.control.chaos.faults = faults_now
    sandbox.control.truth.reset()
    return sandbox, wallet, token


def counted(sandbox: InProcess) -> dict[str, int]:
    faults: dict[str, int] = json.loads(sandbox.control.truth.as_json())["faults"]
    return faults


@pytest.mark.parametrize("fault", ["error_rate=100%", "throttle=100%", "wrong_body=100%", "no_envelope=100%"])
def test_health_monitoring_and_control_are_spared(inside: Callable[..., InProcess], fault: str) -> None:
    sandbox, _, _ = misbehaving(inside, fault)
    for path in (*QUIET, "/_sandbox/truth"):
        assert sandbox("GET", path).status == 200, path
    assert sandbox("POST", f"{M}/seller/images/upload").status == 400  # the health check of the image service
    assert counted(sandbox) == {}


def test_error_rate_strikes_before_the_handler_has_effects(inside: Callable[..., InProcess]) -> None:
    sandbox, wallet, token = misbehaving(inside, "error_rate=50%")
    path = f"{M}/seller/{wallet}"
    for number in range(60):
        answer = sandbox("PUT", path, {"storeName": f"n{number}"}, token=token)
        sandbox.control.chaos.faults, faults = (), sandbox.control.chaos.faults
        now = sandbox("GET", path).data["storeName"]
        sandbox.control.chaos.faults = faults
        assert (answer.status, now == f"n{number}") in {(200, True), (500, False)}
        if answer.status == 500:
            assert answer.code == "INTERNAL_ERROR"
    assert 15 <= counted(sandbox)["error_rate"] <= 45


def test_throttle_answers_in_the_redis_dialect(inside: Callable[..., InProcess]) -> None:
    sandbox, wallet, _ = misbehaving(inside, "throttle")
    answers = [sandbox("GET", f"{M}/seller/{wallet}") for _ in range(60)]
    refused = [answer for answer in answers if answer.status == 429]
    assert refused[0].json == {"success": False, "error": "Rate limit exceeded", "retryAfter": 60}
    assert "retry-after" not in refused[0].headers
    assert len(refused) == counted(sandbox)["throttle"]
    assert 15 <= len(refused) <= 45


def test_wrong_body_carries_another_sellers_ids_all_over(inside: Callable[..., InProcess]) -> None:
    sandbox, wallet, token = misbehaving(inside, "wrong_body=100%")
    other, other_uid, other_token = sandbox.user(2)
    sandbox.control.chaos.faults, faults = (), sandbox.control.chaos.faults
    sandbox("POST", f"{M}/seller/profile", {"walletAddress": other, "storeName": "Second"}, token=other_token)
    body = {"walletAddress": wallet, "title": "t", "description": "d", "price": 5, "categoryId": "art"}
    listing = sandbox("POST", f"{M}/seller/listings", body, token=token).data
    sandbox.control.chaos.faults = faults

    assert sandbox("GET", f"{M}/seller/{wallet}").data["walletAddress"] == other
    listed = sandbox("GET", f"{M}/seller/listings/{wallet}").data["listings"][0]
    assert (listed["sellerAddress"], listed["sellerId"]) == (other, other_uid)
    assert wallet not in sandbox("GET", f"{M}/seller/dashboard/{wallet}", token=token).body.decode()
    assert sandbox("GET", f"{M}/listings/{listing['id']}").data["id"] != listing["id"]
    own = sandbox("GET", "/api/sellers/profile", token=token).data
    assert (own["walletAddress"], own["id"]) == (other, other_uid)
    assert counted(sandbox) == {"wrong_body": 5}
    assert sandbox("GET", f"{M}/listings/categories").status == 200  # names nobody: cannot be wrong, is not counted
    assert counted(sandbox) == {"wrong_body": 5}


def test_wrong_body_without_another_seller_invents_one(inside: Callable[..., InProcess]) -> None:
    sandbox, wallet, _ = misbehaving(inside, "wrong_body=100%")
    found = sandbox("GET", f"{M}/seller/{wallet}").data["walletAddress"]
    assert (len(found), found == wallet) == (42, False)


def test_wrong_body_is_not_kept_in_the_cache(inside: Callable[..., InProcess]) -> None:
    sandbox, wallet, _ = misbehaving(inside, "wrong_body=100%")
    sandbox("GET", f"{M}/seller/{wallet}")
    sandbox.control.chaos.faults = ()
    kept = sandbox("GET", f"{M}/seller/{wallet}")
    assert (kept.headers["x-cache"], kept.data["walletAddress"]) == ("HIT", wallet)


def test_no_envelope_answers_with_the_bare_data(inside: Callable[..., InProcess]) -> None:
    sandbox, wallet, token = misbehaving(inside, "no_envelope=100%")
    answer = sandbox("GET", f"{M}/seller/{wallet}")
    assert "success" not in answer.json
    assert answer.json["walletAddress"] == wallet
    assert counted(sandbox) == {"no_envelope": 1}
    count = sandbox("GET", "/api/user-notifications/unread-count", token=token)  # has no envelope to lose
    assert count.json == {"count": 0}
    assert counted(sandbox) == {"no_envelope": 1}


def test_refusals_keep_their_envelope(inside: Callable[..., InProcess]) -> None:
    sandbox, _, _ = misbehaving(inside, "no_envelope=100%")
    assert sandbox("GET", f"{M}/seller/0x1").json["success"] is False


def states(sandbox: InProcess, path: str) -> list[str]:
    return [sandbox("GET", path).headers["x-cache"] for _ in range(3)]


def test_cache_off_misses_always_and_works_again_after_its_window(inside: Callable[..., InProcess]) -> None:
    sandbox, wallet, _ = misbehaving(inside, "cache_off")
    assert states(sandbox, f"{M}/seller/{wallet}") == ["MISS"] * 3
    sandbox.control.chaos.faults = ()
    assert states(sandbox, f"{M}/seller/{wallet}") == ["MISS", "HIT", "HIT"]


def test_no_cache_option_misses_always(inside: Callable[..., InProcess]) -> None:
    assert states(inside(cache=False), f"{M}/listings/categories") == ["MISS"] * 3


def test_lying_cache_says_hit_and_computes(inside: Callable[..., InProcess]) -> None:
    sandbox, wallet, _ = misbehaving(inside, "lying_cache")
    for _ in range(2):
        answer = sandbox("GET", f"{M}/seller/{wallet}")
        assert answer.headers["x-cache"] == "HIT"
        assert answer.json["metadata"]["requestId"] == answer.headers["x-request-id"]
    assert counted(sandbox) == {"lying_cache": 2}


@pytest.mark.parametrize("query", ["", "?u=1"])
def test_stale_reads_show_the_value_before_the_write_until_the_lag_is_over(
    inside: Callable[..., InProcess], query: str
) -> None:
    sandbox, wallet, token = misbehaving(inside, "stale_reads=10s")
    db, now_s = sandbox.control.shop.db, [1000.0]
    db._clock = lambda: now_s[0]
    path = f"{M}/seller/{wallet}"
    assert sandbox("GET", path).data["storeName"] == "First"
    written = sandbox("PUT", path, {"storeName": "Second"}, token=token)
    assert written.data["storeName"] == "Second"
    for after_s, seen in ((0.0, "First"), (9.9, "First"), (10.0, "Second")):
        now_s[0] = 1000.0 + after_s
        assert sandbox("GET", path + query).data["storeName"] == seen, after_s
        assert sandbox("GET", f"/api/sellers/profile{query}", token=token).data["storeName"] == seen, after_s
    assert counted(sandbox)["stale_reads"] >= 2
    sandbox.control.chaos.faults = ()
    assert sandbox("GET", path + query).data["storeName"] == "Second"


def test_reads_are_fresh_again_at_the_end_of_the_window(inside: Callable[..., InProcess]) -> None:
    sandbox, wallet, token = misbehaving(inside, "stale_reads=10s")
    path = f"{M}/seller/{wallet}"
    sandbox("GET", path)
    sandbox("PUT", path, {"storeName": "Second"}, token=token)
    assert sandbox("GET", path).data["storeName"] == "First"
    sandbox.control.chaos.faults = ()
    assert sandbox("GET", path).data["storeName"] == "Second"


@pytest.mark.parametrize(
    ("component", "path", "well", "down"),
    [
        ("database", "/health/database", 200, 503),
        ("cache", "/api/cache/health", 200, 503),
        ("websocket", "/api/health/websocket", 200, 503),
        ("seller_api", "/api/marketplace/health", 200, 503),
        ("image_upload", f"POST {M}/seller/images/upload", 400, 503),
        ("notifications", "/api/user-notifications/unread-count", 401, 503),
    ],
)
def test_health_check_reports_its_component_and_no_other(
    inside: Callable[..., InProcess], component: str, path: str, well: int, down: int
) -> None:
    method, _, place = path.rpartition(" ")
    sick, wallet, token = misbehaving(inside, f"health={component}:down")
    assert inside()(method or "GET", place).status == well
    assert sick(method or "GET", place).status == down
    assert counted(sick) == {"health": 1}
    assert sick("GET", f"{M}/seller/{wallet}").status == 200
    assert sick("GET", "/api/user-notifications/unread-count", token=token).status == 200  # sellers are not disturbed


def test_overview_is_200_and_says_what_is_down(inside: Callable[..., InProcess]) -> None:
    sandbox, _, _ = misbehaving(inside, "health=database:down", "health=cache:down")
    answer = sandbox("GET", "/health")
    assert answer.status == 200
    assert (answer.json["database"]["connected"], answer.json["redis"]["connected"]) == (False, False)
    well = inside()("GET", "/health").json
    assert (well["database"]["connected"], well["redis"]["connected"]) == (True, True)


def test_signed_in_probe_of_notifications_is_a_probe_when_it_says_so(inside: Callable[..., InProcess]) -> None:
    sandbox, _, token = misbehaving(inside, "health=notifications:down")
    path = "/api/user-notifications/unread-count"
    assert sandbox("GET", path, token=token, headers={"X-Load-Step": "health"}).status == 503
    assert sandbox("GET", path, token=token, headers={"X-Load-Step": "dashboard.notifications"}).status == 200


# What needs a process and a clock


def timed(call: Callable[[], Answer]) -> tuple[float, Answer]:
    started_s = time.perf_counter()
    answer = call()
    return time.perf_counter() - started_s, answer


def test_slow_step_is_late_and_others_are_not(start: Callable[..., Running]) -> None:
    running = start("--fault", "slow_step=store.store_page:+300ms")
    client = running.client()
    path = f"{M}/listings/categories"
    slow_s, _ = timed(lambda: client.get(path, X_Load_Step="store.store_page"))
    fast_s, _ = timed(lambda: client.get(path, X_Load_Step="listing.category"))
    assert slow_s >= 0.3 > fast_s
    assert client.get("/_sandbox/truth").json["faults"] == {"slow_step": 1}
    client.close()


@pytest.mark.parametrize("fault", ["stall=700ms@500ms", "freeze=700ms@500ms"])
def test_standstill_answers_nobody_until_it_is_over(start: Callable[..., Running], fault: str) -> None:
    running = start("--fault", fault)
    time.sleep(max(running.started_s + 0.65 - time.monotonic(), 0))

    def ask(path: str) -> float:
        client = running.client()
        took_s, answer = timed(lambda: client.get(path))
        client.close()
        assert answer.status == 200
        return took_s

    with ThreadPoolExecutor(2) as pool:
        took = list(pool.map(ask, ["/health", f"{M}/listings/categories"]))
    assert all(0.3 < took_s < 1 for took_s in took), took
    assert ask(f"{M}/listings/categories") < 0.3
    name = fault.partition("=")[0]
    assert running.truth()["faults"] == {name: 2 if name == "stall" else 1}


def test_die_ends_the_process_at_once_and_leaves_the_truth(start: Callable[..., Running], tmp_path: Path) -> None:
    truth_file = tmp_path / "truth.json"
    running = start("--fault", "die@800ms", "--service-time", "10s", "--truth-file", str(truth_file))
    client = running.client()
    with pytest.raises((ConnectionError, OSError)):
        client.get(f"{M}/listings/categories", X_Load_Step="listing.category")
    client.close()
    assert running.process.wait(5) == 1
    truth = json.loads(truth_file.read_bytes())
    assert [(entry["step"], entry["count"]) for entry in truth["received"]] == [("listing.category", 1)]
    assert truth["answered"] == []
    assert truth["faults"] == {"die": 1}


def test_memory_grows_as_fast_as_asked(start: Callable[..., Running]) -> None:
    running = start("--fault", "memory_growth=1%/min@0-2s")
    client = running.client()

    def used() -> tuple[int, int]:
        memory = client.get("/api/monitoring/dashboard").data["current"]["resources"]["memory"]
        return memory["used"], memory["total"]

    time.sleep(0.2)
    before, total = used()
    time.sleep(3)
    grown = used()[0] - before
    client.close()
    # 1 % of the machine a minute for two seconds, in half-second steps; the window may cut one step
    assert 0.6 < grown / (total * 0.01 * 2 / 60) < 1.5


def test_service_time_is_what_a_computed_answer_takes_and_a_hit_does_not(start: Callable[..., Running]) -> None:
    running = start("--service-time", "50ms")
    seller = new_seller(running.address)
    path = f"{M}/seller/{seller.wallet}"
    computed_s, _ = timed(lambda: seller.client.get(path))
    hit_s, hit = timed(lambda: seller.client.get(path))
    health_s, _ = timed(lambda: seller.client.get("/health"))
    seller.client.close()
    assert hit.headers["x-cache"] == "HIT"
    assert computed_s >= 0.05 > max(hit_s, health_s)


def test_window_of_a_fault_counts_from_listening(inside: Callable[..., InProcess]) -> None:
    sandbox, wallet, _ = misbehaving(inside, "error_rate=100%@30-60s")
    assert sandbox.control.chaos.faults[0].window == Window(30, 60)
    chaos = sandbox.control.chaos
    for elapsed_s, status in ((29, 200), (31, 500), (61, 200)):
        chaos._started_s = chaos._clock() - elapsed_s
        assert sandbox("GET", f"{M}/seller/{wallet}").status == status
