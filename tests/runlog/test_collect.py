"""Spools complete a run: more is taken, less never, and nothing of another run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runlog.collect import Recovered, collect
from runlog.created import created_path
from runlog.errors import RunLogError
from runlog.reader import read_samples
from runlog.run import read_run
from runlog.schema import Sample
from runlog.seal import SealReport, seal
from runlog.spool import Spool, begin_spool, read_spools
from runlog.writer import SampleWriter, closing_path, samples_path

Make = Callable[..., Sample]
Record = Callable[..., SampleWriter]
Folder = Callable[..., Path]
Kept = Callable[..., Path]
ALL = 8


@pytest.fixture
def kept(tmp_path: Path, sample: Make) -> Kept:
    """Return what makes the spool of process 1: its samples one second apart, closed unless told otherwise."""

    def make(*, run: str = "r1", close: bool = True) -> Path:
        spool = tmp_path / "spool"
        begin_spool(spool, run, 1)
        writer = SampleWriter(spool, 1)
        for number in range(ALL):
            writer.add(sample(seller=number, process=1, sent_at_s=1_700_000_000.0 + number))
            writer.flush()
        created_path(spool, 1).write_text("a line\n")
        if close:
            writer.close(unrecorded=0, bugs=())
        return spool

    return make


@pytest.fixture
def short(sample: Make, record: Record, folder: Folder) -> Callable[[Path], Path]:
    """Return what makes a run of two processes that got all of process 0 and less than half of the other."""

    def make(spool: Path) -> Path:
        record([sample(seller=100)], 0)
        place = folder((0, 1))
        whole = samples_path(spool, 1).read_bytes()
        samples_path(place, 1).write_bytes(whole[: len(whole) // 2])
        return place

    return make


def test_a_log_that_was_closed_elsewhere_becomes_whole(kept: Kept, short: Callable[[Path], Path]) -> None:
    spool = kept()
    place = short(spool)
    before = seal(place)
    assert {problem.name for problem in before.problems} == {"log_truncated", "not_closed"}
    assert samples_path(place, 0).exists()  # parts stay until nothing can be added any more
    recovered = collect(place, [spool])
    assert recovered == (Recovered(process=1, before=before.samples - 1, after=ALL, closed=True),)
    assert seal(place) == SealReport(samples=ALL + 1, problems=())
    assert sorted(read_samples(place)["seller"].to_pylist()) == [*range(ALL), 100]
    assert created_path(place, 1).read_text() == "a line\n"
    assert not samples_path(place, 0).exists()
    assert read_run(place).overrides == (
        f"collected: process 1: {ALL + 1 - before.samples} samples from its spool, {ALL} now; its log is complete",
    )
    assert collect(place, [spool]) == ()  # and again changes nothing


def test_of_a_killed_worker_all_it_wrote_is_there_and_the_missing_seconds_are_named(
    kept: Kept, short: Callable[[Path], Path]
) -> None:
    spool = kept(close=False)
    place = short(spool)
    (recovered,) = collect(place, [spool])
    assert str(recovered).endswith(f"{ALL} now; it never closed its log")
    report = seal(place)
    assert report.samples == ALL + 1
    detail = f"ended without its closing record after {ALL} samples, missing from 7.0 s to 60.0 s of the run"
    assert [(problem.name, problem.detail) for problem in report.problems] == [("not_closed", detail)]
    assert collect(place, [spool]) == ()


def test_a_worker_of_which_nothing_came_is_recovered(kept: Kept, sample: Make, record: Record, folder: Folder) -> None:
    spool = kept()
    record([sample()], 0)
    place = folder((0, 1))
    assert [problem.detail for problem in seal(place).problems] == [
        "wrote no samples file, missing from 0.0 s to 60.0 s of the run"
    ]
    assert collect(place, [spool]) == (Recovered(process=1, before=0, after=ALL, closed=True),)
    assert seal(place).problems == ()


def test_what_is_longer_here_is_never_replaced(kept: Kept, sample: Make, record: Record, folder: Folder) -> None:
    spool = kept(close=False)
    record([sample()], 0)
    place = folder((0, 1))
    whole = samples_path(spool, 1).read_bytes()
    samples_path(place, 1).write_bytes(whole)
    samples_path(spool, 1).write_bytes(whole[:-400])
    collect(place, [spool])
    assert samples_path(place, 1).read_bytes() == whole


def test_a_spool_of_another_run_is_refused_before_anything_is_taken(kept: Kept, short: Callable[[Path], Path]) -> None:
    spool = kept(run="r2")
    place = short(spool)
    whole = samples_path(place, 1).read_bytes()
    with pytest.raises(RunLogError, match="is a spool of run r2; expected one of r1"):
        collect(place, [spool])
    assert samples_path(place, 1).read_bytes() == whole


@pytest.mark.parametrize("at", [40, -1], ids=["at the beginning", "at the end"])
def test_a_spool_that_says_something_else_is_refused(kept: Kept, short: Callable[[Path], Path], at: int) -> None:
    spool = kept()
    place = short(spool)
    bent = bytearray(samples_path(place, 1).read_bytes())
    bent[at] ^= 1
    samples_path(place, 1).write_bytes(bent)
    with pytest.raises(RunLogError, match=r"samples-1\.arrow: differs from "):
        collect(place, [spool])
    assert not closing_path(place, 1).exists()


def test_files_of_more_than_a_chunk_are_compared_to_their_end(
    kept: Kept, short: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runlog.collect._CHUNK_BYTES", 64)
    spool = kept()
    place = short(spool)
    assert collect(place, [spool])[0].after == ALL


def test_a_run_nobody_sealed_is_completed(kept: Kept, short: Callable[[Path], Path], folder: Folder) -> None:
    spool = kept()
    short(spool)
    place = folder((0, 1), ended_at_s=None)
    assert collect(place, [spool])[0].closed
    assert seal(place).problems == ()


def test_a_folder_without_a_spool_is_refused(tmp_path: Path, folder: Folder) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunLogError, match=r"empty: holds no spool-<process>\.json"):
        collect(folder(), [tmp_path / "empty"])


def test_a_spool_is_begun_once(tmp_path: Path) -> None:
    begin_spool(tmp_path / "a" / "b", "r1", 2)
    begin_spool(tmp_path / "a" / "b", "r1", 0)
    assert read_spools(tmp_path / "a" / "b") == (Spool(run="r1", process=0), Spool(run="r1", process=2))
    with pytest.raises(FileExistsError):
        begin_spool(tmp_path / "a" / "b", "r9", 2)


def test_a_spool_that_cannot_be_understood_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spool-0.json").write_text('{"run": 1}')
    with pytest.raises(RunLogError, match=r"a spool-<process>\.json that is not one of format 1"):
        read_spools(tmp_path)
