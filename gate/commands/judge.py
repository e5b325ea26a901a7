"""Speak `sellergate judge`."""

from pathlib import Path
from typing import Final, Unpack

import click

from gate.commands.judging_flags import JudgingFlags, judging_options, read_terms
from gate.commands.printing import print_verdict, verdict_in_any_case
from gate.judging import judge_run

_EPILOG: Final = """\b
Examples:
  sellergate judge reports/latest
  sellergate judge reports/20260801-demo --strict --response-time 1500
"""


@click.command("judge", epilog=_EPILOG)
@click.argument("run_dir", type=click.Path(path_type=Path))
@judging_options
def command(run_dir: Path, **flags: Unpack[JudgingFlags]) -> int:
    """Judge a run again, or for the first time.

    RUN_DIR is a folder of reports/; `reports/latest` is the newest one. The same run and thresholds give the same
    verdict.json, byte for byte.
    """
    terms = read_terms(flags)
    with verdict_in_any_case():
        return print_verdict(judge_run(run_dir, terms))
