"""Declare the options that decide how a run is judged, and turn them into the terms of a verdict."""

import os
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypedDict, TypeVar

import click

from analysis.threshold import ThresholdFile
from analysis.thresholds import THRESHOLDS_FILE, load_thresholds, with_overrides
from gate.commands.options import path_option
from gate.overrides import read_overrides, rollback_enabled
from gate.terms import Inconclusive, Terms
from settings.document import did_you_mean, shown
from settings.problem import UsageProblem
from settings.profile import PROFILES_FILE, load_profiles

_Function = TypeVar("_Function", bound=Callable[..., Any])

STAGES: Final = ("pre", "post", "watch")


class JudgingFlags(TypedDict):
    """What `judging_options` hands to a command."""

    thresholds: Path
    stage: str | None
    strict: bool
    inconclusive: Inconclusive | None
    response_time: float | None
    error_rate: float | None
    throughput: float | None


_JUDGING: Final = (
    path_option("--thresholds", THRESHOLDS_FILE, "What a run must show; default: thresholds.toml of the checkout."),
    click.option("--stage", type=click.Choice(STAGES), help="Where in the release: post and watch may roll back."),
    click.option("--strict", is_flag=True, help="Broken medium and low limits fail the run too."),
    click.option(
        "--inconclusive",
        type=click.Choice(("pass", "fail")),
        help="What an interval that straddles its limit counts as.",
    ),
    click.option("--response-time", type=float, metavar="MS", help="Limit of the mean; RESPONSE_TIME_THRESHOLD."),
    click.option("--error-rate", type=float, metavar="PERCENT", help="Limit of errors; ERROR_RATE_THRESHOLD."),
    click.option("--throughput", type=float, metavar="RPS", help="Limit of throughput; THROUGHPUT_THRESHOLD."),
)


def judging_options(function: _Function) -> _Function:
    """Declare everything that decides how a run is judged."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(_JUDGING), function)


def read_terms(flags: JudgingFlags) -> Terms:
    """Return the terms of a verdict from flags and environment; UsageProblem when they are not accepted."""
    overrides = read_overrides(flags["response_time"], flags["error_rate"], flags["throughput"], os.environ)
    return Terms(
        thresholds=with_overrides(load_thresholds(flags["thresholds"]), overrides),
        stage=flags["stage"],
        strict=flags["strict"],
        inconclusive=flags["inconclusive"],
        rollback_enabled=rollback_enabled(os.environ),
    )


def check_profiles(thresholds: ThresholdFile, profiles: Path) -> None:
    """Refuse a threshold for a load profile nobody has: misspelt, it would never be judged, and nobody would know."""
    known = {*load_profiles(PROFILES_FILE), *load_profiles(profiles)}
    for index, threshold in enumerate(thresholds.thresholds, 1):
        for key, names in (("profiles", threshold.profiles or ()), ("not_profiles", threshold.not_profiles)):
            for name in names:
                if name not in known:
                    hint = did_you_mean(name, sorted(known))
                    where = f"{shown(thresholds.path)}: threshold {index}: {key}"
                    raise UsageProblem(f"{where}: no profile {name!r}{hint}")
