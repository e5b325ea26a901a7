"""Show a preflight: one line a check, at most 80 columns, the answer last."""

import textwrap
from collections.abc import Iterator
from typing import Final

from gate.preflight.check import Check, Preflight, State

COLUMNS: Final = 80
_STATE: Final = max(len(state) for state in State) + 1
_QUIET: Final = (State.OK, State.NOT_NEEDED)


def all_lines(preflight: Preflight) -> Iterator[str]:
    """Yield every check and the answer."""
    yield from _table(preflight.checks)
    yield answer(preflight)


def short_lines(preflight: Preflight) -> Iterator[str]:
    """Yield what is not simply well, and the answer."""
    yield from _table(tuple(check for check in preflight.checks if check.state not in _QUIET))
    yield answer(preflight)


def answer(preflight: Preflight) -> str:
    """Return the last line."""
    problems = len(preflight.problems)
    if problems:
        return f"preflight: {_counted(problems, 'problem')} (exit {preflight.code:d})"
    warnings = sum(check.state is State.WARNING for check in preflight.checks)
    return f"preflight: ok ({_counted(warnings, 'warning')})" if warnings else "preflight: ok"


def _table(checks: tuple[Check, ...]) -> Iterator[str]:
    width = max((len(check.name) for check in checks), default=0) + 1
    indent = " " * (_STATE + width)
    for check in checks:
        head = f"{check.state:<{_STATE}}{check.name:<{width}}"
        yield from textwrap.wrap(
            head + check.words, COLUMNS, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
        )
        yield from check.more


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
