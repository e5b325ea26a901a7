"""Draw how the real-time sessions of a run went over time: how many were live, and how late their events came."""

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.report import axes as axis
from analysis.report import wording
from analysis.report.bins import Floats, Timeline
from analysis.report.canvas import Chart, Theme, chart, message
from analysis.report.limit_lines import limit_lines
from analysis.statistics import times_ms, unasked
from analysis.verdict import Verdict
from runlog.schema import Kind, Outcome

_LIVE: Final = "Real-time sessions (live at once)"
_PUSH: Final = "Events (ms from cause to seller)"
_LEAST_MS: Final = 0.1
_SHARES: Final = {"p50": 0.5, "p95": 0.95}
_STYLES: Final = {"p50": "-", "p95": "--"}


def session_charts(verdict: Verdict, samples: pd.DataFrame, time: Timeline | None) -> list[Chart]:
    """Return the charts of real-time sessions; none for a run that had none, or of no length."""
    if verdict.realtime is None or time is None:
        return []
    return [_live(verdict, samples, time), _events(verdict, samples, time)]


def _live(verdict: Verdict, samples: pd.DataFrame, time: Timeline) -> Chart:
    ended = samples[samples["kind"] == Kind.SESSION]
    if ended.empty:
        return message("sessions", _LIVE, "no session that ended")
    began_s = ended["sent_at_s"].to_numpy(np.float64) - time.started_at_s
    over_s = began_s + ended["response_time_ms"].to_numpy(np.float64) / 1000
    live = np.array([np.count_nonzero((began_s <= at_s) & (over_s > at_s)) for at_s in time.centres_s], np.float64)
    dropped_s = over_s[(ended["outcome"] == Outcome.LOST).to_numpy()]

    def draw(axes: Axes, theme: Theme) -> None:
        axis.over_time(axes, theme, time, verdict.window)
        axes.stairs(live, time.edges_s, color=theme.series[0], linewidth=1.6, baseline=None, label="live")
        if len(dropped_s):
            axes.plot(dropped_s, np.zeros(len(dropped_s)), "x", color=theme.limit, label="dropped", clip_on=False)
        axis.from_zero(axes, axis.highest_of(live))
        axis.label_time(axes)
        axis.legend(axes, theme)

    note = f"Sessions live in the middle of each {wording.duration(time.width_s)}; a cross is one that was dropped."
    return chart("sessions", _LIVE, (note, axis.alt(_LIVE, {"live": live})), draw)


def _events(verdict: Verdict, samples: pd.DataFrame, time: Timeline) -> Chart:
    owed = samples[(samples["kind"] == Kind.PUSH) & ~unasked(samples)]
    came = owed[owed["outcome"].isin((Outcome.OK, Outcome.OUT_OF_ORDER)) & owed["response_time_ms"].notna()]
    if came.empty:
        return message("events", _PUSH, "no event that came")
    series = _percentiles(came, time)
    lost_s = owed.loc[owed["outcome"] == Outcome.LOST, "sent_at_s"].to_numpy(np.float64) - time.started_at_s
    highest = axis.highest_of(*series.values())
    found = limit_lines(verdict.results, lambda result: result.unit == "ms" and result.scope.kind == Kind.PUSH)
    lines = axis.near(found, highest)

    def draw(axes: Axes, theme: Theme) -> None:
        axes.set_yscale("log")
        axis.over_time(axes, theme, time, verdict.window)
        for (name, values), color in zip(series.items(), theme.series, strict=False):
            shown = np.maximum(values, _LEAST_MS)  # a logarithm has no zero; NaN stays NaN
            axes.plot(time.centres_s, shown, _STYLES[name], color=color, label=name, marker=".", markersize=3)
        axis.limits(axes, theme, lines)
        axis.logarithmic(axes, axis.top_of(highest, lines))
        if len(lost_s):
            level = np.full(len(lost_s), axes.get_ylim()[0])
            axes.plot(lost_s, level, "x", color=theme.limit, label="lost", clip_on=False)
        axis.label_time(axes)
        axis.legend(axes, theme)

    note = f"Per {wording.duration(time.width_s)}, by the time of the cause; a cross is an event that never came."
    return chart("events", _PUSH, (note, axis.alt(_PUSH, series)), draw)


def _percentiles(came: pd.DataFrame, time: Timeline) -> dict[str, Floats]:
    sent_s = came["sent_at_s"].to_numpy(np.float64) - time.started_at_s
    index = np.searchsorted(time.edges_s, sent_s, side="right") - 1
    groups = pd.Series(times_ms(came)).groupby(index)
    bins = range(len(time.edges_s) - 1)
    return {name: np.asarray(groups.quantile(share).reindex(bins), np.float64) for name, share in _SHARES.items()}
