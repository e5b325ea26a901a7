"""Load a run directory: seal its log, read samples and series into frames, note what is missing."""

import hashlib
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa

from analysis.evidence import Evidence, LogDoubt
from runlog.errors import RunLogError
from runlog.reader import read_samples, read_series
from runlog.run import RUN_FILE, read_run
from runlog.schema import GENERATOR_SCHEMA, MONITOR_SCHEMA, SAMPLE_SCHEMA
from runlog.seal import seal

_EVIDENCE_FILES: Final = (RUN_FILE, "samples.parquet", "generator.parquet", "monitors.parquet", "failures.jsonl")
_CHUNK_BYTES: Final = 1 << 20


def load(folder: Path) -> Evidence:
    """Return what a run left behind; RunLogError only when run.json itself is missing or malformed.

    Whatever else cannot be read is empty in the evidence and named among its log doubts.
    """
    run = read_run(folder)
    doubts: list[LogDoubt] = []
    paced_s: float | None = None
    try:
        sealed = seal(folder)
        paced_s = sealed.paced_s
        doubts += [LogDoubt(problem.name, problem.process, problem.detail) for problem in sealed.problems]
    except RunLogError as error:
        doubts.append(_unreadable(folder, error))
    tables: dict[str, pa.Table] = {}
    try:
        tables["samples"] = read_samples(folder)
    except RunLogError as error:
        doubts.append(_unreadable(folder, error))
    for name in ("generator", "monitors"):
        try:
            tables[name] = read_series(folder, name)
        except RunLogError as error:
            doubts.append(_unreadable(folder, error))
    return Evidence(
        run=run,
        samples=to_frame(tables.get("samples", SAMPLE_SCHEMA.empty_table())),
        generator=to_frame(tables.get("generator", GENERATOR_SCHEMA.empty_table())),
        monitors=to_frame(tables.get("monitors", MONITOR_SCHEMA.empty_table())),
        log_doubts=tuple(dict.fromkeys(doubts)),
        paced_s=paced_s,
        files={name: _sha256(folder / name) for name in _EVIDENCE_FILES if (folder / name).is_file()},
    )


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return a table of the run log as a frame: dictionary columns are categories, null numbers are NaN."""
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas()
    return frame


def _unreadable(folder: Path, error: RunLogError) -> LogDoubt:
    """Return the doubt of an error, without the path of the run: the verdict is the same wherever it is judged."""
    return LogDoubt("log_unreadable", None, str(error).replace(f"{folder}/", "").replace(f"{folder}: ", ""))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
