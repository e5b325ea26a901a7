"""A process's log is readable to its last flush, and a disk that refuses is a problem of the run, not of the load."""

import json
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from runlog.errors import RunLogError
from runlog.reader import Part
from runlog.schema import SAMPLE_SCHEMA, Sample
from runlog.writer import Closing, SampleWriter, closing_path, samples_path

Make = Callable[..., Sample]
Rows = Callable[[pa.Table], list[Sample]]


def _read(path: Path) -> tuple[pa.Table, Part]:
    part = Part(path, SAMPLE_SCHEMA)
    return pa.Table.from_batches(list(part), SAMPLE_SCHEMA), part


def test_flushed_samples_are_readable_while_the_process_still_writes(tmp_path: Path, sample: Make, rows: Rows) -> None:
    writer = SampleWriter(tmp_path, 0)
    writer.add(sample(seller=1))
    writer.flush()
    writer.add(sample(seller=2))
    table, part = _read(samples_path(tmp_path, 0))
    assert [each.seller for each in rows(table)] == [1]
    assert part.torn is None
    assert (writer.added, writer.written) == (2, 1)
    assert not closing_path(tmp_path, 0).exists()
    writer.close(unrecorded=0, bugs=())


def test_dictionaries_grow_by_deltas_and_are_never_written_again(tmp_path: Path, sample: Make, rows: Rows) -> None:
    writer, made = SampleWriter(tmp_path, 0), list[Sample]()
    for number in range(60):
        made += [sample(error=f"cause {number}", route=f"/r{number % 7}"), sample(error=None)]
        for each in made[-2:]:
            writer.add(each)
        writer.flush()
    assert writer._stream is not None
    stats = writer._stream.stats
    assert (stats.num_record_batches, stats.num_replaced_dictionaries) == (60, 0)
    assert stats.num_dictionary_deltas == 59 + 6  # `error` in every flush but the first, `route` in the six after it
    writer.close(unrecorded=0, bugs=())
    table, part = _read(samples_path(tmp_path, 0))
    assert rows(table) == made
    assert (part.rows, part.torn) == (120, None)


def test_samples_added_while_a_batch_is_on_its_way_are_not_counted_as_written(tmp_path: Path, sample: Make) -> None:
    writer = SampleWriter(tmp_path, 0)
    writer.add(sample())
    batch = writer.take()
    writer.add(sample())
    writer.write(batch)
    assert (writer.added, writer.written) == (2, 1)
    closing = writer.close(unrecorded=0, bugs=())
    assert (closing.samples, closing.written) == (2, 2)


def test_flush_of_nothing_writes_nothing(tmp_path: Path) -> None:
    writer = SampleWriter(tmp_path, 0)
    size = samples_path(tmp_path, 0).stat().st_size
    writer.flush()
    assert samples_path(tmp_path, 0).stat().st_size == size
    writer.close(unrecorded=0, bugs=())


def test_closing_record_tells_what_was_made_and_written(tmp_path: Path, sample: Make) -> None:
    writer = SampleWriter(tmp_path, 4)
    writer.add(sample())
    closing = writer.close(unrecorded=2, bugs=("listing.creation: KeyError: 'id'",))
    stored = Closing.model_validate_json(closing_path(tmp_path, 4).read_bytes())
    assert stored == closing
    assert (stored.process, stored.samples, stored.written, stored.problem) == (4, 1, 1, None)
    assert (stored.unrecorded, stored.bugs) == (2, ("listing.creation: KeyError: 'id'",))


def test_log_cut_at_any_byte_reads_as_a_prefix_and_never_throws(tmp_path: Path, sample: Make, rows: Rows) -> None:
    writer, made = SampleWriter(tmp_path, 0), list[Sample]()
    for number in range(3):
        made += [sample(seller=number, error=f"cause {number}"), sample(seller=number, status=None)]
        for each in made[-2:]:
            writer.add(each)
        writer.flush()
    writer.close(unrecorded=0, bugs=())
    path = samples_path(tmp_path, 0)
    whole, part = _read(path)
    assert (rows(whole), part.torn) == (made, None)
    counts = list[int]()
    with path.open("r+b") as file:
        for size in range(path.stat().st_size - 1, -1, -1):
            file.truncate(size)
            table, part = _read(path)
            assert table.equals(whole.slice(0, table.num_rows))
            assert part.rows == table.num_rows
            counts.append(table.num_rows)
    assert counts == sorted(counts, reverse=True)
    assert set(counts) == {0, 2, 4, 6}  # batches are there as a whole or not at all
    assert part.torn is not None  # an empty file has lost its beginning


def test_part_with_other_columns_is_refused_by_name(tmp_path: Path) -> None:
    other = pa.schema([pa.field("x", pa.int32())])
    path = samples_path(tmp_path, 0)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, other):
        pass
    with pytest.raises(RunLogError, match=r"samples-0\.arrow: columns are not those of format 1"):
        list(Part(path, SAMPLE_SCHEMA))


# -- a disk that refuses -----------------------------------------------------------------------------------------------


def test_disk_full_from_the_start_is_a_problem_and_every_sample_is_missed(tmp_path: Path, sample: Make) -> None:
    samples_path(tmp_path, 0).symlink_to("/dev/full")
    writer = SampleWriter(tmp_path, 0)
    for number in range(3):
        writer.add(sample(seller=number))
        writer.flush()
    closing = writer.close(unrecorded=0, bugs=())
    assert (closing.samples, closing.written) == (3, 0)
    assert closing.problem is not None
    assert "No space left on device" in closing.problem


def test_log_that_cannot_be_opened_is_a_problem_and_not_the_end_of_the_load(tmp_path: Path, sample: Make) -> None:
    samples_path(tmp_path, 0).mkdir()
    writer = SampleWriter(tmp_path, 0)
    writer.add(sample())
    writer.flush()
    closing = writer.close(unrecorded=0, bugs=())
    assert (closing.samples, closing.written) == (1, 0)
    assert "is a directory" in str(closing.problem).lower()


@contextmanager
def _limited_files(limit_bytes: int) -> Iterator[None]:
    """Let no file grow past a limit: what a full disk does to a writer, without needing to be root."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_disk_that_fills_up_keeps_what_was_written_and_says_why_the_rest_is_lost(
    tmp_path: Path, sample: Make, rows: Rows
) -> None:
    with _limited_files(16_384):
        writer = SampleWriter(tmp_path, 0)
        for number in range(50):
            writer.add(sample(seller=number))
            writer.flush()
        closing = writer.close(unrecorded=0, bugs=())
    table, part = _read(samples_path(tmp_path, 0))
    assert 0 < closing.written < closing.samples == 50
    assert [each.seller for each in rows(table)] == list(range(closing.written))
    assert closing.problem is not None
    assert "File too large" in closing.problem
    assert part.torn is not None
    assert Closing.model_validate_json(closing_path(tmp_path, 0).read_bytes()) == closing


def test_disk_that_recovers_does_not_hide_the_hole_in_the_log(tmp_path: Path, sample: Make, rows: Rows) -> None:
    writer = SampleWriter(tmp_path, 0)
    writer.add(sample(seller=0))
    writer.flush()
    with _limited_files(samples_path(tmp_path, 0).stat().st_size):
        writer.add(sample(seller=1))
        writer.flush()
    writer.add(sample(seller=2))
    closing = writer.close(unrecorded=0, bugs=())
    assert (closing.samples, closing.written) == (3, 1)
    assert closing.problem is not None
    assert [each.seller for each in rows(_read(samples_path(tmp_path, 0))[0])] == [0]


def test_disk_that_refuses_only_the_end_of_the_stream_is_a_problem(tmp_path: Path, sample: Make) -> None:
    writer = SampleWriter(tmp_path, 0)
    writer.add(sample())
    writer.flush()
    with _limited_files(samples_path(tmp_path, 0).stat().st_size):
        closing = writer.close(unrecorded=0, bugs=())
    assert (closing.samples, closing.written) == (1, 1)
    assert closing.problem is not None


def test_closing_record_the_disk_refuses_is_still_returned(tmp_path: Path, sample: Make) -> None:
    writer = SampleWriter(tmp_path, 0)
    writer.add(sample())
    closing_path(tmp_path, 0).mkdir()
    closing = writer.close(unrecorded=0, bugs=())
    assert closing.written == 1
    assert writer.problem is not None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("needs to be root and allowed to mount; the file size limit above tests the same path")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_full_file_system_costs_the_rest_of_the_samples_and_is_told(small_disk: Path, sample: Make, rows: Rows) -> None:
    writer = SampleWriter(small_disk, 0)
    for number in range(300):
        writer.add(sample(seller=number))
        writer.flush()
    closing = writer.close(unrecorded=0, bugs=())
    table, _ = _read(samples_path(small_disk, 0))
    assert 0 < closing.written < closing.samples == 300
    assert [each.seller for each in rows(table)] == list(range(closing.written))
    assert "No space left on device" in str(closing.problem)
    record = closing_path(small_disk, 0)
    assert not record.exists() or json.loads(record.read_text())["problem"]
