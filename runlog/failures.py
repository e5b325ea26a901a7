"""Keep the first failing exchanges of each step and outcome, redacted, for the person who has to find out why."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from runlog.redaction import redact
from runlog.schema import Outcome

FAILURES_FILE: Final = "failures.jsonl"
EACH: Final = 3
"""Exchanges kept of one step and outcome by one process."""
_EXCERPT_BYTES: Final = 2_000
_READ_CHARACTERS: Final = 4 * _EXCERPT_BYTES
"""How much of a text is searched for secrets: of a megabyte all but the beginning is thrown away anyway."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One failing request and what came back; texts may hold secrets until `FailureLog.add` has redacted them."""

    at_s: float
    workflow: str | None
    step: str | None
    outcome: Outcome
    error: str | None
    method: str
    url: str
    request_body: str | None
    status: int | None
    response_body: str | None
    server_request_id: str | None
    seller: int
    iteration: int


def failures_path(folder: Path, process: int) -> Path:
    """Return where one process keeps its failing exchanges while the run lasts."""
    return folder / f"failures-{process}.jsonl"


def failure_parts(folder: Path) -> list[Path]:
    """Return the files of all processes, in order of process."""
    return sorted(folder.glob("failures-*.jsonl"), key=lambda path: (len(path.name), path.name))


class FailureLog:
    """The failing exchanges of one process; bounded, so it may write at once. Losing one on a full disk is no harm."""

    def __init__(self, folder: Path, process: int) -> None:
        self._path = failures_path(folder, process)
        self._kept: Counter[tuple[str | None, str | None, Outcome]] = Counter()

    def wants(self, workflow: str | None, step: str | None, outcome: Outcome) -> bool:
        """Return whether another exchange of this step and outcome would still be kept."""
        return self._kept[workflow, step, outcome] < EACH

    def add(self, exchange: Exchange) -> None:
        """Keep an exchange, redacted and cut to 2 kB a text."""
        self._kept[exchange.workflow, exchange.step, exchange.outcome] += 1
        line = asdict(exchange) | {
            "url": _excerpt(exchange.url),
            "error": _excerpt(exchange.error),
            "server_request_id": _excerpt(exchange.server_request_id),
            "request_body": _excerpt(exchange.request_body),
            "response_body": _excerpt(exchange.response_body),
        }
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=True) + "\n")
        except OSError:
            return  # the samples say how many there were; the recorder reports the full disk


def _excerpt(text: str | None) -> str | None:
    if text is None:
        return None
    cleaned = redact(text[:_READ_CHARACTERS])
    return cleaned.encode(errors="replace")[:_EXCERPT_BYTES].decode(errors="ignore")
