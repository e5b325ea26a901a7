"""Watch how well this process keeps up: CPU, lateness of its loop, pauses for garbage, files, memory, its clock."""

import gc
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import gevent
import psutil

LAG_SLEEP_S: Final = 0.005
"""How long the lag probe asks to sleep; what it sleeps longer is how late this loop serves everybody."""
_FILES: Final = "/proc/self/fd"
_SCHEDULED: Final = Path("/proc/self/schedstat")
"""Of the first thread: nanoseconds it ran, nanoseconds it could have run and did not, and how often it ran."""


class Health:
    """The figures of one process since they were asked for last."""

    def __init__(self, process: int, sellers: Callable[[], int], late_s: Callable[[], float | None]) -> None:
        """`late_s` says how late passes began since it was asked last; None where they have no time."""
        self._late_s = late_s
        self._process = process
        self._sellers = sellers
        self._own = psutil.Process()
        self._lags_ms: list[float] = []
        self._pauses_ms: list[float] = []
        self._collecting_since: float | None = None
        self._cpu_s, self._waited_s = time.process_time(), _waited_s()
        self._steady_s, self._wall_s = time.perf_counter(), time.time()
        gc.callbacks.append(self._collected)

    def close(self) -> None:
        """Watch the garbage collector no longer."""
        gc.callbacks.remove(self._collected)

    def probe_lag(self) -> None:
        """Sleep again and again, and note how much too long, for ever."""
        while True:
            began = time.perf_counter()
            gevent.sleep(LAG_SLEEP_S)
            self._lags_ms.append(max(0.0, (time.perf_counter() - began - LAG_SLEEP_S) * 1000))

    def row(self) -> dict[str, float | int | str | None]:
        """Return a row of the series `generator` (runlog.schema), and begin anew."""
        steady_s, wall_s, cpu_s = time.perf_counter(), time.time(), time.process_time()
        took_s, waited_s = steady_s - self._steady_s, _waited_s()
        lags_ms, self._lags_ms = sorted(self._lags_ms), []
        pauses_ms, self._pauses_ms = self._pauses_ms, []
        late_s = self._late_s()
        memory = psutil.virtual_memory()
        row: dict[str, float | int | str | None] = {
            "at_s": wall_s,
            "process": self._process,
            "cpu_ratio": (cpu_s - self._cpu_s) / took_s,
            "lag_p99_ms": lags_ms[int(len(lags_ms) * 0.99)] if lags_ms else took_s * 1000,
            "lag_max_ms": lags_ms[-1] if lags_ms else took_s * 1000,
            "sellers": self._sellers(),
            "memory_bytes": self._own.memory_info().rss,
            "gc_pause_ms": sum(pauses_ms),
            "gc_pause_max_ms": max(pauses_ms, default=0.0),
            "files": _open_files(),
            "files_limit": _files_limit(),
            "memory_free_ratio": memory.available / memory.total,
            "cpu_wait_ratio": None
            if waited_s is None or self._waited_s is None
            else (waited_s - self._waited_s) / took_s,
            "late_start_max_ms": None if late_s is None else late_s * 1000,
            "clock_step_ms": ((wall_s - self._wall_s) - took_s) * 1000,
        }
        self._steady_s, self._wall_s, self._cpu_s, self._waited_s = steady_s, wall_s, cpu_s, waited_s
        return row

    def _collected(self, phase: str, _info: object) -> None:
        """Hear that a collection of garbage starts or stops; nothing else runs in between."""
        now = time.perf_counter()
        if phase == "start":
            self._collecting_since = now
        elif self._collecting_since is not None:
            self._pauses_ms.append((now - self._collecting_since) * 1000)
            self._collecting_since = None


def _waited_s() -> float | None:
    """Return what the thread of the loop waited so far for a core; None where the system does not say."""
    try:
        return int(_SCHEDULED.read_text("ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


def _open_files() -> int | None:
    """Count this process's open files; None where the system does not say."""
    try:
        return len(os.listdir(_FILES))  # noqa: PTH208  # only counted: no Path for each of thousands
    except OSError:
        return None


def _files_limit() -> int | None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else min(soft, 2**31 - 1)
