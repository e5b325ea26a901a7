"""Carry what one process wrote to where the run is kept: the bytes of its files, as they grow, in parcels."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from runlog.arrivals import arrived_path
from runlog.created import created_path
from runlog.errors import RunLogError
from runlog.failures import failures_path
from runlog.writer import closing_path, samples_path

PARCELS_BYTES: Final = 4 << 20
"""The most that is packed at once: some 50,000 samples, two milliseconds of the process that reads them."""


class Parcel(NamedTuple):
    """Bytes of one file, from an offset on."""

    name: str
    offset: int
    data: bytes


class Receipt(NamedTuple):
    """How long the files of some parcels are now where they are kept, and which of them began beyond that."""

    have: dict[str, int]
    gaps: list[str]


def growing_paths(folder: Path, process: int) -> tuple[Path, ...]:
    """Return the files a process appends to while a run lasts."""
    return (
        samples_path(folder, process),
        folder / f"generator-{process}.arrow",
        failures_path(folder, process),
        created_path(folder, process),
        arrived_path(folder, process),
    )


def files_of(folder: Path, process: int) -> tuple[Path, ...]:
    """Return all files of a process, its closing record last."""
    return (*growing_paths(folder, process), closing_path(folder, process))


def unpacked(parcels: Iterable[Any]) -> list[Parcel]:
    """Return parcels as they came over a wire; RunLogError when they are none."""
    found = []
    for each in parcels:
        match each:
            case [str() as name, int() as offset, bytes() as data] if offset >= 0:
                found.append(Parcel(name, offset, data))
            case _:
                raise RunLogError("a parcel of samples is not (file, offset, bytes)")
    return found


class Packer:
    """Packs what a process has written and not yet sent; its closing record comes last, when all else has arrived."""

    def __init__(self, folder: Path, process: int) -> None:
        self._growing = growing_paths(folder, process)
        self._closing = closing_path(folder, process)
        self._sent: dict[str, int] = {}
        self._have: dict[str, int] = {}

    @property
    def in_flight(self) -> int:
        """Bytes sent of which nobody has said that they arrived."""
        return sum(sent - self._have.get(name, 0) for name, sent in self._sent.items())

    @property
    def done(self) -> bool:
        """Whether everything arrived, the closing record included."""
        size = _size(self._closing)
        return size is not None and self._have.get(self._closing.name) == size

    def take(self, limit: int = PARCELS_BYTES) -> list[Parcel]:
        """Return the next parcels, of at most `limit` bytes together; OSError when the disk does not give them."""
        closed = self._closing.exists()  # looked at first: what it closes does not grow any more
        parcels: list[Parcel] = []
        for path in self._growing:
            limit -= self._pack(path, limit, parcels)
        if closed and not parcels and all(self._have.get(path.name, 0) == _length(path) for path in self._growing):
            self._pack(self._closing, PARCELS_BYTES, parcels)
        return parcels

    def _pack(self, path: Path, limit: int, parcels: list[Parcel]) -> int:
        offset = self._sent.get(path.name, 0)
        length = min(_length(path) - offset, limit)
        if length <= 0:
            return 0
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        parcels.append(Parcel(path.name, offset, data))
        self._sent[path.name] = offset + len(data)
        return len(data)

    def received(self, receipt: Receipt) -> None:
        """Take note of what arrived; what did not is packed again."""
        for name, have in receipt.have.items():
            self._have[name] = max(have, self._have.get(name, 0))
            self._sent[name] = max(have, self._sent.get(name, 0))
        for name in receipt.gaps:
            self._sent[name] = self._have.get(name, 0)

    def again(self) -> None:
        """Pack again whatever nobody has said to have arrived."""
        self._sent = dict(self._have)


class Store:
    """Puts parcels together in the folder of the run; a file that was there before is nobody's to add to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: set[str] = set()

    def put(self, process: int, parcels: Iterable[Parcel]) -> Receipt:
        """Append parcels of a process; bytes that came before are passed over, those that come too early are left.

        RunLogError for a file that is not the process's or was there before; OSError when the disk refuses.
        """
        paths = {path.name: path for path in files_of(self._folder, process)}
        receipt = Receipt({}, [])
        for name, offset, data in parcels:
            if name not in paths:
                raise RunLogError(f"a parcel of process {process} is for {name!r}, which is no file of its own")
            path = paths[name]
            self._begin(path)
            length = _length(path)
            if offset > length:
                receipt.gaps.append(name)
            elif offset + len(data) > length:
                with path.open("ab") as file:
                    file.write(data[length - offset :])
                length = offset + len(data)
            receipt.have[name] = length
        return receipt

    def _begin(self, path: Path) -> None:
        if path.name in self._own:
            return
        try:
            path.touch(exist_ok=False)
        except FileExistsError as error:
            raise RunLogError(f"{path}: was there before the first parcel of its process") from error
        self._own.add(path.name)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _length(path: Path) -> int:
    return _size(path) or 0
