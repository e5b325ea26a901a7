"""Start the load as a process of its own, pass signals on to it, show its progress and see that it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from gate.progress import ProgressPrinter
from settings.document import CHECKOUT

LOG_FILE: Final = "locust.log"
LOCUST: Final = (sys.executable, "-m", "locust")
_POLL_S: Final = 0.1
_TERM_S: Final = 20.0
"""What a load that does not end by itself gets between SIGTERM and SIGKILL."""


@dataclass(frozen=True, slots=True)
class LoadEnd:
    """How the load process ended."""

    code: int  # negative: the signal that killed it
    overdue: bool  # it had to be told, long after its planned time
    last_words: tuple[str, ...]  # the end of its log


def load_environment(environ: Mapping[str, str], **changes: str) -> dict[str, str]:
    """Return the environment of the load: ours without LOCUST_*, which would change the profile behind its back."""
    kept = {name: value for name, value in environ.items() if not name.startswith("LOCUST_")}
    return {**kept, **changes}


def run_load(
    command: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    longest_s: float,
    printer: ProgressPrinter,
) -> LoadEnd:
    """Run `command` to its end, at most `longest_s`; its output goes to locust.log in `folder`.

    The first SIGINT or SIGTERM is passed on and the drain waited for; a second one kills.
    """
    log_path = folder / LOG_FILE
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a terminal's Ctrl-C comes here only, and is passed on once
        )
        try:
            with _passing_signals_to(process):
                overdue = _wait(process, longest_s, lambda: printer.show(folder))
        finally:
            _kill_group(process)
            process.wait()
            printer.close()
    words = log_path.read_text("utf-8", errors="replace").strip().splitlines()
    return LoadEnd(process.returncode, overdue, tuple(words[-40:]))


def _wait(process: "subprocess.Popen[bytes]", longest_s: float, show: Callable[[], None]) -> bool:
    """Wait for the end and return whether it had to be forced."""
    until = time.monotonic() + longest_s
    overdue = False
    while process.poll() is None:
        show()
        time.sleep(_POLL_S)
        if time.monotonic() >= until:
            if overdue:
                break
            overdue = True
            process.terminate()
            until = time.monotonic() + _TERM_S
    return overdue


@contextmanager
def _passing_signals_to(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    passed: list[int] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        if passed:
            _kill_group(process)
        elif process.poll() is None:
            process.send_signal(number)
        passed.append(number)

    before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill the load with whatever it started; the session is its own, so nobody else is in it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
