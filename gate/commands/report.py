"""Speak `sellergate report`."""

from pathlib import Path

import click

from analysis import verdict_file
from gate.commands.printing import shown_path
from gate.judging import write_pages
from runlog.errors import RunLogError


@click.command("report", epilog="Example: sellergate report reports/latest")
@click.argument("run_dir", type=click.Path(path_type=Path))
def command(run_dir: Path) -> int:
    """Draw the pages of a judged run again; judges nothing."""
    try:
        path = write_pages(run_dir, verdict_file.read(run_dir))
    except OSError as error:
        raise RunLogError(f"{run_dir}: report not written: {error.strerror or error}") from error
    click.echo(f"report:  {shown_path(path)}")
    return 0
