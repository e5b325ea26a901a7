"""Answer each route of the forty steps as the deployment does; ids carry the contract's numbers."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from locustfiles._routes import ALLOWED
from sandbox.control_routes import control_routes
from sandbox.deployed.monitoring import Monitor
from sandbox.deployed.routes import deployed_routes
from sandbox.deployed.state import Backstage
from sandbox.routes import ROUTES
from sandbox.steps import STEPS
from tests.sandbox.conftest import NOBODY, M, Staging

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import InProcess

NONSENSE = {"authorization": "Bearer of-nonsense"}
STRANGER = "0x" + "9" * 40


def test_every_route_of_the_load_is_there(staging: Staging) -> None:
    routes = deployed_routes(
        (*ROUTES, *control_routes(staging.sandbox.control)), Backstage(None, 0), Monitor(staging.sandbox.control, ())
    )
    assert {(route.method, route.template) for route in routes} >= ALLOWED
    assert len(STEPS) == 40


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "{M}/seller/{x}", None),
        ("PUT", "{M}/seller/{x}", {"bio": "new"}),
        ("PUT", "{M}/seller/onboarding/{x}/profile-setup", {"completed": True}),
        ("GET", "{M}/seller/{x}/tier", None),
        ("GET", "{M}/seller/{x}/tier/progress", None),
        ("GET", "{M}/seller/listings/detail/{n}", None),
        ("PUT", "{M}/seller/listings/{n}", {"price": "3"}),
        ("DELETE", "{M}/seller/listings/{n}", {}),
        ("PUT", "{M}/seller/dashboard/notifications/999/read", {}),
        ("GET", "{M}/seller/orders/{x}", None),
        ("POST", "{M}/seller/orders/{n}/process", {}),
        ("POST", "{M}/seller/orders/{n}/ready", {}),
        ("POST", "{M}/seller/orders/{n}/ship", {"carrier": "DHL", "trackingNumber": "1234567890"}),
        ("GET", "{M}/seller/orders/{n}/messages", None),
        ("GET", "{M}/seller/orders/{n}/packing-slip", None),
        ("POST", "{M}/seller/listings", {"walletAddress": STRANGER, "title": "a", "description": "b", "price": "1",
                                         "categoryId": "art"}),
    ],
)  # fmt: skip
def test_0_6_not_found_is_a_success_without_data(staging: Staging, method: str, path: str, body: object) -> None:
    answer = staging.ask(method, path.format(M=M, x=STRANGER, n=NOBODY), body)
    assert (answer.status, answer.json["success"], answer.data) == (200, True, None)


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/ping", "/ready", "/metrics", "/api/health/database", "/api/monitoring/metrics",
     f"{M}/seller/{STRANGER}/profile", f"{M}/seller/{STRANGER}/listings", f"{M}/seller/{STRANGER}/store",
     "/api/sellers/notifications", "/api/sellers/profile/enhanced", "/api/sellers/tier/upgrade-eligibility"],
)  # fmt: skip
def test_0_7_unknown_route_is_404_in_html(staging: Staging, path: str) -> None:
    answer = staging.get(path)
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert f"Cannot GET {path}" in answer.body.decode()
    assert "x-cache" not in answer.headers


def test_0_7_what_was_asked_for_is_escaped(staging: Staging) -> None:
    assert b"<script>" not in staging.get("/<script>").body


def test_6_9_unknown_paths_of_the_token_family_ask_for_a_token_first(staging: Staging) -> None:
    assert staging.get("/api/sellers/notifications", who=None).status == 401


@pytest.mark.parametrize(("size_bytes", "status"), [(1024 * 1024, 400), (1024 * 1024 + 1, 500)], ids=["1 MiB", "over"])
def test_0_9_bodies_over_a_mebibyte_are_too_large(staging: Staging, size_bytes: int, status: int) -> None:
    answer = staging.ask("POST", "/api/user-notifications", b"{" + b" " * (size_bytes - 1), content_type="text/plain")
    assert answer.status == status
    assert ("Request too large" in answer.body.decode()) is (status == 500)


def test_0_10_text_that_looks_like_sql_is_refused(staging: Staging) -> None:
    body = {"walletAddress": staging.wallet(0), "title": "Create your own dining table"}
    answer = staging.ask("POST", f"{M}/seller/listings", body)
    assert (answer.status, answer.json["error"]) == (400, "Invalid Input")


@pytest.mark.parametrize(
    ("first", "status", "code"),
    [("5", 500, "ORDER_FETCH_ERROR"), ("a", 400, "VALIDATION_ERROR")],
    ids=["digit", "letter"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "{M}/seller/orders/detail/{oid}"), ("PUT", "{M}/seller/orders/{oid}/status"),
     ("PUT", "{M}/seller/orders/{oid}/tracking")],
)  # fmt: skip
def test_0_12_order_routes_read_ids_as_numbers(
    staging: Staging, method: str, path: str, first: str, status: int, code: str
) -> None:
    answer = staging.ask(method, path.format(M=M, oid=first + NOBODY[1:]), None if method == "GET" else {})
    assert (answer.status, answer.code) == (status, code)


def test_0_14_plain_messages_fail_and_encrypted_ones_arrive(staging: Staging) -> None:
    opening = {"participantAddress": staging.wallet(1), "conversationType": "direct"}
    failed = staging.ask("POST", "/api/messaging/conversations", opening | {"initialMessage": "Hello"})
    conversation = staging.ask("POST", "/api/messaging/conversations", opening)
    path = f"/api/messaging/conversations/{conversation.data['id']}/messages"
    plain = staging.ask("POST", path, {"content": "Hello"})
    encrypted = staging.ask("POST", path, {"content": "Hello", "encryptionMetadata": {"version": 1}})
    assert [each.status for each in (failed, conversation, plain, encrypted)] == [500, 201, 500, 201]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("a <b>bold</b> shop", "a bbold/b shop"), ("  trimmed ", "trimmed"), ("call onDuty= now", "call  now"),
     ("JavaScript: no", "Input"), ("3 / 4 on time", "3 / 4 on time")],
    ids=["angle brackets", "blanks", "handlers", "screened before", "harmless"],
)  # fmt: skip
def test_1_2_texts_are_stripped_of_markup(staging: Staging, sent: str, stored: str) -> None:
    links = {"socialLinks": {"twitter": sent}, "bio": sent}
    answer = staging.ask("PUT", f"{M}/seller/{staging.wallet(0)}", links).json
    if "data" in answer:
        assert answer["data"]["bio"] == answer["data"]["socialLinks"]["twitter"] == stored
        lid = staging.listing(tags=[sent, sent])
        assert staging.get(f"{M}/listings/{lid}?u=1").data["tags"] == [stored, stored]
    else:
        assert stored in answer["error"]


def test_1_2_content_of_messages_is_not_stripped(staging: Staging) -> None:
    opening = {"participantAddress": staging.wallet(1), "conversationType": "direct"}
    conversation = staging.ask("POST", "/api/messaging/conversations", opening).data["id"]
    body = {"content": " a < b ", "encryptionMetadata": {"version": 1}}
    answer = staging.ask("POST", f"/api/messaging/conversations/{conversation}/messages", body)
    assert answer.data["content"] == " a < b "


def test_1_3_answers_that_are_not_cached_say_nothing_about_it(staging: Staging) -> None:
    answer = staging.ask("POST", "/api/sellers/verify", {"verificationType": "email"})
    assert "cache-control" not in answer.headers
    assert staging.get("/nothing").headers.get("cache-control") is None


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("u=1", ["c", "b", "a"]), ("limit=2", ["c", "b"]), ("limit=2&offset=2", ["a"]), ("category=art", ["b"]),
        ("sortBy=price&sortOrder=asc", ["b", "c", "a"]), ("sortBy=title&sortOrder=asc", ["a", "b", "c"]),
        ("sellerAddress={other}", ["c"]), ("sellerAddress={other}&category=art", []),
    ],
)  # fmt: skip
def test_6_4_marketplace_lists_what_is_active(staging: Staging, query: str, titles: list[str]) -> None:
    staging.listing(title="a", price="9")
    staging.listing(title="b", price="1", categoryId="art")
    staging.listing(1, title="c", price="5")
    gone = staging.listing(title="gone")
    staging.ask("DELETE", f"{M}/seller/listings/{gone}", {})
    page = staging.get(f"{M}/listings?{query.format(other=staging.wallet(1))}").data
    assert [listing["title"] for listing in page["listings"]] == titles
    if query == "limit=2":
        assert page["pagination"] == {
            "page": 1, "limit": 2, "total": 3, "totalPages": 2, "hasNext": True, "hasPrev": False,
        }  # fmt: skip


# -- who may


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "{M}/seller/profile", {"walletAddress": STRANGER}, 201),
        ("PUT", "{M}/seller/{w}", {"bio": "stolen"}, 200),
        ("PUT", "{M}/seller/onboarding/{w}/payout-setup", {"completed": True}, 200),
        ("PUT", "{M}/seller/dashboard/notifications/1/read", {}, 200),
    ],
)
def test_2_3_bearer_of_nonsense_passes_where_csrf_is_the_only_guard(
    staging: Staging, method: str, path: str, body: object, status: int
) -> None:
    staging.notify()
    place = path.format(M=M, w=staging.wallet(0))
    assert staging.sandbox(method, place, body, headers=NONSENSE).status == status
    refused = staging.sandbox(method, place, body)
    assert refused.status == 401
    assert refused.json["error"]["message"].startswith("CSRF validation failed")


@pytest.mark.parametrize(
    "path",
    ["{M}/seller/dashboard/{w}", "{M}/seller/dashboard/analytics/{w}", "{M}/seller/dashboard/notifications/{w}",
     "{M}/seller/orders/{w}", "{M}/seller/listings/{w}", "{M}/seller/{w}", "{M}/seller/onboarding/{w}"],
)  # fmt: skip
def test_6_reads_of_the_unified_family_need_no_token(staging: Staging, path: str) -> None:
    answer = staging.get(path.format(M=M, w=staging.wallet(0)), who=None)
    assert answer.status == 200
    assert "walletAddress" not in answer.json.get("data", answer.json) or "seller/{w}" in path or "onboarding" in path


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "{M}/seller/listings", {}), ("PUT", "{M}/seller/listings/{n}", {}),
        ("DELETE", "{M}/seller/listings/{n}", {}), ("POST", "{M}/seller/orders/{n}/process", {}),
        ("GET", "/api/sellers/orders", None), ("POST", "/api/sellers/tier/evaluate", {}),
        ("GET", "/api/seller-analytics/{n}/metrics", None), ("POST", "/api/user-notifications", {}),
        ("GET", "{M}/seller/verification/{n}/verification", None),
    ],
)  # fmt: skip
def test_6_jwt_routes_refuse_nonsense(staging: Staging, method: str, path: str, body: object) -> None:
    place = path.format(M=M, n=NOBODY)
    assert staging.sandbox(method, place, body, headers=NONSENSE).status == 401


def test_6_5_listings_of_others_can_be_made_changed_and_taken_down(staging: Staging) -> None:
    lid = staging.listing(0)
    body = {"walletAddress": staging.wallet(0), "title": "a", "description": "b", "price": "1", "categoryId": "art"}
    made = staging.ask("POST", f"{M}/seller/listings", body, who=1)
    changed = staging.ask("PUT", f"{M}/seller/listings/{lid}", {"price": "7"}, who=1)
    gone = staging.ask("DELETE", f"{M}/seller/listings/{lid}", {}, who=1)
    assert (made.status, made.data["sellerAddress"]) == (201, staging.wallet(0))
    assert (changed.data["price"], gone.data["listingId"]) == ("7.00000000", lid)


def test_6_8_figures_of_others_are_shown(staging: Staging) -> None:
    uid = staging.people[1][1]
    answer = staging.get(f"/api/seller-analytics/{uid}/dashboard")
    assert (answer.status, answer.data["sellerId"]) == (200, uid)
    assert staging.get("/api/seller-analytics/nobody/dashboard").status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "process", 403), ("GET", "messages", 500), ("POST", "messages", 500), ("GET", "packing-slip", 403)],
)
def test_6_6_orders_of_others_are_refused_or_break(
    inside: Callable[..., InProcess], method: str, path: str, status: int
) -> None:
    staging = Staging(inside(as_deployed=True, seed_orders=1))
    staging.listing(1)
    oid = staging.get("/api/sellers/orders", who=1).data["orders"][0]["id"]
    body = None if method == "GET" else {"message": "Hello"}
    assert staging.ask(method, f"{M}/seller/orders/{oid}/{path}", body).status == status


@pytest.mark.parametrize("path", ["listings/detail/1", "orders/1/messages"])
def test_0_6_ids_that_are_none_are_still_refused(staging: Staging, path: str) -> None:
    assert (staging.get(f"{M}/seller/{path}").status, staging.get(f"{M}/seller/{path}").code) == (
        400,
        "VALIDATION_ERROR",
    )


# -- what is missing, constant or broken


def test_6_1_long_texts_break_the_profile(staging: Staging) -> None:
    body = {"walletAddress": staging.wallet(0), "storeName": "a" * 256}
    created = staging.ask("POST", f"{M}/seller/profile", body)
    updated = staging.ask("PUT", f"{M}/seller/{staging.wallet(0)}", {"storeName": "a" * 256})
    fits = staging.ask("PUT", f"{M}/seller/{staging.wallet(0)}", {"storeName": "a" * 255})
    assert [(each.status, each.code) for each in (created, updated)] == [
        (500, "PROFILE_CREATE_ERROR"), (500, "PROFILE_UPDATE_ERROR")]  # fmt: skip
    assert fits.status == 200


def test_6_1_figures_of_a_profile_are_always_zero(staging: Staging) -> None:
    staging.listing()
    stats = staging.get(f"{M}/seller/{staging.wallet(0)}").data["stats"]
    assert {name: value for name, value in stats.items() if isinstance(value, int)} == dict.fromkeys(
        ("totalSales", "activeListings", "completedOrders", "averageRating", "totalReviews", "reputationScore"), 0
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/sellers/onboarding", 500), ("PUT", "/api/sellers/onboarding/profile_setup", 400),
     ("POST", "/api/sellers/application/step", 400), ("POST", "/api/sellers/application/submit", 404),
     ("GET", "/api/sellers/application/status", 404), ("GET", f"{M}/seller/orders/export", 400)],
)  # fmt: skip
def test_6_1_routes_that_never_work(staging: Staging, method: str, path: str, status: int) -> None:
    answer = staging.ask(method, path, None if method == "GET" else {"completed": True})
    assert (answer.status, answer.json["success"]) == (status, False)


def test_6_1_verification_is_404_until_it_was_asked_for(staging: Staging) -> None:
    uid = staging.people[0][1]
    path = f"{M}/seller/verification/{uid}/verification"
    before = staging.get(path)
    assert (before.status, before.json) == (404, {"success": False, "message": "No verification found"})
    missing, ein, asked = (
        staging.ask("POST", path, body)
        for body in (
            {"legalName": "Oak"},
            {"legalName": "Oak", "businessAddress": "Lane 1", "ein": "1"},
            {"legalName": "Oak", "businessAddress": "Lane 1", "ein": "12-3456789"},
        )
    )
    assert [each.status for each in (missing, ein, asked)] == [400, 400, 201]
    assert staging.get(path).data["status"] == staging.get(f"{path}/progress").data["status"] == "pending"
    assert staging.ask("POST", path.replace(uid, "nobody"), {"legalName": "a", "businessAddress": "b"}).status == 500


def test_6_1_verify_says_completed_and_verifies_nothing(staging: Staging) -> None:
    answer = staging.ask("POST", "/api/sellers/verify", {"verificationType": "email"})
    assert (answer.status, answer.data["status"]) == (200, "completed")
    assert staging.get(f"{M}/seller/{staging.wallet(0)}").data["verificationStatus"]["email"] is False
    assert staging.ask("POST", "/api/sellers/verify", {"verificationType": "fax"}).status == 422


def _form(context: str, pixels: int) -> tuple[bytes, str]:
    picture = io.BytesIO()
    noise = random.Random(1).randbytes(pixels * pixels * 3)
    Image.frombytes("RGB", (pixels, pixels), noise).save(picture, "JPEG", quality=30)
    head = f'--b\r\nContent-Disposition: form-data; name="context"\r\n\r\n{context}\r\n'
    head += '--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return head.encode() + picture.getvalue() + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("pixels", "code"), [(300, "IMAGE_UPLOAD_ERROR"), (50, "IMAGE_VALIDATION_ERROR")], ids=["good", "too small"]
)
def test_6_2_1_no_image_is_ever_stored_but_each_is_decoded(staging: Staging, pixels: int, code: str) -> None:
    body, content_type = _form("listing", pixels)
    answer = staging.ask("POST", f"{M}/seller/images/upload", body, content_type=content_type)
    assert (answer.status, answer.json["code"]) == (400, code)


def test_6_2_1_upload_without_a_file_is_the_probe_of_the_image_service(staging: Staging) -> None:
    answer = staging.ask("POST", f"{M}/seller/images/upload", who=None)
    assert (answer.status, answer.json["code"]) == (400, "NO_FILE")
    upload = {"method": "POST", "route": f"{M}/seller/images/upload", "step": None, "count": 1}
    assert upload in staging.truth()["apart"]["received"]


def test_6_3_dashboard_shows_no_shipped_orders(inside: Callable[..., InProcess]) -> None:
    staging = Staging(inside(as_deployed=True, seed_orders=2, cache=False))
    staging.listing()
    oid = staging.get("/api/sellers/orders").data["orders"][0]["id"]
    shipped = {"carrier": "DHL", "trackingNumber": "1234567890"}
    assert staging.ask("POST", f"{M}/seller/orders/{oid}/ship", shipped).data == {"success": True}
    orders = staging.get(f"{M}/seller/dashboard/{staging.wallet(0)}").data["orders"]
    assert (orders["pending"], orders["shipped"], orders["disputed"]) == (1, 0, 0)


@pytest.mark.parametrize(("period", "shown"), [("7d", "7d"), ("365d", "365d"), ("1y", "1d"), ("366d", "1d")])
def test_6_3_period_that_is_none_counts_as_a_day(staging: Staging, period: str, shown: str) -> None:
    path = f"{M}/seller/dashboard/analytics/{staging.wallet(0)}?period={period}"
    assert staging.get(path).data["period"] == shown


def test_6_3_notifications_carry_titles_only_in_their_metadata(staging: Staging) -> None:
    staging.notify(title="Hi")
    for document in (
        staging.get(f"{M}/seller/dashboard/notifications/{staging.wallet(0)}").data,
        staging.get("/api/user-notifications").json,
    ):
        (row,) = document["notifications"]
        assert ("title" in row, row["metadata"]["title"]) == (False, "Hi")


@pytest.mark.parametrize(("field", "longest"), [("title", 500), ("currency", 10)])
def test_6_5_long_texts_break_the_listing(staging: Staging, field: str, longest: int) -> None:
    staging.listing(**{field: "a" * longest})
    body = {"walletAddress": staging.wallet(0), "title": "a", "description": "b", "price": "1", "categoryId": "art"}
    answer = staging.ask("POST", f"{M}/seller/listings", body | {field: "a" * (longest + 1)})
    assert (answer.status, answer.code) == (500, "LISTING_CREATE_ERROR")


def test_6_5_listing_needs_a_profile(staging: Staging) -> None:
    wallet, _, token = staging.sandbox.user(3)
    body = {"walletAddress": wallet, "title": "a", "description": "b", "price": "1", "categoryId": "art"}
    answer = staging.sandbox("POST", f"{M}/seller/listings", body, token=token)
    assert (answer.status, answer.code) == (400, "SELLER_NOT_FOUND")


def test_6_5_categories_without_listings_are_not_offered(staging: Staging) -> None:
    assert staging.get(f"{M}/listings/categories?u=1").data == []
    staging.listing(categoryId="art")
    assert [(each["slug"], each["count"]) for each in staging.get(f"{M}/listings/categories?u=2").data] == [("art", 1)]


def test_6_7_no_tier_limits_the_listings(staging: Staging) -> None:
    for _ in range(7):  # bronze allows five where limits are enforced
        lid = staging.listing()
    for status in ("inactive", "active"):
        assert staging.ask("PUT", f"{M}/seller/listings/{lid}", {"status": status}).status == 200


def test_6_7_evaluation_evaluates_nothing(staging: Staging) -> None:
    wallet = staging.wallet(0)
    for step in ("profile-setup", "business-info", "payout-setup"):
        staging.ask("PUT", f"{M}/seller/onboarding/{wallet}/{step}", {"completed": True})
    for _ in range(3):
        staging.listing()
    answer = staging.ask("POST", "/api/sellers/tier/evaluate", {})
    assert answer.json == {"success": True, "message": "Tier evaluation completed"}
    assert staging.get(f"{M}/seller/{wallet}/tier").data == {
        "walletAddress": wallet, "tier": "bronze", "tierDisplayName": "Bronze", "onboardingCompleted": True,
    }  # fmt: skip


def test_6_7_progress_is_how_complete_the_profile_is(staging: Staging) -> None:
    wallet = staging.wallet(0)
    new = staging.get(f"{M}/seller/{wallet}/tier/progress").data
    for step in ("profile-setup", "business-info", "payout-setup"):
        staging.ask("PUT", f"{M}/seller/onboarding/{wallet}/{step}", {"completed": True})
    staging.clock.now_s = 300
    done = staging.get(f"{M}/seller/{wallet}/tier/progress?u=1").data
    assert (new["progressPercentage"], new["requirements"]) == (14, {"completed": 0, "total": 4})  # one field of seven
    assert (done["progressPercentage"], done["requirements"]) == (100, {"completed": 4, "total": 4})
    assert (new["currentTier"], new["nextTier"]) == ("bronze", "silver")


@pytest.mark.parametrize("end", ["", "/progress", "/criteria", "/history"])
def test_6_7_tiers_of_the_token_family_are_constants(staging: Staging, end: str) -> None:
    mine = staging.get(f"/api/sellers/tier{end}").data
    staging.listing(1)
    assert staging.get(f"/api/sellers/tier{end}?u=1", who=1).data == mine


def test_6_8_metrics_do_not_tell_what_was_tracked(staging: Staging) -> None:
    uid = staging.people[0][1]
    tracked = staging.ask("POST", f"/api/seller-analytics/{uid}/track", {"metricType": "pageViews", "value": 3})
    assert tracked.status == 200
    assert "trackedMetrics" not in staging.get(f"/api/seller-analytics/{uid}/metrics").data


# -- orders


def orders_of(staging: Staging, query: str = "") -> list[dict[str, Any]]:
    orders: list[dict[str, Any]] = staging.get(f"{M}/seller/orders/{staging.wallet(0)}{query}").data["orders"]
    return orders


@pytest.mark.parametrize("path", [f"{M}/seller/orders/{{w}}?u={{n}}", "/api/sellers/orders?u={n}"])
def test_10_2_orders_are_placed_once_when_a_seller_first_asks(inside: Callable[..., InProcess], path: str) -> None:
    staging = Staging(inside(as_deployed=True, seed_orders=4))

    def listed(number: int) -> list[dict[str, Any]]:
        staging.clock.now_s += 31  # the inner page is kept for 30 s
        orders: list[dict[str, Any]] = staging.get(path.format(w=staging.wallet(0), n=number)).data["orders"]
        return orders

    lid = staging.listing()
    placed = listed(1)
    assert [(order["status"], order["listingId"]) for order in placed] == [("paid", lid)] * 4
    assert len({order["createdAt"] for order in placed}) == 4
    assert listed(2) == placed


def test_10_2_operators_sql_opens_the_shop_that_orders_need(inside: Callable[..., InProcess]) -> None:
    sandbox = inside(as_deployed=True, seed_orders=2)
    wallet, _uid, token = sandbox.user(1)
    assert sandbox("GET", f"{M}/seller/orders/0x{'9' * 40}").json["data"] is None
    placed = sandbox("GET", f"{M}/seller/orders/{wallet}").json["data"]["orders"]
    shelf = sandbox("GET", f"{M}/seller/listings/{wallet}", token=token).json["data"]["listings"]
    assert [order["listingId"] for order in placed] == [shelf[0]["id"]] * 2


def test_6_5_deployment_has_others_who_sell(inside: Callable[..., InProcess]) -> None:
    offered = inside(as_deployed=True, others=6)("GET", f"{M}/listings/categories").json["data"]
    assert {"art", "music", "toys"} <= {each["slug"] for each in offered}


def test_10_2_without_seeds_there_are_no_orders_and_nobody_buys(inside: Callable[..., InProcess]) -> None:
    staging = Staging(inside(as_deployed=True))
    staging.listing()
    assert orders_of(staging) == []
    assert staging.sandbox.control.shop.watchers.present() == []


def test_6_6_order_has_the_keys_of_the_contract(inside: Callable[..., InProcess]) -> None:
    staging = Staging(inside(as_deployed=True, seed_orders=1))
    staging.listing()
    assert orders_of(staging)[0].keys() == {
        "id", "buyerId", "buyerAddress", "buyerName", "amount", "taxAmount", "shippingCost", "platformFee",
        "netRevenue", "paymentToken", "paymentMethod", "status", "listingId", "createdAt",
    }  # fmt: skip


def test_6_6_process_wants_a_paid_order_and_ready_wants_nothing(inside: Callable[..., InProcess]) -> None:
    staging = Staging(inside(as_deployed=True, seed_orders=1))
    staging.listing()
    place = f"{M}/seller/orders/{orders_of(staging)[0]['id']}"
    said = [staging.ask("POST", f"{place}/{name}", {}) for name in ("process", "process", "ready", "ready")]
    assert [answer.status for answer in said] == [200, 500, 200, 200]
    assert said[1].code == "PROCESS_ERROR"
    assert said[2].data["trackingNumber"].startswith("TRACK-")


def test_3_2_processed_order_is_still_listed_as_paid(inside: Callable[..., InProcess]) -> None:
    staging = Staging(inside(as_deployed=True, seed_orders=1))
    staging.listing()
    (order,) = orders_of(staging, "?status=paid&u=1")
    staging.ask("POST", f"{M}/seller/orders/{order['id']}/process", {})
    assert orders_of(staging, "?status=paid&u=2") == orders_of(staging, "?u=3") == [order]
    staging.clock.now_s = 30
    assert orders_of(staging, "?status=paid&u=4") == []


# -- health and monitoring


def test_9_websocket_health_has_the_limits(staging: Staging) -> None:
    shown = staging.get("/api/health/websocket", who=None).data["websocket"]
    assert shown["connectedClients"] == 0
    assert shown["resourceConstraints"]["isConstrained"] is True


def test_9_monitor_is_sampled_once_a_minute(staging: Staging) -> None:
    staging.monitor_clock.now_s = 100.0
    first = staging.get("/api/monitoring/dashboard?u=1").data["current"]
    staging.monitor_clock.now_s = 159.9
    again = staging.get("/api/monitoring/dashboard?u=2").data["current"]
    staging.monitor_clock.now_s = 160.0
    later = staging.get("/api/monitoring/dashboard?u=3").data["current"]
    assert first == again != later
    assert first["performance"]["responseTime"] == {"average": 0, "p95": 0, "p99": 0}
    assert first["system"]["status"] == "unhealthy"
    resources = first["resources"]
    assert later["resources"]["cpu"]["user"] >= resources["cpu"]["user"] > 0
    assert resources["memory"]["usage"] == pytest.approx(
        100 * resources["memory"]["used"] / resources["memory"]["total"], rel=0.01
    )


def test_9_prometheus_has_memory_and_no_cpu(staging: Staging) -> None:
    text = staging.get("/api/monitoring/metrics/prometheus", who=None).body.decode()
    assert "\nmarketplace_memory_usage_percent " in text
    assert "cpu" not in text


@pytest.mark.parametrize("deployed", [True, False], ids=["as deployed", "ordinary"])
def test_9_monitoring_routes_answer_in_both_modes(inside: Callable[..., InProcess], *, deployed: bool) -> None:
    sandbox = inside(as_deployed=deployed)
    stats, memory = sandbox("GET", "/api/cache/stats").data, sandbox("GET", "/api/cache/memory").data
    current = sandbox("GET", "/api/monitoring/dashboard").data["current"]
    assert {"hits", "misses", "hitRate", "totalRequests", "avgResponseTime"} <= stats.keys()
    assert memory["process"]["rss"] > 0
    assert {"user", "system"} == current["resources"]["cpu"].keys()
