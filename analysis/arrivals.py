"""Tell what became of the arrivals of an open run, and how long answers took counted from when they were intended."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from analysis.figures import counted, spelled
from analysis.selection import Populations
from analysis.statistics import STATISTICS, times_ms
from analysis.verdict import ArrivalsResult, Doubt, Latency
from runlog.run import Arrived, Run
from runlog.schema import Kind

ACHIEVED_LIMIT_RATIO: Final = 0.95
"""A run that began less than this of its arrivals was not the load its profile means."""


def arrivals(run: Run, people: Populations) -> ArrivalsResult | None:
    """Return what became of the arrivals, and the latencies of the steady window; None of a closed run."""
    if run.arrivals is None:
        return None
    frame = people.steady[(people.steady["kind"] == Kind.HTTP) & people.steady["intended_at_s"].notna()]
    late_ms = (frame["sent_at_s"] - frame["intended_at_s"]) * 1000
    sent = _latency(frame)
    intended = _latency(frame.assign(response_time_ms=frame["response_time_ms"].astype(np.float64) + late_ms))
    arrived = run.arrived
    return ArrivalsResult(
        offered=None if arrived is None else arrived.offered,
        achieved=None if arrived is None else arrived.achieved,
        dropped=None if arrived is None else arrived.dropped,
        achieved_ratio=None if arrived is None else _achieved_ratio(arrived),
        samples=len(times_ms(frame)),
        sent=sent,
        intended=intended,
        gap=Latency(
            _gap(sent.p50_ms, intended.p50_ms), _gap(sent.p95_ms, intended.p95_ms), _gap(sent.p99_ms, intended.p99_ms)
        ),
    )


def arrival_doubts(run: Run) -> Iterator[Doubt]:
    """Yield a doubt when an open run did not make the load its profile means, or nobody knows whether it did."""
    if run.arrivals is None:
        return
    rule = f"at least {spelled(ACHIEVED_LIMIT_RATIO, 'ratio')} of the offered arrivals achieved"
    arrived = run.arrived
    if arrived is None:
        yield Doubt("arrivals_missed", "not every process said what became of its arrivals", rule, invalidates=True)
        return
    ratio = _achieved_ratio(arrived)
    if ratio is None or not ratio >= ACHIEVED_LIMIT_RATIO:
        share = "" if ratio is None else f" ({spelled(ratio, 'ratio')})"
        figure = f"{counted(arrived.achieved)} of {counted(arrived.offered)} achieved{share}"
        yield Doubt("arrivals_missed", f"{figure}, {counted(arrived.dropped)} dropped", rule, invalidates=True)


def _achieved_ratio(arrived: Arrived) -> float | None:
    return arrived.achieved / arrived.offered if arrived.offered else None


def _latency(frame: pd.DataFrame) -> Latency:
    p50, p95, p99 = (STATISTICS[name].measure(frame, 0.0).value for name in ("p50", "p95", "p99"))
    return Latency(p50, p95, p99)


def _gap(sent_ms: float | None, intended_ms: float | None) -> float | None:
    return None if sent_ms is None or intended_ms is None else intended_ms - sent_ms
