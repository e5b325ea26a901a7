"""Speak `sellergate monitor`, which the load starts beside itself."""

import os
from pathlib import Path

import click

from gate.monitor import monitor_run
from runlog.redaction import hide
from runlog.run import read_run
from settings.target import TARGETS_DIR, load_target


@click.command("monitor", hidden=True)
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option(
    "--parent", type=int, required=True, metavar="PID", help="The load; without it there is nothing to watch."
)
@click.option("--targets", type=click.Path(path_type=Path), default=TARGETS_DIR, metavar="DIR", help="Target files.")
def command(run_dir: Path, parent: int, targets: Path) -> int:
    """Ask a run's target about itself until the run has ended, and stop the run if it falls silent."""
    run = read_run(run_dir)
    target = load_target(run.target.name, environ={**os.environ, "BACKEND_URL": run.target.url}, folder=targets)
    hide(target.secrets)
    monitor_run(run_dir, target, parent)
    return 0
