"""Declare the exceptions a target file may make, each with reason, owner and expiry: gaps and waivers."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BeforeValidator, model_validator

from runlog.workflows import WORKFLOWS
from settings.document import Document, did_you_mean
from settings.fields import Words
from settings.profile import known_workflows


def _iso_date(value: object) -> object:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    try:
        return dt.date.fromisoformat(str(value)).isoformat()
    except ValueError as error:
        raise ValueError(f"{str(value)!r} is not a date; accepted: 2026-12-31") from error


IsoDate = Annotated[str, BeforeValidator(_iso_date)]
"""A date of the calendar, kept as 2026-12-31."""


class GapTable(Document):
    """A step the target is known not to offer."""

    workflow: str
    step: str
    reason: Words
    owner: Words
    expires: IsoDate

    @model_validator(mode="after")
    def _known(self) -> "GapTable":
        _check_known(self.workflow, self.step)
        return self


class WaiverTable(Document):
    """A limit that may be broken for a while."""

    stat: Words
    workflow: str | None = None
    step: str | None = None
    severity: Literal["critical", "high", "medium", "low"] | None = None
    kind: Literal["freshness", "connect", "ack", "push"] | None = None  # left out: requests
    reason: Words
    owner: Words
    expires: IsoDate

    @model_validator(mode="after")
    def _known(self) -> "WaiverTable":
        if self.workflow is not None:
            _check_known(self.workflow, self.step)
        elif self.step is not None:
            raise ValueError(f"step {self.step!r} without its workflow; accepted: workflow = …")
        return self

    def what(self) -> str:
        """Return what it waives, in words: `p95 of listing.creation, high`."""
        scope = ".".join(part for part in (self.workflow, self.step) if part is not None)
        kind = f"{self.kind} " if self.kind else ""
        return f"{kind}{self.stat}{f' of {scope}' if scope else ''}{f', {self.severity}' if self.severity else ''}"


def _check_known(workflow: str, step: str | None) -> None:
    if workflow not in known_workflows():
        raise ValueError(f"unknown workflow {workflow!r}{did_you_mean(workflow, known_workflows())}")
    steps = WORKFLOWS.get(workflow)
    if steps is not None and step is not None and step not in steps:
        raise ValueError(f"unknown step {step!r} of {workflow}{did_you_mean(step, steps)}")
