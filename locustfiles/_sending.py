"""Send every request of a seller through one door, `step`, so that each becomes exactly one sample."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from locust.contrib.fasthttp import LocustBadStatusCode

from locustfiles import _load
from locustfiles._answers import AnswerTooLarge
from locustfiles._calls import THROTTLED, Call, cache_status
from locustfiles._checks import Answer, CheckFailed, HttpError, StepFailed, Throttled, Unreached
from locustfiles._http import Trace
from locustfiles._limits_said import BACK_OFF_S, back_off_s, limits_said
from locustfiles._pacing import Admission
from locustfiles._patience import Patient
from locustfiles._redirects import is_redirect, redirected
from locustfiles._routes import ALLOWED, ID
from locustfiles._transport import OneClientPool
from locustfiles._unreached import unreached
from locustfiles._wallets import Wallet
from locustfiles._wires import FastWire, OwnWire
from runlog.redaction import error_text
from runlog.schema import Cache, Outcome

_TRIES: Final = 3
"""How often a throttled request is sent in all, backing off in between as the answer asks."""
_HTTP_ERROR: Final = 400


@dataclass(slots=True)
class Account:
    """One signed-in wallet."""

    wallet: Wallet
    uid: str = ""
    token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    token_ends_at_s: float = 0.0


class Sender(Patient):
    """What every seller sends with; `self.client` is never touched outside this module."""

    abstract = True
    workflow: ClassVar[str] = ""
    steps: ClassVar[tuple[str, ...]] = ()
    insecure = False
    account: Account

    def __init__(self, environment: Any) -> None:
        self.load = _load.current(environment)
        self.load.check_host(self.host or environment.host)
        self.number = self.load.next_seller()
        self.trace = Trace()
        self.client_pool = OneClientPool(self.trace, self.load.way(self.number))
        super().__init__(environment)
        own = self.load.target.transport == "own"
        self.wire = OwnWire(self, self.load.way(self.number), self.trace) if own else FastWire(self)
        self.address = self.load.address(self.number)
        self._own_headers = dict(self.load.headers)
        if self.load.target.forwarded_for:
            self._own_headers["X-Forwarded-For"] = self.address
        self.rng = random.Random(f"{self.load.seed}/{self.workflow}/{self.number}")
        self.iteration = -1
        self.late_s: float | None = None
        """How much later than intended this pass began (open model); None where nothing was intended."""
        self.thought_s = 0.0
        self._unique = 0

    @contextmanager
    def step(
        self,
        step: str | None,
        method: str,
        route: str,
        *,
        json: Any = None,
        upload: tuple[bytes, str] | None = None,
        query: str = "",
        unique: bool = False,
        by: Account | None = None,
        **ids: Any,
    ) -> Iterator[Answer]:
        """Send one request and hand its answer to the with-block, whose checks decide its outcome.

        `step` None makes it a sample of kind setup. `route` is a template of `_routes`; `ids` fill its braces.
        `unique` adds a query nobody sent before, so that no cache can answer. `by` sends as somebody else than this
        seller. Whatever happens in the block, exactly one sample is recorded for every request sent.
        """
        self.check_stop()
        call = Call(self.number, self.iteration, self.load.recorder.process, self.workflow, step)
        call.method, call.route, call.unique = method, route, unique
        call.url = self._url(call, ids, query)
        call.body = json
        call.late_s = self.late_s
        answer, response = self._send_patiently(call, self._headers(step, upload, by), json, upload)
        outcome, error = Outcome.ABORTED, None
        try:
            yield answer
            if is_redirect(answer) or (answer.status >= _HTTP_ERROR and not answer.expected):
                raise HttpError(f"status {answer.status}")  # noqa: TRY301  # one place records the outcome
            outcome = Outcome.OK
        except StepFailed as failure:
            if is_redirect(answer):
                outcome, error = Outcome.HTTP_ERROR, redirected(answer, self.host or self.environment.host)
                raise HttpError(error) from failure
            outcome, error = failure.outcome, str(failure)
            raise
        except Exception as bug:
            outcome, error = Outcome.HARNESS_ERROR, f"{type(bug).__name__}: {bug}"
            raise
        finally:
            self._finish(call, response, answer, outcome, error)

    def _url(self, call: Call, ids: dict[str, Any], query: str) -> str:
        if (call.method, call.route) not in ALLOWED:
            raise ValueError(f"{call.method} {call.route} is not on the allow-list (locustfiles/_routes.py)")
        if call.step is not None and call.step not in self.steps:
            raise ValueError(f"{call.step!r} is not a step of {self.workflow}; its steps are {', '.join(self.steps)}")
        for name, value in ids.items():
            if not isinstance(value, str) or not ID.fullmatch(value):
                raise CheckFailed(f"'{name}' from an answer cannot stand in a path")
        path = call.route.format(**ids)
        if call.unique:
            self._unique += 1
            mark = f"u={self.load.run_id}-{self.number}-{self._unique}"
            query = f"{query}&{mark}" if query else mark
        return f"{path}?{query}" if query else path

    def _headers(self, step: str | None, upload: tuple[bytes, str] | None, by: Account | None) -> dict[str, str]:
        headers = dict(self._own_headers)
        account = by or self.account
        if account.token is not None:
            headers["Authorization"] = f"Bearer {account.token}"
        if self.load.target.step_header and step is not None:
            headers["X-Load-Step"] = f"{self.workflow}.{step}"
        if upload is not None:
            headers["Content-Type"] = upload[1]
        return headers

    def _send_patiently(
        self, call: Call, headers: dict[str, str], json: Any, upload: tuple[bytes, str] | None
    ) -> tuple[Answer, Any]:
        """Send; after a 429 back off as asked and send again, each try a sample; Throttled when it stays so."""
        for tries_left in range(_TRIES - 1, -1, -1):
            admission = self.await_room(call)
            answer, response = self._send_admitted(call, admission, headers, json, upload)
            if answer.status != THROTTLED:
                return answer, response
            wait_s = back_off_s(answer, time.time(), BACK_OFF_S if admission is None else admission.longest_s)
            if admission is not None:
                admission.throttled(wait_s)
            self._finish(call, response, answer, Outcome.THROTTLED, "status 429")
            if tries_left:
                self._back_off(wait_s)
        raise Throttled("status 429")

    def _send_admitted(
        self,
        call: Call,
        admission: Admission | None,
        headers: dict[str, str],
        json: Any,
        upload: tuple[bytes, str] | None,
    ) -> tuple[Answer, Any]:
        """Send once, and tell the limits what came of it; of a 429 the caller tells them."""
        if admission is None:
            return self._send(call, headers, json, upload)
        try:
            answer, response = self._send(call, headers, json, upload)
        except BaseException:
            (admission.unanswered if self.trace.sent else admission.unsent)()
            raise
        if answer.status != THROTTLED:
            cached = cache_status(answer, self.load.target.cache, unique=False) is Cache.HIT
            admission.answered(answer.status, cached=cached, said=limits_said(answer.headers, time.time()))
        return answer, response

    def _send(
        self, call: Call, headers: dict[str, str], json: Any, upload: tuple[bytes, str] | None
    ) -> tuple[Answer, Any]:
        """Send once; what ends without an answer is recorded here, what has one in `_finish`."""
        self.trace.reset()
        call.sent_at_s = time.time()
        try:
            response = self.wire.request(call, headers, json, upload)
        except AnswerTooLarge as error:
            self._record(call, Outcome.HTTP_ERROR, self._elapsed_ms(), None, str(error))
            raise Unreached(Outcome.HTTP_ERROR, str(error)) from error
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            if self.trace.first_byte_at is not None:  # there was a head, and what followed was not as it said
                text = f"unreadable answer: {text}"
                self._record(call, Outcome.HTTP_ERROR, self._elapsed_ms(), None, text)
                raise Unreached(Outcome.HTTP_ERROR, text) from error
            self._record(call, Outcome.HARNESS_ERROR, None, None, text)
            raise
        except BaseException:  # killed by the stop; a request that was not sent yet is none
            if self.trace.sent:
                self._record(call, Outcome.ABORTED, self._elapsed_ms(), None, None)
            raise
        broken = response.request_meta["exception"]
        if broken is not None and not isinstance(broken, LocustBadStatusCode):
            self._raise_unreached(call, response, broken)
        return Answer(response.status_code, response.headers, response.content or b""), response

    def _raise_unreached(self, call: Call, response: Any, broken: BaseException) -> None:
        """Record a request that got no whole answer, and raise Unreached."""
        outcome, text = unreached(broken, sent=self.trace.sent, timeout_s=self.load.target.timeout_s)
        with response:
            response.failure(f"{outcome}: {error_text(text)}")
        self._record(call, outcome, self._elapsed_ms(), None, text)
        raise Unreached(outcome, text)

    def _finish(self, call: Call, response: Any, answer: Answer, outcome: Outcome, error: str | None) -> None:
        """Tell Locust's statistics, then record the sample."""
        with response:
            if outcome is Outcome.OK:
                response.success()
            else:
                response.failure(f"{outcome}: {error_text(error or '')}")
        self._record(call, outcome, response.request_meta["response_time"], answer, error)

    def _record(
        self, call: Call, outcome: Outcome, time_ms: float | None, answer: Answer | None, error: str | None
    ) -> None:
        """Record the sample, and keep the exchange if it failed and is among the first."""
        target, recorder = self.load.target, self.load.recorder
        cache = None if answer is None else cache_status(answer, target.cache, unique=call.unique)
        recorder.add(call.sample(outcome, time_ms, self.trace, answer, cache, error))
        if outcome not in (Outcome.OK, Outcome.ABORTED) and recorder.failures.wants(call.workflow, call.step, outcome):
            recorder.failures.add(call.exchange(outcome, error, answer))

    def _elapsed_ms(self) -> float:
        return (time.perf_counter() - self.trace.started_at) * 1000
