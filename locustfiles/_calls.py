"""Describe one request while it is made, and turn it into its sample and, when it failed, its kept exchange."""

import re
import time
from typing import Any, Final

import orjson

from locustfiles._checks import Answer, CheckFailed
from locustfiles._http import Trace
from runlog.failures import Exchange
from runlog.redaction import error_text
from runlog.schema import Cache, Kind, Outcome, Sample
from settings.target import CacheHeaders

THROTTLED: Final = 429
_NOT_MODIFIED: Final = 304
_SMALL_BYTES: Final = 2_048
"""A body no check has parsed is parsed for its request id only if it is as small as this."""
_REQUEST_ID: Final = b'"requestId"'
_TOKEN_S: Final = 24 * 3600.0


class Call:
    """One request: whose, of which step, what, and when it was last sent."""

    __slots__ = (
        "body",
        "iteration",
        "late_s",
        "method",
        "process",
        "route",
        "seller",
        "sent_at_s",
        "step",
        "unique",
        "url",
        "workflow",
    )

    def __init__(self, seller: int, iteration: int, process: int, workflow: str, step: str | None) -> None:
        self.seller = seller
        self.iteration = iteration
        self.process = process
        self.workflow = None if step is None else workflow
        self.step = step
        self.method = ""
        self.route = ""
        self.url = ""
        self.unique = False
        self.body: Any = None
        self.sent_at_s = time.time()
        self.late_s: float | None = None

    def sample(
        self,
        outcome: Outcome,
        time_ms: float | None,
        trace: Trace,
        answer: Answer | None,
        cache: Cache | None,
        error: str | None,
    ) -> Sample:
        """Return the sample of this request."""
        return Sample(
            kind=Kind.SETUP if self.step is None else Kind.HTTP,
            sent_at_s=self.sent_at_s,
            intended_at_s=None if self.late_s is None else self.sent_at_s - self.late_s,
            workflow=self.workflow,
            step=self.step,
            seller=self.seller,
            iteration=self.iteration,
            process=self.process,
            method=self.method,
            route=self.route,
            status=None if answer is None else answer.status,
            outcome=outcome,
            response_time_ms=time_ms,
            connect_ms=trace.connect_ms,
            wait_ms=trace.wait_ms,
            request_bytes=trace.request_bytes,
            response_bytes=None if answer is None else len(answer.body),
            cache=cache,
            error=None if error is None else error_text(error),
            computed=None if answer is None else computed(answer),
        )

    def exchange(self, outcome: Outcome, error: str | None, answer: Answer | None) -> Exchange:
        """Return this failing request with what came back, to be redacted by the log that keeps it."""
        return Exchange(
            at_s=self.sent_at_s,
            workflow=self.workflow,
            step=self.step,
            outcome=outcome,
            error=error,
            method=self.method,
            url=self.url,
            request_body=None if self.body is None else orjson.dumps(self.body).decode(),
            status=None if answer is None else answer.status,
            response_body=None if answer is None else answer.body.decode("utf-8", "replace"),
            server_request_id=None if answer is None else answer.headers.get("x-request-id"),
            seller=self.seller,
            iteration=self.iteration,
        )


def cache_status(answer: Answer, names: CacheHeaders, *, unique: bool) -> Cache:
    """Return who answered, by the header names of the target; a unique query was never asked of a cache."""
    if unique:
        return Cache.BYPASS
    said = answer.headers.get(names.status_header)
    age = answer.headers.get(names.age_header)
    if answer.status == _NOT_MODIFIED or said in names.hit_values or (said is None and age not in (None, "0")):
        return Cache.HIT
    return Cache.MISS if said in names.miss_values else Cache.NONE


def token_life_s(text: Any) -> float:
    """Return the seconds of `24h`, `30m`, `60s` or a number; a day when the answer says nothing usable."""
    match = re.fullmatch(r"(\d+)([hms]?)", str(text))
    if match is None:
        return _TOKEN_S
    return float(match[1]) * {"h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0}[match[2]]


def computed(answer: Answer) -> bool | None:
    """Return whether the body says it was made for this very request; None where it does not say.

    Some caches of the product hide behind another that says MISS (contract.md 3.2). The id in the body's metadata is
    that of the request it was made for, the one in the header that of this request.
    """
    body: Any = answer._json  # noqa: SLF001  # parsed by a check or not at all; asking would parse it
    if body is None and len(answer.body) <= _SMALL_BYTES and _REQUEST_ID in answer.body:
        try:
            body = answer.json()
        except CheckFailed:
            return None
    if type(body) is not dict:
        return None
    metadata = body.get("metadata")
    made_for = metadata.get("requestId") if type(metadata) is dict else None
    asked = answer.headers.get("x-request-id")
    return None if made_for is None or asked is None else bool(made_for == asked)
