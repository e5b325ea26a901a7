"""Print a verdict for people: plain where output is piped, the answer coloured on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from analysis.verdict import Outcome
from gate.exit_codes import ExitCode
from gate.judging import Judged
from gate.streams import say
from runlog.errors import RunLogError

_COLOURS: Final = {
    Outcome.PASS: "green",
    Outcome.FAIL: "red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.INVALID: "magenta",
}


def print_verdict(judged: Judged) -> int:
    """Print the verdict and return its exit code, which output that goes nowhere does not change."""
    from analysis.report.terminal import lines  # noqa: PLC0415 - its package loads matplotlib: 0.3 s before any load

    path = Path("not written") if judged.report_path is None else shown_path(judged.report_path)
    colour = _COLOURS[judged.verdict.outcome] if sys.stdout.isatty() else None
    for line in lines(judged.verdict, path):
        answer = line.startswith("verdict: ")
        say(click.style(line, fg=colour, bold=True) if answer and colour else line)
    return judged.verdict.exit_code


@contextmanager
def verdict_in_any_case() -> Iterator[None]:
    """Print a verdict also for a run directory from which none can be read."""
    try:
        yield
    except RunLogError:
        say(f"verdict: INVALID (exit {ExitCode.INVALID:d})")
        raise


def shown_path(path: Path) -> Path:
    """Return a path as a person would type it here."""
    here = Path.cwd()
    absolute = path.absolute()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute
