"""Count requests in windows and speak the product's four dialects."""

import json

import pytest

from sandbox.limits import Dialect, Limit, Limiter

REDIS = Limit("create_listing", 3, 60)
DRAFT = Limit("auth", 3, 60, Dialect.DRAFT, "AUTH_RATE_LIMIT_EXCEEDED", failures_count=False)
LEGACY = Limit("sellers", 3, 60, Dialect.LEGACY, "MARKETPLACE_RATE_LIMIT_EXCEEDED")
SLIDING = Limit("analytics", 3, 900, Dialect.SLIDING, "TOO_MANY_REQUESTS", per_path=True)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize("limit", [REDIS, DRAFT, LEGACY, SLIDING], ids=lambda limit: limit.dialect.name)
def test_limit_passes_exactly_so_many(limit: Limit) -> None:
    limiter = Limiter(Clock())
    assert [limiter.rule(limit, "1.2.3.4", "/a").allowed for _ in range(5)] == [True] * 3 + [False] * 2


@pytest.mark.parametrize(("after_s", "allowed"), [(59.9, False), (60.0, True)])
def test_fixed_window_opens_again_at_its_end(after_s: float, *, allowed: bool) -> None:
    clock = Clock()
    limiter, opened_s = Limiter(clock), clock.now_s + 30
    for at_s, address in ((opened_s - 30, "9.9.9.9"), (opened_s, "1.2.3.4"), (opened_s + 31, "9.9.9.9")):
        clock.now_s = at_s  # old windows are swept once a minute, here 31 s in: this one must open by itself
        for _ in range(4):
            limiter.rule(REDIS, address, "/a")
    clock.now_s = opened_s + after_s
    assert limiter.rule(REDIS, "1.2.3.4", "/a").allowed is allowed


@pytest.mark.parametrize(("after_s", "allowed"), [(899.9, False), (900.0, True)])
def test_sliding_window_is_renewed_by_allowed_requests_only(after_s: float, *, allowed: bool) -> None:
    clock = Clock()
    limiter = Limiter(clock)
    for _ in range(3):
        limiter.rule(SLIDING, "1.2.3.4", "/a")
        clock.now_s += 100
    clock.now_s -= 100  # the last allowed request was now
    assert not limiter.rule(SLIDING, "1.2.3.4", "/a").allowed
    clock.now_s += after_s
    assert limiter.rule(SLIDING, "1.2.3.4", "/a").allowed is allowed


def test_addresses_are_counted_apart_and_paths_only_where_the_limit_says_so() -> None:
    limiter = Limiter(Clock())
    for limit in (REDIS, SLIDING):
        for _ in range(3):
            limiter.rule(limit, "1.2.3.4", "/a")
        assert limiter.rule(limit, "5.6.7.8", "/a").allowed
    assert limiter.rule(SLIDING, "1.2.3.4", "/b").allowed
    assert not limiter.rule(REDIS, "1.2.3.4", "/b").allowed


def test_forgiven_failure_leaves_room() -> None:
    limiter = Limiter(Clock())
    for _ in range(10):
        assert limiter.rule(DRAFT, "1.2.3.4", "/a").allowed
        limiter.forgive(DRAFT, "1.2.3.4", "/a")


@pytest.mark.parametrize(
    ("limit", "headers", "body"),
    [
        (
            REDIS,
            {
                "X-RateLimit-Limit": "3",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": "2023-11-14T22:14:20.000Z",  # now (22:13:20) + window
            },
            {"success": False, "error": "Rate limit exceeded", "retryAfter": 60},
        ),
        (
            DRAFT,
            {
                "RateLimit-Limit": "3",
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": "60",
                "RateLimit-Policy": "3;w=60",
                "Retry-After": "60",
            },
            {"success": False, "error": {"code": "AUTH_RATE_LIMIT_EXCEEDED"}},
        ),
        (
            LEGACY,
            {
                "X-RateLimit-Limit": "3",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": "1700000060",
                "Retry-After": "60",
            },
            {"success": False, "error": {"code": "MARKETPLACE_RATE_LIMIT_EXCEEDED"}},
        ),
        (
            SLIDING,
            {
                "RateLimit-Limit": "3",
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": "2023-11-14T22:28:20.000Z",
                "Retry-After": "900",
            },
            {"success": False, "error": {"code": "TOO_MANY_REQUESTS"}},
        ),
    ],
    ids=["redis", "draft", "legacy", "sliding"],
)
def test_refusal_speaks_its_dialect(limit: Limit, headers: dict[str, str], body: dict[str, object]) -> None:
    limiter = Limiter(Clock())
    for _ in range(3):
        limiter.rule(limit, "1.2.3.4", "/a")
    ruling = limiter.rule(limit, "1.2.3.4", "/a")
    assert dict(ruling.headers) == headers
    said = json.loads(ruling.body)
    if isinstance(said.get("error"), dict):
        del said["error"]["message"]
    assert said == body


def test_allowed_request_says_what_is_left_and_no_retry() -> None:
    headers = dict(Limiter(Clock()).rule(LEGACY, "1.2.3.4", "/a").headers)
    assert (headers["X-RateLimit-Remaining"], "Retry-After" in headers) == ("2", False)


def test_windows_of_the_past_are_dropped() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    for number in range(100):
        limiter.rule(REDIS, f"10.0.0.{number}", "/a")
    clock.now_s += 61
    limiter.rule(REDIS, "1.2.3.4", "/a")
    assert len(limiter._buckets) == 1
