"""Write down what became of a process's arrivals, and add up what all processes wrote."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from runlog.run import Arrived, write_atomically


def arrived_path(folder: Path, process: int) -> Path:
    """Return where a process of an open run says what became of its arrivals; there before its log is closed."""
    return folder / f"arrived-{process}.json"


def write_arrived(folder: Path, process: int, arrived: Arrived) -> None:
    """Write what became of a process's arrivals; OSError as it comes."""
    write_atomically(arrived_path(folder, process), arrived.model_dump_json() + "\n")


def read_arrived(folder: Path, processes: Iterable[int]) -> Arrived | None:
    """Return what these processes wrote, added up; None when one of them did not: a part is not the whole."""
    try:
        parts = [Arrived.model_validate_json(arrived_path(folder, process).read_bytes()) for process in processes]
    except (OSError, ValidationError):
        return None
    return Arrived(
        offered=sum(part.offered for part in parts),
        achieved=sum(part.achieved for part in parts),
        dropped=sum(part.dropped for part in parts),
    )
