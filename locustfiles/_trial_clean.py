"""Take down, as the sellers themselves, what a run left on their shelves."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, cast

from locustfiles._checks import StepFailed, Unreached, accepted, expect
from locustfiles._data import PREFIX
from locustfiles._load import Load
from locustfiles._recording import Recorder
from locustfiles._routes import LISTINGS_OF, READ_ALL, SELLER_LISTING
from locustfiles._seller import Seller
from locustfiles._sending import Account
from locustfiles._trial_lines import Teller, seat
from locustfiles._wallets import Wallet
from runlog.created import Kind, Registry, read_created
from runlog.run import read_run
from runlog.schema import Outcome
from settings.bill import BILL
from settings.leases import RENEW_S, LeaseHeld, release_lease, renew_lease, take_lease
from settings.problem import UsageProblem
from settings.target import Target

_FAILED: Final = 1
_UNREACHED: Final = 3
_PAGE: Final = 100
"""The most listings one answer lists (contract.md 6.5)."""
_POOL_MISSES: Final = 2_000
_NEW_MISSES: Final = 50_000
"""Wallets in a row that left nothing, after which those still looked for are not of this pool, run or secret.

Of new ones there may be many: whoever fails early in a pass leaves nothing.
"""


@dataclass(slots=True)
class Leftovers:
    """What one wallet's seller may have left."""

    wallet: str
    listings: set[str] = field(default_factory=set)
    unnamed: bool = False  # a listing was asked for and no answer told its id
    notified: bool = False


@dataclass(slots=True)
class Tally:
    """How far a clean-up is."""

    sellers: int
    done: int = 0
    down: int = 0  # listings taken down now
    gone: int = 0  # that were down already
    failed: int = 0  # sellers


class Cleaner(Seller):
    """Is each of a run's sellers in turn; takes listings off the shelf and clears the bell, nothing else."""

    workflow = "clean"
    steps = ("clean",)

    def clean(self, wallet: Wallet, left: Leftovers, tally: Tally) -> None:
        """Sign in and clean up; StepFailed, after everything else was tried, when something could not be done.

        A listing is told by its id; where one may be there without anybody knowing its id, every active one whose
        title has the prefix of test data goes.
        """
        self.account = Account(wallet)
        self.sign_in(None, self.account)
        active = dict(self._shelf()) if left.listings or left.unnamed else {}
        tally.gone += len(left.listings - active.keys())
        failure: StepFailed | None = None
        for listing, title in active.items():
            if listing in left.listings or (left.unnamed and title.startswith(f"{PREFIX} ")):
                failed = self._take_down(listing)
                tally.down += failed is None
                failure = failure or failed
        if left.notified:
            with self.step(None, "POST", READ_ALL) as answer:
                accepted(answer)
        if failure is not None:
            raise failure

    def _take_down(self, listing: str) -> StepFailed | None:
        """Take one listing off; return why that failed. Unreached when nobody answers any more."""
        try:
            with self.step(None, "DELETE", SELLER_LISTING, lid=listing) as answer:
                accepted(answer)
        except Unreached:
            raise
        except StepFailed as failure:
            return failure
        return None

    def _shelf(self) -> Iterator[tuple[str, str]]:
        """Yield (id, title) of every active listing of this seller; a page that tells nothing new is the last."""
        seen: set[str] = set()
        for offset in itertools.count(0, _PAGE):
            query = f"status=active&limit={_PAGE}&offset={offset}"
            with self.step(None, "GET", LISTINGS_OF, query=query, unique=True, w=self.w) as answer:
                rows = expect(answer).objects("listings")
            new = [row for row in rows if str(row["id"]) not in seen]
            seen.update(str(row["id"]) for row in new)
            yield from ((str(row["id"]), str(row["title"])) for row in new if row["status"] == "active")
            if len(rows) < _PAGE or not new:
                return


def clean_up(folder: Path, target: Target, pool: str | None) -> int:
    """Clean up after the run in `folder`, telling progress and what could not be done; return the exit code.

    RunLogError when the run or its registry cannot be read; UsageProblem while a run loads the target. Without any
    answer from the target nothing more is tried.
    """
    run_id = read_run(folder).id
    work = [(registry, leftovers(registry)) for registry in read_created(folder)]
    with _leased(target, f"clean {run_id}") as renew:
        return _clean_all(work, Way(target, run_id, pool, renew))


@contextmanager
def _leased(target: Target, who: str) -> Iterator[Callable[[], None]]:
    """Hold the target's lease, and give a way to renew it: cleaning up is load, too."""
    try:
        lease = take_lease(target.lease_folder, target.url, who)

        def renew() -> None:
            nonlocal lease
            if time.time() - lease.renewed_at_s >= RENEW_S:
                lease = renew_lease(target.lease_folder, lease)

        try:
            yield renew
        finally:
            release_lease(target.lease_folder, lease)
    except LeaseHeld as held:  # from the start, or meanwhile: this process stood still for long
        raise UsageProblem(f"clean: {held}") from held


@dataclass(frozen=True, slots=True)
class Way:
    """How the sellers of one run are reached."""

    target: Target
    run_id: str
    pool: str | None  # None: as the run noted
    renew: Callable[[], None]


def _clean_all(work: Sequence[tuple[Registry, dict[str, Leftovers]]], way: Way) -> int:
    """Clean up after every process of a run and return the exit code."""
    teller, tally, reached = Teller(way.target), Tally(sum(len(each) for _, each in work)), True
    for registry, by_wallet in work:
        load = Load(
            target=way.target,
            run_id=way.run_id,
            seed=1,
            think_ratio=0.0,
            recorder=cast("Recorder", Teller(way.target, registry.process)),  # as in any trial: it keeps nothing
            pool=way.pool or registry.pool,
        )
        cleaner = cast("Cleaner", seat(Cleaner, load))
        for address, wallet in _found(load, by_wallet, registry):
            way.renew()
            reached = reached and _clean_one(cleaner, wallet, by_wallet[address], tally, teller)
            if not reached:
                tally.failed = tally.sellers - (tally.done - tally.failed)
                break
    teller.say("result", **asdict(tally))
    if not reached:
        return _UNREACHED
    return _FAILED if tally.failed else 0


def _clean_one(cleaner: Cleaner, wallet: Wallet | None, left: Leftovers, tally: Tally, teller: Teller) -> bool:
    """Clean up as one seller; return whether the target was there."""
    failure: StepFailed | None = None
    if wallet is not None:
        try:
            cleaner.clean(wallet, left, tally)
        except StepFailed as failed:
            failure = failed
    tally.done += 1
    if wallet is None or failure is not None:
        error = str(failure or "its key is not found: another secret, or another pool")
        tally.failed += 1
        address = left.wallet if wallet is None else wallet.lower
        teller.say("left", wallet=address, listings=len(left.listings), error=error)
    teller.say("progress", done=tally.done, of=tally.sellers)
    return failure is None or failure.outcome is not Outcome.CONNECT_ERROR


def leftovers(registry: Registry) -> dict[str, Leftovers]:
    """Return by wallet what one process's sellers may have left that the API can take away."""
    found: dict[str, Leftovers] = {}
    for made in registry.created:
        if made.kind not in (Kind.NOTIFICATION, Kind.LISTING):
            continue
        left = found.setdefault(made.wallet, Leftovers(made.wallet))
        if made.kind is Kind.NOTIFICATION:
            left.notified = True
        elif made.id is None:
            left.unnamed = True
        else:
            left.listings.add(made.id)
    return found


def _found(load: Load, wanted: dict[str, Leftovers], registry: Registry) -> Iterator[tuple[str, Wallet | None]]:
    """Yield each wallet with its key, found by walking the pools and the new wallets of this process's run again."""
    makers = {made.wallet: made.workflow for made in registry.created if made.wallet in wanted}
    from_pools: dict[str, set[str]] = {}
    new: set[str] = set()
    for address, workflow in makers.items():
        if workflow in BILL and BILL[workflow].new_wallet:
            new.add(address)
        else:
            from_pools.setdefault(workflow, set()).add(address)
    for workflow, addresses in sorted(from_pools.items()):
        yield from _walk(partial(load.pool_wallet, workflow), addresses, _POOL_MISSES)
        new |= set() if workflow in BILL else addresses  # a workflow of a team's own may have new sellers, too
    yield from _walk(load.new_wallet, new, _NEW_MISSES)
    missing = new.union(*(addresses for workflow, addresses in from_pools.items() if workflow in BILL))
    yield from ((address, None) for address in sorted(missing))


def _walk(next_wallet: Callable[[], Wallet], missing: set[str], most: int) -> Iterator[tuple[str, Wallet]]:
    """Yield wallets that are looked for, and take them out of `missing`, until so many in a row were not."""
    misses = 0
    while missing and misses < most:
        wallet = next_wallet()
        misses += 1
        if wallet.lower in missing:
            misses = 0
            missing.discard(wallet.lower)
            yield wallet.lower, wallet
