from pathlib import Path

import pytest

from locustfiles._routes import ALLOWED
from settings.limits import RateLimit, load_limits
from settings.problem import UsageProblem
from settings.quantity import TIME
from settings.target import TARGETS_DIR

LIMIT = """\
[[limit]]
name = "writes"
most = 10
window = "1 min"
routes = ["PUT /a/{w}", "POST /a"]
"""
GOOD = f'format = 1\ndescription = "x"\ncached_for = "5 min"\n{LIMIT}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "limits").mkdir()
    (tmp_path / "limits" / "mine.toml").write_text(GOOD)
    return tmp_path


def test_limits_are_read_whole(folder: Path) -> None:
    limits = load_limits("mine", folder)
    assert limits.cached_for_s == 300
    assert limits.rate_limits == (RateLimit("writes", 10, 60.0, (("PUT", "/a/{w}"), ("POST", "/a"))),)


def test_every_way_of_counting_can_be_said(folder: Path) -> None:
    more = "per_path = true\nrenewing = true\nfailures_count = false\ncached_count = true\n"
    (folder / "limits" / "mine.toml").write_text(GOOD + more)
    assert load_limits("mine", folder).rate_limits[0] == RateLimit(
        name="writes",
        most=10,
        window_s=60.0,
        routes=(("PUT", "/a/{w}"), ("POST", "/a")),
        per_path=True,
        renewing=True,
        failures_count=False,
        cached_count=True,
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "most = 10", "most = 0", "limit 1: most: 0: input should be greater than or equal to 1", id="none"
        ),
        pytest.param('"1 min"', '"0 s"', "limit 1: window: 0 is not above 0", id="no-window"),
        pytest.param('"1 min"', "60", f"limit 1: window: 60 has no unit, expected {TIME}", id="bare"),
        pytest.param(
            '"POST /a"',
            '"/a"',
            "limit 1: routes 2: '/a' is not a route; accepted: such as 'GET /api/marketplace/seller/{w}'",
            id="no-method",
        ),
        pytest.param(
            '"POST /a"',
            '"SEND /a"',
            "limit 1: routes 2: 'SEND /a' is not a route; accepted: such as 'GET /api/marketplace/seller/{w}'",
            id="unknown-method",
        ),
        pytest.param('"POST /a"', '"PUT /a/{w}"', "limit 1: routes: 'PUT /a/{w}' is listed twice", id="route-twice"),
        pytest.param(LIMIT, LIMIT + LIMIT, "limit: 'writes' is declared twice", id="limit-twice"),
        pytest.param("most", "moist", "limit 1: unknown key 'moist'; did you mean 'most'?", id="misspelt"),
        pytest.param(LIMIT, "", "missing key 'limit'", id="no-limit"),
        pytest.param('"5 min"', '"5"', f"cached_for: '5' has no unit, expected {TIME}", id="cached"),
    ],
)
def test_refused_in_one_line(folder: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    path = folder / "limits" / "mine.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(UsageProblem) as refusal:
        load_limits("mine", folder)
    assert str(refusal.value) == f"{path}: {message}"


def test_unknown_limits_are_refused(folder: Path) -> None:
    with pytest.raises(UsageProblem) as refusal:
        load_limits("mein", folder)
    assert str(refusal.value) == f"{folder / 'limits'}: no limits 'mein'; did you mean 'mine'?"


CONTRACT = {
    # contract.md 4.1: per minute
    "seller_profile": (60, 60), "seller_profile_update": (10, 60), "onboarding": (30, 60), "seller_tier": (30, 60),
    "seller_tier_progress": (30, 60), "seller_msg_analytics": (30, 60), "seller_dashboard": (60, 60),
    "seller_notifications": (60, 60), "seller_analytics": (30, 60), "mark_notification_read": (30, 60),
    "seller_listings": (60, 60), "create_listing": (10, 60), "update_listing": (30, 60), "delete_listing": (20, 60),
    "listing_detail": (120, 60), "categories": (500, 60), "seller_orders": (60, 60), "bulk_status": (10, 60),
    "order_messages": (60, 60), "send_message": (30, 60), "order_process": (30, 60), "order_ready": (30, 60),
    "order_ship": (30, 60), "order_slip": (60, 60),
    # 4.2 and 4.3
    "auth": (200, 60), "marketplace_sellers": (200, 60),
    "seller_analytics_api": (100, 900), "messaging_write": (300, 900),
}  # fmt: skip
FREE = (
    "/api/sellers/", "/api/marketplace/seller/images/", "/api/seller-performance/", "/api/seller/", "/api/user-notif",
    "/api/marketplace/seller/verification/",
)  # fmt: skip
"""contract.md 4.4: no limiter; onboarding writes and listing views likewise."""


def test_shipped_limits_are_the_contract_s() -> None:
    limits = load_limits("linkdao", TARGETS_DIR)
    assert {limit.name: (limit.most, limit.window_s) for limit in limits.rate_limits} == CONTRACT
    assert {limit.name for limit in limits.rate_limits if limit.renewing} == {
        "seller_analytics_api", "messaging_write"
    }  # fmt: skip
    assert all(limit.per_path == limit.renewing for limit in limits.rate_limits)
    assert [limit.name for limit in limits.rate_limits if not limit.failures_count] == ["auth"]
    assert not any(limit.cached_count for limit in limits.rate_limits)  # 4.1: hits of the outer cache do not count
    assert limits.cached_for_s == 300


def test_every_route_we_send_has_its_limit_or_is_known_to_have_none() -> None:
    limits = load_limits("linkdao", TARGETS_DIR).rate_limits
    limited = [route for limit in limits for route in limit.routes]
    assert len(limited) == len(set(limited)), "a route in two limits"
    assert set(limited) <= ALLOWED
    for method, route in ALLOWED - set(limited):
        onboarding = method == "PUT" and route.startswith("/api/marketplace/seller/onboarding/")
        assert onboarding or route.endswith("/view") or route.startswith(FREE), (method, route)
