"""Speak `sellergate try`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from gate.streams import say
from gate.trial import run_trial, trial_arguments
from gate.trial_view import TrialView
from settings.target import TARGETS_DIR

_EPILOG: Final = """\b
Examples:
  sellergate try listing.creation
  sellergate try order_management.fulfillment --target staging --full

\b
Exit codes: 0 the step did what it should, 1 it did not, 2 usage,
3 target not reachable, 70 a bug of ours.
"""


@click.command("try", epilog=_EPILOG)
@click.argument("step", metavar="WORKFLOW.STEP")
@click.option("--target", metavar="NAME", help="A file of targets/; default: DEPLOYMENT_ENV or sandbox.")
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Drives what the seller writes and chooses.")
@click.option("--pool", default="pool", metavar="NAME", help="Which reusable set of sellers.")
@click.option("--full", is_flag=True, help="Bodies and lines whole, however long.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.option("--allow-production", is_flag=True, help="Needed for a target marked production.")
@click.option(  # not by `path_option`: its module imports the whole judge, and half a second is half of a try
    "--targets",
    type=click.Path(path_type=Path),
    default=TARGETS_DIR,
    metavar="PATH",
    help="Folder of target files; default: targets/ of the checkout.",
)
def command(
    step: str,
    *,
    target: str | None,
    seed: int,
    pool: str,
    full: bool,
    as_json: bool,
    allow_production: bool,
    targets: Path,
) -> int:
    """Do one step as one seller and show what was said.

    What the step needs before it, such as signing in, is done first and shown in a line each. Tokens, signatures
    and cookies are hidden.
    """
    arguments = ["--mode", "step", "--step", step, "--seed", str(seed)]
    arguments += trial_arguments(target, targets, pool, allow_production=allow_production)
    show: Callable[[dict[str, Any]], None] = lambda line: say(json.dumps(line))  # noqa: E731 - one of two ways to show
    if not as_json:
        show = TrialView(say, step.partition(".")[2], full=full, colour=sys.stdout.isatty()).show
    return run_trial(arguments, show)
