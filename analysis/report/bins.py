"""Cut a run's raw samples and series into bins of time for the charts."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from runlog.run import Run
from runlog.schema import Cache, Kind, Outcome

Floats = npt.NDArray[np.float64]

_WIDTHS_S: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
_MOST_BINS: Final = 200
QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
NOT_BAD: Final = frozenset({Outcome.OK, Outcome.ABORTED})
"""Outcomes the chart of errors leaves out; throttled answers are shown there, as their own class."""
_HOLD_S: Final = 3
"""How long a process's last known number of sellers still counts: it reports about every second."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where the bins of a run lie: seconds since its start."""

    started_at_s: float
    width_s: float
    edges_s: Floats  # one more than bins; the last bin may be longer, never shorter than half

    @property
    def centres_s(self) -> Floats:
        """Middle of each bin."""
        return (self.edges_s[:-1] + self.edges_s[1:]) / 2


@dataclass(frozen=True, slots=True)
class SampleBins:
    """The http samples of a run bin by bin; NaN where a bin holds nothing to say it from."""

    samples: int  # inside the timeline
    counts: npt.NDArray[np.int64]  # samples of a bin, whatever their outcome
    percentiles_ms: dict[str, Floats]  # over ok samples and timeouts
    ok_rps: Floats
    errors_rps: dict[str, Floats]  # by outcome, most frequent first; only outcomes that occurred
    cache_hit_ratio: Floats


def timeline(run: Run, samples: pd.DataFrame, generator: pd.DataFrame) -> Timeline | None:
    """Return bins from the run's start to the end of its load; None when nothing says how long it was."""
    end_s = run.ended_at_s
    if end_s is None:
        seen = [frame[column].max() for frame, column in ((samples, "sent_at_s"), (generator, "at_s")) if len(frame)]
        end_s = max(seen, default=run.started_at_s)
    length_s = float(end_s) - run.started_at_s
    if not 0 < length_s < float("inf"):
        return None
    width_s = next((width for width in _WIDTHS_S if length_s <= width * _MOST_BINS), length_s / _MOST_BINS)
    edges_s = np.arange(0.0, length_s, width_s)
    if len(edges_s) > 1 and length_s - edges_s[-1] < width_s / 2:
        edges_s = edges_s[:-1]
    return Timeline(run.started_at_s, width_s, np.append(edges_s, length_s))


def sample_bins(samples: pd.DataFrame, time: Timeline) -> SampleBins:
    """Return the http samples of a run bin by bin, each in the bin it was sent in."""
    http = samples[samples["kind"] == Kind.HTTP]
    sent_s = http["sent_at_s"].to_numpy(np.float64) - time.started_at_s
    inside = (sent_s >= 0) & (sent_s <= time.edges_s[-1])
    http = http[inside]
    index = np.clip(np.searchsorted(time.edges_s, sent_s[inside], side="right") - 1, 0, len(time.edges_s) - 2)
    outcome = http["outcome"].astype(str).to_numpy()
    cache = http["cache"].astype(str).to_numpy()
    counts = _counts(index, time)
    hits = _counts(index[cache == Cache.HIT], time)
    misses = _counts(index[cache == Cache.MISS], time)
    return SampleBins(
        samples=len(http),
        counts=counts,
        percentiles_ms=_percentiles_ms(http["response_time_ms"].to_numpy(np.float64), outcome, index, time),
        ok_rps=_per_second(index[outcome == Outcome.OK], counts, time),
        errors_rps={
            name: _per_second(index[outcome == name], counts, time)
            for name in pd.Series(outcome, dtype=object).value_counts().index
            if name not in NOT_BAD
        },
        cache_hit_ratio=_ratio(hits, hits + misses),
    )


def seller_counts(generator: pd.DataFrame, time: Timeline) -> Floats:
    """Return the sellers alive in each bin, all processes together; NaN where no process reported."""
    known = generator.dropna(subset=["sellers"])
    index = np.searchsorted(time.edges_s, known["at_s"].to_numpy(np.float64) - time.started_at_s, side="right") - 1
    table = known.assign(bin=index).pivot_table(index="bin", columns="process", values="sellers", aggfunc="last")
    table = table.reindex(range(len(time.edges_s) - 1)).ffill(limit=max(1, int(_HOLD_S / time.width_s)))
    return table.sum(axis=1, min_count=1).to_numpy(np.float64)


def _counts(index: npt.NDArray[np.intp], time: Timeline) -> npt.NDArray[np.int64]:
    return np.bincount(index, minlength=len(time.edges_s) - 1).astype(np.int64)


def _per_second(index: npt.NDArray[np.intp], counts: npt.NDArray[np.int64], time: Timeline) -> Floats:
    """Return events a second; a bin without any sample is a gap: nobody knows that nothing happened."""
    rate = _counts(index, time) / np.diff(time.edges_s)
    return np.where(counts > 0, rate, np.nan)


def _ratio(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> Floats:
    share: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return share


def _percentiles_ms(
    taken_ms: Floats, outcome: npt.NDArray[np.object_], index: npt.NDArray[np.intp], time: Timeline
) -> dict[str, Floats]:
    """Return percentiles of each bin, Hyndman and Fan type 7 over ok samples and timeouts."""
    answered = np.isin(outcome, [Outcome.OK, Outcome.TIMEOUT])
    groups = pd.Series(taken_ms[answered]).groupby(index[answered])
    bins = range(len(time.edges_s) - 1)
    return {name: np.asarray(groups.quantile(share).reindex(bins), np.float64) for name, share in QUANTILES.items()}


def outside(samples: pd.DataFrame, time: Timeline | None) -> int:
    """Return how many http samples no bin holds because they were sent outside the run's time."""
    if time is None or not len(samples):
        return 0
    sent_s = samples.loc[samples["kind"] == Kind.HTTP, "sent_at_s"] - time.started_at_s
    return int((~sent_s.between(0, float(time.edges_s[-1]))).sum())
