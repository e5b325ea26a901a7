"""Measure the sandbox's own memory and processor use."""

import os
import resource
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import psutil

_WINDOW_S = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Process figures at a moment: CPU seconds since the start, in user code and in the kernel."""

    at_s: float
    user_s: float
    system_s: float


class Gauges:
    """CPU over the last seconds and memory now, of this process and its threads."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._process = psutil.Process(os.getpid())
        self._samples: deque[Sample] = deque([self.now()])
        self.memory_total_bytes: int = psutil.virtual_memory().total

    def now(self) -> Sample:
        """Read the process's CPU times."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return Sample(self._clock(), usage.ru_utime, usage.ru_stime)

    def tick(self) -> None:
        """Take a sample; called about once a second."""
        self._samples.append(self.now())
        while len(self._samples) > 2 and self._samples[1].at_s < self._clock() - _WINDOW_S:  # noqa: PLR2004 - two ends
            self._samples.popleft()

    @property
    def memory_bytes(self) -> int:
        """Resident memory of the process."""
        return int(self._process.memory_info().rss)

    @property
    def memory_percent(self) -> float:
        """Resident memory, 0..100 of the machine's."""
        return 100 * self.memory_bytes / self.memory_total_bytes

    @property
    def cpu_percent(self) -> float:
        """Processor time over the last five seconds; 100 is one core."""
        first, last = self._samples[0], self.now()
        wall_s = last.at_s - first.at_s
        used_s = last.user_s + last.system_s - first.user_s - first.system_s
        return 100 * used_s / wall_s if wall_s > 0 else 0.0
