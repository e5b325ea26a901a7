"""Read the kept failing exchanges of a run for people to look at."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analysis.report import wording
from runlog.failures import FAILURES_FILE

_MOST: Final = 20
_BODY_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class ExchangeCard:
    """One failing request and its answer, as text."""

    title: str
    error: str
    facts: str
    request: str
    request_body: str
    response_body: str


@dataclass(frozen=True, slots=True)
class Exchanges:
    """The first failing exchange of each step and outcome."""

    cards: tuple[ExchangeCard, ...]
    note: str | None  # what is not shown, or could not be read


def read_exchanges(folder: Path) -> Exchanges:
    """Return one exchange of each step and outcome, at most twenty; what cannot be read is said, never raised."""
    path = folder / FAILURES_FILE
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return Exchanges((), None)
    except OSError as error:
        return Exchanges((), f"{FAILURES_FILE}: {error.strerror or error}")
    found: dict[str, ExchangeCard] = {}
    unreadable = 0
    for line in lines:
        card = _card(line)
        if card is None:
            unreadable += 1
        else:
            found.setdefault(card.title, card)
    return Exchanges(tuple(found.values())[:_MOST], _note(len(found) - _MOST, unreadable))


def _note(more: int, unreadable: int) -> str | None:
    notes = []
    if more > 0:
        notes.append(f"{wording.several(more, 'more kind', 'more kinds')} of failure: see {FAILURES_FILE}.")
    if unreadable:
        notes.append(f"Not readable: {wording.several(unreadable, 'line', 'lines')} of {FAILURES_FILE}.")
    return " ".join(notes) or None


def _card(line: str) -> ExchangeCard | None:
    try:
        row = json.loads(line)
        place = ".".join(str(row[name]) for name in ("workflow", "step") if row[name] is not None) or "setup"
        facts = [
            f"status {wording.MISSING if row['status'] is None else row['status']}",
            f"server's request id {wording.MISSING if row['server_request_id'] is None else row['server_request_id']}",
            f"seller {row['seller']}, iteration {row['iteration']}",
            wording.moment(float(row["at_s"])),
        ]
        return ExchangeCard(
            title=f"{place}: {row['outcome']}",
            error=_text(row["error"]),
            facts=" · ".join(facts),
            request=f"{row['method']} {row['url']}",
            request_body=_text(row["request_body"]),
            response_body=_text(row["response_body"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _text(value: object) -> str:
    return "" if value is None else str(value)[:_BODY_CHARACTERS]
