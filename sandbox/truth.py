"""Count what was received and what was answered, by route, step and outcome; sessions and events beside."""

import os
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from sandbox.realtime.headcount import Headcount
from sandbox.realtime.journal import Journal

FORMAT = 1
PROBE_STEP = "health"  # the X-Load-Step of a health probe that uses a route of the workflows
_STEPS_AT_MOST = 500  # distinct steps kept; a client inventing names must not grow the counters for ever
_STEP_CHARS_AT_MOST = 80
_COUNTED_APART_AT_MOST = 10_000  # limiters times addresses: a client inventing addresses must not grow them for ever


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was counted when a request came in; handed back when it is answered."""

    method: str
    route: str
    step: str | None
    apart: bool


@dataclass(slots=True)
class Rulings:
    """What a limiter decided about an address; None while nothing was refused."""

    allowed: int = 0
    refused: int = 0
    first_refused_at_s: float | None = None


def outcome_of(status: int) -> str:
    """Name the answer as the server sees it: ok (below 400), throttled (429), client_error or server_error."""
    if status < 400:  # noqa: PLR2004 - HTTP classes
        return "ok"
    if status == 429:  # noqa: PLR2004 - too many requests
        return "throttled"
    return "client_error" if status < 500 else "server_error"  # noqa: PLR2004 - HTTP classes


class Truth:
    """Counters of one sandbox; health, monitor and control paths are kept apart."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self._received: Counter[Receipt] = Counter()
        self._answered: Counter[tuple[Receipt, str]] = Counter()
        self._steps: set[str] = set()
        self._rulings: dict[tuple[str, str], Rulings] = {}
        self.faults: Counter[str] = Counter()
        self.forbidden: Counter[str] = Counter()
        self.canary = 0
        self.sockets = Headcount()
        self.events = Journal()

    def receive(self, method: str, route: str, step: str | None, *, apart: bool) -> Receipt:
        """Count a request before anything else is done with it."""
        receipt = Receipt(method, route, self._known(step), apart)
        self._received[receipt] += 1
        return receipt

    def answer(self, receipt: Receipt, status: int) -> None:
        """Count the answer at the moment it is handed to the socket."""
        self._answered[receipt, outcome_of(status)] += 1

    def rule(self, limiter: str, address: str, *, allowed: bool) -> None:
        """Count what a limiter decided."""
        if len(self._rulings) >= _COUNTED_APART_AT_MOST and (limiter, address) not in self._rulings:
            address = "(other)"
        rulings = self._rulings.setdefault((limiter, address), Rulings())
        rulings.allowed += allowed
        rulings.refused += not allowed
        if not allowed and rulings.first_refused_at_s is None:
            rulings.first_refused_at_s = self._uptime_s

    def reset(self) -> None:
        """Forget every count; requests still in flight will be answered without having been received."""
        self._received.clear()
        self._answered.clear()
        self.faults.clear()
        self.forbidden.clear()
        self._rulings.clear()
        self.canary = 0
        self.sockets.reset()
        self.events.reset()

    @property
    def _uptime_s(self) -> float:
        return round(time.monotonic() - self._started_s, 3)

    @property
    def received_count(self) -> int:
        """Requests of workflows received since the start or the last reset."""
        return sum(count for receipt, count in self._received.items() if not receipt.apart)

    @property
    def error_percent(self) -> float:
        """Answers of workflows that were server errors, 0..100 of all answers."""
        answers = {key: count for key, count in self._answered.items() if not key[0].apart}
        errors = sum(count for (_, outcome), count in answers.items() if outcome == "server_error")
        return 100 * errors / max(sum(answers.values()), 1)

    def as_json(self) -> bytes:
        """Write the counters down: received and answered in the order of first appearance."""
        return orjson.dumps(
            {
                "format": FORMAT,
                "uptime_s": self._uptime_s,
                **self._lists(apart=False),
                "faults": dict(self.faults),
                "sockets": self.sockets.as_dict(),
                "events": self.events.counts(),
                "canary": self.canary,
                "forbidden": dict(self.forbidden),
                "limits": [
                    {"name": name, "address": address, **asdict(rulings)}
                    for (name, address), rulings in self._rulings.items()
                ],
                "apart": self._lists(apart=True),
            },
            option=orjson.OPT_INDENT_2,
        )

    def write(self, path: Path) -> None:
        """Replace the file in one move, so that a reader never sees half of it."""
        replace_file(path, self.as_json())

    def _known(self, step: str | None) -> str | None:
        if step is None or step in self._steps:
            return step
        if len(self._steps) >= _STEPS_AT_MOST or len(step) > _STEP_CHARS_AT_MOST:
            return "(other)"
        self._steps.add(step)
        return step

    def _lists(self, *, apart: bool) -> dict[str, list[dict[str, object]]]:
        return {
            "received": [
                {"method": receipt.method, "route": receipt.route, "step": receipt.step, "count": count}
                for receipt, count in self._received.items()
                if receipt.apart is apart
            ],
            "answered": [
                {
                    "method": receipt.method,
                    "route": receipt.route,
                    "step": receipt.step,
                    "outcome": outcome,
                    "count": count,
                }
                for (receipt, outcome), count in self._answered.items()
                if receipt.apart is apart
            ],
        }


def replace_file(path: Path, content: bytes) -> None:
    """Write beside the file and move over it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)
