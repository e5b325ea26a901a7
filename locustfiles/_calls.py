"""Describe one request while it is made, and turn it into its sample and, when it failed, its kept exchange."""

import math
import re
import time
from typing import Any, Final

import orjson

from locustfiles._checks import Answer, StepFailed, bare
from locustfiles._transport import Trace
from runlog.failures import Exchange
from runlog.redaction import error_text
from runlog.schema import Cache, Kind, Outcome, Sample
from settings.target import CacheHeaders

BACK_OFF_S: Final = 60.0
"""The longest back-off, and the one taken when a 429 does not say (contract.md 4.5)."""
THROTTLED: Final = 429
_NOT_MODIFIED: Final = 304
_TOKEN_S: Final = 24 * 3600.0


class Call:
    """One request: whose, of which step, what, and when it was last sent."""

    __slots__ = (
        "body",
        "iteration",
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
            intended_at_s=None,
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


def back_off_s(answer: Answer) -> float:
    """Return how long a 429 asks to wait: body.retryAfter, Retry-After, else 60 s; never longer than that."""
    try:
        said: Any = bare(answer, THROTTLED).get("retryAfter")
    except StepFailed:
        said = None  # one dialect answers in plain text
    said = said if said is not None else answer.headers.get("retry-after")
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        return BACK_OFF_S
    return BACK_OFF_S if math.isnan(seconds) else min(max(seconds, 0.0), BACK_OFF_S)
