"""Sealing merges what the processes wrote, and names everything that is missing from it."""

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runlog import seal as sealing
from runlog.errors import RunLogError
from runlog.failures import FAILURES_FILE, failures_path
from runlog.reader import SAMPLES_FILE, read_samples, read_series
from runlog.run import WorkerClock
from runlog.schema import GENERATOR_SCHEMA, LATER_COLUMNS, MONITOR_SCHEMA, SAMPLE_SCHEMA, Sample
from runlog.seal import SEAL_FILE, LogProblem, SealReport, read_seal, seal
from runlog.series import SeriesWriter
from runlog.writer import SampleWriter, closing_path, samples_path

Make = Callable[..., Sample]
Rows = Callable[[pa.Table], list[Sample]]
Record = Callable[..., SampleWriter]
Folder = Callable[..., Path]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def _write_series(folder: Path, process: int, at_s: float) -> None:
    series = SeriesWriter(folder / f"generator-{process}.arrow", GENERATOR_SCHEMA)
    series.append({"at_s": at_s, "process": process, "cpu_ratio": 0.5})
    series.close()


def test_processes_are_merged_whole_and_in_order(sample: Make, rows: Rows, record: Record, folder: Folder) -> None:
    made = {
        process: [sample(seller=process * 100 + i, process=process, error=f"e{process}{i}") for i in range(4)]
        for process in (2, 0, 10)
    }
    for process, each in made.items():
        record(each, process)
        _write_series(folder(), process, at_s=float(process))
    place = folder((0, 2, 10))
    report = seal(place)
    assert report == SealReport(samples=12, problems=())
    assert rows(read_samples(place)) == made[0] + made[2] + made[10]
    assert read_series(place, "generator")["process"].to_pylist() == [0, 2, 10]
    assert read_series(place, "monitors").num_rows == 0
    assert not list(place.glob("*.arrow"))
    assert read_seal(place) == report


def test_merging_shards_equals_one_shard(
    tmp_path: Path, sample: Make, record: Record, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [sample(seller=number, route=f"/r{number % 3}") for number in range(10)]
    record(made)
    whole = read_samples(folder()).to_pylist()
    monkeypatch.setattr(sealing, "_ROW_GROUP", 4)
    assert seal(tmp_path).samples == 10
    assert read_samples(tmp_path).to_pylist() == whole
    assert pq.read_metadata(tmp_path / SAMPLES_FILE).num_row_groups == 3  # 4 + 4 + 2


def _written_before(folder: Path, columns: list[str]) -> None:
    """Make the log of process 0 one that never had any other columns."""
    path = samples_path(folder, 0)
    with pa.OSFile(str(path), "rb") as file:
        table = pa.ipc.open_stream(file).read_all().select(columns)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)


def test_log_from_before_a_column_existed_is_read_and_sealed_with_nulls(
    tmp_path: Path, sample: Make, rows: Rows, record: Record, folder: Folder
) -> None:
    record([sample(seller=number, computed=True) for number in range(3)])
    _written_before(tmp_path, [name for name in SAMPLE_SCHEMA.names if name not in LATER_COLUMNS])
    expected = [sample(seller=number, computed=None) for number in range(3)]
    assert rows(read_samples(tmp_path)) == expected
    seal(folder())
    assert rows(read_samples(tmp_path)) == expected


def test_parquet_from_before_a_column_existed_is_read_with_nulls(
    tmp_path: Path, sample: Make, rows: Rows, record: Record, folder: Folder
) -> None:
    record([sample(computed=False)])
    seal(folder())
    whole = pq.read_table(tmp_path / SAMPLES_FILE)
    pq.write_table(
        whole.drop_columns([name for name in LATER_COLUMNS if name in whole.column_names]), tmp_path / SAMPLES_FILE
    )
    assert rows(read_samples(tmp_path)) == [sample(computed=None)]


@pytest.mark.parametrize("left_out", ["error", "cache", "status"])
def test_log_without_a_column_that_was_always_there_is_refused(
    tmp_path: Path, left_out: str, sample: Make, record: Record, folder: Folder
) -> None:
    record([sample()])
    _written_before(tmp_path, [name for name in SAMPLE_SCHEMA.names if name not in (left_out, *LATER_COLUMNS)])
    with pytest.raises(RunLogError, match="columns are not those of format 1"):
        read_samples(folder())


@pytest.mark.parametrize(
    ("paced_s", "total_s"),
    [((None, None), None), ((0.0, None), 0.0), ((1.5, 2.0), 3.5)],
    ids=["nobody paced", "one did and never waited", "both waited"],
)
def test_what_sellers_waited_for_rate_limits_is_added_up_over_processes(
    tmp_path: Path, sample: Make, folder: Folder, paced_s: tuple[float | None, ...], total_s: float | None
) -> None:
    for process, waited_s in enumerate(paced_s):
        writer = SampleWriter(tmp_path, process)
        writer.add(sample(process=process))
        writer.close(unrecorded=0, bugs=(), paced_s=waited_s)
    report = seal(folder((0, 1)))
    assert report.problems == ()
    assert report.paced_s == total_s
    assert read_seal(tmp_path) == report


def test_a_process_that_never_closed_says_nothing_of_waiting(sample: Make, record: Record, folder: Folder) -> None:
    record([sample()])
    closing_path(folder(), 0).unlink()
    assert seal(folder()).paced_s is None


def test_sealed_file_has_the_columns_and_types_of_the_format(sample: Make, record: Record, folder: Folder) -> None:
    record([sample()])
    seal(folder())
    table = pq.read_table(folder() / SAMPLES_FILE)
    assert table.schema.names == SAMPLE_SCHEMA.names
    for field in SAMPLE_SCHEMA:
        kind = table.schema.field(field.name).type
        assert (kind.value_type if pa.types.is_dictionary(kind) else kind) == (
            field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        )
    assert table.schema.metadata[b"sellergate_format"] == b"1"


def test_sealing_again_changes_nothing(sample: Make, record: Record, folder: Folder) -> None:
    record([sample()])
    place = folder()
    first, files = seal(place), _files(place)
    assert seal(place) == first
    assert _files(place) == files


def test_sealing_twice_gives_the_same_bytes(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, sample: Make, record: Record, folder: Folder
) -> None:
    for process in (0, 1):
        record([sample(seller=number, error=f"e{number}") for number in range(5)], process)
        _write_series(tmp_path, process, at_s=1.0)
    failures_path(folder((0, 1)), 0).write_text('{"a": 1}\n')
    copy = tmp_path_factory.mktemp("copy") / "run"
    shutil.copytree(tmp_path, copy)
    seal(tmp_path)
    seal(copy)
    assert _files(tmp_path) == _files(copy)


def test_run_without_an_end_keeps_its_parts_and_is_sealed_anew(sample: Make, record: Record, folder: Folder) -> None:
    writer = record([sample(seller=1)], close=False)
    place = folder(ended_at_s=None)
    first = seal(place)
    assert [problem.name for problem in first.problems] == ["not_closed"]
    assert samples_path(place, 0).exists()
    writer.add(sample(seller=2))
    writer.close(unrecorded=0, bugs=())
    assert seal(place) == SealReport(samples=2, problems=())


def test_a_look_at_a_run_that_lasts_does_not_stand_for_its_end(sample: Make, record: Record, folder: Folder) -> None:
    writer = record([sample(seller=1)], close=False)
    assert [problem.name for problem in seal(folder(ended_at_s=None)).problems] == ["not_closed"]
    writer.add(sample(seller=2))
    writer.close(unrecorded=0, bugs=())
    place = folder()
    assert seal(place) == SealReport(samples=2, problems=())
    assert read_samples(place).num_rows == 2
    assert not samples_path(place, 0).exists()


def test_sealing_from_several_sides_at_once_loses_nothing(
    sample: Make, record: Record, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    record([sample(seller=number) for number in range(50)])
    place = folder()
    merge = sealing._merge

    def slowly(*arguments: Any) -> int:
        time.sleep(0.02)
        return merge(*arguments)

    monkeypatch.setattr(sealing, "_merge", slowly)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(seal, [place] * 4))
    assert reports == [SealReport(samples=50, problems=())] * 4
    assert read_samples(place).num_rows == 50


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunLogError, match=r"gone: No such file or directory"):
        seal(tmp_path / "gone")


def test_parts_left_by_a_crash_after_sealing_are_not_counted_again(
    tmp_path: Path, sample: Make, record: Record, folder: Folder
) -> None:
    record([sample()])
    part = samples_path(tmp_path, 0).read_bytes()
    report = seal(folder())
    samples_path(tmp_path, 0).write_bytes(part)
    assert seal(tmp_path) == report
    assert read_samples(tmp_path).num_rows == 1


def test_times_are_put_on_the_masters_clock_where_a_worker_is_surely_off(
    sample: Make, record: Record, folder: Folder
) -> None:
    for process in (0, 1, 2):
        first = sample(process=process, sent_at_s=1_700_000_010.0, intended_at_s=1_700_000_009.0)
        record([first, sample(process=process, sent_at_s=1_700_000_011.0)], process, close=process != 1)
        _write_series(folder(), process, at_s=1_700_000_012.0)
    monitors = SeriesWriter(folder() / "monitors-1.arrow", MONITOR_SCHEMA)
    monitors.append({"at_s": 1_700_000_012.0, "monitor": "memory"})
    monitors.close()
    clocks = (
        WorkerClock(process=1, offset_s=4.0, uncertainty_s=0.001),
        WorkerClock(process=2, offset_s=0.5, uncertainty_s=0.6),
    )
    place = folder((0, 1, 2), clocks=clocks)
    report = seal(place)
    table = read_samples(place)
    assert table["sent_at_s"].to_pylist() == [1_700_000_000.0 + at for at in (10, 11, 6, 7, 10, 11)]
    assert table["intended_at_s"].to_pylist() == [at and 1_700_000_000.0 + at for at in (9, None, 5, None, 9, None)]
    assert read_series(place, "generator")["at_s"].to_pylist() == [1_700_000_000.0 + at for at in (12, 8, 12)]
    assert read_series(place, "monitors")["at_s"].to_pylist() == [1_700_000_012.0]
    assert [problem.detail.partition(", ")[2] for problem in report.problems] == [
        "missing from 7.0 s to 60.0 s of the run"
    ]


# -- every way in which a log is not all of what a process did ---------------------------------------------------------


def _cut(place: Path) -> None:
    path = samples_path(place, 0)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 300)


def _closing(**changes: object) -> Callable[[Path], None]:
    def change(place: Path) -> None:
        path = closing_path(place, 0)
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


PROBLEMS: dict[str, tuple[Callable[[Path], None], list[tuple[str, str]]]] = {
    "nothing": (lambda _: None, []),
    "log missing": (
        lambda place: samples_path(place, 0).unlink(),
        [("log_missing", "wrote no samples file")],
    ),
    "log cut": (_cut, [("log_truncated", "after 2 samples: "), ("samples_lost", "3 samples were made, 2 are in")]),
    "log empty": (
        lambda place: samples_path(place, 0).write_bytes(b""),
        [("log_truncated", "after 0 samples: "), ("samples_lost", "3 samples were made, 0 are in the log")],
    ),
    "more made than there are": (
        _closing(samples=5),
        [("samples_lost", "5 samples were made, 3 are in the log")],
    ),
    "fewer made than there are": (
        _closing(samples=2),
        [("samples_lost", "2 samples were made, 3 are in the log")],
    ),
    "disk refused": (
        _closing(problem="No space left on device"),
        [("recording_failed", "No space left on device")],
    ),
    "no closing record": (
        lambda place: closing_path(place, 0).unlink(),
        [("not_closed", "ended without its closing record after 3 samples")],
    ),
    "closing record half written": (
        lambda place: closing_path(place, 0).write_text('{"process": 0, "sam'),
        [("not_closed", "ended without its closing record after 3 samples")],
    ),
    "closing record of another format": (
        _closing(format=2),
        [("not_closed", "ended without its closing record after 3 samples")],
    ),
    "sent around step": (_closing(unrecorded=4), [("unrecorded", "4 requests were sent outside step(...)")]),
    "bugs": (_closing(bugs=["one: KeyError", "two: TypeError"]), [("bug", "one: KeyError"), ("bug", "two: TypeError")]),
}


@pytest.mark.parametrize(("spoil", "expected"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_what_is_missing_is_named(
    spoil: Callable[[Path], None],
    expected: list[tuple[str, str]],
    sample: Make,
    record: Record,
    folder: Folder,
) -> None:
    record([sample(seller=number) for number in range(3)])
    place = folder()
    spoil(place)
    found = seal(place).problems
    assert [problem.name for problem in found] == [name for name, _ in expected]
    for problem, (_, detail) in zip(found, expected, strict=True):
        assert problem.process == 0
        assert problem.detail.startswith(detail)
    assert read_seal(place).problems == found  # and the next reader is told the same


def test_problem_carries_the_number_of_its_process(sample: Make, record: Record, folder: Folder) -> None:
    record([sample()], 0)
    record([sample()], 1, close=False)
    found = seal(folder((0, 1, 2))).problems
    assert [(problem.name, problem.process) for problem in found] == [("not_closed", 1), ("log_missing", 2)]


def test_log_of_a_process_run_json_does_not_know_is_held_to_the_same_rules(
    sample: Make, record: Record, folder: Folder
) -> None:
    record([sample()], 0)
    record([sample()], 3, close=False)
    found = seal(folder((0,))).problems
    assert [(problem.name, problem.process) for problem in found] == [("not_closed", 3)]
    assert read_samples(folder((0,))).num_rows == 2


# -- what cannot be sealed or read ------------------------------------------------------------------------------------


def test_refused_result_leaves_the_parts_untouched(
    tmp_path: Path, sample: Make, record: Record, folder: Folder
) -> None:
    record([sample()])
    (folder() / SAMPLES_FILE).mkdir()
    parts = samples_path(tmp_path, 0).read_bytes()
    with pytest.raises(RunLogError, match="cannot be sealed"):
        seal(tmp_path)
    assert samples_path(tmp_path, 0).read_bytes() == parts
    (tmp_path / SAMPLES_FILE).rmdir()
    assert seal(tmp_path).samples == 1


def test_run_without_run_json_is_not_sealed(tmp_path: Path, sample: Make, record: Record) -> None:
    record([sample()])
    with pytest.raises(RunLogError, match=r"run\.json"):
        seal(tmp_path)
    assert samples_path(tmp_path, 0).exists()


def test_log_with_other_columns_is_not_sealed(tmp_path: Path, folder: Folder) -> None:
    other = pa.schema([pa.field("x", pa.int32())])
    with pa.OSFile(str(samples_path(tmp_path, 0)), "wb") as file, pa.ipc.new_stream(file, other):
        pass
    with pytest.raises(RunLogError, match=r"samples-0\.arrow: columns are not those of format 1"):
        seal(folder())


def test_sealed_file_cut_at_any_place_is_refused(tmp_path: Path, sample: Make, record: Record, folder: Folder) -> None:
    record([sample(seller=number) for number in range(5)])
    seal(folder())
    path = tmp_path / SAMPLES_FILE
    whole = path.read_bytes()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(RunLogError):
            seal(tmp_path)
        with pytest.raises(RunLogError, match=r"samples\.parquet: not readable"):
            read_samples(tmp_path)


def _flipped(whole: bytes, place: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]


def test_damaged_number_is_refused_and_not_judged(
    tmp_path: Path, sample: Make, rows: Rows, record: Record, folder: Folder
) -> None:
    record([sample(sent_at_s=1e9 + number * 0.618034 % 1) for number in range(500)])
    made = rows(read_samples(folder()))
    seal(tmp_path)
    path = tmp_path / SAMPLES_FILE
    whole = path.read_bytes()
    column = pq.read_metadata(path).row_group(0).column(SAMPLE_SCHEMA.get_field_index("sent_at_s"))
    begin, end = column.dictionary_page_offset, column.dictionary_page_offset + column.total_compressed_size
    for place in range(begin, end, 61):
        path.write_bytes(_flipped(whole, place))
        with pytest.raises(RunLogError, match=r"samples\.parquet: not readable"):
            read_samples(tmp_path)
    path.write_bytes(whole)
    assert rows(read_samples(tmp_path)) == made


def test_damage_anywhere_is_refused_in_one_line_or_harmless(
    tmp_path: Path, sample: Make, record: Record, folder: Folder
) -> None:
    record([sample(seller=number) for number in range(5)])
    seal(folder())
    path = tmp_path / SAMPLES_FILE
    whole = path.read_bytes()
    messages = list[str]()
    for place in range(0, len(whole), 13):
        path.write_bytes(_flipped(whole, place))
        try:
            assert read_samples(tmp_path).num_rows == 5
        except RunLogError as error:
            messages.append(str(error))
    assert len(messages) > len(whole) / 13 / 2
    assert not [message for message in messages if "\n" in message]


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop_columns("error"),
        lambda table: table.append_column("note", [["x"]]),
        lambda table: table.select(table.schema.names[::-1]),
        lambda table: table.set_column(10, "status", [["201"]]),
    ],
    ids=["one missing", "one more", "another order", "another type"],
)
def test_sealed_file_with_other_columns_is_refused(
    change: Callable[[pa.Table], pa.Table], tmp_path: Path, sample: Make, record: Record, folder: Folder
) -> None:
    record([sample()])
    seal(folder())
    path = tmp_path / SAMPLES_FILE
    table = pq.read_table(path)
    pq.write_table(change(table), path)
    with pytest.raises(RunLogError, match=r"samples\.parquet: columns are not those of format 1"):
        read_samples(tmp_path)


def _replace_by(table: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def replace(place: Path) -> None:
        path = place / SAMPLES_FILE
        pq.write_table(table(pq.read_table(path)), path)

    return replace


TAMPERED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "row removed": (_replace_by(lambda table: table.slice(1)), "holds 2 samples, was sealed with 3"),
    "row added": (_replace_by(lambda table: pa.concat_tables([table, table])), "holds 6 samples, was sealed with 3"),
    "samples gone": (lambda place: (place / SAMPLES_FILE).unlink(), "sealed, but not readable"),
    "samples not Parquet": (lambda place: (place / SAMPLES_FILE).write_text("x" * 99), "sealed, but not readable"),
    "seal not JSON": (lambda place: (place / SEAL_FILE).write_text("{"), "not a seal of format 1"),
    "seal of format 2": (
        lambda place: (place / SEAL_FILE).write_text('{"format": 2, "samples": 3, "problems": []}'),
        "not a seal of format 1",
    ),
    "seal with another key": (
        lambda place: (place / SEAL_FILE).write_text('{"format": 1, "samples": 3, "problems": [], "ok": true}'),
        "not a seal of format 1",
    ),
}


@pytest.mark.parametrize(("tamper", "message"), TAMPERED.values(), ids=TAMPERED.keys())
def test_tampered_run_is_refused(
    tamper: Callable[[Path], Any], message: str, sample: Make, record: Record, folder: Folder
) -> None:
    record([sample(seller=number) for number in range(3)])
    place = folder()
    seal(place)
    tamper(place)
    with pytest.raises(RunLogError, match=message):
        seal(place)


def test_reading_the_seal_of_a_run_that_has_none_says_so(folder: Folder) -> None:
    with pytest.raises(RunLogError, match="sealed, but not readable"):
        read_seal(folder())


def test_folder_without_any_log_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(RunLogError, match=r"holds no samples; expected samples\.parquet or samples-<process>\.arrow"):
        read_samples(tmp_path)


def test_run_whose_processes_wrote_nothing_is_sealed_empty_and_says_why(folder: Folder) -> None:
    report = seal(folder((0, 1)))
    assert report.samples == 0
    assert [problem.name for problem in report.problems] == ["log_missing", "log_missing"]
    assert read_samples(folder((0, 1))).num_rows == 0


# -- failing exchanges -------------------------------------------------------------------------------------------------


def test_failing_exchanges_of_all_processes_are_merged_in_order(
    tmp_path: Path, sample: Make, record: Record, folder: Folder
) -> None:
    record([sample()])
    for process in (10, 2):
        failures_path(tmp_path, process).write_text(f'{{"process": {process}}}\n')
    seal(folder())
    lines = (tmp_path / FAILURES_FILE).read_text().splitlines()
    assert [json.loads(line)["process"] for line in lines] == [2, 10]
    assert not list(tmp_path.glob("failures-*.jsonl"))


def test_exchange_cut_by_a_crash_does_not_spoil_the_next_one(
    tmp_path: Path, sample: Make, record: Record, folder: Folder
) -> None:
    record([sample()])
    failures_path(tmp_path, 0).write_text('{"process": 0}\n{"proc')
    failures_path(tmp_path, 1).write_text('{"process": 1}\n')
    seal(folder())
    lines = (tmp_path / FAILURES_FILE).read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"process": 0}, {"process": 1}]


def test_problem_names_are_the_contract() -> None:
    names = {"log_missing", "log_truncated", "samples_lost", "recording_failed", "not_closed", "unrecorded", "bug"}
    assert {LogProblem(name=name, process=0, detail="").name for name in names} == names  # type: ignore[arg-type]  # each is one
