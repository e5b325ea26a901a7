"""Hold what all sellers of this process share while a run lasts: target, seed, wallets, recorder."""

import itertools
import logging
import os
import traceback
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from locustfiles._recording import Recorder
from locustfiles._wallets import LOOPBACK_SECRET, Wallet, wallets
from runlog.redaction import redact
from settings.hosts import host_of, is_loopback
from settings.problem import UsageProblem
from settings.target import Target, check_host

OURS: Final[dict[str, Any]] = {"sellergate": True}
"""Context of every request sent through `step`; a request event without it was sent around it."""
_SELLERS_OF_A_PROCESS: Final = 100_000
"""Sellers of process 1 are numbered from 100,000, of process 2 from 200,000: they never overlap."""
_NEW_OF_A_PROCESS: Final = 10_000_000
_POOL: Final = "pool"
_logger = logging.getLogger("sellergate")


class Load:
    """One run in one process."""

    def __init__(self, *, target: Target, run_id: str, seed: int, think_ratio: float, recorder: Recorder) -> None:
        self.target = target
        self.run_id = run_id
        self.seed = seed
        self.think_ratio = think_ratio
        self.recorder = recorder
        self.stopping = False
        self.headers = {"User-Agent": f"sellergate/{run_id} (load test)", **target.headers}
        self._secret = wallet_secret(target)
        self._numbers = itertools.count(recorder.process * _SELLERS_OF_A_PROCESS)
        self._pools: dict[str, Iterator[Wallet]] = {}
        self._new = wallets(self._secret, f"run {run_id}", itertools.count(recorder.process * _NEW_OF_A_PROCESS))
        self._bugs: Counter[str] = Counter()

    def next_seller(self) -> int:
        """Return the number of another seller, unlike any other of this run."""
        return next(self._numbers)

    def pool_wallet(self, pool: str) -> Wallet:
        """Return the next wallet of a pool; a pool's wallets are the same in every run."""
        if pool not in self._pools:
            first = self.recorder.process * _SELLERS_OF_A_PROCESS
            self._pools[pool] = wallets(self._secret, f"{_POOL}/{pool}", itertools.count(first))
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
    return load
