"""Speak `sellergate preflight`."""

import sys
from pathlib import Path
from typing import Final, TypedDict, Unpack

import click

from gate.commands.options import load_options, path_option
from gate.preflight import (
    PATIENCE_S,
    WAY,
    Check,
    Preflight,
    State,
    Subject,
    Trial,
    addresses_check,
    all_lines,
    disk_check,
    lease_check,
    look,
    not_looked_at,
    refusal,
    unlooked,
)
from gate.progress import ProgressPrinter
from gate.streams import say
from runlog.redaction import hide
from settings.document import CHECKOUT
from settings.permission import check_permission
from settings.problem import UsageProblem
from settings.profile import PROFILES_FILE, Profile, load_profile
from settings.target import TARGETS_DIR, Target, load_target

_EPILOG: Final = """\b
Examples:
  sellergate preflight --target staging --load-profile smoke
  BACKEND_URL=http://127.0.0.1:7080 sellergate preflight

\b
Exit codes: 0 ready, 2 something to change in files or flags,
3 something to change in the world.
"""
_COLOURS: Final = {State.WARNING: "yellow", State.PROBLEM: "red"}


class PreflightFlags(TypedDict):
    """What click hands to `preflight`."""

    load_profile: str
    target: str | None
    pool: str
    allow_production: bool
    allow_throttling: bool
    profiles: Path
    targets: Path
    reports: Path


@click.command("preflight", epilog=_EPILOG)
@click.option("--load-profile", default="demo", metavar="NAME", help="How hard it is meant to be pushed.")
@click.option("--target", metavar="NAME", help="A file of targets/; default: DEPLOYMENT_ENV or sandbox.")
@load_options
@path_option("--profiles", PROFILES_FILE, "Load profiles; default: profiles.toml of the checkout.")
@path_option("--targets", TARGETS_DIR, "Folder of target files; default: targets/ of the checkout.")
@path_option("--reports", CHECKOUT / "reports", "Where the run's directory would go; default: reports/.")
def command(**flags: Unpack[PreflightFlags]) -> int:
    """Look whether a target is ready to be loaded; sends questions and one sign-in, no load.

    Each line is one check: what it found, or what stands in its way. `run` begins with the same look.
    """
    profile = load_profile(flags["load_profile"], flags["profiles"])
    printer = ProgressPrinter(sys.stderr)
    preflight = _look(flags, profile, printer)
    printer.close()
    for line in all_lines(preflight):
        colour = next((colour for state, colour in _COLOURS.items() if line.startswith(f"{state} ")), None)
        say(click.style(line, fg=colour) if colour and sys.stdout.isatty() else line)
    return int(preflight.code)


def _look(flags: PreflightFlags, profile: Profile, printer: ProgressPrinter) -> Preflight:
    """Return all checks; nothing is asked of a target that is not listed or not allowed."""
    try:
        target = load_target(flags["target"], folder=flags["targets"])
    except UsageProblem as refused:
        rest = [not_looked_at(name, "the target is not accepted") for name in ("lease", "addresses")]
        return _unasked(None, refused, [disk_check(flags["reports"], profile), *rest])
    hide(target.secrets)
    throttling = flags["allow_throttling"]
    try:
        check_permission(target, profile, allow_production=flags["allow_production"])
    except UsageProblem as refused:
        addresses = addresses_check(target, profile, allow_throttling=throttling)
        return _unasked(target, refused, [disk_check(flags["reports"], profile), lease_check(target), addresses])
    trial = Trial.of(target, flags["targets"], pool=flags["pool"], allow_production=flags["allow_production"])
    return look(
        Subject(target, profile, flags["reports"], trial, lambda: lease_check(target), throttling, PATIENCE_S),
        printer.waiting,
    )


def _unasked(target: Target | None, refused: UsageProblem, own: list[Check]) -> Preflight:
    rest = unlooked(WAY, target, "the target is not accepted")
    return Preflight((refusal("target", str(refused)), *rest, *own))
