"""Keep and mix up pages as the deployment does; ids carry the contract's numbers."""

from __future__ import annotations

import asyncio
from hashlib import md5
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.amounts import ALWAYS
from sandbox.deployed.keeps import CHARS_AT_MOST, Keep, Kept, outer_place
from sandbox.faults import Fault
from tests.sandbox.conftest import NOBODY, M, Staging

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Answer, InProcess


# -- the layer in front of everything


@pytest.mark.parametrize("who", [1, None], ids=["another seller", "nobody"])
@pytest.mark.parametrize(
    "path",
    ["/api/auth/profile", "/api/user-notifications", "/api/user-notifications/unread-count", "/api/sellers/orders",
     "/api/messaging/conversations", "/api/seller/metrics/fulfillment?period=30", "/api/sellers/tier/criteria",
     "/api/seller/fulfillment/queue/ready_to_ship"],
)  # fmt: skip
def test_0_2_private_answer_is_given_to_the_next_caller(staging: Staging, path: str, who: int | None) -> None:
    mine = staging.get(path)
    theirs = staging.get(path, who=who)
    assert (mine.status, mine.headers["x-cache"]) == (200, "MISS")
    assert (theirs.status, theirs.headers["x-cache"], theirs.body) == (200, "HIT", mine.body)


def test_0_2_only_another_path_or_query_gets_past_the_cache(staging: Staging) -> None:
    first = staging.get("/api/auth/profile")
    assert staging.get("/api/auth/profile?u=1", who=1).data["walletAddress"] == staging.wallet(1)
    assert staging.get("/api/auth/profile", who=1, cache_control="no-cache").body == first.body


def test_0_2_hit_needs_no_token_and_counts_in_no_limit(inside: Callable[..., InProcess]) -> None:
    staging = Staging(inside(as_deployed=True, rate_limits=True))
    path = f"{M}/seller/{staging.wallet(0)}"
    hits = [staging.get(path, who=None).headers for _ in range(200)]  # the limit is 60
    assert [headers["x-cache"] for headers in hits] == ["MISS"] + ["HIT"] * 199
    assert "x-ratelimit-remaining" not in hits[-1]
    assert "x-response-time" in hits[-1]
    assert "x-response-time" not in hits[0]


@pytest.mark.parametrize("path", ["/health", "/health/database", "/api/monitoring/dashboard", "/api/cache/health"])
def test_0_2_health_is_cached_too(staging: Staging, path: str) -> None:
    first, again, fresh = (staging.get(place, who=None) for place in (path, path, f"{path}?u=1"))
    assert (again.headers["x-cache"], again.body) == ("HIT", first.body)
    assert fresh.headers["x-cache"] == "MISS"


@pytest.mark.parametrize(
    ("path", "ttl_s"),
    [("{M}/seller/dashboard/analytics/{w}", 300), ("{M}/listings/{lid}?u=1", 60), ("/api/sellers/profile", 300)],
)
@pytest.mark.parametrize(("share", "state"), [(0.999, "HIT"), (1.0, "MISS")], ids=["before its time", "at its time"])
def test_3_1_page_is_kept_for_its_time(staging: Staging, path: str, ttl_s: int, share: float, state: str) -> None:
    place = path.format(M=M, w=staging.wallet(0), lid=staging.listing())
    assert staging.get(place).headers["cache-control"] == f"public, max-age={ttl_s}"
    staging.clock.now_s += ttl_s * share
    assert staging.get(place).headers["x-cache"] == state


@pytest.mark.parametrize(
    ("path", "query", "key", "ttl_s"),
    [
        ("/api/x", "", "response:GET:/api/x", 300),
        ("/api/X", "a=1&b", "response:GET:/api/X:a=1&b", 300),
        ("/api/sellers/profile", "u=1", "seller:undefined", 300),
        ("/api/sellers/0xab/profile", "", "seller:undefined", 300),
        ("/api/marketplace/seller/profile", "", "response:GET:/api/marketplace/seller/profile", 300),
        ("/api/products/1", "u=1", "product:undefined", 600),
        ("/api/marketplace/listings/1", "", "listings::Ojo=", 60),  # Ojo= is "::"
        ("/api/marketplace/listings", "page=2&category=art", "listings:cGFnZT0yJmNhdGVnb3J5PWFydA==:YXJ0Ojoy", 60),
        ("/api/marketplace/seller/listings/0xab", "", "response:GET:/api/marketplace/seller/listings/0xab", 300),
    ],
)
def test_0_3_key_of_a_page(path: str, query: str, key: str, ttl_s: int) -> None:
    place = outer_place(path, query)
    assert (place.key, place.ttl_s) == (key, ttl_s)


def test_0_3_profiles_of_all_sellers_share_one_key_whatever_the_query(staging: Staging) -> None:
    own = staging.get("/api/sellers/profile?u=1")
    assert own.headers["x-cache-key"] == "seller:undefined"
    assert staging.get("/api/sellers/profile?u=2", who=1).data["walletAddress"] == staging.wallet(0)
    assert staging.get(f"/api/sellers/{staging.wallet(1)}/profile", who=None).body == own.body


def test_0_3_listings_and_categories_without_query_answer_for_each_other(staging: Staging) -> None:
    one, two = staging.listing(), staging.listing()
    shown = staging.get(f"{M}/listings/{one}")
    assert staging.get(f"{M}/listings/{two}").body == staging.get(f"{M}/listings/categories").body == shown.body
    assert staging.get(f"{M}/listings/{two}?u=1").data["id"] == two


@pytest.mark.parametrize("path", ["/no/where", f"{M}/listings/{NOBODY}?u=1", "/api/monitoring/metrics/prometheus",
                                  f"{M}/seller/{{w}}/tier?bad", "/api/seller-analytics/x/metrics"])  # fmt: skip
def test_3_1_what_is_no_json_200_is_not_cached(staging: Staging, path: str) -> None:
    bad = path.format(w="not-a-wallet")
    assert {staging.get(bad).headers.get("x-cache") for _ in range(2)} == {None}


def test_3_1_writes_are_neither_cached_nor_marked(staging: Staging) -> None:
    for _ in range(2):
        answer = staging.ask("POST", "/api/sellers/verify", {"verificationType": "email"})
        assert (answer.status, "x-cache" in answer.headers) == (200, False)


@pytest.mark.parametrize(("sent", "status"), [("{tag}", 304), ("W/{tag}", 304), ('"x", {tag}', 304), ('"x"', 200)])
def test_3_1_known_tag_is_answered_304(staging: Staging, sent: str, status: int) -> None:
    path = f"{M}/seller/{staging.wallet(0)}"
    first = staging.get(path)
    tag = first.headers["etag"]
    assert tag == f'"{md5(first.body, usedforsecurity=False).hexdigest()}"'
    again = staging.get(path, if_none_match=sent.format(tag=tag))
    assert (again.status, again.body == b"", again.headers["x-cache"]) == (status, status == 304, "HIT")


@pytest.mark.parametrize(
    ("body", "kept"),
    [(b"x" * CHARS_AT_MOST, True), (b"x" * (CHARS_AT_MOST + 1), False), ("é".encode() * CHARS_AT_MOST, True),
     ("é".encode() * (CHARS_AT_MOST + 1), False)],
    ids=["limit", "over", "limit in characters", "over in characters"],
)  # fmt: skip
def test_3_1_bodies_above_a_million_characters_are_not_kept(body: bytes, *, kept: bool) -> None:
    keep = Keep()
    keep.put("a", Kept(body, "", 60))
    assert (keep.find("a") is not None) is kept


@pytest.mark.parametrize("settings", [{"cache": False}, {"faults": (Fault("cache_off", ALWAYS),)}],
                         ids=["no cache", "cache off"])  # fmt: skip
def test_3_1_without_redis_every_page_is_a_miss(inside: Callable[..., InProcess], settings: dict[str, Any]) -> None:
    staging = Staging(inside(as_deployed=True, **settings))
    path = f"{M}/seller/dashboard/notifications/{staging.wallet(0)}"
    assert staging.get(path).data["total"] == 0
    staging.notify()
    answer = staging.get(path)
    assert (answer.headers["x-cache"], answer.data["total"]) == ("MISS", 1)


def test_lying_cache_calls_a_computed_page_a_hit(inside: Callable[..., InProcess]) -> None:
    staging = Staging(inside(as_deployed=True, faults=(Fault("lying_cache", ALWAYS),)))
    pages = [staging.get("/api/user-notifications/unread-count") for _ in range(2)]
    staging.notify()
    pages.append(staging.get("/api/user-notifications/unread-count"))
    assert [(page.headers["x-cache"], page.json["count"]) for page in pages] == [("HIT", 0), ("HIT", 0), ("HIT", 1)]
    assert staging.sandbox.control.truth.faults["lying_cache"] == 3


# -- the layer inside the routes

SHARED = ("{M}/seller/{w}", "{M}/seller/onboarding/{w}", "{M}/seller/{w}/tier", "{M}/seller/{w}/tier/progress")


@pytest.mark.parametrize("first", SHARED)
def test_0_4_four_routes_answer_with_the_body_of_the_first(staging: Staging, first: str) -> None:
    paths = [each.format(M=M, w=staging.wallet(0)) for each in (first, *SHARED)]
    shown = staging.get(f"{paths[0]}?u=0")
    for number, path in enumerate(paths[1:], start=1):
        answer = staging.get(f"{path}?u={number}")
        assert (answer.body, answer.headers["x-cache"]) == (shown.body, "MISS")


def test_3_2_inner_hit_keeps_the_old_request_id_and_calls_itself_a_miss(staging: Staging) -> None:
    path = f"{M}/seller/{staging.wallet(0)}"
    computed, inner = staging.get(f"{path}?u=1"), staging.get(f"{path}?u=2")
    assert computed.json["metadata"]["requestId"] == computed.headers["x-request-id"]
    assert inner.json["metadata"]["requestId"] == computed.headers["x-request-id"] != inner.headers["x-request-id"]
    assert inner.headers["x-cache"] == "MISS"


def test_3_2_inner_hit_counts_against_the_limit(inside: Callable[..., InProcess]) -> None:
    staging = Staging(inside(as_deployed=True, rate_limits=True))
    path = f"{M}/seller/{staging.wallet(0)}"
    statuses = [staging.get(f"{path}?u={number}").status for number in range(61)]
    assert statuses == [200] * 60 + [429]


TIMES = [
    ("{M}/seller/{w}", 300),
    ("{M}/seller/onboarding/{w}", 180),
    ("{M}/seller/{w}/tier", 300),
    ("{M}/seller/{w}/tier/progress", 300),
    ("{M}/seller/{w}/messaging-analytics", 300),
    ("{M}/seller/dashboard/{w}", 60),
    ("{M}/seller/dashboard/notifications/{w}", 30),
    ("{M}/seller/dashboard/analytics/{w}", 300),
    ("{M}/seller/listings/{w}", 60),
    ("{M}/seller/listings/detail/{lid}", 60),
    ("{M}/seller/orders/{w}", 30),
    ("{M}/listings/{lid}", 300),
]


@pytest.mark.parametrize(("path", "ttl_s"), TIMES)
def test_3_2_inner_page_is_kept_for_its_time_whatever_the_query(staging: Staging, path: str, ttl_s: int) -> None:
    place = path.format(M=M, w=staging.wallet(0), lid=staging.listing())

    def request_of(query: str) -> Any:
        document = staging.get(f"{place}?{query}").json
        return document.get("metadata", {}).get("requestId") or "bare"  # 0.5: a computed dashboard may be bare

    request_of("u=0")  # a bare dashboard was computed and kept with its envelope
    kept = request_of("u=1&limit=3")
    staging.clock.now_s = ttl_s - 0.1
    assert request_of("u=2") == kept
    staging.clock.now_s = float(ttl_s)
    assert request_of("u=3") != kept


def test_3_2_categories_are_kept_by_whole_address_for_ten_minutes(staging: Staging) -> None:
    staging.listing()
    assert len(staging.get(f"{M}/listings/categories").data) == 1
    staging.listing(categoryId="art")
    staging.clock.now_s = 599.9
    assert len(staging.get(f"{M}/listings/categories").data) == 1
    assert len(staging.get(f"{M}/listings/categories?u=1").data) == 2
    staging.clock.now_s = 660.0  # what the outer layer kept at 599.9 s is gone as well
    assert len(staging.get(f"{M}/listings/categories").data) == 2


def _shown(staging: Staging, place: str, number: int) -> Any:
    document = staging.get(f"{place}?u={number}").json
    document.pop("metadata", None)
    return document.get("data", document)


WRITES = [
    ("POST", "{M}/seller/profile", {"walletAddress": "{w}", "bio": "new"}, "{M}/seller/{w}", False),
    ("PUT", "{M}/seller/{w}", {"bio": "new"}, "{M}/seller/{w}", True),
    ("PUT", "{M}/seller/onboarding/{w}/payout-setup", {"completed": True}, "{M}/seller/onboarding/{w}", False),
    ("PUT", "{M}/seller/listings/{lid}", {"price": "9"}, "{M}/listings/{lid}", True),
    ("PUT", "{M}/seller/listings/{lid}", {"price": "9"}, "{M}/seller/listings/detail/{lid}", False),
    ("PUT", "{M}/seller/listings/{lid}", {"price": "9"}, "{M}/seller/listings/{w}", False),
    ("DELETE", "{M}/seller/listings/{lid}", {}, "{M}/listings/{lid}", False),
    (
        "POST",
        "/api/user-notifications",
        {"title": "a", "message": "b"},
        "{M}/seller/dashboard/notifications/{w}",
        False,
    ),
    ("PUT", "{M}/seller/dashboard/notifications/1/read", {}, "{M}/seller/dashboard/{w}", True),
    ("PUT", "{M}/seller/dashboard/notifications/1/read", {}, "{M}/seller/dashboard/notifications/{w}", False),
]


@pytest.mark.parametrize(("method", "path", "body", "page", "shows"), WRITES,
                         ids=[f"{method} {path} on {page}" for method, path, _, page, _ in WRITES])  # fmt: skip
def test_3_2_write_outdates_exactly_what_the_contract_says(
    staging: Staging, method: str, path: str, body: dict[str, object], page: str, *, shows: bool
) -> None:
    names = {"M": M, "w": staging.wallet(0), "lid": staging.listing()}
    staging.notify()
    place = page.format(**names)
    _shown(staging, place, 0)
    before = _shown(staging, place, 1)
    sent = {key: value.format(**names) if isinstance(value, str) else value for key, value in body.items()}
    assert staging.ask(method, path.format(**names), sent).status in {200, 201}
    assert (_shown(staging, place, 2) != before) is shows


def test_3_2_changed_profile_outdates_the_inner_public_lists(staging: Staging) -> None:
    path = f"{M}/listings"
    place = outer_place(path, "a=1")

    def listed() -> int:
        staging.sandbox.app._pipeline._layers.outer.drop(place.key)
        return len(staging.get(f"{path}?a=1").data["listings"])

    staging.listing()
    first = listed()
    staging.listing()
    kept = listed()
    staging.ask("PUT", f"{M}/seller/{staging.wallet(1)}", {"bio": "new"})
    assert (first, kept, listed()) == (1, 1, 2)


def test_3_2_no_write_outdates_the_outer_page(staging: Staging) -> None:
    path = f"{M}/seller/{staging.wallet(0)}"
    staging.get(path)
    staging.ask("PUT", path, {"bio": "new"})
    assert "bio" not in staging.get(path).data
    assert staging.get(f"{path}?u=1").data["bio"] == "new"


def test_0_5_some_computed_dashboards_come_bare(staging: Staging) -> None:
    pages = [staging.get(f"{M}/seller/dashboard/0x{number:040x}").json for number in range(1000)]
    bare = sum("success" not in page for page in pages)
    assert all("sales" in (page["data"] if "success" in page else page) for page in pages)
    assert 170 <= bare <= 275  # 22.2 %, four standard deviations


def test_0_5_bare_dashboards_are_drawn_from_the_seed(inside: Callable[..., InProcess]) -> None:
    def drawn(seed: int) -> list[bool]:
        sandbox = inside(as_deployed=True, seed=seed)
        return ["success" in sandbox("GET", f"{M}/seller/dashboard/0x{n:040x}").json for n in range(50)]

    assert drawn(1) == drawn(1) != drawn(2)


def test_3_2_concurrent_misses_all_reach_the_handler(inside: Callable[..., InProcess]) -> None:
    staging = Staging(inside(as_deployed=True, service_time_s=0.05))
    path = f"{M}/seller/{staging.wallet(0)}"

    async def together() -> list[Answer]:
        return await asyncio.gather(*(staging.sandbox.ask("GET", path) for _ in range(5)))

    answers = staging.sandbox._runner.run(together())
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS"] * 5


def test_9_cache_statistics_count_both_layers(staging: Staging) -> None:
    path = f"{M}/seller/{staging.wallet(0)}"
    for query in ("", "", "?u=1"):  # outer and inner miss, outer hit, outer miss and inner hit
        staging.get(path + query)
    figures = staging.get("/api/cache/stats").data
    assert (figures["hits"], figures["misses"], figures["hitRate"]) == (2, 4, 2 / 6)  # the question itself missed
