"""Speak `sellergate check`."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar, Unpack

import click

from gate.budget import Budget, fitting, reckon
from gate.budget import lines as budget_lines
from gate.commands.judging_flags import JudgingFlags, check_profiles, judging_options, read_terms
from gate.commands.options import path_option
from gate.effective import any_expired, profile_lines, target_lines, threshold_lines
from gate.exit_codes import ExitCode
from gate.streams import say
from gate.terms import Terms
from settings.document import one_line, read_document, shown
from settings.hosts import host_of, is_loopback
from settings.limits import load_limits
from settings.permission import check_permission
from settings.problem import UsageProblem
from settings.profile import PROFILES_FILE, Profile, load_profile, load_profiles
from settings.target import TARGETS_DIR, Target, load_target
from settings.target_file import TargetTable

_EPILOG: Final = """\b
Examples:
  sellergate check
  sellergate check --target staging --load-profile smoke
"""
_FLAGS: Final = (
    ("response_time", "--response-time", "RESPONSE_TIME_THRESHOLD"),
    ("error_rate", "--error-rate", "ERROR_RATE_THRESHOLD"),
    ("throughput", "--throughput", "THROUGHPUT_THRESHOLD"),
)
_Read = TypeVar("_Read")


class CheckFlags(JudgingFlags):
    """What click hands to `check`."""

    load_profile: str | None
    target: str | None
    profiles: Path
    targets: Path


@click.command("check", epilog=_EPILOG)
@click.option("--load-profile", metavar="NAME", help="How hard to push; a table of profiles.toml.  [default: demo]")
@click.option("--target", metavar="NAME", help="A file of targets/; default: DEPLOYMENT_ENV or sandbox.")
@judging_options
@path_option("--profiles", PROFILES_FILE, "Load profiles; default: profiles.toml of the checkout.")
@path_option("--targets", TARGETS_DIR, "Folder of target files; default: targets/ of the checkout.")
def command(**flags: Unpack[CheckFlags]) -> int:
    """Read every settings file, and say what a run would do with them.

    Nothing is sent and no name is resolved. Prints the settings a run would have and where each came from, the gaps
    and waivers with the days they have left, and how many sellers the target's rate limits carry. Exits 2, with a
    line for each, when a file is wrong.
    """
    found = _Findings(flags)
    if found.problems or found.target is None or found.profile is None or found.terms is None:
        for problem in found.problems:
            say(one_line(problem), err=True)
        return ExitCode.USAGE
    for line in _report(flags, found.target, found.profile, found.terms):
        say(line)
    return ExitCode.PASS


class _Findings:
    """What the files say, and every problem with them: one a file, for a file is read up to its first."""

    def __init__(self, flags: CheckFlags) -> None:
        self.problems: list[str] = []
        self.profile = self._read(lambda: load_profile(_profile_name(flags), flags["profiles"]))
        self.terms = self._read(lambda: _terms(flags, profiles_are_read=self.profile is not None))
        self.target = self._read(lambda: _target(flags))
        chosen = None if self.target is None else self.target.path
        for path in sorted(flags["targets"].glob("*.toml")):
            if path != chosen:
                self._read(lambda path=path: _check_file(path))  # type: ignore[misc]  # a default binds it now

    def _read(self, read: Callable[[], _Read]) -> _Read | None:
        try:
            return read()
        except UsageProblem as problem:
            if str(problem) not in self.problems:
                self.problems.append(str(problem))
            return None


def _profile_name(flags: CheckFlags) -> str:
    return flags["load_profile"] or "demo"


def _terms(flags: CheckFlags, *, profiles_are_read: bool) -> Terms:
    terms = read_terms(flags)
    if profiles_are_read:
        check_profiles(terms.thresholds, flags["profiles"])
    return terms


def _target(flags: CheckFlags) -> Target:
    """Return the target as a run would have it, its secret for wallets included."""
    target = load_target(flags["target"], folder=flags["targets"])
    name = target.wallet_secret_env
    if not is_loopback(host_of(target.url)):
        if name is None:
            raise UsageProblem(f"{shown(target.path)}: missing key 'wallet_secret_env': sellers off loopback need one")
        if not os.environ.get(name):
            raise UsageProblem(f"{shown(target.path)}: wallet_secret_env: environment variable {name!r} is not set")
    return target


def _check_file(path: Path) -> None:
    """Read a target that is not the chosen one: what its variables hold is not asked for."""
    table = read_document(path, TargetTable)
    if table.rate_limits is not None:
        load_limits(table.rate_limits, path.parent)


def _report(flags: CheckFlags, target: Target, profile: Profile, terms: Terms) -> Iterator[str]:
    yield from target_lines(target, read_document(target.path, TargetTable), _target_source(flags), os.environ)
    yield ""
    named = "--load-profile" if flags["load_profile"] else "default"
    yield from profile_lines(profile, shown(flags["profiles"]), named)
    yield ""
    yield from threshold_lines(terms.thresholds, profile.name, _sources(flags))
    yield ""
    budget = reckon(profile, target)
    first, *more = budget_lines(budget)
    yield f"budget of addresses: {first}"
    yield from more
    if not budget.fits:
        names = fitting(load_profiles(flags["profiles"]).values(), target)
        yield f"  profiles that fit this target: {', '.join(names) or 'none'}"
    yield ""
    yield _last_line(target, profile, budget)


def _target_source(flags: CheckFlags) -> str:
    if flags["target"]:
        return "--target"
    return "DEPLOYMENT_ENV" if os.environ.get("DEPLOYMENT_ENV") else "default"


def _sources(flags: CheckFlags) -> dict[str, str]:
    """Return the variable in place of the flag for each limit the environment moved."""
    given = {flag: flags[key] for key, flag, _ in _FLAGS}  # type: ignore[literal-required]  # keys of JudgingFlags
    return {flag: variable for _, flag, variable in _FLAGS if given[flag] is None}


def _last_line(target: Target, profile: Profile, budget: Budget) -> str:
    """Return what a run would make of it."""
    refusals = [] if budget.fits else ["its demand exceeds the limits"]
    try:
        check_permission(target, profile, allow_production=True)
    except UsageProblem as problem:
        refusals.append(str(problem))
    if refusals:
        return f"check: every file is read; a run would be refused: {'; '.join(refusals)}"
    if any_expired(target):
        return "check: every file is read; a run would fail: a gap or waiver has expired"
    return f"check: ok{', with --allow-production' if target.production else ''}"
