"""Seal a finished run: merge what each process wrote into Parquet and write down whether all of it arrived."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from runlog.clocks import shifts_s
from runlog.errors import RunLogError
from runlog.failures import FAILURES_FILE, failure_parts
from runlog.reader import SAMPLES_FILE, SERIES_SCHEMAS, Part, part_paths, process_of
from runlog.run import Run, read_run, write_atomically
from runlog.schema import FORMAT, SAMPLE_SCHEMA, TIMES
from runlog.writer import Closing, closing_path

SEAL_FILE: Final = "seal.json"
_ROW_GROUP: Final = 100_000
UNCLOSED: Final = {"log_missing", "not_closed"}
"""Problems of a process of which more may be found on its own machine."""

ProblemName = Literal[
    "log_missing", "log_truncated", "samples_lost", "recording_failed", "not_closed", "unrecorded", "bug"
]


class LogProblem(BaseModel):
    """One way in which a process's log is not all of what it did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ProblemName
    process: int
    detail: str


class SealReport(BaseModel):
    """What sealing found; `problems` is empty when every sample of every process is in samples.parquet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    samples: int
    problems: tuple[LogProblem, ...]
    paced_s: float | None = None
    """What sellers waited for room in rate limits, all added up; None when no process paced them."""


def seal(folder: Path) -> SealReport:
    """Merge the parts of a run into Parquet files and return what was found.

    A run that has ended is sealed once: the parts are removed after the merged files are in place, and sealing again
    returns the stored report. Where a process never closed its log they stay, for `collect` to complete. A run without
    an end (crashed, or still running) keeps its parts and gets no seal, so that a look at it while it lasts does not
    stand for its end.
    RunLogError when run.json is unreadable or the disk refuses the result; then the parts are untouched.
    """
    with alone_in(folder):
        run = read_run(folder)
        finished = run.ended_at_s is not None
        if finished and (folder / SEAL_FILE).exists():
            return read_seal(folder)
        parts = [Part(path, SAMPLE_SCHEMA) for path in part_paths(folder, "samples")]
        try:
            report, merged = _merged(folder, run, parts)
            if finished:
                write_atomically(folder / SEAL_FILE, report.model_dump_json(indent=2) + "\n")
        except (OSError, pa.ArrowException) as error:
            raise RunLogError(f"{folder}: cannot be sealed: {str(error).splitlines()[0]}") from error
        if finished and not UNCLOSED & {problem.name for problem in report.problems}:
            for path in merged:
                path.unlink()
        return report


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Let nobody else seal this run meanwhile: two would merge into one temporary file, and each remove the parts."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise RunLogError(f"{folder}: {error.strerror or error}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # and with it the lock


def _merged(folder: Path, run: Run, parts: list[Part]) -> tuple[SealReport, list[Path]]:
    """Write the merged files; return what was found, and the files that are merged now."""
    shifts = shifts_s(run.clocks)
    samples = _merge(parts, folder / SAMPLES_FILE, SAMPLE_SCHEMA, shifts)
    series: list[Part] = []
    for name, schema in SERIES_SCHEMAS.items():
        own = [Part(path, schema) for path in part_paths(folder, name)]
        # monitors are asked by the master's side, whatever the number of its file
        _merge(own, folder / f"{name}.parquet", schema, {} if name == "monitors" else shifts)
        series += own
    failures = failure_parts(folder)
    write_atomically(folder / FAILURES_FILE, "".join(_whole_lines(path) for path in failures))
    report = SealReport(samples=samples, problems=tuple(_problems(folder, run, parts)), paced_s=_paced_s(folder, parts))
    return report, [part.path for part in parts + series] + failures


def read_seal(folder: Path) -> SealReport:
    """Return the stored report of an earlier `seal`; RunLogError when missing, malformed or not true of the file."""
    path = folder / SEAL_FILE
    try:
        report = SealReport.model_validate_json(path.read_bytes())
        rows = pq.read_metadata(folder / SAMPLES_FILE).num_rows
    except (OSError, pa.ArrowException) as error:
        raise RunLogError(f"{folder}: sealed, but not readable: {str(error).splitlines()[0]}") from error
    except ValidationError as error:
        raise RunLogError(f"{path}: not a seal of format {FORMAT}") from error
    if rows != report.samples:
        raise RunLogError(f"{folder / SAMPLES_FILE}: holds {rows} samples, was sealed with {report.samples}")
    return report


def _merge(parts: list[Part], path: Path, schema: pa.Schema, shifts: Mapping[int, float]) -> int:
    """Write all batches of all parts to one Parquet file, on the master's clock, and return the number of rows."""
    temporary = path.with_name(f".{path.name}")
    rows = 0
    with pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as writer:
        for table in _grouped(parts, schema, shifts):
            writer.write_table(table)
            rows += table.num_rows
    temporary.replace(path)
    return rows


def _grouped(parts: list[Part], schema: pa.Schema, shifts: Mapping[int, float]) -> Iterator[pa.Table]:
    """Yield the batches of all parts as tables of about one row group: a flush a second would make tiny ones."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for part in parts:
        shift_s = shifts.get(process_of(part.path), 0.0)
        for batch in part:
            waiting.append(_shifted(batch, shift_s) if shift_s else batch)
            rows += batch.num_rows
            if rows >= _ROW_GROUP:
                yield pa.Table.from_batches(waiting, schema).unify_dictionaries()
                waiting, rows = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting, schema).unify_dictionaries()


def _shifted(batch: pa.RecordBatch, shift_s: float) -> pa.RecordBatch:
    """Return a batch with its times moved; columns keep their types, and nulls stay null."""
    for name in TIMES:
        if name in batch.schema.names:
            index = batch.schema.get_field_index(name)
            batch = batch.set_column(index, batch.schema.field(index), pc.add(batch[name], shift_s))
    return batch


def _whole_lines(path: Path) -> str:
    """Return the text up to its last line end: a line a crash cut short must not run into the next process's first."""
    text = path.read_text("utf-8")
    return text[: text.rfind("\n") + 1]


def _problems(folder: Path, run: Run, parts: list[Part]) -> Iterator[LogProblem]:
    """Yield what separates the log from what the processes did."""
    by_process = {process_of(part.path): part for part in parts}
    # a log nobody announced is held to the same rules: its samples are in the result too
    for process in sorted({*run.generator.processes, *by_process}):
        part = by_process.get(process)
        if part is None:
            detail = f"wrote no samples file{_missing(run, run.started_at_s)}"
            yield LogProblem(name="log_missing", process=process, detail=detail)
            continue
        closing = _read_closing(folder, process)
        if part.torn is not None:
            yield LogProblem(name="log_truncated", process=process, detail=f"after {part.rows} samples: {part.torn}")
        if closing is None:
            shift_s = shifts_s(run.clocks).get(process, 0.0)
            since_s = run.started_at_s if part.last_sent_s is None else part.last_sent_s + shift_s
            detail = f"ended without its closing record after {part.rows} samples{_missing(run, since_s)}"
            yield LogProblem(name="not_closed", process=process, detail=detail)
        else:
            yield from _closing_problems(closing, part)


def _missing(run: Run, since_s: float) -> str:
    """Say which seconds of an ended run are not in a log that goes up to `since_s`."""
    if run.ended_at_s is None:
        return ""
    first_s, last_s = since_s - run.started_at_s, run.ended_at_s - run.started_at_s
    return f", missing from {first_s:.1f} s to {max(first_s, last_s):.1f} s of the run"


def _closing_problems(closing: Closing, part: Part) -> Iterator[LogProblem]:
    if closing.problem is not None:
        yield LogProblem(name="recording_failed", process=closing.process, detail=closing.problem)
    if part.rows != closing.samples:
        yield LogProblem(
            name="samples_lost",
            process=closing.process,
            detail=f"{closing.samples} samples were made, {part.rows} are in the log",
        )
    for bug in closing.bugs:
        yield LogProblem(name="bug", process=closing.process, detail=bug)
    if closing.unrecorded:
        yield LogProblem(
            name="unrecorded",
            process=closing.process,
            detail=f"{closing.unrecorded} requests were sent outside step(...)",
        )


def _paced_s(folder: Path, parts: list[Part]) -> float | None:
    closings = [_read_closing(folder, process_of(part.path)) for part in parts]
    waited = [closing.paced_s for closing in closings if closing is not None and closing.paced_s is not None]
    return sum(waited) if waited else None


def _read_closing(folder: Path, process: int) -> Closing | None:
    try:
        return Closing.model_validate_json(closing_path(folder, process).read_bytes())
    except (OSError, ValidationError):
        return None
