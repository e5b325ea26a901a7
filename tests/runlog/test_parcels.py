"""What a process writes arrives where the run is kept, byte for byte, whatever the way between does to it."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runlog.errors import RunLogError
from runlog.parcels import Packer, Parcel, Receipt, Store, growing_paths, unpacked
from runlog.writer import closing_path, samples_path


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def there(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.read_bytes()}


def test_files_travel_in_order_and_the_closing_record_only_when_all_else_has_arrived(here: Path, there: Path) -> None:
    packer, store = Packer(here, 3), Store(there)
    for number, path in enumerate(growing_paths(here, 3)):
        append(path, bytes([number]) * 100)
    closing_path(here, 3).write_bytes(b"{}")
    first = packer.take()
    assert [parcel.name for parcel in first] == [path.name for path in growing_paths(here, 3)]
    assert packer.take() == []  # sent, and nobody has said that it arrived
    assert packer.in_flight == 100 * len(growing_paths(here, 3))
    packer.received(store.put(3, first))
    assert packer.in_flight == 0
    assert not packer.done
    last = packer.take()
    assert last == [Parcel("process-3.json", 0, b"{}")]
    assert not packer.done
    packer.received(store.put(3, last))
    assert packer.done
    assert contents(there) == contents(here)


def test_nothing_written_is_nothing_to_send(here: Path) -> None:
    packer = Packer(here, 0)
    assert packer.take() == []
    assert not packer.done


def test_a_parcel_is_no_longer_than_asked_for(here: Path) -> None:
    append(samples_path(here, 0), b"abcdefgh")
    packer = Packer(here, 0)
    assert packer.take(5) == [Parcel("samples-0.arrow", 0, b"abcde")]
    assert packer.take(5) == [Parcel("samples-0.arrow", 5, b"fgh")]
    assert packer.take(5) == []


def test_what_came_twice_is_kept_once(there: Path) -> None:
    store = Store(there)
    store.put(0, [Parcel("samples-0.arrow", 0, b"abc")])
    assert store.put(0, [Parcel("samples-0.arrow", 0, b"abc")]) == Receipt({"samples-0.arrow": 3}, [])
    assert store.put(0, [Parcel("samples-0.arrow", 1, b"bcde")]) == Receipt({"samples-0.arrow": 5}, [])
    assert (there / "samples-0.arrow").read_bytes() == b"abcde"


def test_what_came_too_early_is_asked_for_again(here: Path, there: Path) -> None:
    append(samples_path(here, 0), b"abcdef")
    packer, store = Packer(here, 0), Store(there)
    packer.take(3)  # lost on the way
    receipt = store.put(0, packer.take(3))
    assert receipt == Receipt({"samples-0.arrow": 0}, ["samples-0.arrow"])
    packer.received(receipt)
    packer.received(store.put(0, packer.take()))
    assert (there / "samples-0.arrow").read_bytes() == b"abcdef"


def test_what_nobody_answered_for_is_packed_again(here: Path) -> None:
    append(samples_path(here, 0), b"abcdef")
    packer = Packer(here, 0)
    packer.received(Receipt({"samples-0.arrow": 2}, []))
    assert packer.take() == [Parcel("samples-0.arrow", 2, b"cdef")]
    packer.again()
    assert packer.take() == [Parcel("samples-0.arrow", 2, b"cdef")]


def test_an_old_receipt_takes_nothing_back(here: Path) -> None:
    append(samples_path(here, 0), b"abcdef")
    packer = Packer(here, 0)
    packer.take()
    packer.received(Receipt({"samples-0.arrow": 6}, []))
    packer.received(Receipt({"samples-0.arrow": 2}, []))
    assert packer.in_flight == 0


@pytest.mark.parametrize("name", ["samples-1.arrow", "../samples-0.arrow", "run.json", "/etc/passwd"])
def test_a_file_that_is_not_the_processs_own_is_refused(there: Path, name: str) -> None:
    with pytest.raises(RunLogError, match="which is no file of its own"):
        Store(there).put(0, [Parcel(name, 0, b"x")])
    assert contents(there) == {}


def test_a_file_that_was_there_before_is_nobodys_to_add_to(there: Path) -> None:
    samples_path(there, 0).write_bytes(b"mine")
    with pytest.raises(RunLogError, match=r"samples-0\.arrow: was there before"):
        Store(there).put(0, [Parcel("samples-0.arrow", 4, b"x")])
    assert contents(there) == {"samples-0.arrow": b"mine"}


def test_parcels_from_the_wire_are_parcels_again() -> None:
    assert unpacked([["a", 0, b"x"]]) == [Parcel("a", 0, b"x")]


@pytest.mark.parametrize(
    "odd",
    [["a", -1, b"x"], ["a", 0, "x"], [b"a", 0, b"x"], ["a", 0], "abc", None],
    ids=["negative offset", "text", "name in bytes", "two parts", "a string", "nothing"],
)
def test_what_is_no_parcel_is_refused(odd: object) -> None:
    with pytest.raises(RunLogError, match="is not"):
        unpacked([odd])


class Way:
    """A way that loses, repeats and delays what is sent over it."""

    def __init__(self, chance: random.Random, lossy: float, packer: Packer, store: Store) -> None:
        self._chance, self._lossy, self._packer, self._store = chance, lossy, packer, store
        self._wire: list[list[Parcel]] = []

    def send(self, parcels: list[Parcel]) -> None:
        self._wire += [parcels] * (self._chance.choice([1, 1, 1, 2]) if parcels else 0)

    def deliver(self) -> None:
        if not self._wire or self._chance.random() < 0.3:
            return
        parcels = self._wire.pop(0)
        if self._chance.random() >= self._lossy:
            receipt = self._store.put(0, parcels)
            if self._chance.random() >= self._lossy:
                self._packer.received(receipt)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), lossy=st.floats(0, 0.6))
def test_losing_repeating_and_delaying_parcels_and_receipts_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, seed: int, lossy: float
) -> None:
    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    chance = random.Random(seed)
    packer = Packer(here, 0)
    way = Way(chance, lossy, packer, Store(there))
    for step in range(2_000):
        if step < 30:
            append(chance.choice(growing_paths(here, 0)), chance.randbytes(chance.randrange(50)))
        elif step == 30:
            closing_path(here, 0).write_bytes(b"{}")
        if packer.in_flight and chance.random() < 0.2:
            packer.again()
        way.send(packer.take(chance.randrange(1, 60)))
        way.deliver()
        if packer.done:
            break
    assert packer.done
    assert contents(there) == contents(here)
