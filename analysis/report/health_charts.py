"""Draw how generator and target were meanwhile: sellers, CPU, loop lag, monitors, health checks."""

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.report import axes as axis
from analysis.report import bins, wording
from analysis.report.bins import Floats, Timeline
from analysis.report.canvas import TEXT_POINTS, Chart, Theme, chart, message
from analysis.report.limit_lines import LimitLine, limit_lines
from analysis.verdict import Verdict

_CPU_LIMIT: Final = LimitLine(85.0, upper=True, label="doubt above 85 %")
_LAG_LIMIT: Final = LimitLine(20.0, upper=True, label="doubt above 20 ms")
_PAUSE_S: Final = 5.0
"""Rows farther apart than this, and than three usual steps of their series, are not joined by a line."""
_NAMED_PROCESSES: Final = 4
_MOST_PANELS: Final = 6
_HEALTH: Final = "health."


@dataclass(frozen=True, slots=True)
class _Line:
    """One series as it is drawn; NaN breaks the line."""

    label: str
    at_s: Floats
    values: Floats


def generator_charts(verdict: Verdict, generator: pd.DataFrame, time: Timeline | None) -> list[Chart]:
    """Return sellers, CPU and loop lag of the generator over time."""
    titles = {
        "sellers": "Sellers",
        "generator_cpu": "Generator CPU (% of a core)",
        "generator_lag": "Generator loop lag (ms, p99)",
    }
    if time is None or not len(generator):
        return [message(name, title, "no samples: the generator was not measured") for name, title in titles.items()]
    sellers = _Line("sellers alive", time.centres_s, bins.seller_counts(generator, time))
    cpu = _processes(generator.assign(cpu_percent=generator["cpu_ratio"] * 100), "cpu_percent", time)
    lag = _processes(generator, "lag_p99_ms", time)
    notes = (
        "users alive in all generator processes together.",
        "of each generator process; above the line the generator may be what was slow.",
        "how late the generator's own loop was, worst 1 % of each second, of each process.",
    )
    drawings = (([sellers], []), (cpu, [_CPU_LIMIT]), (lag, [_LAG_LIMIT]))
    return [
        _line_chart((name, title), note, lines, limits, (verdict, time))
        for (name, title), note, (lines, limits) in zip(titles.items(), notes, drawings, strict=True)
    ]


def monitor_charts(verdict: Verdict, monitors: pd.DataFrame, time: Timeline | None) -> list[Chart]:
    """Return the target's own figures and its health checks over time."""
    if time is None or not len(monitors):
        return [message("monitors", "Monitors of the target", "no samples: nothing was asked, or nothing answered")]
    names = sorted(set(monitors["monitor"].astype(str)))
    gauges = [name for name in names if not name.startswith(_HEALTH)]
    checks = [name for name in names if name.startswith(_HEALTH)]
    charts = []
    if gauges:
        charts.append(_gauges(verdict, monitors, gauges, time))
    if checks:
        charts.append(_health(verdict, monitors, checks, time))
    return charts


def _processes(generator: pd.DataFrame, column: str, time: Timeline) -> list[_Line]:
    return [
        _line(f"process {process}", rows, column, time) for process, rows in generator.groupby("process", sort=True)
    ]


def _line(label: str, rows: pd.DataFrame, column: str, time: Timeline) -> _Line:
    rows = rows.sort_values("at_s", kind="stable")
    at_s = rows["at_s"].to_numpy(np.float64) - time.started_at_s
    values = rows[column].to_numpy(np.float64)
    steps_s = np.diff(at_s)
    pause_s = max(_PAUSE_S, 3 * float(np.median(steps_s))) if len(steps_s) else _PAUSE_S
    breaks = np.flatnonzero(steps_s > pause_s) + 1
    return _Line(label, np.insert(at_s, breaks, np.nan), np.insert(values, breaks, np.nan))


def _line_chart(
    name: tuple[str, str], note: str, lines: list[_Line], limits: list[LimitLine], run: tuple[Verdict, Timeline]
) -> Chart:
    file, title = name
    if not any(np.isfinite(line.values).any() for line in lines):
        return message(file, title, "no samples")
    verdict, time = run
    highest = axis.highest_of(*(line.values for line in lines), lines=limits)

    def draw(axes: Axes, theme: Theme) -> None:
        axis.over_time(axes, theme, time, verdict.window)
        for index, line in enumerate(lines):
            named = line.label if len(lines) <= _NAMED_PROCESSES else f"{len(lines)} processes" if not index else None
            _plot(axes, line, theme.series[index % len(theme.series)], named)
        axis.limits(axes, theme, limits, highest)
        axis.from_zero(axes, highest)
        axis.label_time(axes)
        axis.legend(axes, theme)

    return chart(file, title, (note, axis.alt(title, {line.label: line.values for line in lines})), [draw])


def _plot(axes: Axes, line: _Line, color: str, label: str | None) -> None:
    axes.plot(line.at_s, line.values, color=color, label=label, linewidth=1.6, marker=".", markersize=3)


def _gauges(verdict: Verdict, monitors: pd.DataFrame, names: list[str], time: Timeline) -> Chart:
    shown = names[:_MOST_PANELS]
    lines = [_line(name, monitors[monitors["monitor"] == name], "value", time) for name in shown]

    def draw(axes: Axes, theme: Theme, *, index: int) -> None:
        line = lines[index]
        axis.over_time(axes, theme, time, verdict.window)
        results = [result for result in verdict.results if result.scope.monitor == line.label]
        limits = limit_lines(verdict.results, lambda result: result.scope.monitor == line.label)
        _plot(axes, line, theme.series[index % len(theme.series)], line.label)
        highest = axis.highest_of(line.values, lines=limits)
        axis.limits(axes, theme, limits, highest)
        if any(result.unit == "ratio" for result in results):
            axis.percent(axes, highest)
        else:
            axis.from_zero(axes, highest)
        if not np.isfinite(line.values).any():
            axes.text(0.5, 0.5, "no samples", color=theme.ink, ha="center", va="center", transform=axes.transAxes)
        axis.legend(axes, theme)
        if index == len(shown) - 1:
            axis.label_time(axes)

    more = f"; {len(names) - len(shown)} more are in monitors.parquet" if len(names) > len(shown) else ""
    note = f"the target's own figures; those with a limit in percent are drawn in percent{more}."
    alt = axis.alt("Monitors of the target", {line.label: line.values for line in lines})
    panels = [partial(draw, index=index) for index in range(len(shown))]
    return chart("monitors", "Monitors of the target", (note, alt), panels)


def _health(verdict: Verdict, monitors: pd.DataFrame, names: list[str], time: Timeline) -> Chart:
    """Draw one row a check: up, down, or no usable answer."""
    rows = monitors[monitors["monitor"].isin(names)]
    at_s = rows["at_s"].to_numpy(np.float64) - time.started_at_s
    height = rows["monitor"].map({name: index for index, name in enumerate(reversed(names))}).to_numpy(np.float64)
    value = rows["value"].to_numpy(np.float64)
    states = {"up": value > 0, "down": value <= 0, "no answer": np.isnan(value)}
    counts = {name: int(mask.sum()) for name, mask in states.items()}

    def draw(axes: Axes, theme: Theme) -> None:
        axis.over_time(axes, theme, time, verdict.window)
        for (name, mask), marker, color in zip(
            states.items(), ("o", "X", "_"), (theme.series[0], theme.series[1], theme.series[6]), strict=True
        ):
            if counts[name]:
                axes.plot(at_s[mask], height[mask], marker, color=color, markersize=6, label=name)
        labels = [name.removeprefix(_HEALTH) for name in reversed(names)]
        axes.set_yticks(range(len(names)), labels, fontsize=TEXT_POINTS)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axis.label_time(axes)
        axis.legend(axes, theme)

    seen = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    alt = f"Health checks over time: {wording.count(len(rows))} answers of {len(names)} checks: {seen}"
    return chart("health", "Health checks", ("asked every few seconds while the load ran.", alt), [draw], left=0.22)
