"""Take one figure out of an answer: JSON by path, Prometheus text by metric and labels."""

import math

import orjson
from prometheus_client.parser import text_string_to_metric_families

from gate.probe import Answer, ProbeError
from settings.target import HealthCheck, Monitor

_OK = range(200, 300)


def monitor_value(monitor: Monitor, answer: Answer) -> float:
    """Return the monitor's figure, scaled; ProbeError when the answer does not hold it as a finite number."""
    if answer.status not in _OK:
        raise ProbeError(f"answered {answer.status}")
    raw = _json_number(monitor, answer.body) if monitor.format == "json" else _prometheus_number(monitor, answer.body)
    if not math.isfinite(raw):
        raise ProbeError(f"{monitor.path or monitor.metric} is {raw}")
    return raw * monitor.scale


def health_value(check: HealthCheck, answer: Answer) -> float:
    """Return 1.0 for an answer of a part that is up; ProbeError says what came instead."""
    expected = _OK if check.status is None else (check.status,)
    if answer.status not in expected:
        raise ProbeError(f"answered {answer.status}, expected {check.status or '2xx'}")
    return 1.0


def _json_number(monitor: Monitor, body: bytes) -> float:
    try:
        at = orjson.loads(body)  # refuses what is nested without end; the standard parser can crash on it
    except orjson.JSONDecodeError as error:
        raise ProbeError("answer is not JSON") from error
    path = monitor.path or ""
    for key in path.split("."):
        if isinstance(at, dict) and key in at:
            at = at[key]
        elif isinstance(at, list) and key.isdecimal() and int(key) < len(at):
            at = at[int(key)]
        else:
            raise ProbeError(f"answer has no {path}")
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise ProbeError(f"{path} is not a number")
    return float(at)


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
