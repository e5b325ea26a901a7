"""Define every statistic a threshold can name: what it is of, how it is computed, how many samples it takes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.hits import believed_hits, believed_misses
from analysis.limits import Better, Limit, Unit
from runlog.schema import Kind, Outcome

Floats = npt.NDArray[np.float64]

_ALPHA: Final = 0.05
"""One-sided 95 % bounds throughout."""
_MEAN_NEEDED: Final = 30
_APDEX_NEEDED: Final = 100  # the Apdex specification marks scores of fewer samples as not reliable
MONITOR_NEEDED: Final = 3
"""Values of a monitor below which it is not measured."""
STEADY_S: Final = 10.0
"""The shortest time a rate can be told from."""
SATISFIED_MS: Final = 500.0
"""T of the Apdex score: up to here an answer satisfies, up to four times this it is tolerated."""
NEITHER: Final = (Outcome.OK, Outcome.THROTTLED, Outcome.ABORTED, Outcome.DUPLICATED)
"""Outcomes that are not bad: every other one is. An event that came again is counted where it first came."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and what it rests on; `value` is None when there was nothing to measure."""

    value: float | None
    samples: int


@dataclass(frozen=True, slots=True)
class Statistic:
    """A named number of a group of samples."""

    name: str
    unit: Unit
    better: Better
    definition: str
    measure: Callable[[pd.DataFrame, float], Measured]
    """From the samples of one scope and the length of their window in seconds."""
    needed: Callable[[Limit], int]
    """Samples below which a held limit says nothing."""
    kinds: tuple[Kind, ...] = (Kind.HTTP,)
    """What it is of unless the threshold names a kind."""
    fixed_kinds: bool = False
    """The threshold must not name a kind."""
    of_steps: bool = True
    """It exists for a single step or route."""
    whole_run: bool = False
    """It looks at the ramp and the drain too."""
    excusable: bool = False
    """Of the whole run, but without the steps of unexpired gaps."""
    only_worsens: bool = False
    """More samples cannot mend it: once broken it is broken, however few there are."""
    of_values: Callable[[Floats], float] | None = None
    """The same number of a monitor's values; None when that makes no sense."""


def bad(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Return which samples are bad: every outcome except ok, throttled, aborted, duplicated."""
    return ~frame["outcome"].isin(NEITHER)


def unasked(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Return which samples are events that came, but were owed to nobody: they stand for none that were."""
    return (frame["kind"] == Kind.PUSH) & (frame["iteration"] < 0)


def times_ms(frame: pd.DataFrame) -> Floats:
    """Return the times latency statistics are of: ok samples, timeouts at the time they took, events out of order."""
    taken = frame["outcome"].isin((Outcome.OK, Outcome.TIMEOUT, Outcome.OUT_OF_ORDER)) & ~unasked(frame)
    taken &= (frame["kind"] != Kind.PUSH) | frame["response_time_ms"].notna()  # since when is not known of every event
    return frame.loc[taken, "response_time_ms"].to_numpy(np.float64)


def percentile(share: float, values: Floats) -> float:
    """Return the quantile of Hyndman and Fan type 7 (linear between closest ranks); NaN if a value is unknown."""
    return float(np.quantile(values, share))


def percentile_needed(share: float) -> int:
    """Return the fewest samples of which the largest exceeds the quantile with 95 % confidence: n ≥ ln 0.05 / ln q."""
    return math.ceil(math.log(_ALPHA) / math.log(share))


def ratio_needed(limit: Limit) -> int:
    """Return the fewest samples that, all good, show a ratio on the limit's good side with 95 % confidence."""
    good_at_limit = limit.value if limit.better is Better.HIGHER else 1 - limit.value
    if good_at_limit <= 0:
        return 1
    return math.ceil(math.log(_ALPHA) / math.log(good_at_limit))


def error_ratio(frame: pd.DataFrame) -> Measured:
    """Return bad / (ok + bad)."""
    failed = int(bad(frame).sum())
    return _share(failed, failed + _count(frame[~unasked(frame)], Outcome.OK))


def throttled_ratio(frame: pd.DataFrame) -> Measured:
    """Return throttled / (ok + bad + throttled)."""
    throttled = _count(frame, Outcome.THROTTLED)
    return _share(throttled, len(frame) - _count(frame, Outcome.ABORTED))


def throughput_rps(frame: pd.DataFrame, window_s: float) -> Measured:
    """Return ok answers a second; unknown when the window is shorter than STEADY_S."""
    answers = _count(frame, Outcome.OK)
    return Measured(answers / window_s if window_s >= STEADY_S else None, answers)


def cache_hit_ratio(frame: pd.DataFrame) -> Measured:
    """Return hits / (hits + misses) as far as they are to be believed; bypass and none are outside."""
    hits = int(believed_hits(frame).sum())
    return _share(hits, hits + int(believed_misses(frame).sum()))


def completion_ratio(frame: pd.DataFrame) -> Measured:
    """Return completed / (completed + abandoned) of iterations; throttled and aborted ones are outside."""
    completed = _count(frame, Outcome.OK)
    return _share(completed, completed + int(bad(frame).sum()))


def expected(frame: pd.DataFrame) -> int:
    """Return how many events the server owed: all but what the stop cut, each once."""
    return int((~frame["outcome"].isin((Outcome.ABORTED, Outcome.DUPLICATED)) & ~unasked(frame)).sum())


def lost_ratio(frame: pd.DataFrame) -> Measured:
    """Return lost / expected of events, or of sessions those that were dropped / those that ended."""
    return _share(_count(frame, Outcome.LOST), expected(frame))


def reconnect_times_ms(frame: pd.DataFrame) -> Floats:
    """Return how long each session that replaced a lost one was missing."""
    back = frame[(frame["outcome"] == Outcome.OK) & frame["intended_at_s"].notna()]
    times = (back["sent_at_s"] - back["intended_at_s"]) * 1000 + back["response_time_ms"]
    return times.to_numpy(np.float64)


def _reconnect_p95(frame: pd.DataFrame, _window_s: float) -> Measured:
    times = reconnect_times_ms(frame)
    return Measured(percentile(0.95, times) if len(times) else None, len(times))


def apdex(frame: pd.DataFrame) -> Measured:
    """Return (satisfied + tolerated / 2) / (ok + bad); what is bad satisfies nobody, however fast."""
    good = frame.loc[frame["outcome"] == Outcome.OK, "response_time_ms"].to_numpy(np.float64)
    if np.isnan(good).any():
        return Measured(None, len(good))
    satisfied = int((good <= SATISFIED_MS).sum())
    tolerated = int((good <= 4 * SATISFIED_MS).sum()) - satisfied
    judged = len(good) + int(bad(frame).sum())
    return Measured((satisfied + tolerated / 2) / judged if judged else None, judged)


def _count(frame: pd.DataFrame, outcome: Outcome) -> int:
    return int((frame["outcome"] == outcome).sum())


def _share(part: int, whole: int) -> Measured:
    return Measured(part / whole if whole else None, whole)


def _of_times(compute: Callable[[Floats], float]) -> Callable[[pd.DataFrame, float], Measured]:
    def measure(frame: pd.DataFrame, _window_s: float) -> Measured:
        values = times_ms(frame)
        return Measured(compute(values) if len(values) else None, len(values))

    return measure


def _of_outcomes(compute: Callable[[pd.DataFrame], Measured]) -> Callable[[pd.DataFrame, float], Measured]:
    return lambda frame, _window_s: compute(frame)


def _occurrences(outcome: Outcome) -> Callable[[pd.DataFrame, float], Measured]:
    def measure(frame: pd.DataFrame, _window_s: float) -> Measured:
        return Measured(_count(frame, outcome) if len(frame) else None, len(frame))

    return measure


def _fixed(needed: int) -> Callable[[Limit], int]:
    return lambda _limit: needed


def _latency(
    name: str, definition: str, compute: Callable[[Floats], float], needed: int, *, only_worsens: bool = False
) -> Statistic:
    return Statistic(
        name,
        Unit.MS,
        Better.LOWER,
        f"{definition}, over ok samples and timeouts",
        _of_times(compute),
        _fixed(needed),
        only_worsens=only_worsens,
        of_values=compute,
    )


def _percentile(name: str, share: float) -> Statistic:
    definition = f"{share * 100:g}th percentile, linear between closest ranks (Hyndman and Fan type 7)"
    return _latency(name, definition, partial(percentile, share), percentile_needed(share))


def _ratio(
    name: str,
    better: Better,
    definition: str,
    compute: Callable[[pd.DataFrame], Measured],
    kinds: tuple[Kind, ...] | None = None,
) -> Statistic:
    """Return a ratio of outcomes; with `kinds` it is of these and no others."""
    return Statistic(
        name,
        Unit.RATIO,
        better,
        definition,
        _of_outcomes(compute),
        ratio_needed,
        kinds=kinds or (Kind.HTTP,),
        fixed_kinds=kinds is not None,
        of_steps=kinds != (Kind.ITERATION,),
    )


def _counted(name: str, definition: str, outcome: Outcome, kind: Kind) -> Statistic:
    """Return a count of what happens on real-time sessions, in the whole run: they begin before the window does."""
    return Statistic(
        name,
        Unit.COUNT,
        Better.LOWER,
        f"{definition}, in the whole run",
        _occurrences(outcome),
        _fixed(1),
        kinds=(kind,),
        fixed_kinds=True,
        whole_run=True,
        excusable=True,
        only_worsens=True,
    )


def _lost_share(name: str, definition: str, kind: Kind) -> Statistic:
    return replace(
        _ratio(name, Better.LOWER, f"{definition}, in the whole run", lost_ratio, (kind,)),
        whole_run=True,
        excusable=True,
    )


SOCKETS: Final = (Kind.CONNECT, Kind.ACK, Kind.PUSH, Kind.SESSION)
_SOCKETS: Final = (Kind.CONNECT, Kind.ACK, Kind.PUSH)
_LEAKS: Final = (Kind.HTTP, Kind.SETUP, *_SOCKETS, Kind.FRESHNESS)
_STALES: Final = (Kind.HTTP, *_SOCKETS, Kind.FRESHNESS)

STATISTICS: Final[dict[str, Statistic]] = {
    statistic.name: statistic
    for statistic in (
        _latency("mean", "arithmetic mean", lambda values: float(values.mean()), _MEAN_NEEDED),
        _percentile("p50", 0.5),
        _percentile("p75", 0.75),
        _percentile("p90", 0.9),
        _percentile("p95", 0.95),
        _percentile("p99", 0.99),
        _percentile("p99.9", 0.999),
        _latency("max", "largest", lambda values: float(values.max()), _MEAN_NEEDED, only_worsens=True),
        _ratio("error_rate", Better.LOWER, "bad / (ok + bad); bad: all but ok, throttled, aborted", error_ratio),
        Statistic(
            "throughput",
            Unit.RPS,
            Better.HIGHER,
            "ok http answers a second of the steady window",
            throughput_rps,
            _fixed(0),  # no answers in ten steady seconds is a figure, not a lack of one
            fixed_kinds=True,
        ),
        _ratio("throttled_ratio", Better.LOWER, "throttled / (ok + bad + throttled)", throttled_ratio),
        _ratio(
            "cache_hit_rate",
            Better.HIGHER,
            "hits / (hits + misses); a claimed hit whose body was computed for its own request is a miss",
            cache_hit_ratio,
            (Kind.HTTP,),
        ),
        _ratio(
            "completion_rate",
            Better.HIGHER,
            "iterations completed / (completed + abandoned)",
            completion_ratio,
            (Kind.ITERATION,),
        ),
        Statistic(
            "wrong_body",
            Unit.COUNT,
            Better.LOWER,
            "answers that were another seller's or another path's, in the whole run, of every kind, sign-in included",
            _occurrences(Outcome.WRONG_BODY),
            _fixed(1),
            kinds=_LEAKS,
            whole_run=True,
            only_worsens=True,
        ),
        Statistic(
            "stale",
            Unit.COUNT,
            Better.LOWER,
            "writes not visible within the freshness budget",
            _occurrences(Outcome.STALE),
            _fixed(1),
            kinds=_STALES,
            only_worsens=True,
        ),
        _counted("lost", "events that did not come in time, or by the end of the drain", Outcome.LOST, Kind.PUSH),
        _lost_share("lost_ratio", "events lost / expected", Kind.PUSH),
        _counted("duplicated", "further arrivals of an event that had come", Outcome.DUPLICATED, Kind.PUSH),
        _counted("out_of_order", "events that came after a later one", Outcome.OUT_OF_ORDER, Kind.PUSH),
        _counted("refused", "sessions the server turned away", Outcome.REFUSED, Kind.CONNECT),
        _counted("dropped", "sessions the server, the network or silence ended", Outcome.LOST, Kind.SESSION),
        _lost_share("dropped_ratio", "sessions dropped / ended", Kind.SESSION),
        Statistic(
            "reconnect_p95",
            Unit.MS,
            Better.LOWER,
            "95th percentile of the time from losing a session to having the next, in the whole run",
            _reconnect_p95,
            _fixed(percentile_needed(0.95)),
            kinds=(Kind.CONNECT,),
            fixed_kinds=True,
            whole_run=True,
        ),
        Statistic(
            "apdex",
            Unit.SCORE,
            Better.HIGHER,
            "(satisfied + tolerated / 2) / (ok + bad); satisfied up to 500 ms, tolerated up to 2000 ms",
            _of_outcomes(apdex),
            _fixed(_APDEX_NEEDED),
        ),
    )
}
"""Name in thresholds.toml → what it means."""
