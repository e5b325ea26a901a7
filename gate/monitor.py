"""Ask the target about itself while a run lasts, write down what it says, and stop the run when it has gone silent."""

import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from gate.fuse import Fuse
from gate.probe import Answer, ProbeError, ask
from gate.reading import Reading, health_value
from runlog.errors import RunLogError
from runlog.run import read_run, write_atomically
from runlog.schema import MONITOR_SCHEMA
from runlog.series import SeriesWriter
from settings.target import HealthCheck, Target

SERIES_FILE: Final = "monitors-0.arrow"
STOP_FILE: Final = "stop.json"
HEALTH_PREFIX: Final = "health."
HEALTH_EVERY_S: Final = 5.0
ALIVE_EVERY_S: Final = 1.0

_TICK_S: Final = 0.1
_LOOK_EVERY_S: Final = 1.0  # how often the run's own end is looked for
_ERROR_CHARS: Final = 120

Value = Callable[[Answer], float | None]
"""Takes a figure from an answer; None: this answer alone does not tell it."""


@dataclass(slots=True)
class _Question:
    """One request asked again and again, and the figures taken from its answers."""

    url: str
    method: str
    every_s: float
    figures: list[tuple[str, Value]]  # none: asked only to see whether anything answers
    due_s: float = 0.0
    asked_at_s: float = 0.0  # Unix seconds
    pending: "Future[Answer] | None" = field(default=None, repr=False)


class MonitorLoop:
    """The questions of one target, asked in threads so that a slow one delays no other; rows are written here."""

    def __init__(self, target: Target, folder: Path) -> None:
        self._target = target
        self._folder = folder
        self._fuse = Fuse()
        self._questions = _questions(target)
        self._writer = SeriesWriter(folder / SERIES_FILE, MONITOR_SCHEMA)
        self._pool = ThreadPoolExecutor(max_workers=len(self._questions))

    def run(self, ended: Callable[[], bool]) -> None:
        """Ask until `ended` says so; OSError when the series cannot be written."""
        look_s = 0.0
        try:
            while True:
                now_s = time.monotonic()
                if now_s >= look_s:
                    if ended():
                        return
                    look_s = now_s + _LOOK_EVERY_S
                for question in self._questions:
                    self._attend(question, now_s)
                time.sleep(_TICK_S)
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)  # a question takes two seconds at most
            self._writer.close()

    def _attend(self, question: _Question, now_s: float) -> None:
        if question.pending is not None:
            if not question.pending.done():
                return
            self._note(question, question.pending)
            question.pending = None
        if now_s >= question.due_s:
            question.due_s = now_s + question.every_s
            question.asked_at_s = time.time()
            question.pending = self._pool.submit(ask, self._target, question.url, question.method)

    def _note(self, question: _Question, done: "Future[Answer]") -> None:
        try:
            answer = done.result()
        except ProbeError as error:
            reason = self._fuse.failed(question.asked_at_s, time.time(), str(error)) if not question.figures else None
            if reason is not None:
                write_atomically(self._folder / STOP_FILE, json.dumps({"reason": reason}) + "\n")
            for name, _value in question.figures:
                self._write(question, name, None, str(error))
            return
        if not question.figures:
            self._fuse.answered()
        for name, value in question.figures:
            try:
                figure = value(answer)
            except ProbeError as error:
                self._write(question, name, None, str(error))
            else:
                if figure is not None:
                    self._write(question, name, figure, None)

    def _write(self, question: _Question, name: str, value: float | None, error: str | None) -> None:
        if value is None and name.startswith(HEALTH_PREFIX):
            value = 0.0  # a part that does not say it is up is down; the error says what came instead
        text = None if error is None else error[:_ERROR_CHARS]
        self._writer.append({"at_s": question.asked_at_s, "monitor": name, "value": value, "error": text})


def monitor_run(folder: Path, target: Target, parent: int) -> None:
    """Sample `target` into `folder` until the run has ended, its process is gone, or SIGTERM came."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the load, which says when it has drained
    is_child = os.getppid() == parent

    def ended() -> bool:
        gone = os.getppid() != parent if is_child else not psutil.pid_exists(parent)
        return bool(told) or gone or _has_ended(folder)

    MonitorLoop(target, folder).run(ended)


def _questions(target: Target) -> list[_Question]:
    """Return what is asked: one request for all monitors of one address, one a health check, one for the fuse."""
    questions: dict[tuple[str, float], _Question] = {}
    for monitor in target.monitors:
        key = (monitor.url, monitor.every_s)
        question = questions.setdefault(key, _Question(monitor.url, "GET", monitor.every_s, []))
        question.figures.append((monitor.name, Reading(monitor).value))
    checks = [
        _Question(check.path, check.method, HEALTH_EVERY_S, [(f"{HEALTH_PREFIX}{name}", _health_value(check))])
        for name, check in target.health.items()
    ]
    alive = next((check.path for check in target.health.values() if check.method == "GET"), "/")
    return [*questions.values(), *checks, _Question(alive, "GET", ALIVE_EVERY_S, [])]


def _health_value(check: HealthCheck) -> Value:
    return lambda answer: health_value(check, answer)


def _has_ended(folder: Path) -> bool:
    try:
        return read_run(folder).ended_at_s is not None
    except RunLogError:
        return False  # unreadable is not an end; the process that writes it is watched as well
