"""Be one seller: sign in once, walk through a workflow step by step, wait for writes to become visible."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import gevent
from locust.exception import StopUser

from locustfiles import _lifecycle
from locustfiles._calls import Call, token_life_s
from locustfiles._checks import Answer, Blocked, CheckFailed, Data, StepFailed, accepted, expect, same_wallet, token
from locustfiles._created import CreatedLog, created_by
from locustfiles._data import Texts, multipart
from locustfiles._online import Online
from locustfiles._routes import (
    CONNECT,
    LISTINGS_OF,
    NONCE,
    REFRESH,
    SELLER_LISTING,
    SELLER_LISTINGS,
    SELLER_PROFILE,
    UPLOAD,
)
from locustfiles._sending import Account
from locustfiles._wallets import Wallet
from runlog.schema import Kind, Outcome
from runlog.workflows import HOLDING, WORKFLOWS

_FRESH_MARGIN_S: Final = 600.0
"""A token is refreshed this long before it ends."""

_lifecycle.register()  # whoever loads a workflow gets its run recorded and judged


class Seller(Online):
    """One virtual seller of one workflow.

    A workflow is one file with one subclass: `workflow` (its name), `wait_time` (seconds of thought between steps), a
    `@task` that calls `iterate`, and one method a step. The eight workflows get `steps` from the validation guide; a
    ninth lists its own. `needs` says for a step which earlier ones of the same pass it cannot do without, so that one
    step can be tried alone. `only_when_named` keeps a class out of runs that do not name it on the command line.
    """

    abstract = True
    workflow: ClassVar[str] = ""
    steps: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    only_when_named: ClassVar[bool] = False
    wait_time: Any  # of Locust: a function between(...) and its like make

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the eight workflows the steps of the validation guide, and refuse a class that cannot do its steps."""
        super().__init_subclass__(**kwargs)
        cls.steps = cls.steps or WORKFLOWS.get(cls.workflow, ())
        cls.holds_session = cls.workflow in HOLDING
        missing = [name for name in cls.steps if not callable(getattr(cls, name, None))]
        if not cls.workflow or not cls.steps or missing:
            raise TypeError(f"{cls.__name__}: needs `workflow`, `steps` and a method for each step; missing: {missing}")
        for step, earlier in cls.needs.items():
            if not set(earlier) <= set(cls.steps[: cls.steps.index(step)] if step in cls.steps else ()):
                raise TypeError(
                    f"{cls.__name__}: `needs` of {step!r}: {earlier} are not earlier steps of this workflow"
                )
        cls.abstract = False

    @classmethod
    def before(cls, step: str) -> tuple[str, ...]:
        """Return the earlier steps that `step` needs, and what those need, in the order of the workflow."""
        wanted = set(cls.needs.get(step, ()))
        for name in reversed(cls.steps):
            if name in wanted:
                wanted.update(cls.needs.get(name, ()))
        return tuple(name for name in cls.steps if name in wanted)

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        pace = self.wait_time
        self._thinks_s: Callable[[], float] = lambda: pace() * self.load.think_ratio
        # Locust asks it between two passes; in the open model the next arrival says when
        self.wait_time = self._thinks_s if self.load.arrivals is None else lambda: 0.0
        self.texts = Texts(self.rng)
        self._created: CreatedLog | None = getattr(environment, "sellergate_created", None)  # a trial keeps none
        self._at = "begin"  # the step this seller is in
        today = datetime.now(UTC).date().isoformat()
        self._gaps = frozenset(
            gap.step for gap in self.load.target.gaps if gap.workflow == self.workflow and gap.expires >= today
        )

    # -- arriving ----------------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Arrive; a seller whom the server turns away knocks again after a pause."""
        while True:
            try:
                self.arrive()
            except StepFailed:
                gevent.sleep(self.rng.uniform(1, 3))
                self.check_stop()
            else:
                return

    def arrive(self) -> None:
        """Sign in as one of the pool's sellers; a workflow that needs more before its first step does it here too.

        Everything sent here is setup (`step` None). Called again from the start when any of it fails.
        """
        self.account = Account(self.load.pool_wallet(self.workflow))
        self.sign_in(None, self.account)

    @property
    def w(self) -> str:
        """The wallet as it stands in paths and bodies: lower case."""
        return self.account.wallet.lower

    @property
    def uid(self) -> str:
        """The id sign-in gave this seller, for the routes that want one."""
        return self.account.uid

    def sign_in(self, step: str | None, account: Account) -> None:
        """Sign in: nonce, EIP-191 signature over the text the server sent, token. `step` is None when it is setup."""
        wallet: Wallet = account.wallet
        account.token = None
        with self.step(step, "POST", NONCE, json={"walletAddress": wallet.address}, by=account) as answer:
            message = expect(answer)["message"]
            if not isinstance(message, str) or wallet.address not in message:
                raise CheckFailed("the text to sign does not name this wallet")
        body = {"walletAddress": wallet.address, "signature": wallet.sign(message), "message": message}
        with self.step(step, "POST", CONNECT, json=body, by=account) as answer:
            data = expect(answer)
            user = data["user"]
            same_wallet(user, "walletAddress", wallet.lower)
            account.uid = user["id"]
            _keep_tokens(account, data)

    def _refresh_when_due(self) -> None:
        account = self.account
        if account.token is None or time.time() < account.token_ends_at_s - _FRESH_MARGIN_S:
            return
        with self.step(None, "POST", REFRESH, json={"refreshToken": account.refresh_token}) as answer:
            _keep_tokens(account, expect(answer))

    def open_shop(self) -> None:
        """Create this seller's profile, or find it there from an earlier run; setup."""
        body = {"walletAddress": self.w, "storeName": self.texts.store_name(), "bio": self.texts.sentence()}
        with self.step(None, "POST", SELLER_PROFILE, json=body) as answer:
            same_wallet(expect(answer, 200, 201), "walletAddress", self.w)

    def put_on_shelf(self) -> str:
        """Return the id of an active listing of this seller, publishing one if there is none; setup.

        What an interrupted run left on the shelf beyond that is taken down: it would count against the tier.
        """
        with self.step(None, "GET", LISTINGS_OF, query="status=active", unique=True, w=self.w) as answer:
            own = [listing["id"] for listing in expect(answer).objects("listings")]
        for leftover in own[1:]:
            with self.step(None, "DELETE", SELLER_LISTING, lid=leftover) as answer:
                accepted(answer)
        if own:
            return str(own[0])
        with self.step(None, "POST", SELLER_LISTINGS, json=self.texts.listing(self.w)) as answer:
            return str(expect(answer, 201)["id"])

    def upload(self, step: str, context: str, pixels: int) -> str | None:
        """Upload a picture and return its address; None, and nothing sent, without the target's consent.

        The step then stays not run and the verdict says so: a costly step nobody agreed to is not a passed one.
        """
        if "image_upload" not in self.load.target.consents:
            return None
        with self.step(step, "POST", UPLOAD, upload=multipart(self.texts.image(pixels), context)) as answer:
            data = expect(answer, 201)
            for size in ("small", "medium", "large"):
                data["thumbnails"][size]
            return str(data["cdnUrl"])

    # -- one pass through the workflow -------------------------------------------------------------------------------

    def iterate(self) -> None:
        """Walk through the steps once, thinking in between, and record the pass as one sample of kind iteration.

        A failed step does not end the pass: the seller goes on with what does not depend on it (`need` tells). The
        pass is completed when every step succeeded that the target offers (a declared gap is none until it expires),
        abandoned otherwise, aborted when the run stopped under it. In the open model it begins when it is due, or late.
        """
        self.late_s = self.await_arrival()
        self.iteration += 1
        self._at = "begin"
        began, began_at_s, self.thought_s = time.perf_counter(), time.time(), 0.0
        outcome, error = Outcome.ABORTED, None
        try:
            self.make_ready()
            outcome, error = self._walk()
        except StepFailed as failure:
            outcome, error = _ended_by(failure), str(failure)
        except StopUser:
            raise
        except Exception as bug:  # noqa: BLE001  # our own code threw: the run has to say so, whatever else it shows
            self.load.harness_bug(f"{self.workflow}.{self._at}", bug)
            outcome, error = Outcome.HARNESS_ERROR, f"{self._at}: {type(bug).__name__}: {bug}"
        finally:
            busy_ms = (time.perf_counter() - began - self.thought_s) * 1000
            self._record_event(Kind.ITERATION, None, began_at_s, outcome, busy_ms, error)

    def make_ready(self) -> None:
        """Do what comes before the first step of a pass."""
        self.begin()
        self._refresh_when_due()
        self.go_online()

    def begin(self) -> None:
        """Make ready for a pass: forget the last one; a workflow whose sellers are new each time makes one here."""

    def _walk(self) -> tuple[Outcome, str | None]:
        worst: tuple[Outcome, str | None] = (Outcome.OK, None)
        for position, name in enumerate(self.steps):
            self._at = name
            if position:
                self.think()
            try:
                getattr(self, name)()
            except StepFailed as failure:
                if name in self._gaps:
                    continue
                if worst[0] is Outcome.OK:
                    worst = _ended_by(failure), f"{name}: {failure}"
                if isinstance(failure, Blocked):
                    break
        return worst

    def think(self) -> None:
        """Pause as people do between two steps; the time is not the iteration's."""
        self.pause(self._thinks_s())
        self.check_stop()

    def need(self, value: str | None, what: str) -> str:
        """Return what an earlier step of this pass made, or end the pass without sending anything."""
        if value is None:
            raise Blocked(f"no {what}: an earlier step failed")
        return value

    def wrote(self, call: Call, outcome: Outcome, answer: Answer | None) -> None:
        """Note what the request created."""
        super().wrote(call, outcome, answer)
        if self._created is None:
            return
        created = created_by(call, answer, seller=self.w, workflow=self.workflow, sent=call.sent)
        if created is not None:
            self._created.add(created)


def _keep_tokens(account: Account, data: Data) -> None:
    account.token, account.refresh_token = token(data, "token"), token(data, "refreshToken")
    account.token_ends_at_s = time.time() + token_life_s(data.get("expiresIn"))


def _ended_by(failure: StepFailed) -> Outcome:
    """Return what a failed step makes of the pass; a throttled one says nothing about the server's work."""
    return Outcome.THROTTLED if failure.outcome is Outcome.THROTTLED else Outcome.ABANDONED
