"""Sum up a run's real-time sessions: how they began and ended, and what became of the events sellers were owed."""

from typing import Final

import numpy as np
import pandas as pd

from analysis.statistics import SOCKETS, expected, percentile, reconnect_times_ms, times_ms, unasked
from analysis.verdict import EventRow, PhaseRow, Realtime, Words
from runlog.schema import Kind, Outcome

_WORDS_AT_MOST: Final = 10
_PHASES: Final = (
    ("TCP and TLS", "connect_ms"),
    ("upgraded", "wait_ms"),
    ("namespace joined", "handshake_ms"),
    ("authenticated", "response_time_ms"),
)
"""Phases of beginning a session and the column that tells their time; all but the first count from the start."""


def realtime(samples: pd.DataFrame) -> Realtime | None:
    """Return what a whole run shows of its sessions, the ramp and the drain included; None when it had none."""
    frame = samples[samples["kind"].isin(SOCKETS)]
    if frame.empty:
        return None
    connects, ended = frame[frame["kind"] == Kind.CONNECT], frame[frame["kind"] == Kind.SESSION]
    pushes, began = frame[frame["kind"] == Kind.PUSH], connects[connects["outcome"] == Outcome.OK]
    reconnects = reconnect_times_ms(connects)
    lives = ended["response_time_ms"].to_numpy(np.float64)
    return Realtime(
        sessions=len(began),
        live_max=_live_max(ended),
        dropped=int((ended["outcome"] == Outcome.LOST).sum()),
        dropped_why=_words(ended[ended["outcome"] == Outcome.LOST]),
        failed=int((~connects["outcome"].isin((Outcome.OK, Outcome.ABORTED))).sum()),
        failed_why=_words(connects[~connects["outcome"].isin((Outcome.OK, Outcome.ABORTED))]),
        reconnects=len(reconnects),
        reconnect_p50_ms=_quantile(0.5, reconnects),
        reconnect_max_ms=_quantile(1.0, reconnects),
        lifetime_p50_s=None if (life := _quantile(0.5, lives)) is None else life / 1000,
        phases=tuple(_phase(name, began[column].to_numpy(np.float64)) for name, column in _PHASES),
        events=tuple(
            _event(str(name), own)
            for name, own in sorted(pushes.groupby("route", observed=True), key=lambda group: str(group[0]))
        ),
        pushes=_event(None, pushes),
        unasked=int(unasked(pushes).sum()),
        answers=_phase("answer", times_ms(frame[frame["kind"] == Kind.ACK])),
    )


def _event(name: str | None, frame: pd.DataFrame) -> EventRow:
    counts = frame["outcome"].value_counts()
    times = times_ms(frame)
    return EventRow(
        event=name,
        expected=expected(frame),
        lost=int(counts.get(Outcome.LOST, 0)),
        duplicated=int(counts.get(Outcome.DUPLICATED, 0)),
        out_of_order=int(counts.get(Outcome.OUT_OF_ORDER, 0)),
        p50_ms=_quantile(0.5, times),
        p95_ms=_quantile(0.95, times),
        p99_ms=_quantile(0.99, times),
    )


def _phase(name: str, times: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> PhaseRow:
    return PhaseRow(name, len(times), _quantile(0.5, times), _quantile(0.95, times))


def _words(frame: pd.DataFrame) -> tuple[Words, ...]:
    """Return what was said about failures, the most frequent first, then by name."""
    counts = frame["error"].astype(object).fillna("no reason").astype(str).value_counts()
    ranked = sorted(counts.items(), key=lambda item: (-int(item[1]), str(item[0])))
    return tuple(Words(str(text), int(count)) for text, count in ranked[:_WORDS_AT_MOST])


def _live_max(ended: pd.DataFrame) -> int:
    """Return how many sessions were live at the same time, at most."""
    if ended.empty:
        return 0
    began_s = ended["sent_at_s"].to_numpy(np.float64)
    over_s = began_s + np.nan_to_num(ended["response_time_ms"].to_numpy(np.float64)) / 1000
    moments = np.concatenate((began_s, over_s))
    steps = np.concatenate((np.ones(len(began_s)), -np.ones(len(over_s))))
    order = np.lexsort((steps, moments))  # an end at the moment of a beginning comes first
    return int(np.cumsum(steps[order]).max())


def _quantile(share: float, values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float | None:
    if not len(values) or not np.isfinite(values).all():
        return None
    return percentile(share, values)
