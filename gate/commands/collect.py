"""Speak `sellergate collect`."""

from pathlib import Path
from typing import Final, Unpack

import click

from gate.commands.judging_flags import JudgingFlags, judging_options, read_terms
from gate.commands.printing import print_verdict, verdict_in_any_case
from gate.judging import judge_run
from gate.streams import say
from runlog.collect import collect
from runlog.errors import RunLogError
from settings.problem import UsageProblem

_EPILOG: Final = """\b
Examples:
  sellergate collect reports/latest copied/worker-1
  sellergate collect reports/20260801-load copied/*
"""


@click.command("collect", epilog=_EPILOG)
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.argument("spools", metavar="SPOOL_DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@judging_options
def command(run_dir: Path, spools: tuple[Path, ...], **flags: Unpack[JudgingFlags]) -> int:
    """Complete a run from what its workers kept, and judge it anew.

    SPOOL_DIR is a worker's own reports/<run>, copied from its disk. What the
    master has already is never replaced by less. A worker that was lost stays
    lost and the run invalid, but its samples are in the report.
    """
    terms = read_terms(flags)
    try:
        recovered = collect(run_dir, spools)
    except RunLogError as error:
        raise UsageProblem(str(error)) from error
    except OSError as error:
        raise RunLogError(f"{run_dir}: cannot be completed: {error.strerror or error}") from error
    for each in recovered:
        say(str(each))
    if not recovered:
        say("nothing to add: the run has all that its spools have")
    with verdict_in_any_case():
        return print_verdict(judge_run(run_dir, terms))
