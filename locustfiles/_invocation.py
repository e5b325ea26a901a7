"""Settle how Locust was called: whole paths, a run id, which target, how hard, whether anybody watches."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import gevent

from runlog.run import LATEST, RUN_FILE
from settings.leases import LeaseHeld, is_stale, read_lease
from settings.problem import UsageProblem
from settings.profile import Profile, load_profile
from settings.target import Target, check_host, load_target, target_for_host

_RUN_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_NEVER: Final = -1
"""Locust's `--autoquit` when it was not given."""
_NOT_STARTED: Final = "ready"
"""Locust's name for the state of a runner before its run."""
_logger = logging.getLogger("sellergate")


def settle(options: Any) -> None:
    """Make paths absolute, for the processes of the gate start elsewhere; UsageProblem for a run id that is no name."""
    for name in ("targets", "profiles", "thresholds", "reports"):
        setattr(options, name, str(Path(getattr(options, name)).absolute()))
    run_id = options.run_id
    if run_id is None or options.worker:  # a worker joins the run its master has opened
        return
    if not _RUN_ID.fullmatch(run_id) or run_id == LATEST:
        raise UsageProblem(f"--run-id: {run_id!r} is no name; accepted: letters, digits, '.', '_', '-', not {LATEST!r}")
    if (Path(options.reports) / run_id / RUN_FILE).exists():
        raise UsageProblem(f"--run-id: {run_id!r} is in {options.reports} already; accepted: a name of its own")


def unattended(options: Any) -> bool:
    """Return whether nobody is there to look at the run: then Locust's exit code has to be the verdict's."""
    return bool(options.headless or (options.autostart and options.autoquit != _NEVER))


def choose_target(environment: Any, options: Any) -> Target:
    """Return the target of this run: the one named, or the listed one that `--host` belongs to."""
    if options.host and options.target is None:
        target = target_for_host(options.host, folder=Path(options.targets))
    else:
        target = load_target(options.target, folder=Path(options.targets))
    environment.host = options.host = options.host or target.url
    check_host(target, environment.host)
    return target


def refuse_held(target: Target, address: str, run_id: str | None) -> None:
    """Raise LeaseHeld when another run than `run_id` loads `address`; taking the lease is the keeper's."""
    lease = read_lease(target.lease_folder, address)
    if lease is not None and lease.run_id != run_id and not is_stale(lease):
        raise LeaseHeld(lease)


def await_workers(options: Any, runner: Any, leave: Callable[[], None]) -> None:
    """Have `leave` called when the workers awaited have not come in time, in place of Locust's own waiting."""
    within_s, options.expect_workers_max_wait = options.expect_workers_max_wait, 0
    if not within_s or not unattended(options):
        return

    def look() -> None:
        here = len(runner.clients.ready)
        if runner.state == _NOT_STARTED and here < options.expect_workers:
            _logger.error("%d of %d workers came within %d s: no run", here, options.expect_workers, within_s)
            leave()

    gevent.spawn_later(within_s, look)


def choose_profile(options: Any) -> Profile | None:
    """Return the load profile named, or None: plain `-u -r -t`."""
    return None if options.load_profile is None else load_profile(options.load_profile, Path(options.profiles))


def apply_profile(environment: Any, options: Any, profile: Profile) -> tuple[str, ...]:
    """Let the profile fill in what the command line left open; return what the command line changed of it."""
    changed = []
    for option, planned in (
        ("num_users", profile.sellers),
        ("spawn_rate", profile.spawn_per_s),
        ("run_time", profile.duration_s),
    ):
        given = getattr(options, option)
        if given is None:
            setattr(options, option, planned)
        elif given != planned:
            changed.append(f"--{option.replace('_', '-')} {given:g} in place of {planned:g} of profile {profile.name}")
    for user_class in environment.user_classes:
        user_class.weight = profile.weights.get(user_class.workflow, user_class.weight)
    return tuple(changed)
