"""Keep and read back what a run created on its target, so that it can be taken away again."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from runlog.errors import RunLogError
from runlog.schema import FORMAT


class Kind(StrEnum):
    """What can be created; changes of something that was there are not creations."""

    USER = "user"  # a wallet the target had never seen
    PROFILE = "profile"
    LISTING = "listing"
    CONVERSATION = "conversation"
    MESSAGE = "message"
    NOTIFICATION = "notification"
    ORDER_MESSAGE = "order_message"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Created:
    """One thing a request created, or may have created."""

    kind: Kind
    id: str | None  # the target's id; None when no readable answer came: it may be there all the same
    wallet: str  # lower case: the seller's it was created for; of a user its own
    at_s: float
    workflow: str


@dataclass(frozen=True, slots=True)
class Registry:
    """What one process of a run created, and the pool its sellers came from."""

    process: int
    pool: str
    created: tuple[Created, ...]


_FIELDS: Final = frozenset(Created.__slots__)


def created_path(folder: Path, process: int) -> Path:
    """Return where one process keeps what it created."""
    return folder / f"created-{process}.jsonl"


class CreatedWriter:
    """The registry of one process, append only; a crash costs at most the last flush."""

    def __init__(self, folder: Path, process: int) -> None:
        self._path = created_path(folder, process)
        self._process = process
        self._begun = False

    def write(self, pool: str, rows: Sequence[Created]) -> None:
        """Append rows, whole lines at once, the first time after a head; OSError when the disk refuses them."""
        head = [] if self._begun else [{"format": FORMAT, "process": self._process, "pool": pool}]
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{json.dumps(line, ensure_ascii=True)}\n" for line in [*head, *map(asdict, rows)]))
        self._begun = True


def read_created(folder: Path) -> tuple[Registry, ...]:
    """Return the registries of all processes of a run, in order of process.

    RunLogError when there is none: a run that keeps no registry, of an older version or that never began, is not a
    run that created nothing. A last line that a crash cut short is left out.
    """
    paths = sorted(folder.glob("created-*.jsonl"), key=lambda path: (len(path.name), path.name))
    if not paths:
        raise RunLogError(f"{folder}: holds no created-<process>.jsonl: what the run created is not known")
    return tuple(_read(path) for path in paths)


def _read(path: Path) -> Registry:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunLogError(f"{path}: not readable: {getattr(error, 'strerror', None) or error}") from error
    lines = list(_objects(path, text[: text.rfind("\n") + 1].splitlines()))
    head = lines[0] if lines else {}
    process, pool = head.get("process"), head.get("pool")
    if head.get("format") != FORMAT or not isinstance(process, int) or not isinstance(pool, str):
        raise RunLogError(f"{path}: line 1: not the head of a registry of format {FORMAT}")
    rows = tuple(_row(path, number, line) for number, line in enumerate(lines[1:], 2))
    return Registry(process=process, pool=pool, created=rows)


def _objects(path: Path, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
        except ValueError as error:
            raise RunLogError(f"{path}: line {number}: not JSON") from error
        if not isinstance(value, dict):
            raise RunLogError(f"{path}: line {number}: not an object")
        yield value


def _row(path: Path, number: int, line: dict[str, Any]) -> Created:
    texts = ("wallet", "workflow") if line.get("id") is None else ("id", "wallet", "workflow")
    if (
        line.keys() != _FIELDS
        or line["kind"] not in set(Kind)
        or not all(isinstance(line[name], str) for name in texts)
        or not isinstance(line["at_s"], (int, float))
    ):
        raise RunLogError(f"{path}: line {number}: expected {', '.join(Created.__slots__)} of format {FORMAT}")
    return Created(**line | {"kind": Kind(line["kind"])})
