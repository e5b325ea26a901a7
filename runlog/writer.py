"""Write the samples of one process, append only, so that a crash costs at most the last flush."""

import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from runlog.columns import Batch, SampleColumns, to_arrow
from runlog.run import write_atomically
from runlog.schema import SAMPLE_SCHEMA, Sample

_STREAM_OPTIONS = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)


def samples_path(folder: Path, process: int) -> Path:
    """Return where a process's samples go while the run lasts."""
    return folder / f"samples-{process}.arrow"


def closing_path(folder: Path, process: int) -> Path:
    """Return where a process says that its log is complete."""
    return folder / f"process-{process}.json"


class Closing(BaseModel):
    """A process's last word: without it its log is not complete, whatever the file looks like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    process: int
    samples: int  # handed to the recorder
    written: int  # of these, in the file
    problem: str | None  # why the rest is not
    bugs: tuple[str, ...]  # what else went wrong in this process: exceptions of our own code, health not measured
    unrecorded: int  # HTTP requests of this process that never became a sample (sent around step(...))
    closed_at_s: float
    paced_s: float | None = None  # what its sellers waited for room in rate limits, added up; None: nobody paced them


class SampleWriter:
    """The samples of one process.

    `add` and `take` run where the load runs; `write` may run in a thread beside it (never two at once). A failing
    disk never throws into the load: `problem` is set, further batches are counted as lost, and `close` says so.
    """

    def __init__(self, folder: Path, process: int) -> None:
        self.problem: str | None = None
        self.written = 0
        self._folder = folder
        self._process = process
        self.columns = SampleColumns()
        """What was added and not taken; its `put` is the way of a request."""
        self._stream: pa.ipc.RecordBatchStreamWriter | None = None
        try:
            self._file = pa.OSFile(str(samples_path(folder, process)), "wb")
            self._stream = pa.ipc.new_stream(self._file, SAMPLE_SCHEMA, options=_STREAM_OPTIONS)
        except OSError as error:
            self.problem = _first_line(error)

    @property
    def added(self) -> int:
        """Samples ever added."""
        return self.columns.added

    def add(self, sample: Sample) -> None:
        """Keep one sample until the next flush."""
        self.columns.add(sample)

    def take(self) -> Batch | None:
        """Return what waits, for `write`."""
        return self.columns.take()

    def write(self, batch: Batch | None) -> None:
        """Append a batch to the file, readable from then on; OSError ends in `problem`."""
        if batch is None or self.problem is not None or self._stream is None:
            return
        try:
            self._stream.write_batch(to_arrow(batch))
        except OSError as error:
            self.problem = _first_line(error)
            return
        self.written += batch.rows

    def flush(self) -> None:
        """Write what waits."""
        self.write(self.take())

    def close(self, *, unrecorded: int, bugs: Sequence[str], paced_s: float | None = None) -> Closing:
        """Flush, end the stream and write the closing record; the record is returned even if the disk refuses it."""
        self.flush()
        if self._stream is not None:
            try:
                self._stream.close()
                self._file.close()
            except OSError as error:
                self.problem = self.problem or _first_line(error)
            self._stream = None
        closing = Closing(
            process=self._process,
            samples=self.added,
            written=self.written,
            problem=self.problem,
            bugs=tuple(bugs),
            unrecorded=unrecorded,
            closed_at_s=time.time(),
            paced_s=paced_s,
        )
        try:
            write_atomically(closing_path(self._folder, self._process), closing.model_dump_json() + "\n")
        except OSError as error:
            self.problem = self.problem or _first_line(error)
        return closing


def _first_line(error: OSError) -> str:
    return (error.strerror or str(error)).splitlines()[0]
