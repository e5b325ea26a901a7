"""Count each address in the limits of the contract, and tell the truth about who was refused when."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from locustfiles._routes import ALLOWED
from sandbox.limits import Dialect
from sandbox.routes import ROUTES
from sandbox.truth import Truth
from tests.sandbox.conftest import NOBODY, M, Staging

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import InProcess, Running

# Contract 4.1 to 4.4 for every route the load may send: name, most, window in seconds; None: no limiter.
S, T, A = f"{M}/seller", "/api/sellers", "/api/seller-analytics/{uid}"
LIMITS: dict[tuple[str, str], tuple[str, int, int] | None] = {
    ("POST", "/api/auth/nonce"): ("auth", 200, 60),
    ("POST", "/api/auth/wallet-connect"): ("auth", 200, 60),
    ("POST", "/api/auth/refresh"): ("auth", 200, 60),
    ("POST", f"{S}/profile"): ("seller_profile_update", 10, 60),
    ("PUT", f"{S}/{{w}}"): ("seller_profile_update", 10, 60),
    ("GET", f"{S}/{{w}}"): ("seller_profile", 60, 60),
    ("GET", f"{M}/sellers/{{w}}"): ("marketplace_sellers", 200, 60),
    ("GET", f"{M}/sellers/{{w}}/listings"): ("marketplace_sellers", 200, 60),
    ("GET", f"{T}/profile"): None,
    ("GET", f"{S}/onboarding/{{w}}"): ("onboarding", 30, 60),
    **{
        ("PUT", f"{S}/onboarding/{{w}}/{step}"): None
        for step in ("profile-setup", "business-info", "verification", "first-listing", "payout-setup")
    },
    ("POST", f"{T}/verify"): None,
    ("GET", f"{S}/verification/{{uid}}/verification"): None,
    ("POST", f"{S}/images/upload"): None,
    ("POST", f"{S}/listings"): ("create_listing", 10, 60),
    ("PUT", f"{S}/listings/{{lid}}"): ("update_listing", 30, 60),
    ("DELETE", f"{S}/listings/{{lid}}"): ("delete_listing", 20, 60),
    ("GET", f"{S}/listings/{{w}}"): ("seller_listings", 60, 60),
    ("GET", f"{S}/listings/detail/{{lid}}"): ("listing_detail", 120, 60),
    ("GET", f"{M}/listings/{{lid}}"): ("listing_detail", 300, 60),
    ("POST", f"{M}/listings/{{lid}}/view"): None,
    ("GET", f"{M}/listings/categories"): ("categories", 500, 60),
    ("GET", f"{S}/dashboard/{{w}}"): ("seller_dashboard", 60, 60),
    ("GET", f"{S}/dashboard/analytics/{{w}}"): ("seller_analytics", 30, 60),
    ("GET", f"{S}/dashboard/notifications/{{w}}"): ("seller_notifications", 60, 60),
    ("PUT", f"{S}/dashboard/notifications/{{id}}/read"): ("mark_notification_read", 30, 60),
    ("GET", f"{S}/{{w}}/messaging-analytics"): ("seller_msg_analytics", 30, 60),
    ("POST", "/api/user-notifications"): None,
    ("GET", "/api/user-notifications"): None,
    ("GET", "/api/user-notifications/unread-count"): None,
    ("POST", "/api/user-notifications/read-all"): None,
    ("GET", "/api/seller/fulfillment/queue/ready_to_ship"): None,
    ("GET", "/api/seller/metrics/fulfillment"): None,
    ("POST", "/api/messaging/conversations"): ("messaging", 300, 900),
    ("POST", "/api/messaging/conversations/{id}/messages"): ("messaging", 300, 900),
    ("GET", "/api/messaging/conversations/{id}/messages"): ("messaging", 300, 900),
    ("GET", f"{S}/orders/{{w}}"): ("seller_orders", 60, 60),
    ("GET", f"{T}/orders"): None,
    ("POST", f"{S}/orders/{{oid}}/process"): ("order_process", 30, 60),
    ("POST", f"{S}/orders/{{oid}}/ready"): ("order_ready", 30, 60),
    ("POST", f"{S}/orders/{{oid}}/ship"): ("order_ship", 30, 60),
    ("POST", f"{S}/orders/bulk-status"): ("bulk_status", 10, 60),
    ("GET", f"{S}/orders/{{oid}}/messages"): ("order_messages", 60, 60),
    ("POST", f"{S}/orders/{{oid}}/messages"): ("send_message", 30, 60),
    ("GET", f"{S}/orders/{{oid}}/packing-slip"): ("order_slip", 60, 60),
    ("GET", f"{S}/{{w}}/tier"): ("seller_tier", 30, 60),
    ("GET", f"{S}/{{w}}/tier/progress"): ("seller_tier_progress", 30, 60),
    ("POST", f"{T}/tier/evaluate"): None,
    ("GET", f"{T}/tier/criteria"): None,
    ("GET", f"{A}/tier-progression"): ("seller_analytics_api", 100, 900),
    ("POST", f"{A}/track"): ("seller_analytics_api", 100, 900),
    **{("GET", f"{A}/{name}"): ("seller_analytics_api", 100, 900)
       for name in ("metrics", "dashboard", "insights", "trends")},
    ("GET", "/api/seller-performance/{uid}/recommendations"): None,
}  # fmt: skip
DIALECTS = {
    "auth": Dialect.DRAFT, "marketplace_sellers": Dialect.LEGACY,
    "messaging": Dialect.SLIDING, "seller_analytics_api": Dialect.SLIDING,
}  # fmt: skip


@pytest.mark.parametrize(("method", "route"), sorted(ALLOWED))
def test_4_every_route_of_the_load_has_the_limit_of_the_contract(method: str, route: str) -> None:
    (found,) = [each for each in ROUTES if (each.method, each.template) == (method, route)]
    limits = [(limit.name, limit.most, limit.window_s) for limit in found.limits]
    wanted = LIMITS[method, route]
    assert limits == ([wanted] if wanted else [])
    for limit in found.limits:
        assert limit.dialect is DIALECTS.get(limit.name, Dialect.REDIS)
        assert limit.per_path is (limit.dialect is Dialect.SLIDING)


def refused_at(staging: Staging, count: int, *paths: str) -> list[int]:
    """Ask for each path in turn, never the same page twice; return the numbers of the refused."""
    statuses = [staging.get(f"{paths[n % len(paths)]}?u={n}").status for n in range(count)]
    return [n for n, status in enumerate(statuses) if status == 429]


@pytest.fixture
def limited(inside: Callable[..., InProcess]) -> Staging:
    return Staging(inside(as_deployed=True, rate_limits=True))


def test_4_1_both_pages_of_a_listing_share_one_counter(limited: Staging) -> None:
    lid = limited.listing()
    detail, public = f"{M}/seller/listings/detail/{lid}", f"{M}/listings/{lid}"
    assert refused_at(limited, 121, public) == []
    assert limited.get(f"{detail}?u=x").status == 429  # 121 of one counter: the seller's page is full, the public not
    left = [limited.get(f"{public}?v={number}").status for number in range(300 - 122)]
    assert set(left) == {200}
    assert limited.get(f"{public}?u=x").status == 429


def test_4_1_new_and_changed_profiles_share_one_counter(limited: Staging) -> None:
    path = f"{M}/seller/{limited.wallet(0)}"  # two profiles were created
    assert [limited.ask("PUT", path, {"bio": "a"}).status for _ in range(9)] == [200] * 8 + [429]


def test_4_3_sliding_windows_are_kept_by_method_and_path(limited: Staging) -> None:
    uid, other = limited.people[0][1], limited.people[1][1]
    path = f"/api/seller-analytics/{uid}/insights"
    assert refused_at(limited, 102, path) == [100, 101]
    assert limited.get(f"/api/seller-analytics/{uid}/metrics").status == 200
    assert limited.get(f"/api/seller-analytics/{other}/insights").status == 200
    assert limited.ask("POST", path, {}).status == 404


def test_4_3_reading_and_writing_messages_are_counted_apart(limited: Staging) -> None:
    opening = {"participantAddress": limited.wallet(1), "conversationType": "direct"}
    conversation = limited.ask("POST", "/api/messaging/conversations", opening).data["id"]
    path = f"/api/messaging/conversations/{conversation}/messages"
    assert refused_at(limited, 301, path) == [300]
    body = {"content": "Hello", "encryptionMetadata": {"version": 1}}
    assert limited.ask("POST", path, body).status == 201


@pytest.mark.parametrize("rate_limits", [True, False], ids=["limits on", "limits off"])
@pytest.mark.parametrize("cache", [True, False], ids=["redis on", "redis off"])
def test_4_2_sign_in_is_limited_always_and_failures_do_not_count(
    inside: Callable[..., InProcess], *, rate_limits: bool, cache: bool
) -> None:
    sandbox = inside(as_deployed=True, rate_limits=rate_limits, cache=cache)
    good = {"walletAddress": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}
    assert {sandbox("POST", "/api/auth/nonce", {"walletAddress": "0xab"}).status for _ in range(250)} == {500}
    answers = [sandbox("POST", "/api/auth/nonce", good) for _ in range(201)]
    assert [answer.status for answer in answers] == [200] * 200 + [429]
    assert answers[0].headers["ratelimit-remaining"] == "199"
    assert answers[-1].code == "AUTH_RATE_LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    ("rate_limits", "cache", "refused"),
    [(True, True, True), (False, True, False), (True, False, False)],
    ids=["on", "off", "without redis"],
)
def test_0_13_limits_stand_and_fall_with_the_switch_and_with_redis(
    inside: Callable[..., InProcess], *, rate_limits: bool, cache: bool, refused: bool
) -> None:
    staging = Staging(inside(as_deployed=True, rate_limits=rate_limits, cache=cache))
    assert bool(refused_at(staging, 70, f"{M}/seller/{staging.wallet(0)}")) is refused
    public = refused_at(staging, 201, f"{M}/sellers/{staging.wallet(0)}")  # counted in the process, not in Redis
    assert bool(public) is rate_limits


# -- addresses


def test_1_1_peers_and_forwarded_addresses_have_buckets_of_their_own(start: Callable[..., Running]) -> None:
    running = start("--as-deployed", "--rate-limits")
    parts = urlsplit(running.address)

    def statuses(source: str, forwarded: str = "") -> list[int]:
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, source_address=(source, 0), timeout=20)
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        found = []
        for number in range(31):
            path = f"{M}/seller/onboarding/0x{0:040x}?u={source}{forwarded}{number}".replace(" ", "")
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            found.append(answer.status)
        connection.close()
        return found

    full = [200] * 30 + [429]
    assert statuses("127.0.0.1") == statuses("127.0.0.2") == statuses("127.0.0.3") == full
    assert statuses("127.0.0.1", "10.0.0.1") == statuses("127.0.0.1", "10.0.0.1,10.0.0.2") == full
    assert statuses("127.0.0.4", "1.1.1.1, 10.0.0.2") == [429] * 31  # the last entry is believed, whoever sends it
    limits = {entry["address"]: entry for entry in running.truth()["limits"]}
    assert {address: (entry["allowed"], entry["refused"]) for address, entry in limits.items()} == {
        "127.0.0.1": (30, 1), "127.0.0.2": (30, 1), "127.0.0.3": (30, 1), "10.0.0.1": (30, 1), "10.0.0.2": (30, 32),
    }  # fmt: skip


# -- the truth


def test_truth_tells_what_each_limiter_decided_and_when_it_first_refused(limited: Staging) -> None:
    body = {"walletAddress": limited.wallet(0), "title": "a", "description": "b", "price": "1", "categoryId": "art"}
    for _ in range(10):
        limited.ask("POST", f"{M}/seller/listings", body)
    time.sleep(0.05)
    before_s = limited.truth()["uptime_s"]
    limited.ask("POST", f"{M}/seller/listings", body)
    after_s = limited.truth()["uptime_s"]
    time.sleep(0.05)
    for _ in range(2):
        limited.ask("POST", f"{M}/seller/listings", body)
    entries: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in limited.truth()["limits"]}
    first_s = entries["create_listing"].pop("first_refused_at_s")
    assert entries["create_listing"] == {"name": "create_listing", "address": "127.0.0.1", "allowed": 10, "refused": 3}
    assert before_s <= first_s <= after_s
    assert entries["seller_profile_update"]["first_refused_at_s"] is None


def test_truth_forgets_limits_dangers_and_canaries_on_reset(limited: Staging) -> None:
    limited.get(f"{M}/seller/onboarding/{limited.wallet(0)}")
    limited.ask("POST", "/api/cache/clear", {})
    limited.sandbox.control.truth.canary = 1
    limited.ask("POST", "/_sandbox/reset", {}, who=None)
    truth = limited.truth()
    assert (truth["limits"], truth["forbidden"], truth["canary"]) == ([], {}, 0)


def test_truth_without_limits_lists_none(inside: Callable[..., InProcess]) -> None:
    sandbox = inside()
    sandbox("GET", f"{M}/listings/{NOBODY}")
    assert json.loads(sandbox.control.truth.as_json())["limits"] == []


def test_invented_addresses_do_not_grow_the_truth_for_ever() -> None:
    truth = Truth()
    for number in range(10_050):
        truth.rule("auth", str(number), allowed=number % 2 == 0)
    truth.rule("auth", "0", allowed=True)
    limits = json.loads(truth.as_json())["limits"]
    assert len(limits) == 10_001
    assert (limits[-1]["address"], limits[-1]["allowed"], limits[-1]["refused"]) == ("(other)", 25, 25)
    assert limits[0]["allowed"] == 2
