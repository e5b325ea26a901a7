"""Rows of a time series are in the file when `append` returns, and an unknown value is null."""

from pathlib import Path

import pyarrow as pa
import pytest

from runlog.reader import read_series
from runlog.schema import GENERATOR_SCHEMA, LATER_COLUMNS, MONITOR_SCHEMA
from runlog.series import SeriesWriter

GENERATOR_ROW = {
    "at_s": 1.5,
    "process": 3,
    "cpu_ratio": 0.25,
    "lag_p99_ms": 1.75,
    "lag_max_ms": 2.5,
    "sellers": 40,
    "memory_bytes": 5 * 2**30,
    "gc_pause_ms": 1.5,
    "gc_pause_max_ms": 0.5,
    "files": 3_040,
    "files_limit": 65_536,
    "memory_free_ratio": 0.5,
    "cpu_wait_ratio": 0.125,
    "late_start_max_ms": 12.5,
    "clock_step_ms": -0.25,
}


def test_series_from_before_a_column_existed_is_read_with_nulls(tmp_path: Path) -> None:
    before = pa.schema([field for field in GENERATOR_SCHEMA if field.name not in LATER_COLUMNS])
    series = SeriesWriter(tmp_path / "generator-0.arrow", before)
    series.append(GENERATOR_ROW)
    series.close()
    unknown = {name: None for name in LATER_COLUMNS if name in GENERATOR_SCHEMA.names}
    assert read_series(tmp_path, "generator").to_pylist() == [GENERATOR_ROW | unknown]


@pytest.mark.parametrize("name", [name for name in LATER_COLUMNS if name in GENERATOR_SCHEMA.names])
def test_series_without_any_one_of_the_later_columns_is_read_in_the_order_of_today(tmp_path: Path, name: str) -> None:
    before = pa.schema([field for field in GENERATOR_SCHEMA if field.name != name])
    series = SeriesWriter(tmp_path / "generator-0.arrow", before)
    series.append(GENERATOR_ROW)
    series.close()
    table = read_series(tmp_path, "generator")
    assert table.schema.names == GENERATOR_SCHEMA.names
    assert table.to_pylist() == [GENERATOR_ROW | {name: None}]


def test_row_is_readable_before_the_series_is_closed(tmp_path: Path) -> None:
    series = SeriesWriter(tmp_path / "generator-0.arrow", GENERATOR_SCHEMA)
    series.append(GENERATOR_ROW)
    assert read_series(tmp_path, "generator").to_pylist() == [GENERATOR_ROW]
    series.append(GENERATOR_ROW | {"at_s": 2.5})
    assert read_series(tmp_path, "generator")["at_s"].to_pylist() == [1.5, 2.5]
    series.close()
    assert read_series(tmp_path, "generator").num_rows == 2


@pytest.mark.parametrize(
    "row",
    [
        {"at_s": 1.0, "monitor": "memory", "value": 0.5, "error": None},
        {"at_s": 1.0, "monitor": "memory", "value": None, "error": "no answer"},
        {"at_s": 0.0, "monitor": "", "value": 0.0, "error": ""},
        {"at_s": 1.0, "monitor": "health.database"},
    ],
    ids=["value", "error", "zeros are not null", "left out"],
)
def test_monitor_row_comes_back(row: dict[str, float | str | None], tmp_path: Path) -> None:
    series = SeriesWriter(tmp_path / "monitors-0.arrow", MONITOR_SCHEMA)
    series.append(row)
    series.close()
    assert read_series(tmp_path, "monitors").to_pylist() == [{"value": None, "error": None} | row]


def test_series_of_several_processes_are_read_together(tmp_path: Path) -> None:
    for process in (11, 2):
        series = SeriesWriter(tmp_path / f"generator-{process}.arrow", GENERATOR_SCHEMA)
        series.append(GENERATOR_ROW | {"process": process})
        series.close()
    assert read_series(tmp_path, "generator")["process"].to_pylist() == [2, 11]


def test_series_nobody_wrote_is_empty(tmp_path: Path) -> None:
    table = read_series(tmp_path, "generator")
    assert (table.num_rows, table.schema.names) == (0, GENERATOR_SCHEMA.names)


def test_full_disk_is_the_callers_to_answer(tmp_path: Path) -> None:
    (tmp_path / "generator-0.arrow").symlink_to("/dev/full")
    series = SeriesWriter(tmp_path / "generator-0.arrow", GENERATOR_SCHEMA)
    with pytest.raises(OSError, match="No space left on device"):
        series.append(GENERATOR_ROW)
