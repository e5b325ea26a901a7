"""Read a run directory back: sealed Parquet, or the Arrow parts of a run that was never sealed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from runlog.errors import RunLogError
from runlog.schema import GENERATOR_SCHEMA, LATER_COLUMNS, MONITOR_SCHEMA, SAMPLE_SCHEMA

SAMPLES_FILE: Final = "samples.parquet"
SERIES_SCHEMAS: Final[dict[str, pa.Schema]] = {"generator": GENERATOR_SCHEMA, "monitors": MONITOR_SCHEMA}


@dataclass(slots=True)
class Part:
    """One Arrow file of one process, read batch by batch; after iterating, `rows` and `torn` tell how far it went."""

    path: Path
    schema: pa.Schema
    rows: int = 0
    torn: str | None = None
    """Why reading stopped before the end of the file; None when every byte made sense."""
    last_sent_s: float | None = None
    """When its last sample was sent; None without samples, and in a series."""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield every batch that was completely written."""
        try:
            with pa.OSFile(str(self.path), "rb") as source:
                reader = pa.ipc.open_stream(source)
                later = _later(reader.schema, self.schema)
                if not reader.schema.equals(_without(self.schema, later)):
                    raise RunLogError(f"{self.path}: columns are not those of format 1")
                while True:
                    try:
                        batch = reader.read_next_batch()
                    except StopIteration:
                        return
                    self.rows += batch.num_rows
                    self._note_last(batch)
                    yield _filled(batch, later, self.schema)
        except (OSError, pa.ArrowException) as error:
            self.torn = str(error).splitlines()[0]

    def _note_last(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows and "sent_at_s" in batch.schema.names:
            last_s = pc.max(batch["sent_at_s"]).as_py()
            self.last_sent_s = last_s if self.last_sent_s is None else max(last_s, self.last_sent_s)


def part_paths(folder: Path, name: str) -> list[Path]:
    """Return the Arrow parts `name-<process>.arrow` of a run, in order of process."""
    return sorted(folder.glob(f"{name}-*.arrow"), key=process_of)


def process_of(path: Path) -> int:
    """Return the process a part belongs to."""
    return int(path.stem.rpartition("-")[2])


def read_samples(folder: Path) -> pa.Table:
    """Return all samples of a run; RunLogError when there is no readable log at all."""
    return _read(folder, "samples", SAMPLE_SCHEMA, required=True)


def read_series(folder: Path, name: Literal["generator", "monitors"]) -> pa.Table:
    """Return a time series of a run; empty when none was written."""
    return _read(folder, name, SERIES_SCHEMAS[name], required=False)


def _read(folder: Path, name: str, schema: pa.Schema, *, required: bool) -> pa.Table:
    sealed = folder / f"{name}.parquet"
    if sealed.exists():
        try:
            table = pq.read_table(sealed, page_checksum_verification=True)
            later = _later(table.schema, schema)
            known = _columns(table.schema) == _columns(_without(schema, later))
            table.validate(full=True)
        except (OSError, pa.ArrowException, UnicodeDecodeError) as error:  # the last one: a damaged column name
            raise RunLogError(f"{sealed}: not readable: {str(error).splitlines()[0]}") from error
        if not known:
            raise RunLogError(f"{sealed}: columns are not those of format 1")
        return _filled(table, later, schema)
    parts = part_paths(folder, name)
    if required and not parts:
        raise RunLogError(f"{folder}: holds no samples; expected {name}.parquet or {name}-<process>.arrow")
    batches = [batch for path in parts for batch in Part(path, schema)]
    return pa.Table.from_batches(batches, schema).unify_dictionaries()


def _later(found: pa.Schema, schema: pa.Schema) -> list[pa.Field]:
    """Return the columns that came later and are not in what was found."""
    return [field for field in schema if field.name in LATER_COLUMNS and field.name not in found.names]


def _without(schema: pa.Schema, left_out: list[pa.Field]) -> pa.Schema:
    return pa.schema([field for field in schema if field not in left_out])


def _filled(rows: pa.RecordBatch | pa.Table, later: list[pa.Field], schema: pa.Schema) -> pa.RecordBatch | pa.Table:
    """Return rows of an older log with the columns that came later, all null."""
    for field in later:
        rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    return rows.select(schema.names)


def _columns(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    """Return names and types; of categories the type of their words, for Parquet widens their codes."""
    return [
        (field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type) for field in schema
    ]
