"""Start the processes of a benchmark, watch what they use, and end exactly those."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil

CHECKOUT: Final = Path(__file__).parents[1]
PATIENCE_S: Final = 30.0
_CPU_CLOCK: Final = 2  # Linux: the clock of all a process's threads, in nanoseconds where /proc has hundredths


class BenchFailed(Exception):  # noqa: N818  # a measurement that did not come about
    """A part of the benchmark did not do what is measured; the text says which."""


class Process:
    """One child; leaving its `with` ends it, by its id."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._child = subprocess.Popen(
            arguments,
            cwd=CHECKOUT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._watched = psutil.Process(self._child.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self._child.communicate()

    def cpu_s(self) -> float:
        """Return the seconds of CPU it used so far, of user and system and all its threads."""
        return time.clock_gettime((~self._child.pid << 3) | _CPU_CLOCK)

    def resident_kb(self) -> float:
        """Return the memory it has resident, in kB of 1,000 bytes."""
        return float(self._watched.memory_info().rss) / 1000

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._child.poll() is not None

    def finish(self) -> None:
        """Wait until it has ended by itself; BenchFailed when it does not, or ends badly."""
        try:
            self._child.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            raise BenchFailed(f"{self._child.args!r} does not end") from error
        if self._child.returncode != 0:
            raise BenchFailed(f"{self._child.args!r} ended with {self._child.returncode}")

    def first_line(self) -> str:
        """Return the first line it prints."""
        assert self._child.stdout is not None  # noqa: S101  # it is a pipe
        return self._child.stdout.readline()

    def last_word(self) -> dict[str, Any]:
        """Wait for its end and return the JSON of its last line; BenchFailed when there is none."""
        try:
            text, _ = self._child.communicate(timeout=PATIENCE_S)
            said: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
        except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
            raise BenchFailed(f"{self._child.args!r} said nothing at its end (exit {self._child.poll()})") from error
        return said


def k6_binary() -> Path:
    """Return where requirements/bench.txt puts k6."""
    return Path(sys.executable).with_name("k6")
