"""Read and write run.json: what was run, against what, how it was meant to go and how it ended."""

import os
import platform
from collections.abc import Iterable
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from runlog.errors import RunLogError
from runlog.schema import FORMAT

RUN_FILE: Final = "run.json"
LATEST: Final = "latest"
"""Beside the run directories, a link to the newest; no run can be called that."""


class EndedBy(StrEnum):
    """Who ended the run."""

    TIME = "time"  # its planned time was over
    HAND = "hand"  # the web UI's stop button, or Ctrl-C of a run without a planned time
    SIGNAL = "signal"  # Ctrl-C or SIGTERM before the planned time
    FUSE = "fuse"  # the fuse: the target was dying
    HARNESS = "harness"  # no users left, or our own failure


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StepName(_Frozen):
    """One step in scope of a run."""

    workflow: str
    step: str


class LoadProfile(_Frozen):
    """How hard the run was meant to push; with plain `locust -u -r -t`, name is null and the ramp is what it took."""

    name: str | None
    sellers: int | None
    spawn_per_s: float | None
    duration_s: float | None  # planned, from start to stop; null when ended by hand
    ramp_s: float | None  # cut from the start; null: until spawning was complete


class ArrivalPlan(_Frozen):
    """How often a pass is to begin in the open model, whether or not a seller has time for it.

    `rates` are corners: seconds since the start, passes a second. The rate goes straight from one to the next, jumps
    where two are at the same time, and stays as it is after the last.
    """

    shape: Literal["constant", "ramp", "poisson", "steps", "spike"]
    rates: tuple[tuple[float, float], ...]
    drop_after_s: float  # an arrival nobody had time for by then is dropped


class Arrived(_Frozen):
    """What became of the arrivals that came due while load lasted: offered = achieved + dropped."""

    offered: int
    achieved: int  # passes begun
    dropped: int  # waited too long, or still waiting when load ended


class Gap(_Frozen):
    """A step the target is known not to offer, declared in its file."""

    workflow: str
    step: str
    reason: str
    owner: str
    expires: str  # ISO date


class Waiver(_Frozen):
    """A broken limit somebody answers for, declared in the target's file: shown, and deciding nothing until it expires.

    What is null matches everything: a waiver without a step is for every step of its workflow.
    """

    stat: str  # as in thresholds.toml: p95, error_rate …
    workflow: str | None
    step: str | None
    severity: Literal["critical", "high", "medium", "low"] | None
    reason: str
    owner: str
    expires: str  # ISO date
    kind: str | None = None  # as in thresholds.toml; null: of requests, and of no other kind


class TargetInfo(_Frozen):
    """Which deployment; never a secret."""

    name: str
    url: str
    gaps: tuple[Gap, ...] = ()
    monitors: tuple[str, ...] = ()  # names declared by the target file
    waivers: tuple[Waiver, ...] = ()
    client_addresses: tuple[str, ...] = ()  # source addresses the load came from; none: the system's choice
    forwarded_for: bool = False  # each seller had an X-Forwarded-For of its own
    rate_limits: tuple[str, ...] = ()  # names of the limits the load kept to


class GeneratorInfo(_Frozen):
    """What produced the load."""

    processes: tuple[int, ...]  # indexes of the processes that must have written a log
    python: str
    locust: str
    sellergate: str
    cpu_count: int | None

    @classmethod
    def here(cls, processes: Iterable[int]) -> "GeneratorInfo":
        """Return this machine as the generator, with the processes that must write a log."""
        return cls(
            processes=tuple(sorted(processes)),
            python=platform.python_version(),
            locust=version("locust"),
            sellergate=version("sellergate"),
            cpu_count=os.cpu_count(),
        )


class WorkerClock(_Frozen):
    """A worker's clock as the master found it; its samples keep its times, and are put on the master's when sealed."""

    process: int
    offset_s: float  # how far it is ahead of the master's
    uncertainty_s: float  # the offset is within this of the truth; below it, it may as well be none


class Run(_Frozen):
    """One execution; written at its start with `ended_at_s` null and again at its end."""

    format: Literal[1] = FORMAT
    id: str
    stage: str | None  # pre, post, watch … as given; null when not
    load_profile: LoadProfile
    load_model: Literal["closed", "open"] = "closed"
    arrivals: ArrivalPlan | None = None  # of the open model; load_profile.sellers is then the cap on who is at work
    arrived: Arrived | None = None  # at the end of an open run, all processes added up; null when one did not say
    target: TargetInfo
    revision: str | None
    seed: int
    generator: GeneratorInfo
    scope: tuple[StepName, ...]
    started_at_s: float
    spawned_at_s: float | None = None  # when the last seller had been spawned
    ended_at_s: float | None = None  # when load stopped, before the drain
    ended_by: EndedBy | None = None
    end_reason: str | None = None  # the fuse's or the harness's words
    lost_processes: tuple[int, ...] = ()
    problems: tuple[str, ...] = ()  # crashed listeners, failed monitors process …: one line each
    overrides: tuple[str, ...] = ()  # flags and environment that changed the run
    clocks: tuple[WorkerClock, ...] = ()  # of workers, as measured while they ran

    @model_validator(mode="after")
    def _model_has_its_plan(self) -> "Run":
        if (self.load_model == "open") != (self.arrivals is not None):
            raise ValueError("load_model is open where there are arrivals, and closed where there are none")
        return self


def write_run(folder: Path, run: Run) -> None:
    """Write run.json into `folder`, whole or not at all."""
    write_atomically(folder / RUN_FILE, run.model_dump_json(indent=2) + "\n")


def read_run(folder: Path) -> Run:
    """Read run.json of `folder`; RunLogError when it is missing or malformed."""
    path = folder / RUN_FILE
    try:
        return Run.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RunLogError(f"{path}: {error.strerror or error}; a run directory has a {RUN_FILE}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "top level"
        raise RunLogError(f"{path}: {place}: {first['msg']}; expected format {FORMAT}") from error


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step, so that a reader never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def point_latest(reports: Path, run_id: str) -> None:
    """Make `reports/latest` point at a run; two runs ending together leave either, never neither."""
    temporary = reports / f".latest.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(run_id, target_is_directory=True)
    temporary.replace(reports / LATEST)
