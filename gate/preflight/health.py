"""Wait until every part of the target says that it is up, and see whether it tells what is to be watched."""

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Final

from gate.preflight.check import Check, ok, problem
from gate.probe import Answer, ProbeError, UnknownNameError, ask
from gate.reading import health_value, monitor_value
from settings.target import HealthCheck, Monitor, Target

_PAUSE_S: Final = 1.0
_NAME_S: Final = 10.0
_PURPOSE: Final = "preflight"
FRONT_PAGE: Final = "front page"

Waiting = Callable[[str, float, float], None]
"""Told while a part is not up yet: what came instead, seconds since the first question, seconds it may take."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A check, and the answer it was made from."""

    check: Check
    answer: Answer | None


def health_checks(target: Target, pool: Executor, stop: threading.Event, waiting: Waiting) -> list[Seen]:
    """Return one check for each part and for the front page, asked at the same time until all are up or time is over.

    Time is the target's `health_timeout_s`; a set `stop` ends the waiting.
    """
    asked = {f"health {name}": check for name, check in target.health.items()}
    if target.frontend_url is not None:
        asked[FRONT_PAGE] = HealthCheck(target.frontend_url)
    pending: list[Future[Seen]] = [
        pool.submit(_until_up, target, name, check, stop, waiting) for name, check in asked.items()
    ]
    return [done.result() for done in pending]


def monitor_checks(target: Target, pool: Executor) -> list[Seen]:
    """Return one check a monitor: whether its figure is there; monitors of one address share a question."""
    asked = {monitor.url: pool.submit(_answer, target, monitor.url) for monitor in target.monitors}
    return [_monitor(monitor, asked[monitor.url].result()) for monitor in target.monitors]


def _until_up(target: Target, name: str, check: HealthCheck, stop: threading.Event, waiting: Waiting) -> Seen:
    began_s = time.monotonic()
    while True:
        asked_s = time.monotonic()
        try:
            answer = ask(target, check.path, check.method, purpose=_PURPOSE)
            health_value(check, answer)
        except ProbeError as error:
            words = str(error)
            # parts come up in minutes; a name that nobody knows now will not be known then either
            patience_s = min(target.health_timeout_s, _NAME_S if isinstance(error, UnknownNameError) else math.inf)
        else:
            now_s = time.monotonic()
            waited = f" after {now_s - began_s:.0f} s" if asked_s - began_s > _PAUSE_S else ""
            return Seen(ok(name, f"up{waited}, {answer.status} in {(now_s - asked_s) * 1000:.0f} ms"), answer)
        so_far_s = time.monotonic() - began_s
        if so_far_s + _PAUSE_S > patience_s or stop.wait(_PAUSE_S):
            asked_for = f" (asked for {so_far_s:.0f} s)" if so_far_s > _PAUSE_S else ""
            rule = f"every health check is up within {target.health_timeout_s:g} s, before the load starts"
            return Seen(problem(name, f"{words}{asked_for}", "health_down", rule), None)
        waiting(f"{name}: {words}", so_far_s, patience_s)


def _answer(target: Target, url: str) -> Answer | str:
    try:
        return ask(target, url, purpose=_PURPOSE)
    except ProbeError as error:
        return str(error)


def _monitor(monitor: Monitor, answer: Answer | str) -> Seen:
    name = f"monitor {monitor.name}"
    try:
        if isinstance(answer, str):
            raise ProbeError(answer)  # noqa: TRY301 - one way to say it, whoever found out
        value = monitor_value(monitor, answer)
    except ProbeError as error:
        return Seen(problem(name, str(error), "monitor_silent", "every monitor of the target answers"), None)
    words = "counts" if monitor.counters else f"{value:.3g}"
    return Seen(ok(name, words), answer if isinstance(answer, Answer) else None)
