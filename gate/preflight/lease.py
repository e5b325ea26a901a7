"""Say whether somebody loads the target already, and keep its lease while a run lasts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gate.preflight.check import Check, ok, problem, warning
from settings.leases import (
    RENEW_S,
    Lease,
    LeaseHeld,
    is_stale,
    read_lease,
    release_lease,
    renew_lease,
    take_lease,
)
from settings.target import Target

_NAME: Final = "lease"
_RULE: Final = "one run loads a target at a time"


def lease_check(target: Target) -> Check:
    """Return whether the target's lease is free; takes nothing."""
    lease = read_lease(target.lease_folder, target.url)
    if lease is None:
        return ok(_NAME, "free")
    if is_stale(lease):
        return ok(_NAME, f"free: that of run {lease.run_id} of {lease.holder} has expired")
    return held_check(LeaseHeld(lease))


def held_check(held: LeaseHeld) -> Check:
    """Return the problem of a target that another run loads."""
    return problem(_NAME, str(held), "lease_held", _RULE)


class HeldLease:
    """A lease that a thread renews until it is given back."""

    def __init__(self, folder: Path, lease: Lease) -> None:
        self._folder = folder
        self._lease = lease
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._thread.start()

    def check(self) -> Check:
        """Return the line of a lease that this run holds."""
        if self._lease.replaced is not None:
            return warning(_NAME, f"taken over from {self._lease.replaced}", "lease_taken_over", _RULE)
        return ok(_NAME, "held by this run")

    def release(self) -> None:
        """Give the lease back."""
        self._done.set()
        self._thread.join()
        with suppress(OSError):  # it expires by itself
            release_lease(self._folder, self._lease)

    def _renew(self) -> None:
        """Renew until told; the load renews as well, and it is the one to say that the lease was lost."""
        while not self._done.wait(RENEW_S):
            with suppress(LeaseHeld, OSError):
                renew_lease(self._folder, self._lease)


@contextmanager
def holding_lease(target: Target, run_id: str) -> Iterator[HeldLease | LeaseHeld]:
    """Hold the target's lease while the block lasts, or yield who has it; UsageProblem when none can be kept at all."""
    try:
        lease = take_lease(target.lease_folder, target.url, run_id)
    except LeaseHeld as held:
        yield held
        return
    kept = HeldLease(target.lease_folder, lease)
    try:
        yield kept
    finally:
        kept.release()
