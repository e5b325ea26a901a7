"""Declare the options that several commands share, and turn them into the terms of a verdict."""

import os
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypedDict, TypeVar

import click

from analysis.threshold import ThresholdFile
from analysis.thresholds import THRESHOLDS_FILE, load_thresholds, with_overrides
from gate.judging import Inconclusive, Terms
from gate.overrides import read_overrides, rollback_enabled
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


def path_option(flag: str, default: Path, text: str) -> Callable[[_Function], _Function]:
    """Declare an option that is a path; whether it is there is checked where it is read, with a better message."""
    return click.option(flag, type=click.Path(path_type=Path), default=default, metavar="PATH", help=text)


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


_LOADING: Final = (
    click.option("--pool", default="pool", metavar="NAME", help="Which reusable set of sellers signs in."),
    click.option("--allow-production", is_flag=True, help="Needed for a target marked production."),
    click.option("--allow-throttling", is_flag=True, help="Send past the target's rate limits."),
)


def load_options(function: _Function) -> _Function:
    """Declare who signs in, and what has to be allowed."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(_LOADING), function)


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
        for name in threshold.profiles or ():
            if name not in known:
                hint = did_you_mean(name, sorted(known))
                raise UsageProblem(f"{shown(thresholds.path)}: threshold {index}: profiles: no profile {name!r}{hint}")
