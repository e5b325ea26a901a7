"""Look at everything a load depends on before any is sent: the target, the way to it, its sellers, this machine."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gate.findings import Findings
from gate.preflight.addresses import addresses_check
from gate.preflight.check import Check, Preflight, State, not_looked_at, ok
from gate.preflight.clock import CLOCK, clock_check, offset_bounds
from gate.preflight.disk import disk_check
from gate.preflight.health import FRONT_PAGE, Seen, Waiting, health_checks, monitor_checks
from gate.preflight.network import (
    ANSWER,
    CERTIFICATE,
    CONNECTION,
    NAME,
    PATIENCE_S,
    answer_check,
    connection_check,
    name_check,
)
from gate.preflight.trial import CATEGORIES, ORDERS, SIGN_IN, Trial, seller_checks
from gate.probe import Answer
from settings.profile import Profile
from settings.target import Target

_THREADS: Final = 16
WAY: Final = (NAME, CONNECTION, CERTIFICATE, ANSWER, CLOCK)
"""The checks of the way to the target, each of which needs those before it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be looked at, and how a seller is to be tried."""

    target: Target
    profile: Profile
    reports: Path
    trial: Trial
    lease: Callable[[], Check]
    allow_throttling: bool
    patience_s: float = PATIENCE_S  # how long a target that refuses connections is asked again


def look(subject: Subject, waiting: Waiting) -> Preflight:
    """Return every check, in the order it is shown; what depends on a failed one is not looked at.

    Only questions that change nothing are asked, and one seller signs in. BrokenToolError when our own process crashes.
    """
    started_s = time.monotonic()
    stop = threading.Event()
    pool = ThreadPoolExecutor(max_workers=_THREADS)
    try:
        own = [
            pool.submit(disk_check, subject.reports, subject.profile),
            pool.submit(subject.lease),
            pool.submit(addresses_check, subject.target, subject.profile, allow_throttling=subject.allow_throttling),
        ]
        theirs, answers = _theirs(subject, pool, stop, waiting)
        here = [done.result() for done in own]
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
    bounds = offset_bounds(answers)
    checks = (target_check(subject.target), *theirs, *here)
    return Preflight(checks, bounds, time.monotonic() - started_s)


def target_check(target: Target) -> Check:
    """Return the line of a target that is listed and allowed; one that is not never gets here."""
    kind = ", production, allowed" if target.production else ""
    return ok("target", f"{target.name}: {target.url}{kind}")


def found(preflight: Preflight, findings: Findings) -> Findings:
    """Return the findings with what the look showed: problems make a run invalid, warnings are for the record."""
    for check in preflight.checks:
        if check.doubt and check.state is not State.OK:
            figure = check.words if check.doubt == "target_unreachable" else f"{check.name}: {check.words}"
            findings = findings.with_doubt(check.doubt, figure, check.rule, invalidates=check.is_problem)
    return findings.model_copy(update={"clock_offset_s": preflight.clock_offset_s})


def unlooked(names: tuple[str, ...], target: Target | None, why: str) -> list[Check]:
    """Return the checks of a target nobody may or can ask, from the first of `names` on."""
    parts = [] if target is None else [f"health {name}" for name in target.health]
    front = [] if target is None or target.frontend_url is None else [FRONT_PAGE]
    monitors = [] if target is None else [f"monitor {monitor.name}" for monitor in target.monitors]
    return [not_looked_at(name, why) for name in (*names, *parts, *front, SIGN_IN, CATEGORIES, ORDERS, *monitors)]


def _theirs(
    subject: Subject, pool: ThreadPoolExecutor, stop: threading.Event, waiting: Waiting
) -> tuple[list[Check], list[Answer]]:
    """Return the checks of the target itself, and the answers it gave."""
    target = subject.target
    name = name_check(target)
    if name.is_problem:
        return [name, *unlooked(WAY[1:], target, "the name does not resolve")], []
    connection, certificate = connection_check(target, subject.patience_s)
    if connection.is_problem:
        return [name, connection, *unlooked(WAY[2:], target, "no connection")], []
    way = [name, connection, certificate]
    if certificate.is_problem:
        return [*way, *unlooked(WAY[3:], target, "the certificate is not accepted")], []
    answer, first = answer_check(target, subject.patience_s)
    if first is None:
        return [*way, answer, *unlooked(WAY[4:], target, "the target does not answer by itself")], []
    health = health_checks(target, pool, stop, waiting)
    monitors = pool.submit(monitor_checks, target, pool)
    sellers = seller_checks(subject.trial, target, stop)
    seen = [*health, *monitors.result()]
    answers = [first, *_answers_of(target, seen)]
    clock = clock_check(offset_bounds(answers))
    return [*way, answer, clock, *_checks(health), *sellers, *_checks(monitors.result())], answers


def _checks(seen: list[Seen]) -> list[Check]:
    return [each.check for each in seen]


def _answers_of(target: Target, seen: list[Seen]) -> list[Answer]:
    """Return the answers the target itself gave: a front page or a monitor elsewhere has a clock of its own."""
    elsewhere = {FRONT_PAGE} | {f"monitor {each.name}" for each in target.monitors if not each.url.startswith("/")}
    return [each.answer for each in seen if each.answer is not None and each.check.name not in elsewhere]
