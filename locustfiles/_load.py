"""Hold what all sellers of this process share while a run lasts: target, seed, wallets, recorder, pace."""

import itertools
import logging
import os
import traceback
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from locustfiles._arrivals import Arrivals
from locustfiles._calls import Plan
from locustfiles._connections import Proxy, Way
from locustfiles._headers import forwarded_address, own_headers
from locustfiles._pacing import Pacer
from locustfiles._quiet_logs import quieten_logs
from locustfiles._realtime import Lines
from locustfiles._recording import Recorder
from locustfiles._transport import tls_context
from locustfiles._wallets import LOOPBACK_SECRET, Wallet, wallet, wallets
from runlog.redaction import hide, redact
from settings.hosts import host_of, is_loopback
from settings.problem import UsageProblem
from settings.target import Target, check_host

OURS: Final[dict[str, Any]] = {"sellergate": True}
"""Context of every request sent through `step`; a request event without it was sent around it."""
_SELLERS_OF_A_PROCESS: Final = 100_000
"""Sellers of process 1 are numbered from 100,000, of process 2 from 200,000: they never overlap."""
_NEW_OF_A_PROCESS: Final = 10_000_000
POOL: Final = "pool"
"""The reusable set of sellers that signs in when no other is named."""
_logger = logging.getLogger("sellergate")


class Load:
    """One run in one process; it keeps to the target's rate limits until it joins a command line that allows 429s."""

    def __init__(
        self,
        *,
        target: Target,
        run_id: str,
        seed: int,
        think_ratio: float,
        recorder: Recorder,
        pool: str = POOL,
        arrivals: Arrivals | None = None,
    ) -> None:
        self.target = target
        self.run_id = run_id
        self.seed = seed
        self.think_ratio = think_ratio
        self.recorder = recorder
        self.pool = pool
        self.arrivals = arrivals  # None: the closed model
        self.pacer: Pacer | None = Pacer(target.rate_limits) if target.rate_limits else None
        self.headers = own_headers(target, run_id)
        self._tls = tls_context(None if target.ca_file is None else str(target.ca_file))
        self._proxy = None if target.proxy is None else Proxy.of(target.proxy)
        self._way: Way | None = None
        self._stopping = False
        self._joined = False
        self._secret = wallet_secret(target)
        hide([*target.secrets, *([] if self._secret == LOOPBACK_SECRET else [self._secret.decode()])])
        quieten_logs()
        # the first key of a process lets other greenlets run (cffi looks up its functions), and generators forbid that
        wallet(self._secret, "first", 0)
        self._numbers = itertools.count(recorder.process * _SELLERS_OF_A_PROCESS)
        self._pools: dict[str, Iterator[Wallet]] = {}
        self._new = wallets(self._secret, f"run {run_id}", itertools.count(recorder.process * _NEW_OF_A_PROCESS))
        self._plans: dict[type, dict[tuple[str | None, str, str], Plan]] = {}
        self._bugs: Counter[str] = Counter()
        self.lines = Lines(self)
        recorder.paced_s = self._paced_s
        if arrivals is not None:
            recorder.late_s = arrivals.latest_s

    def join(self, options: Any) -> None:
        """Take over what the command line says; a worker knows its master's from its first seller on."""
        if self._joined or options is None:
            return
        self._joined = True
        self.pool = options.pool
        if self.pacer is not None:
            # one X-Forwarded-For a seller: no two processes share an address, so none has to share a limit
            processes = 1 if self.target.forwarded_for else processes_of(options)
            self.pacer = None if options.allow_throttling else Pacer(self.target.rate_limits, processes=processes)

    @property
    def stopping(self) -> bool:
        """Whether the run ends: whoever waits for room in a rate limit leaves."""
        return self._stopping

    @stopping.setter
    def stopping(self, value: bool) -> None:
        self._stopping = value
        if self.pacer is not None:
            self.pacer.wake()
        if value and self.arrivals is not None:
            self.arrivals.end()

    def freshness_budget_s(self, route: str | None) -> float:
        """Return how soon a write must be visible on a route; None: on any that has no budget of its own."""
        target = self.target
        return (
            target.freshness_budget_s
            if route is None
            else target.freshness_budgets_s.get(route, target.freshness_budget_s)
        )

    def way(self, seller: int) -> Way:
        """Return how a seller reaches the target; source addresses are dealt out by number, so each keeps one."""
        sources = self.target.client_addresses
        if not sources and self._way is not None:
            return self._way
        self._way = Way(
            timeout_s=self.target.timeout_s,
            keep_alive_s=self.target.keep_alive_s,
            source=sources[seller % len(sources)] if sources else None,
            proxy=self._proxy,
            tls=self._tls,
        )
        return self._way

    def address(self, seller: int) -> str:
        """Return what the server's limiters take for a seller's address, as far as they tell sellers apart."""
        if self.target.forwarded_for:
            return forwarded_address(seller)
        return "" if self._proxy is not None else self.way(seller).source or ""

    def socket_url(self, host: str) -> str:
        """Return where sellers who load `host` hold their sessions: ws_url is of the target's own url, unless given."""
        target, own = self.target, self.target.ws_url
        if own is not None and (target.ws_url_given or host.rstrip("/") == target.url.rstrip("/")):
            return own
        return host.replace("http", "ws", 1)

    def plans(self, sellers: type) -> dict[tuple[str | None, str, str], Plan]:
        """Return what sellers of a class planned so far, by step, method and route; all of them share it."""
        return self._plans.setdefault(sellers, {})

    def next_seller(self) -> int:
        """Return the number of another seller, unlike any other of this run."""
        return next(self._numbers)

    def pool_wallet(self, pool: str) -> Wallet:
        """Return the next wallet of a pool; a pool's wallets are the same in every run."""
        if pool not in self._pools:
            first = self.recorder.process * _SELLERS_OF_A_PROCESS
            self._pools[pool] = wallets(self._secret, f"{self.pool}/{pool}", itertools.count(first))
        return next(self._pools[pool])

    def new_wallet(self) -> Wallet:
        """Return a wallet no run ever used."""
        return next(self._new)

    def check_host(self, url: str) -> None:
        """Refuse to send anything to a host that is not the target's."""
        check_host(self.target, url)

    def harness_bug(self, place: str, bug: Exception) -> None:
        """Keep an exception of our own code: once in the log with its traceback, once among the run's problems."""
        name = f"{place}: {redact(f'{type(bug).__name__}: {bug}')}"  # it may quote what a server sent
        self._bugs[name] += 1
        if self._bugs[name] == 1:
            _logger.error("a bug of the harness in %s\n%s", place, "".join(traceback.format_exception(bug)))
            self.recorder.problems.append(name)

    def _paced_s(self) -> float | None:
        """Say at the end of the run how long sellers waited for room; None when nobody held them back."""
        if self.pacer is None:
            return None
        _logger.info(
            "rate limits: sellers waited %d times for room, %.1f s in all", self.pacer.waits, self.pacer.waited_s
        )
        return self.pacer.waited_s


def processes_of(options: Any) -> int:
    """Return how many processes share this machine's address and with it the limits: those forked, or awaited."""
    return max(1, options.processes or 1, options.expect_workers or 1)


def wallet_secret(target: Target) -> bytes:
    """Return the secret wallets are made from; UsageProblem when a target off loopback has none in the environment."""
    if target.wallet_secret_env is not None:
        secret = os.environ.get(target.wallet_secret_env)
        if secret:
            return secret.encode()
    if is_loopback(host_of(target.url)):
        return LOOPBACK_SECRET
    name = target.wallet_secret_env or "wallet_secret_env in its file"
    raise UsageProblem(f"{target.path}: wallets off loopback need a secret; set {name}")


def current(environment: Any) -> Load:
    """Return the run this process is in; a seller is born into a run or not at all.

    When a worker quits, Locust's master hands its sellers to the others, which may be stopping just then. Such a
    latecomer would send requests after the log was closed.
    """
    load: Load | None = getattr(environment, "sellergate_load", None)
    if load is None or load.stopping:
        raise RuntimeError("there is no run to join: it was not started, or it is ending")
    load.join(environment.parsed_options)
    return load
