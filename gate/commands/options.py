"""Declare the options that several commands share."""

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])

_LOADING: Final = (
    click.option("--pool", default="pool", metavar="NAME", help="Which reusable set of sellers signs in."),
    click.option("--allow-production", is_flag=True, help="Needed for a target marked production."),
    click.option("--allow-throttling", is_flag=True, help="Send past the target's rate limits."),
)


def load_options(function: _Function) -> _Function:
    """Declare who signs in, and what has to be allowed."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(_LOADING), function)


def path_option(flag: str, default: Path, text: str) -> Callable[[_Function], _Function]:
    """Declare an option that is a path; whether it is there is checked where it is read, with a better message."""
    return click.option(flag, type=click.Path(path_type=Path), default=default, metavar="PATH", help=text)
