"""Send every request of a seller through one door, `step`, so that each becomes exactly one sample."""

import random
import time
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Any, ClassVar, Final, NoReturn

from locust import User
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import StopUser

from locustfiles import _load
from locustfiles._answers import AnswerTooLarge
from locustfiles._calls import STEP_HEADER, THROTTLED, Call, Plan, Upload, cache_status
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
from locustfiles._wires import Cut, FastWire, OwnWire
from runlog.redaction import error_text
from runlog.schema import Cache, Outcome

_TRIES: Final = 3
"""How often a throttled request is sent in all, backing off in between as the answer asks."""
_REDIRECT: Final = 300
_NOT_MODIFIED: Final = 304


@dataclass(slots=True)
class Account:
    """One signed-in wallet."""

    wallet: Wallet
    uid: str = ""
    token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    token_ends_at_s: float = 0.0


class Sender(Patient):
    """What every seller sends with; whoever uses `self.client` himself sends around `step`, and the verdict says so."""

    abstract = True
    workflow: ClassVar[str] = ""
    steps: ClassVar[tuple[str, ...]] = ()
    host: str | None
    account: Account
    trace: Trace
    """What happened to the request that `client` sent last."""

    def __init__(self, environment: Any) -> None:
        self.load = _load.current(environment)
        self.load.check_host(self.host or environment.host)
        self.number = self.load.next_seller()
        User.__init__(self, environment)  # FastHttpUser's own makes each seller a client, and most never use it
        self.host = self.host or environment.host
        way = self.load.way(self.number)
        own = self.load.target.transport == "own"
        self.wire: OwnWire | FastWire = OwnWire(self, way) if own else FastWire(self)
        self._plans = self.load.plans(type(self))
        self.address = self.load.address(self.number)
        self._own_headers = self.load.headers
        if self.load.target.forwarded_for:
            self._own_headers = {**self.load.headers, "X-Forwarded-For": self.address}
        self.rng = random.Random(f"{self.load.seed}/{self.workflow}/{self.number}")
        self.iteration = -1
        self.late_s: float | None = None
        """How much later than intended this pass began (open model); None where nothing was intended."""
        self.thought_s = 0.0
        self._unique = 0

    @cached_property
    def client(self) -> FastHttpSession:  # made when somebody asks, not for everybody
        """Locust's own client, for what is sent around `step`, and for `transport = "fasthttp"`."""
        self.trace = Trace()
        self.client_pool = OneClientPool(self.trace, self.load.way(self.number))
        return FastHttpSession(
            base_url=self.host,
            request_event=self.environment.events.request,
            user=self,
            insecure=False,
            client_pool=self.client_pool,
            max_retries=0,
        )

    def step(
        self,
        step: str | None,
        method: str,
        route: str,
        *,
        json: Any = None,
        upload: Upload | None = None,
        query: str = "",
        unique: bool = False,
        by: Account | None = None,
        **ids: Any,
    ) -> "Step":
        """Send one request and hand its answer to the with-block, whose checks decide its outcome.

        `step` None makes it a sample of kind setup. `route` is a template of `_routes`; `ids` fill its braces.
        `unique` adds a query nobody sent before, so that no cache can answer. `by` sends as somebody else than this
        seller. Whatever happens in the block, exactly one sample is recorded for every request sent.
        """
        plan = self._plans.get((step, method, route)) or self._planned(step, method, route)
        path = self._path(route, ids) if plan.filled else route
        if unique:
            self._unique += 1
            mark = f"u={self.load.run_id}-{self.number}-{self._unique}"
            query = f"{query}&{mark}" if query else mark
        return Step(self, plan, f"{path}?{query}" if query else path, json, upload, by or self.account, unique=unique)

    def _planned(self, step: str | None, method: str, route: str) -> Plan:
        """Plan requests never sent before; ValueError for those that no workflow may send."""
        if (method, route) not in ALLOWED:
            raise ValueError(f"{method} {route} is not on the allow-list (locustfiles/_routes.py)")
        if step is not None and step not in self.steps:
            raise ValueError(f"{step!r} is not a step of {self.workflow}; its steps are {', '.join(self.steps)}")
        subject, says_step = self.load.recorder.subject, self.load.target.step_header
        plan = Plan(self.workflow, step, method, route, subject=subject, says_step=says_step)
        self._plans[step, method, route] = plan
        return plan

    def _path(self, route: str, ids: dict[str, Any]) -> str:
        for name, value in ids.items():
            if not isinstance(value, str) or not ID.fullmatch(value):
                raise CheckFailed(f"'{name}' from an answer cannot stand in a path")
        return route.format(**ids)

    def headers(self, call: Call) -> dict[str, str]:
        """Return what this seller says of itself in a request."""
        headers = dict(self._own_headers)
        if call.token is not None:
            headers["Authorization"] = f"Bearer {call.token}"
        if call.plan.step_line:
            headers[STEP_HEADER] = f"{call.workflow}.{call.step}"
        return headers

    def send_patiently(self, call: Call) -> Answer:
        """Send; after a 429 back off as asked and send again, each try a sample; Throttled when it stays so."""
        self.check_stop()
        if self.load.pacer is None:
            answer = self._send(call)
            if answer.status != THROTTLED:
                return answer
            return self._send_again(call, answer, None)
        admission = self.await_room(call)
        answer = self._send_admitted(call, admission)
        return answer if answer.status != THROTTLED else self._send_again(call, answer, admission)

    def _send_again(self, call: Call, answer: Answer, admission: Admission | None) -> Answer:
        """Go on after a 429."""
        for tries_left in range(_TRIES - 1, -1, -1):
            wait_s = back_off_s(answer, time.time(), BACK_OFF_S if admission is None else admission.longest_s)
            if admission is not None:
                admission.throttled(wait_s)
            self.finish(call, answer, Outcome.THROTTLED, "status 429")
            if not tries_left:
                break
            self._back_off(wait_s)
            admission = self.await_room(call)
            answer = self._send_admitted(call, admission)
            if answer.status != THROTTLED:
                return answer
        raise Throttled("status 429")

    def _send_admitted(self, call: Call, admission: Admission | None) -> Answer:
        """Send once, and tell the limits what came of it; of a 429 the caller tells them."""
        if admission is None:
            return self._send(call)
        call.sent = False
        try:
            answer = self._send(call)
        except BaseException:
            (admission.unanswered if call.sent else admission.unsent)()
            raise
        if answer.status != THROTTLED:
            cached = cache_status(answer, self.load.target.cache, unique=False) is Cache.HIT
            admission.answered(answer.status, cached=cached, said=limits_said(answer.headers, time.time()))
        return answer

    def _send(self, call: Call) -> Answer:
        """Send once; what ends without an answer is recorded here, what has one in `finish`."""
        if call.plan.writes:
            self.about_to_write(call)
        call.start()
        try:
            return self.wire.send(call)
        except Cut as cut:
            self._raise_unreached(call, cut.cause)
        except AnswerTooLarge as error:
            self._record(call, Outcome.HTTP_ERROR, _elapsed_ms(call), None, str(error))
            raise Unreached(Outcome.HTTP_ERROR, str(error)) from error
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            if call.first_byte_at is not None:  # there was a head, and what followed was not as it said
                text = f"unreadable answer: {text}"
                self._record(call, Outcome.HTTP_ERROR, _elapsed_ms(call), None, text)
                raise Unreached(Outcome.HTTP_ERROR, text) from error
            self._record(call, Outcome.HARNESS_ERROR, None, None, text)
            raise
        except BaseException:  # killed by the stop; a request that was not sent yet is none
            if call.sent:
                self._record(call, Outcome.ABORTED, _elapsed_ms(call), None, None)
            raise

    def _raise_unreached(self, call: Call, broken: BaseException) -> NoReturn:
        """Record a request that got no whole answer, and raise Unreached."""
        call.ended_at = time.perf_counter()
        outcome, text = unreached(broken, sent=call.sent, timeout_s=self.load.target.timeout_s)
        self._record(call, outcome, call.time_ms, None, text)
        self.wire.tell(call, None, f"{outcome}: {error_text(text)}")
        raise Unreached(outcome, text)

    def finish(self, call: Call, answer: Answer, outcome: Outcome, error: str | None) -> None:
        """Record the sample, then tell Locust's statistics: a listener of somebody's may stop this seller."""
        self._record(call, outcome, call.time_ms, answer, error)
        self.wire.tell(call, answer, None if outcome is Outcome.OK else f"{outcome}: {error_text(error or '')}")

    def _record(
        self, call: Call, outcome: Outcome, time_ms: float | None, answer: Answer | None, error: str | None
    ) -> None:
        """Record the sample, and keep the exchange if it failed and is among the first."""
        recorder = self.load.recorder
        cache = None if answer is None else cache_status(answer, self.load.target.cache, unique=call.unique)
        call.record(recorder, outcome, time_ms, answer, cache, error)
        if call.plan.writes:
            self.wrote(call, outcome, answer)
        if outcome is Outcome.OK or outcome is Outcome.ABORTED:
            return
        if recorder.failures.wants(call.workflow, call.step, outcome):
            recorder.failures.add(call.exchange(outcome, error, answer))

    def about_to_write(self, call: Call) -> None:
        """Hear of a request that is no GET, before it is sent."""

    def wrote(self, call: Call, outcome: Outcome, answer: Answer | None) -> None:
        """Hear of a request that is no GET, once it is recorded."""


class Step(Call):
    """A request of a seller, sent when its with-block begins and recorded when that ends."""

    __slots__ = ("_answer", "_sender")

    def __init__(
        self,
        sender: Sender,
        plan: Plan,
        url: str,
        body: Any,
        upload: Upload | None,
        by: Account,
        *,
        unique: bool,
    ) -> None:
        super().__init__(
            plan, url, seller=sender.number, iteration=sender.iteration, body=body, upload=upload, unique=unique
        )
        self._sender = sender
        self.token = by.token
        self.late_s = sender.late_s

    def __enter__(self) -> Answer:
        """Send it and return its answer."""
        self._answer = answer = self._sender.send_patiently(self)
        return answer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Judge and record it: by what the block threw, or by its status when nobody asked for that."""
        answer, sender = self._answer, self._sender
        if error is None:
            if answer.expected or answer.status < _REDIRECT or answer.status == _NOT_MODIFIED:
                sender.finish(self, answer, Outcome.OK, None)
                return
            text = redirected(answer, str(sender.host)) if is_redirect(answer) else f"status {answer.status}"
            sender.finish(self, answer, Outcome.HTTP_ERROR, text)
            raise HttpError(text)
        if isinstance(error, StepFailed):
            if is_redirect(answer):  # whatever the block missed in it
                text = redirected(answer, str(sender.host))
                sender.finish(self, answer, Outcome.HTTP_ERROR, text)
                raise HttpError(text) from error
            sender.finish(self, answer, error.outcome, str(error))
        elif isinstance(error, Exception) and not isinstance(error, StopUser):
            sender.finish(self, answer, Outcome.HARNESS_ERROR, f"{type(error).__name__}: {error}")
        else:
            sender.finish(self, answer, Outcome.ABORTED, None)


def _elapsed_ms(call: Call) -> float:
    return (time.perf_counter() - call.started_at) * 1000
