"""Keep the exit code when what is said cannot be written: output closed, its reader gone, its disk full."""

import os
import sys
from pathlib import Path
from typing import TextIO

import click


def open_closed_streams() -> None:
    """Send output nowhere that was closed before we started; Python has no stream at all for it then."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for as long as we live


def say(text: str, *, err: bool = False) -> None:
    """Print a line, if anybody takes it."""
    try:
        click.echo(text, err=err)
    except OSError:
        mute(sys.stderr if err else sys.stdout)


def mute(stream: TextIO) -> None:
    """Send a stream that takes nothing nowhere, with what it still holds: Python would fail to flush it at its exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
