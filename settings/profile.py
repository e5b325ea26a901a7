"""Read how hard a run pushes: the named profiles of profiles.toml."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from pydantic import ConfigDict, Field, model_validator

from runlog.run import ArrivalPlan
from runlog.workflows import WORKFLOWS
from settings.arrivals import ArrivalsTable
from settings.document import CHECKOUT, Document, did_you_mean, read_document, shown
from settings.fields import AboveZero, Duration, Words
from settings.problem import UsageProblem

PROFILES_FILE: Final = CHECKOUT / "profiles.toml"
MIN_STEADY_S: Final = 10.0
"""A run must be longer than its ramp by this: throughput needs a window."""

_LOCUSTFILES: Final = CHECKOUT / "locustfiles"


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to push: `sellers` come at `spawn_per_s`, and what was sent in the first `ramp_s` is not judged.

    With `arrivals` (open model) these decide when passes begin, and `sellers` is how many there are at a time at most.
    """

    name: str
    sellers: int
    spawn_per_s: float
    duration_s: float  # from start to stop, the ramp included
    ramp_s: float
    think_ratio: float = 1.0  # scales think times: 1 as people, 0 without a pause
    weights: dict[str, float] = field(default_factory=dict)  # workflow → weight, in place of the class's own
    safe_for_production: bool = False
    description: str = ""
    arrivals: ArrivalPlan | None = None  # None: the closed model, each seller begins again when he is through


def known_workflows() -> list[str]:
    """Return the workflows of the guide, and those a team added as a file of their own in locustfiles/."""
    added = (path.stem for path in sorted(_LOCUSTFILES.glob("[!_]*.py")))
    return list(dict.fromkeys((*WORKFLOWS, *added)))


class _ProfileTable(Document):
    description: Words
    sellers: int = Field(ge=1, le=100_000)
    spawn_per_s: AboveZero
    duration: Duration
    ramp: Duration
    think_ratio: float = Field(default=1.0, ge=0, le=100)
    safe_for_production: bool = False
    weights: dict[str, AboveZero] = Field(default_factory=dict)
    arrivals: ArrivalsTable | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "_ProfileTable":
        spawning_s = self.sellers / self.spawn_per_s
        if self.ramp < spawning_s:
            raise ValueError(
                f"ramp of {self.ramp:g} s ends before the sellers are there: {self.sellers} sellers at "
                f"{self.spawn_per_s:g} per second take {spawning_s:g} s"
            )
        if self.duration < self.ramp + MIN_STEADY_S:
            raise ValueError(
                f"duration of {self.duration:g} s leaves too little after the ramp of {self.ramp:g} s; "
                f"accepted: {self.ramp + MIN_STEADY_S:g} s or more"
            )
        for workflow in self.weights:
            if workflow not in known_workflows():
                raise ValueError(f"weights: unknown workflow {workflow!r}{did_you_mean(workflow, known_workflows())}")
        if self.arrivals is not None:
            self.arrivals.plan(self.duration)
        return self


class _ProfilesFile(Document):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, _ProfileTable] = Field(init=False)

    format: Literal[1]


def load_profiles(path: Path = PROFILES_FILE) -> dict[str, Profile]:
    """Return every profile of a file by name; UsageProblem in one line when any of them is not accepted."""
    tables = read_document(path, _ProfilesFile).__pydantic_extra__
    if not tables:
        raise UsageProblem(f"{shown(path)}: holds no profile; accepted: tables such as [smoke]")
    return {name: _profile(name, table) for name, table in tables.items()}


def load_profile(name: str, path: Path = PROFILES_FILE) -> Profile:
    """Return the profile called `name`; UsageProblem when there is none, or the file is not accepted."""
    profiles = load_profiles(path)
    if name not in profiles:
        raise UsageProblem(f"{shown(path)}: no profile {name!r}{did_you_mean(name, profiles)}")
    return profiles[name]


def _profile(name: str, table: _ProfileTable) -> Profile:
    return Profile(
        name=name,
        sellers=table.sellers,
        spawn_per_s=table.spawn_per_s,
        duration_s=table.duration,
        ramp_s=table.ramp,
        think_ratio=table.think_ratio,
        weights=dict(table.weights),
        safe_for_production=table.safe_for_production,
        description=table.description,
        arrivals=None if table.arrivals is None else table.arrivals.plan(table.duration),
    )
