"""Write values into SQL that PostgreSQL and SQLite read alike."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

AT_ONCE: Final = 500
"""Values in one list of a statement."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")


def text(value: str) -> str:
    """Return a value as a literal; backslashes mean themselves in both dialects."""
    if "\0" in value:
        raise ValueError("a text with a zero byte cannot stand in SQL")
    return "'" + value.replace("'", "''") + "'"


def is_id(value: str) -> bool:
    """Return whether a value a server gave us can be the id of a row."""
    return _PLAIN.fullmatch(value) is not None


def comment(words: str) -> str:
    """Return a comment of one line, whatever is in the words."""
    return "-- " + " ".join(words.split())


def lists(values: Iterable[str]) -> Iterator[str]:
    """Yield `('a', 'b', …)` of at most 500 values each, sorted."""
    rest = iter(sorted(values))
    while batch := list(islice(rest, AT_ONCE)):
        yield f"({', '.join(map(text, batch))})"
