"""Record what this process does and how well it keeps up: samples, failing exchanges, its own CPU and loop lag."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import gevent

from locustfiles._health import Health
from runlog.failures import FailureLog
from runlog.schema import GENERATOR_SCHEMA, Kind, Sample
from runlog.series import SeriesWriter
from runlog.writer import Closing, SampleWriter

FLUSH_S: Final = 0.5
"""At most this much is lost when the process is killed."""
HEALTH_S: Final = 1.0


class Recorder:
    """Everything one process keeps of one run; `problems` are what the verdict has to know about it."""

    def __init__(self, folder: Path, process: int, sellers: Callable[[], int]) -> None:
        self.process = process
        self.unrecorded = 0
        self.problems: list[str] = []
        self.paced_s: Callable[[], float | None] = _nobody_waited
        self.late_s: Callable[[], float | None] = _nothing_was_due
        self.failures = FailureLog(folder, process)
        self._sellers = sellers
        self._writer = SampleWriter(folder, process)
        self.put = self._writer.columns.put
        """Keep the sample of a request; see `SampleColumns.put`."""
        self._greenlets = [gevent.spawn(self._flush_for_ever)]
        try:
            self._health: SeriesWriter | None = SeriesWriter(folder / f"generator-{process}.arrow", GENERATOR_SCHEMA)
        except OSError as error:
            self._health = None
            self.problems.append(f"generator health not recorded: {error.strerror or error}")
        else:
            self._greenlets.append(gevent.spawn(self._watch_health))

    @property
    def samples(self) -> int:
        """Samples made so far."""
        return self._writer.added

    def add(self, sample: Sample) -> None:
        """Keep one sample that is no request."""
        self._writer.add(sample)

    def subject(self, kind: Kind, workflow: str | None, step: str | None, method: str, route: str) -> int:
        """Return the code that `put` takes for what requests are about."""
        return self._writer.columns.subjects[kind, workflow, step, method, route]

    def close(self) -> Closing:
        """Stop recording, flush, and write the closing record."""
        gevent.killall(self._greenlets)
        paced_s = self.paced_s()
        if self._health is not None:
            try:
                self._health.close()
            except OSError as error:
                self.problems.append(f"generator health not recorded: {error.strerror or error}")
        return self._writer.close(unrecorded=self.unrecorded, bugs=self.problems, paced_s=paced_s)

    def _flush_for_ever(self) -> None:
        """Hand batches to a thread: a slow disk must not hold up the sellers; taking one is cheap."""
        pool = gevent.get_hub().threadpool
        while True:
            gevent.sleep(FLUSH_S)
            batch = self._writer.take()
            # joined even when killed in between, so that no two writes ever overlap
            writing = pool.spawn(self._writer.write, batch)
            try:
                writing.get()
            except gevent.GreenletExit:
                writing.get()
                raise

    def _watch_health(self) -> None:
        health = Health(self.process, self._sellers, lambda: self.late_s())  # noqa: PLW0108  # it is set later
        self._greenlets.append(gevent.spawn(health.probe_lag))
        try:
            while True:
                gevent.sleep(HEALTH_S)
                if not self._append(health.row()):
                    return
        finally:
            health.close()

    def _append(self, row: Mapping[str, float | int | str | None]) -> bool:
        try:
            if self._health is not None:
                self._health.append(row)
        except OSError as error:
            self.problems.append(f"generator health not recorded: {error.strerror or error}")
            self._health = None
            return False
        return True


def _nobody_waited() -> float | None:
    """Wait to be replaced: without rate limits no seller waits for room in them."""
    return None


def _nothing_was_due() -> float | None:
    """Wait to be replaced: in the closed model a pass begins when the one before has ended."""
    return None
