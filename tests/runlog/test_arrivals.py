from pathlib import Path

import pytest

from runlog.arrivals import arrived_path, read_arrived, write_arrived
from runlog.run import Arrived


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_arrived(tmp_path, 0, Arrived(offered=10, achieved=9, dropped=1))
    write_arrived(tmp_path, 3, Arrived(offered=5, achieved=3, dropped=2))
    return tmp_path


def test_what_processes_wrote_is_added_up(folder: Path) -> None:
    assert read_arrived(folder, (0,)) == Arrived(offered=10, achieved=9, dropped=1)
    assert read_arrived(folder, (0, 3)) == Arrived(offered=15, achieved=12, dropped=3)


def test_one_process_that_did_not_say_makes_the_sum_unknown(folder: Path) -> None:
    assert read_arrived(folder, (0, 1, 3)) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"offered": 1}'], ids=["empty", "cut", "list", "half"])
def test_what_is_not_readable_makes_the_sum_unknown(folder: Path, content: bytes) -> None:
    arrived_path(folder, 3).write_bytes(content)
    assert read_arrived(folder, (0, 3)) is None
