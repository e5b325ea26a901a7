"""Draw how the requests of a run went over time: latency, throughput, errors, cache hits."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.limits import Unit
from analysis.report import axes as axis
from analysis.report import bins, wording
from analysis.report.bins import Floats, SampleBins, Timeline
from analysis.report.canvas import Chart, Theme, chart, message
from analysis.report.limit_lines import limit_lines
from analysis.statistics import STATISTICS
from analysis.verdict import Result, Scope, Verdict
from runlog.schema import Kind

_LINE_STYLES: Final = {"p50": "-", "p95": "--", "p99": ":"}
_LEAST_MS: Final = 0.1
_NAMED_OUTCOMES: Final = 3
"""Outcomes drawn on their own, most frequent first; what is rarer is one area, `other`."""
_TITLES: Final = {
    "latency": "Latency (ms)",
    "throughput": "Throughput (ok rps)",
    "errors": "Errors (per s, by outcome)",
    "cache": "Cache hits (% of hits and misses)",
}


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the charts of one run share."""

    verdict: Verdict
    time: Timeline
    data: SampleBins

    @property
    def per(self) -> str:
        return f"per {wording.duration(self.time.width_s)}"

    def start(self, axes: Axes, theme: Theme) -> None:
        axis.over_time(axes, theme, self.time, self.verdict.window)
        axis.gaps(axes, theme, self.time, self.data.counts)

    def end(self, axes: Axes, theme: Theme) -> None:
        axis.label_time(axes)
        axis.legend(axes, theme)


def request_charts(verdict: Verdict, samples: pd.DataFrame, time: Timeline | None) -> list[Chart]:
    """Return the four charts of the http samples; without any, pictures that say so."""
    data = bins.sample_bins(samples, time) if time is not None and len(samples) else None
    if time is None or data is None or not data.samples:
        return [message(name, title, "no samples") for name, title in _TITLES.items()]
    frame = _Frame(verdict, time, data)
    return [_latency(frame), _throughput(frame), _errors(frame), _cache(frame)]


def _latency(frame: _Frame) -> Chart:
    series = frame.data.percentiles_ms
    if not np.isfinite(series["p50"]).any():
        return message("latency", _TITLES["latency"], "no samples that were ok or timed out")
    highest = axis.highest_of(*series.values())
    found = limit_lines(frame.verdict.results, _of_requests)
    lines = axis.near(found, highest)

    def draw(axes: Axes, theme: Theme) -> None:
        axes.set_yscale("log")
        frame.start(axes, theme)
        for (name, values), color in zip(series.items(), theme.series, strict=False):
            axes.plot(
                frame.time.centres_s,
                np.maximum(values, _LEAST_MS),  # a logarithm has no zero; NaN stays NaN
                _LINE_STYLES[name],
                color=color,
                label=name,
                marker=".",
                markersize=3,
                linewidth=1.6,
            )
        axis.limits(axes, theme, lines)
        axis.logarithmic(axes, axis.top_of(highest, lines))
        frame.end(axes, theme)

    note = f"{frame.per.capitalize()}, over ok samples and timeouts, logarithmic scale; a gap is a time without them."
    return chart("latency", _TITLES["latency"], (note, axis.alt(_TITLES["latency"], series)), draw)


def _of_requests(result: Result) -> bool:
    """Return whether a limit is of the time a request takes."""
    own = result.scope.monitor is None and result.scope.kind in (None, Kind.HTTP)
    return own and result.unit == Unit.MS and STATISTICS[result.stat].kinds == (Kind.HTTP,)


def _throughput(frame: _Frame) -> Chart:
    values = frame.data.ok_rps
    lines = limit_lines(frame.verdict.results, lambda result: result.stat == "throughput" and result.scope == Scope())
    highest = axis.top_of(axis.highest_of(values), lines)

    def draw(axes: Axes, theme: Theme) -> None:
        frame.start(axes, theme)
        axes.stairs(values, frame.time.edges_s, color=theme.series[0], linewidth=1.6, baseline=None, label="ok answers")
        axis.limits(axes, theme, lines)
        axis.from_zero(axes, highest)
        frame.end(axes, theme)

    note = f"Ok HTTP answers a second, {frame.per}, by the time they were sent."
    return chart("throughput", _TITLES["throughput"], (note, axis.alt(_TITLES["throughput"], {"ok": values})), draw)


def _errors(frame: _Frame) -> Chart:
    series = _named(frame.data.errors_rps)
    tops = np.cumsum(np.array([np.zeros(len(frame.data.counts)), *series.values()]), axis=0)
    highest = axis.highest_of(tops[-1]) if series else 0.0

    def draw(axes: Axes, theme: Theme) -> None:
        frame.start(axes, theme)
        for index, (name, color) in enumerate(zip(series, theme.series[1:], strict=False)):
            bottom, top = np.nan_to_num(tops[index]), tops[index + 1]
            axes.stairs(top, frame.time.edges_s, baseline=bottom, fill=True, color=color, label=name)
        if not series:
            axes.text(0.5, 0.5, "no errors", color=theme.ink, ha="center", va="center", transform=axes.transAxes)
        axis.from_zero(axes, highest)
        frame.end(axes, theme)

    note = f"Answers a second that were neither ok nor cut by the stop, {frame.per}, stacked."
    alt = axis.alt(_TITLES["errors"], series) if series else f"{_TITLES['errors']}: none"
    return chart("errors", _TITLES["errors"], (note, alt), draw)


def _named(series: dict[str, Floats]) -> dict[str, Floats]:
    """Return the most frequent outcomes on their own and the sum of the rest."""
    if len(series) <= _NAMED_OUTCOMES + 1:
        return series
    names = list(series)
    rest = np.sum([series[name] for name in names[_NAMED_OUTCOMES:]], axis=0)
    return {name: series[name] for name in names[:_NAMED_OUTCOMES]} | {"other": rest}


def _cache(frame: _Frame) -> Chart:
    values = frame.data.cache_hit_ratio
    if not np.isfinite(values).any():
        return message("cache", _TITLES["cache"], "no samples that were a hit or a miss")

    def wanted(result: Result) -> bool:
        return result.stat == "cache_hit_rate" and result.scope == Scope()

    def draw(axes: Axes, theme: Theme) -> None:
        frame.start(axes, theme)
        axes.plot(frame.time.centres_s, values, color=theme.series[2], marker=".", markersize=3, label="hits")
        axis.limits(axes, theme, limit_lines(frame.verdict.results, wanted))
        axis.percent(axes, 1.0)
        frame.end(axes, theme)

    note = f"Hits of hits and misses, {frame.per}; bypass and uncached answers are outside."
    return chart("cache", _TITLES["cache"], (note, axis.alt(_TITLES["cache"], {"hits": values * 100})), draw)
