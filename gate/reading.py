"""Take one figure out of an answer: JSON by path, Prometheus text by metric and labels."""

import math
from typing import Final

import orjson
from prometheus_client.parser import text_string_to_metric_families

from gate.probe import Answer, ProbeError
from runlog.redaction import redact
from settings.document import one_line
from settings.target import HealthCheck, Monitor

_OK: Final = range(200, 300)
_SHOWN_CHARS: Final = 40


def monitor_value(monitor: Monitor, answer: Answer) -> float:
    """Return the monitor's figure, scaled; of counters, how far they are.

    ProbeError when the answer does not hold it as a finite number.
    """
    if answer.status not in _OK:
        raise ProbeError(f"answered {answer.status}")
    raw = (
        _json_sum(monitor.paths, answer.body) if monitor.format == "json" else _prometheus_number(monitor, answer.body)
    )
    if not math.isfinite(raw):
        raise ProbeError(f"{', '.join(monitor.paths) or monitor.metric} is {raw}")
    return raw * monitor.scale


class Reading:
    """Reads one monitor's answers in their order: of counters the figure is what they grew by, a second."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._before: tuple[float, float] | None = None

    def value(self, answer: Answer) -> float | None:
        """Return the figure of this answer; None where counters have nothing to be compared with.

        That is at first, and while they stand still: some servers look at their own only once a minute, and then the
        next growth is that of the whole time. ProbeError when the answer does not hold them, or they went back: the
        server began again.
        """
        value = monitor_value(self._monitor, answer)
        if not self._monitor.counters:
            return value
        before = self._before
        if before is not None and value == before[1]:
            return None
        self._before = (answer.received_at_s, value)
        if before is None:
            return None
        elapsed_s = answer.received_at_s - before[0]
        if elapsed_s <= 0:
            raise ProbeError("two answers at one moment")
        if value < before[1]:
            raise ProbeError("counters went back: the server began again")
        return (value - before[1]) / elapsed_s


def health_value(check: HealthCheck, answer: Answer) -> float:
    """Return 1.0 for an answer of a part that is up; ProbeError says what came instead."""
    expected = _OK if check.status is None else (check.status,)
    if answer.status not in expected:
        raise ProbeError(f"answered {answer.status}, expected {check.status or '2xx'}")
    if check.field is not None:
        said = _json_at(_json(answer.body), check.field)
        if isinstance(said, bool) is not isinstance(check.value, bool) or said != check.value:  # 1 is not true
            raise ProbeError(f"{check.field} is {_shown(said)}, expected {_shown(check.value)}")
    return 1.0


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)  # refuses what is nested without end; the standard parser can crash on it
    except orjson.JSONDecodeError as error:
        raise ProbeError("answer is not JSON") from error


def _json_at(at: object, path: str) -> object:
    for key in path.split("."):
        if isinstance(at, dict) and key in at:
            at = at[key]
        elif isinstance(at, list) and key.isdecimal() and int(key) < len(at):
            at = at[int(key)]
        else:
            raise ProbeError(f"answer has no {path}")
    return at


def _json_sum(paths: tuple[str, ...], body: bytes) -> float:
    document = _json(body)
    total = 0.0
    for path in paths:
        at = _json_at(document, path)
        if isinstance(at, bool) or not isinstance(at, int | float):
            raise ProbeError(f"{path} is not a number")
        total += at
    return total


def _shown(value: object) -> str:
    """Return a value as JSON has it, short; a server may have written it."""
    return one_line(redact(orjson.dumps(value).decode()))[:_SHOWN_CHARS]


def _prometheus_number(monitor: Monitor, body: bytes) -> float:
    try:
        families = list(text_string_to_metric_families(body.decode()))
    except (ValueError, KeyError, IndexError) as error:
        raise ProbeError("answer is not Prometheus text") from error
    found = [
        float(sample.value)
        for family in families
        for sample in family.samples
        if sample.name == monitor.metric and monitor.labels.items() <= sample.labels.items()
    ]
    if not found:
        raise ProbeError(f"answer has no {monitor.metric}")
    if len(found) > 1:
        raise ProbeError(f"{len(found)} series are called {monitor.metric}; name labels")
    return found[0]
