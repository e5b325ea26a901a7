"""Say of a folder that is not a run directory whose log it holds: a worker's own copy of what it sent."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from runlog.errors import RunLogError
from runlog.schema import FORMAT


class Spool(BaseModel):
    """Which process of which run wrote here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    run: str
    process: int


def begin_spool(folder: Path, run: str, process: int) -> None:
    """Make `folder` the spool of a process; OSError when it was that already, for a log is never written over."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"spool-{process}.json").open("x", encoding="utf-8") as file:
        file.write(Spool(run=run, process=process).model_dump_json() + "\n")


def read_spools(folder: Path) -> tuple[Spool, ...]:
    """Return the spools in a folder, in order of process; RunLogError when there is none or one is unreadable."""
    try:
        spools = [Spool.model_validate_json(path.read_bytes()) for path in folder.glob("spool-*.json")]
    except (OSError, ValidationError) as error:
        raise RunLogError(f"{folder}: has a spool-<process>.json that is not one of format {FORMAT}") from error
    if not spools:
        raise RunLogError(f"{folder}: holds no spool-<process>.json; a spool is a worker's own reports/<run>")
    return tuple(sorted(spools, key=lambda spool: spool.process))
