"""Count requests of an address in windows and refuse the ones past the limit, in the product's four dialects."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import ceil

import orjson

from sandbox.envelopes import iso


class Dialect(Enum):
    """Which limiter of the product speaks: headers and bodies differ (contract 4.1 to 4.3)."""

    REDIS = "X-RateLimit-* with an ISO reset, retryAfter in the body, no Retry-After"
    DRAFT = "RateLimit-* with seconds"
    LEGACY = "X-RateLimit-* with epoch seconds"
    SLIDING = "RateLimit-* with an ISO reset; each allowed request renews the window"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` requests of an address in ``window_s``; routes with the same name share one counter."""

    name: str
    most: int
    window_s: int
    dialect: Dialect = Dialect.REDIS
    code: str = ""
    failures_count: bool = True
    per_path: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a request may pass, and what is said about it."""

    allowed: bool
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(slots=True)
class _Bucket:
    count: int
    ends_s: float


class Limiter:
    """The windows of every address; the clock is Unix seconds and can be replaced."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}
        self._sweep_at_s = 0.0

    def rule(self, limit: Limit, address: str, path: str) -> Ruling:
        """Count one request and say whether it may pass."""
        now_s = self._clock()
        self._sweep(now_s)
        bucket = self._bucket(limit, address, path, now_s)
        allowed = bucket.count < limit.most
        if allowed or limit.dialect is not Dialect.SLIDING:
            bucket.count += 1
        if allowed and limit.dialect is Dialect.SLIDING:
            bucket.ends_s = now_s + limit.window_s
        remaining = max(limit.most - bucket.count, 0)
        return Ruling(
            allowed, _headers(limit, remaining, bucket.ends_s, now_s, allowed=allowed), b"" if allowed else _body(limit)
        )

    def forgive(self, limit: Limit, address: str, path: str) -> None:
        """Take back a request that failed, where failures do not count."""
        bucket = self._bucket(limit, address, path, self._clock())
        bucket.count = max(bucket.count - 1, 0)

    def _bucket(self, limit: Limit, address: str, path: str, now_s: float) -> _Bucket:
        key = (limit.name, address, path if limit.per_path else "")
        bucket = self._buckets.get(key)
        if bucket is None or bucket.ends_s <= now_s:
            bucket = self._buckets[key] = _Bucket(0, now_s + limit.window_s)
        return bucket

    def _sweep(self, now_s: float) -> None:
        if now_s < self._sweep_at_s:
            return
        self._sweep_at_s = now_s + 60
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if bucket.ends_s > now_s}


def throttle_body(window_s: int) -> bytes:
    """Body of the Redis limiter's 429."""
    return orjson.dumps({"success": False, "error": "Rate limit exceeded", "retryAfter": window_s})


def _headers(
    limit: Limit, remaining: int, ends_s: float, now_s: float, *, allowed: bool
) -> tuple[tuple[str, str], ...]:
    left_s = max(ceil(ends_s - now_s), 0)
    retry = () if allowed else (("Retry-After", str(left_s)),)
    most, rest = str(limit.most), str(remaining)
    if limit.dialect is Dialect.REDIS:
        reset = iso(int((now_s + limit.window_s) * 1000))  # the product reports "now + window", never the true reset
        return (("X-RateLimit-Limit", most), ("X-RateLimit-Remaining", rest), ("X-RateLimit-Reset", reset))
    if limit.dialect is Dialect.LEGACY:
        reset = str(ceil(ends_s))
        return (("X-RateLimit-Limit", most), ("X-RateLimit-Remaining", rest), ("X-RateLimit-Reset", reset), *retry)
    if limit.dialect is Dialect.DRAFT:
        policy = f"{limit.most};w={limit.window_s}"
        fixed = (("RateLimit-Limit", most), ("RateLimit-Remaining", rest), ("RateLimit-Reset", str(left_s)))
        return (*fixed, ("RateLimit-Policy", policy), *retry)
    reset = iso(int(ends_s * 1000))
    return (("RateLimit-Limit", most), ("RateLimit-Remaining", rest), ("RateLimit-Reset", reset), *retry)


def _body(limit: Limit) -> bytes:
    if limit.dialect is Dialect.REDIS:
        return throttle_body(limit.window_s)
    error = {"code": limit.code, "message": "Too many requests, please try again later"}
    return orjson.dumps({"success": False, "error": error})
