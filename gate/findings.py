"""Keep what the gate itself found out about a run in its directory, so that judging it again finds the same."""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.verdict import Doubt
from runlog.errors import RunLogError
from runlog.run import write_atomically

FINDINGS_FILE: Final = "gate.json"
"""Only runs of `sellergate run` have one."""


class _Found(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    figure: str
    rule: str
    invalidates: bool


class Findings(BaseModel):
    """Doubts of the pipeline around the load, and what flags and environment changed about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    found: tuple[_Found, ...] = ()
    overrides: tuple[str, ...] = ()
    clock_offset_s: tuple[float, float] | None = None  # the server's clock minus ours is between these two

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """The findings as a verdict carries them."""
        return tuple(Doubt(each.name, each.figure, each.rule, each.invalidates) for each in self.found)

    def with_doubt(self, name: str, figure: str, rule: str, *, invalidates: bool) -> "Findings":
        """Return these findings and one more."""
        doubt = _Found(name=name, figure=figure, rule=rule, invalidates=invalidates)
        return self.model_copy(update={"found": (*self.found, doubt)})


def write_findings(folder: Path, findings: Findings) -> None:
    """Write the findings into a run directory; RunLogError when the disk refuses."""
    try:
        write_atomically(folder / FINDINGS_FILE, findings.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise RunLogError(f"{folder / FINDINGS_FILE}: not written: {error.strerror or error}") from error


def read_findings(folder: Path) -> Findings:
    """Return the findings of a run, none for a run the gate did not start; RunLogError when they are not readable."""
    path = folder / FINDINGS_FILE
    try:
        return Findings.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Findings()
    except OSError as error:
        raise RunLogError(f"{path}: not readable: {error.strerror or error}") from error
    except ValidationError as error:
        raise RunLogError(f"{path}: not the findings of format 1") from error
