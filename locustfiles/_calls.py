"""Describe one request while it is made, and turn it into its sample and, when it failed, its kept exchange."""

import re
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import orjson

from locustfiles._checks import Answer, CheckFailed
from locustfiles._http import Trace
from runlog.failures import Exchange
from runlog.redaction import error_text
from runlog.schema import Cache, Kind, Outcome
from settings.target import CacheHeaders

Upload = tuple[bytes, str]
"""A body, and its content type."""
SubjectOf = Callable[[Kind, str | None, str | None, str, str], int]

STEP_HEADER: Final = "X-Load-Step"
THROTTLED: Final = 429
_NOT_MODIFIED: Final = 304
_SMALL_BYTES: Final = 2_048
"""A body no check has parsed is parsed for its request id only if it is as small as this."""
_REQUEST_ID: Final = b'"requestId"'
_TOKEN_S: Final = 24 * 3600.0


class Recording(Protocol):
    """What keeps samples."""

    process: int
    put: Callable[..., None]
    """As `SampleColumns.put`."""


class Plan:
    """What all requests of one step to one route have in common: worked out once, for a seller sends them all day."""

    __slots__ = ("filled", "method", "route", "step", "step_line", "subject", "workflow", "writes")

    def __init__(
        self, workflow: str, step: str | None, method: str, route: str, *, subject: SubjectOf, says_step: bool
    ) -> None:
        """Plan requests of a step (None: setup); `subject` gives the run log's code, `says_step`: in a header too."""
        self.workflow = None if step is None else workflow
        self.step = step
        self.method = method
        self.route = route
        self.filled = "{" in route
        """Whether ids have to be put into the route."""
        self.writes = method != "GET"
        self.subject = subject(Kind.SETUP if step is None else Kind.HTTP, self.workflow, step, method, route)
        self.step_line = f"{STEP_HEADER}: {workflow}.{step}\r\n" if says_step and step is not None else ""


class Call(Trace):
    """One request: whose, of which plan, what, and what happened to it when it was last sent."""

    __slots__ = ("body", "iteration", "late_s", "plan", "seller", "sent_at_s", "token", "unique", "upload", "url")

    def __init__(
        self,
        plan: Plan,
        url: str,
        *,
        seller: int,
        iteration: int,
        body: Any = None,
        upload: Upload | None = None,
        unique: bool = False,
    ) -> None:
        self.plan = plan
        self.url = url
        self.seller = seller
        self.iteration = iteration
        self.late_s: float | None = None
        self.body = body
        self.upload = upload
        self.token: str | None = None
        self.unique = unique

    def start(self) -> None:
        """Begin, or begin anew; all of `Trace.start` is here again, for this is done for every request."""
        self.sent_at_s = time.time()
        self.started_at = self.ended_at = time.perf_counter()
        self.connect_ms = self.first_byte_at = self.request_bytes = None
        self.sent = False

    @property
    def method(self) -> str:
        """The method of its plan."""
        return self.plan.method

    @property
    def route(self) -> str:
        """The template its path was made from."""
        return self.plan.route

    @property
    def step(self) -> str | None:
        """The step it is of; None: setup."""
        return self.plan.step

    @property
    def workflow(self) -> str | None:
        """The workflow it is of; None: setup."""
        return self.plan.workflow

    def record(
        self,
        recorder: Recording,
        outcome: Outcome,
        time_ms: float | None,
        answer: Answer | None,
        cache: Cache | None,
        error: str | None,
    ) -> None:
        """Have the sample of this request kept."""
        recorder.put(
            self.plan.subject,
            self.sent_at_s,
            None if self.late_s is None else self.sent_at_s - self.late_s,
            self.seller,
            self.iteration,
            recorder.process,
            None if answer is None else answer.status,
            outcome,
            time_ms,
            self.connect_ms,
            self.wait_ms,
            self.request_bytes,
            None if answer is None else len(answer.body),
            cache,
            None if error is None else error_text(error),
            None if answer is None else computed(answer),
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
    headers = answer.headers
    said = headers.get(names.status_header)
    if said is not None:
        if said in names.hit_values:
            return Cache.HIT
        if answer.status != _NOT_MODIFIED:
            return Cache.MISS if said in names.miss_values else Cache.NONE
    if answer.status == _NOT_MODIFIED or headers.get(names.age_header) not in (None, "0"):
        return Cache.HIT
    return Cache.NONE


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
