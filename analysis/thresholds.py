"""Read thresholds.toml, refused in one line when not understood, and move the limits that flags may move."""

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from analysis.limits import Limit
from analysis.threshold import Threshold, ThresholdFile, check_order
from analysis.threshold_table import ThresholdTable, threshold_from
from analysis.verdict import Severity
from settings.document import CHECKOUT, Document, one_line, read_document, shown
from settings.problem import UsageProblem

THRESHOLDS_FILE: Final = CHECKOUT / "thresholds.toml"


class _File(Document):
    format: Literal[1]
    threshold: list[ThresholdTable] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Overrides:
    """The guide's three overrides; None leaves the file's limit."""

    response_time_ms: float | None = None
    error_rate_ratio: float | None = None
    throughput_rps: float | None = None


def load_thresholds(path: Path = THRESHOLDS_FILE) -> ThresholdFile:
    """Return the thresholds of a file; UsageProblem names file, place, what was given and what is accepted."""
    file = read_document(path, _File)
    if not file.threshold:
        raise UsageProblem(f"{shown(path)}: holds no [[threshold]]; a run would pass whatever it shows")
    thresholds = []
    for number, table in enumerate(file.threshold, start=1):
        try:
            thresholds.append(threshold_from(table))
        except ValueError as error:
            raise UsageProblem(one_line(f"{shown(path)}: threshold {number}: {error}")) from error
    return ThresholdFile(tuple(thresholds), path, hashlib.sha256(path.read_bytes()).hexdigest())


def with_overrides(file: ThresholdFile, overrides: Overrides) -> ThresholdFile:
    """Return the file with the `high` limit of the whole run's mean, error_rate and throughput moved.

    UsageProblem names the flag: the value is no possible limit, looser than `critical`, or there is nothing to move.
    """
    if overrides.response_time_ms is not None:
        text = f"{overrides.response_time_ms:.12g} ms"
        file = _moved(file, "mean", "--response-time", overrides.response_time_ms, text)
    if overrides.error_rate_ratio is not None:
        if overrides.error_rate_ratio >= 1:
            raise UsageProblem(f"--error-rate {overrides.error_rate_ratio * 100:.12g} %: not below 100 %")
        text = f"{overrides.error_rate_ratio * 100:.12g} %"
        file = _moved(file, "error_rate", "--error-rate", overrides.error_rate_ratio, text)
    if overrides.throughput_rps is not None:
        text = f"{overrides.throughput_rps:.12g} rps"
        file = _moved(file, "throughput", "--throughput", overrides.throughput_rps, text)
    return file


def _moved(file: ThresholdFile, stat: str, flag: str, value: float, text: str) -> ThresholdFile:
    if not (math.isfinite(value) and value > 0):
        raise UsageProblem(f"{flag} {text}: not a number above 0")
    changes: list[str] = []
    thresholds = []
    for threshold in file.thresholds:
        moved = threshold
        if threshold.whole_run and threshold.statistic.name == stat:
            moved = _with_high(threshold, value, text)
            changes += [
                f"{flag} {text}: {stat} {new.text!r} instead of {old.text!r}"
                for (severity, old), (_, new) in zip(threshold.limits, moved.limits, strict=True)
                if severity is Severity.HIGH
            ]
            try:
                check_order([limit for limit in moved.limits if limit[0] in (Severity.CRITICAL, Severity.HIGH)])
            except ValueError as error:
                raise UsageProblem(f"{flag} {text}: looser than critical allows: {error}") from error
        thresholds.append(moved)
    if not changes:
        raise UsageProblem(f"{flag}: {shown(file.path)} has no high limit for {stat} of the whole run to move")
    return replace(file, thresholds=tuple(thresholds), overrides=(*file.overrides, *changes))


def _with_high(threshold: Threshold, value: float, text: str) -> Threshold:
    limits = tuple(
        (severity, Limit(limit.operator, value, f"{limit.operator} {text}") if severity is Severity.HIGH else limit)
        for severity, limit in threshold.limits
    )
    return replace(threshold, limits=limits)
