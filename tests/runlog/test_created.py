"""What a run created is read back as it was written, and nothing else is taken for it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runlog.created import Created, CreatedWriter, Kind, Registry, created_path, read_created
from runlog.errors import RunLogError

LISTING = Created(Kind.LISTING, "lid-1", "0xaa", 1.5, "listing")
HEAD = '{"format": 1, "process": 0, "pool": "pool"}\n'
ROW = {"kind": "listing", "id": "lid-1", "wallet": "0xaa", "at_s": 1.5, "workflow": "listing"}


def test_registry_is_read_back_as_written(tmp_path: Path) -> None:
    rows = (LISTING, replace(LISTING, kind=Kind.USER, id=None))
    writer = CreatedWriter(tmp_path, 3)
    writer.write("team-a", rows[:1])
    writer.write("team-a", rows[1:])
    assert read_created(tmp_path) == (Registry(3, "team-a", rows),)


def test_process_that_created_nothing_has_a_registry(tmp_path: Path) -> None:
    CreatedWriter(tmp_path, 0).write("pool", [])
    assert read_created(tmp_path) == (Registry(0, "pool", ()),)


def test_registries_come_in_order_of_process(tmp_path: Path) -> None:
    for process in (10, 2, 0):
        CreatedWriter(tmp_path, process).write("pool", [])
    assert [registry.process for registry in read_created(tmp_path)] == [0, 2, 10]


def test_run_without_registry_is_not_one_that_created_nothing(tmp_path: Path) -> None:
    with pytest.raises(RunLogError, match="what the run created is not known"):
        read_created(tmp_path)


def test_line_a_crash_cut_short_is_left_out(tmp_path: Path) -> None:
    CreatedWriter(tmp_path, 0).write("pool", [LISTING])
    with created_path(tmp_path, 0).open("a") as file:
        file.write('{"kind": "listing", "id": "lid')
    assert read_created(tmp_path)[0].created == (LISTING,)


def test_disk_that_refuses_is_an_error_of_the_writer(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        CreatedWriter(tmp_path / "gone", 0).write("pool", [LISTING])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "line 1: not the head", id="empty"),
        pytest.param('{"format": 2, "process": 0, "pool": "p"}\n', "line 1: not the head", id="another format"),
        pytest.param('{"format": 1, "process": "0", "pool": "p"}\n', "line 1: not the head", id="process no number"),
        pytest.param('{"format": 1, "process": 0}\n', "line 1: not the head", id="no pool"),
        pytest.param(f"{HEAD}nonsense\n", "line 2: not JSON", id="not JSON"),
        pytest.param(f"{HEAD}[]\n", "line 2: not an object", id="a list"),
        *(
            pytest.param(f"{HEAD}{json.dumps(ROW | changed)}\n", "line 2: expected kind, id", id=name)
            for name, changed in {
                "unknown kind": {"kind": "order"},
                "id a number": {"id": 7},
                "wallet missing": {"wallet": None},
                "time as text": {"at_s": "now"},
                "another key": {"more": 1},
            }.items()
        ),
    ],
)
def test_what_is_no_registry_is_refused_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    created_path(tmp_path, 0).write_text(text)
    with pytest.raises(RunLogError, match=words):
        read_created(tmp_path)


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    created_path(tmp_path, 0).write_bytes(b"\xff\xfe")
    with pytest.raises(RunLogError, match="not readable"):
        read_created(tmp_path)
    created_path(tmp_path, 0).unlink()
    created_path(tmp_path, 0).mkdir()
    with pytest.raises(RunLogError, match="not readable"):
        read_created(tmp_path)
