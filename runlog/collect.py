"""Complete a run's log from what its workers kept of it themselves."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runlog.arrivals import read_arrived
from runlog.errors import RunLogError
from runlog.parcels import files_of
from runlog.reader import Part
from runlog.run import Run, read_run, write_run
from runlog.schema import SAMPLE_SCHEMA
from runlog.seal import SEAL_FILE, UNCLOSED, alone_in, read_seal
from runlog.spool import read_spools
from runlog.writer import closing_path, samples_path

_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the spool of one process added to a run."""

    process: int
    before: int  # samples that could be read
    after: int
    closed: bool  # whether the log now says that it is complete

    def __str__(self) -> str:
        end = "its log is complete" if self.closed else "it never closed its log"
        return f"process {self.process}: {self.after - self.before} samples from its spool, {self.after} now; {end}"


def collect(folder: Path, spools: Sequence[Path]) -> tuple[Recovered, ...]:
    """Take over from spool folders what the run directory does not have, and have it sealed anew.

    Nothing is taken from any spool unless all of them belong to this run and agree with what it has; a longer file is
    never replaced by a shorter one. That a worker was lost stays written down in run.json, and so does what was done
    here. RunLogError when a folder is none, belongs to another run, or says something else; OSError of the disk.
    """
    with alone_in(folder):
        run = read_run(folder)
        sources = {process: spool for spool in spools for process in _processes(run, spool)}
        if _whole(folder):
            return ()
        longer = {process: list(_longer(folder, spool, process)) for process, spool in sorted(sources.items())}
        found = []
        for process, paths in longer.items():
            if not paths:
                continue
            (folder / SEAL_FILE).unlink(missing_ok=True)  # first: what is cut short here is gone on with the next time
            before = _rows(folder, process)
            for path in paths:
                temporary = folder / f".{path.name}"
                shutil.copyfile(path, temporary)
                temporary.replace(folder / path.name)
            closed = closing_path(folder, process).is_file()
            found.append(Recovered(process, before, _rows(folder, process), closed))
        if found:
            said = tuple(f"collected: {each}" for each in found)
            arrived = None if run.arrivals is None else read_arrived(folder, run.generator.processes)
            changed = {"overrides": (*run.overrides, *said), "arrived": arrived}
            write_run(folder, run.model_copy(update=changed))
        return tuple(found)


def _whole(folder: Path) -> bool:
    """Return whether the run was sealed with the closing record of every process: then nothing can be missing."""
    if not (folder / SEAL_FILE).exists():
        return False
    return not UNCLOSED & {problem.name for problem in read_seal(folder).problems}


def _processes(run: Run, spool: Path) -> Iterator[int]:
    for each in read_spools(spool):
        if each.run != run.id:
            raise RunLogError(f"{spool}: is a spool of run {each.run}; expected one of {run.id}")
        yield each.process


def _longer(folder: Path, spool: Path, process: int) -> Iterator[Path]:
    """Yield the files of a spool that have more than the run directory's; what both have must be the same."""
    for ours in files_of(folder, process):
        theirs = spool / ours.name
        if not theirs.is_file():
            continue
        if not _agree(ours, theirs):
            raise RunLogError(f"{theirs}: differs from {ours}, byte by byte; a spool begins as the run's own file does")
        if not ours.is_file() or theirs.stat().st_size > ours.stat().st_size:
            yield theirs


def _agree(ours: Path, theirs: Path) -> bool:
    """Return whether one file begins with all of the other; one that is not there begins every other."""
    if not ours.is_file():
        return True
    with ours.open("rb") as one, theirs.open("rb") as other:
        while True:
            here, there = one.read(_CHUNK_BYTES), other.read(_CHUNK_BYTES)
            shorter = min(len(here), len(there))
            if here[:shorter] != there[:shorter]:
                return False
            if shorter < _CHUNK_BYTES:
                return True


def _rows(folder: Path, process: int) -> int:
    path = samples_path(folder, process)
    return sum(batch.num_rows for batch in Part(path, SAMPLE_SCHEMA)) if path.is_file() else 0
