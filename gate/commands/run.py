"""Speak `sellergate run`."""

import shlex
import sys
from pathlib import Path
from typing import Final, Unpack

import click

from gate.commands.judging_flags import JudgingFlags, check_profiles, judging_options, read_terms
from gate.commands.options import load_options, path_option
from gate.commands.printing import print_verdict, verdict_in_any_case
from gate.plan import Plan
from gate.progress import ProgressPrinter
from gate.run import execute
from runlog.redaction import hide
from settings.document import CHECKOUT
from settings.permission import check_permission
from settings.problem import UsageProblem
from settings.profile import PROFILES_FILE, load_profile
from settings.target import TARGETS_DIR, Target, load_target

_EPILOG: Final = """\b
Examples:
  sellergate run --with-sandbox
  sellergate run --with-sandbox --fault error_rate=10% --stage post
  sellergate run --target staging --load-profile load
"""


class RunFlags(JudgingFlags):
    """What click hands to `run`."""

    load_profile: str
    target: str | None
    with_sandbox: bool
    fault: tuple[str, ...]
    sandbox_arg: tuple[str, ...]
    revision: str | None
    seed: int
    processes: int | None
    pool: str
    allow_production: bool
    allow_throttling: bool
    profiles: Path
    targets: Path
    reports: Path


@click.command("run", epilog=_EPILOG)
@click.option("--load-profile", default="demo", metavar="NAME", help="How hard to push; a table of profiles.toml.")
@click.option("--target", metavar="NAME", help="A file of targets/; default: DEPLOYMENT_ENV or sandbox.")
@click.option("--with-sandbox", is_flag=True, help="Start a sandbox on a free port and load that.")
@click.option("--fault", multiple=True, metavar="F", help="Let the started sandbox misbehave; repeatable.")
@click.option("--sandbox-arg", multiple=True, metavar="ARGS", help="More arguments for it; repeatable.")
@judging_options
@click.option("--revision", metavar="R", help="Revision of the target, for the record.")
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Drives data and mix.")
@click.option("--processes", type=click.IntRange(min=1), metavar="N", help="Load from several processes.")
@load_options
@path_option("--profiles", PROFILES_FILE, "Load profiles; default: profiles.toml of the checkout.")
@path_option("--targets", TARGETS_DIR, "Folder of target files; default: targets/ of the checkout.")
@path_option("--reports", CHECKOUT / "reports", "Where the run's directory goes; default: reports/.")
def command(**flags: Unpack[RunFlags]) -> int:
    """Load a target with all eight seller workflows and judge the run.

    First it looks whether the target is ready, as `sellergate preflight` does, and refuses to load one that is not.
    """
    plan = _plan(flags)
    with verdict_in_any_case():
        return print_verdict(execute(plan, ProgressPrinter(sys.stderr)))


def _plan(flags: RunFlags) -> Plan:
    """Return the run as asked for; UsageProblem for whatever is wrong with it, before anything is started."""
    terms = read_terms(flags)
    profile = load_profile(flags["load_profile"], flags["profiles"])
    check_profiles(terms.thresholds, flags["profiles"])
    target = load_target(flags["target"], folder=flags["targets"])
    hide(target.secrets)
    allowed = check_permission(target, profile, allow_production=flags["allow_production"])
    return Plan(
        profile=profile,
        target=target,
        terms=terms,
        reports=flags["reports"],
        profiles_file=flags["profiles"],
        targets_folder=flags["targets"],
        sandbox=_sandbox_arguments(target, flags),
        revision=flags["revision"],
        seed=flags["seed"],
        processes=flags["processes"],
        pool=flags["pool"],
        allow_production=flags["allow_production"],
        allow_throttling=flags["allow_throttling"],
        allowed=(*allowed, *(("--allow-throttling",) if flags["allow_throttling"] else ())),
    )


def _sandbox_arguments(target: Target, flags: RunFlags) -> tuple[str, ...] | None:
    """Return the arguments of the sandbox to start; None when none is to be started."""
    faults, more = flags["fault"], flags["sandbox_arg"]
    if not flags["with_sandbox"]:
        for flag, given in (("--fault", faults), ("--sandbox-arg", more)):
            if given:
                raise UsageProblem(f"{flag}: goes to the sandbox that --with-sandbox starts, which was not given")
        return None
    if target.production:
        raise UsageProblem(f"--with-sandbox: target {target.name!r} is production; accepted: target 'sandbox'")
    try:
        split = [word for text in more for word in shlex.split(text)]
    except ValueError as error:
        raise UsageProblem(f"--sandbox-arg: {error}") from error
    return (*(word for fault in faults for word in ("--fault", fault)), *split)
