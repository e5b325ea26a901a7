"""Speak `sellergate clean`."""

import sys
import textwrap
import time
from pathlib import Path
from typing import Any, Final

import click

from gate.cleaning import Remains, cleaning_sql
from gate.exit_codes import ExitCode
from gate.streams import say
from gate.trial import run_trial, trial_arguments
from runlog.created import Kind, read_created
from runlog.run import Run, read_run
from settings.problem import UsageProblem
from settings.target import TARGETS_DIR

_WIDTH: Final = 80
_QUIET_S: Final = 2.0
_EVERY_S: Final = 10.0
"""A clean-up that takes longer than the first says how far it is, on a terminal at once, elsewhere so often."""
_WORST_FIRST: Final = (ExitCode.INVALID, ExitCode.FAIL, ExitCode.PASS)
_EPILOG: Final = """\b
Examples:
  sellergate clean reports/latest --dry-run
  sellergate clean reports/2026* --sql clean.sql

\b
Exit codes: 0 done, 1 some could not be taken down, 2 usage,
3 target not reachable or no registry, 70 a bug of ours.
"""


@click.command("clean", epilog=_EPILOG)
@click.argument("run_dirs", metavar="RUN_DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--target", metavar="NAME", help="A file of targets/; default: the one the run names.")
@click.option("--pool", metavar="NAME", help="Where the run's sellers came from; default: as the run noted.")
@click.option("--dry-run", is_flag=True, help="Send nothing: say what there is, and write the SQL.")
@click.option(
    "--sql",
    "sql_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the SQL goes; default: standard output.",
)
@click.option("--allow-production", is_flag=True, help="Needed for a target marked production.")
@click.option(  # as in `try`: declared here, because the other place imports the judge
    "--targets",
    type=click.Path(path_type=Path),
    default=TARGETS_DIR,
    metavar="PATH",
    help="Folder of target files; default: targets/ of the checkout.",
)
def command(
    run_dirs: tuple[Path, ...],
    *,
    target: str | None,
    pool: str | None,
    dry_run: bool,
    sql_path: Path | None,
    allow_production: bool,
    targets: Path,
) -> int:
    """Take down what runs left on their target; write SQL for the rest.

    Signs in as the sellers concerned, takes their listings off and marks their notifications read: the API offers
    nothing else. What remains is written as SQL for whoever has the database. May be repeated.
    """
    found = [(folder, read_run(folder), read_created(folder)) for folder in run_dirs]
    remains = [Remains.of(run.id, f"{run.target.name} {run.target.url}", made) for _, run, made in found]
    codes = [ExitCode.PASS]
    for (folder, run, _), each in zip(found, remains, strict=True):
        _tell(f"{run.id}: created {_counts(each)}")
        if not dry_run:
            arguments = ["--mode", "clean", "--run-dir", str(folder.absolute())]
            arguments += trial_arguments(target or run.target.name, targets, pool, allow_production=allow_production)
            codes.append(run_trial(arguments, _Progress(run).show, BACKEND_URL=run.target.url))
    _write(cleaning_sql(remains), sql_path)
    return next(code for code in _WORST_FIRST if code in codes)


def _tell(words: str) -> None:
    """Say something to a person, on lines they can read."""
    for line in textwrap.wrap(words, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False):
        say(line, err=True)


def _counts(remains: Remains) -> str:
    counts = [(remains.count(kind), kind.replace("_", " ")) for kind in Kind]
    words = [f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts if count]
    unknown = sum(1 for made in remains.created if made.id is None)
    return (", ".join(words) or "nothing") + (f"; {unknown} more requests got no readable answer" if unknown else "")


def _write(sql: str, path: Path | None) -> None:
    if path is None:
        say(sql.rstrip("\n"))
        return
    try:
        path.write_text(sql, "utf-8")
    except OSError as error:
        raise UsageProblem(f"--sql: {path}: {error.strerror or error}") from error


class _Progress:
    """Shows how far the clean-up of one run is; everything on standard error, for the SQL may go to the other."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._next_s = time.monotonic() + _QUIET_S

    def show(self, line: dict[str, Any]) -> None:
        """Print one line of the trial, if it is due."""
        match line["type"]:
            case "left":
                _tell(f"  {line['wallet']}: {line['listings']} listings left: {line['error']}")
            case "result":
                _tell(
                    f"{self._run.id}: {line['down']} listings taken down, {line['gone']} were down already,"
                    f" {line['failed']} of {line['sellers']} sellers not cleaned"
                )
            case "progress" if time.monotonic() >= self._next_s:
                self._next_s = time.monotonic() + (_QUIET_S if sys.stderr.isatty() else _EVERY_S)
                _tell(f"  {line['done']} of {line['of']} sellers")
