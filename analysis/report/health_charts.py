"""Draw how generator and target were meanwhile: sellers, CPU, loop lag, monitors, health checks."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.generator import CPU_LIMIT_RATIO, LAG_LIMIT_MS
from analysis.report import axes as axis
from analysis.report import bins, wording
from analysis.report.bins import Floats, Timeline
from analysis.report.canvas import Chart, Theme, chart, message
from analysis.report.limit_lines import LimitLine, limit_lines
from analysis.verdict import Verdict

_CPU_LIMIT: Final = LimitLine(CPU_LIMIT_RATIO * 100, upper=True, label=f"doubt above {CPU_LIMIT_RATIO * 100:.0f} %")
_LAG_LIMIT: Final = LimitLine(LAG_LIMIT_MS, upper=True, label=f"doubt above {LAG_LIMIT_MS:.0f} ms")
_PAUSE_S: Final = 5.0
"""Rows farther apart than this, and than three usual steps of their series, are not joined by a line."""
_NAMED_PROCESSES: Final = 4
_MOST_MONITORS: Final = 6
_NAME_CHARACTERS: Final = 40
_HEALTH: Final = "health."


@dataclass(frozen=True, slots=True)
class _Line:
    """One series as it is drawn; NaN breaks the line."""

    label: str
    at_s: Floats
    figures: Floats


def generator_charts(verdict: Verdict, generator: pd.DataFrame, time: Timeline | None) -> list[Chart]:
    """Return sellers, CPU, loop lag, memory and open files of the generator over time."""
    titles = {
        "sellers": "Sellers",
        "generator_cpu": "Generator CPU (% of a core)",
        "generator_lag": "Generator loop lag (ms, p99)",
        "generator_memory": "Generator memory (MB)",
        "generator_files": "Generator open files",
    }
    if time is None or not len(generator):
        return [message(name, title, "no samples: the generator was not measured") for name, title in titles.items()]
    sellers = _Line("sellers alive", time.centres_s, bins.seller_counts(generator, time))
    cpu = _processes(generator.assign(cpu_percent=generator["cpu_ratio"] * 100), "cpu_percent", time)
    lag = _processes(generator, "lag_p99_ms", time)
    memory = _processes(generator.assign(memory_mb=generator["memory_bytes"] / 1e6), "memory_mb", time)
    files = _processes(generator, "files", time)
    notes = (
        "Users alive in all generator processes together.",
        "Of each generator process; above the line the generator may be what was slow.",
        "How late the generator's own loop was, worst 1 % of each second, of each process.",
        "Resident memory of each generator process.",
        "Connections of each generator process, and a few dozen files besides.",
    )
    drawings: tuple[tuple[list[_Line], list[LimitLine]], ...] = (
        ([sellers], []),
        (cpu, [_CPU_LIMIT]),
        (lag, [_LAG_LIMIT]),
        (memory, []),
        (files, []),
    )
    charts = [
        _line_chart((name, title), note, lines, limits, (verdict, time))
        for (name, title), note, (lines, limits) in zip(titles.items(), notes, drawings, strict=True)
    ]
    if generator["late_start_max_ms"].notna().any():
        late = _processes(generator, "late_start_max_ms", time)
        note = "How late passes began against their schedule, the latest of each second, of each process."
        charts.append(_line_chart(("late_starts", "Late starts (ms)"), note, late, [], (verdict, time)))
    return charts


def monitor_charts(verdict: Verdict, monitors: pd.DataFrame, time: Timeline | None) -> list[Chart]:
    """Return the target's own figures, one chart each, and its health checks over time."""
    if time is None or not len(monitors):
        return [message("monitors", "Monitors of the target", "no samples: nothing was asked, or nothing answered")]
    names = sorted(set(monitors["monitor"].astype(str)))
    gauges = [name for name in names if not name.startswith(_HEALTH)]
    checks = [name for name in names if name.startswith(_HEALTH)]
    charts = [
        _gauge(verdict, monitors[monitors["monitor"] == name], (index, name), time)
        for index, name in enumerate(gauges[:_MOST_MONITORS], start=1)
    ]
    if len(gauges) > _MOST_MONITORS:
        more = f"{len(gauges) - _MOST_MONITORS} more are in monitors.parquet"
        charts.append(message("monitor_more", "Further monitors", more))
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
    if not any(np.isfinite(line.figures).any() for line in lines):
        return message(file, title, "no samples")
    verdict, time = run
    highest = axis.top_of(axis.highest_of(*(line.figures for line in lines)), limits)

    def draw(axes: Axes, theme: Theme) -> None:
        axis.over_time(axes, theme, time, verdict.window)
        for index, line in enumerate(lines):
            named = line.label if len(lines) <= _NAMED_PROCESSES else f"{len(lines)} processes" if not index else None
            _plot(axes, line, theme.series[index % len(theme.series)], named)
        axis.limits(axes, theme, limits)
        axis.from_zero(axes, highest)
        axis.label_time(axes)
        axis.legend(axes, theme)

    return chart(file, title, (note, axis.alt(title, {line.label: line.figures for line in lines})), draw)


def _plot(axes: Axes, line: _Line, color: str, label: str | None) -> None:
    axes.plot(line.at_s, line.figures, color=color, label=label, linewidth=1.6, marker=".", markersize=3)


def _gauge(verdict: Verdict, rows: pd.DataFrame, number: tuple[int, str], time: Timeline) -> Chart:
    index, name = number
    in_percent = any(result.scope.monitor == name and result.unit == "ratio" for result in verdict.results)
    title = f"Monitor {wording.one_line(name)[:_NAME_CHARACTERS]}{' (%)' if in_percent else ''}"
    file = f"monitor_{index}_{re.sub('[^a-z0-9]+', '-', name.lower())[:_NAME_CHARACTERS]}"
    line = _line(name, rows, "value", time)
    if not np.isfinite(line.figures).any():
        return message(file, title, "no samples: it was asked and never answered")
    found = limit_lines(verdict.results, lambda result: result.scope.monitor == name)
    limits = axis.near(found, axis.highest_of(line.figures))
    highest = axis.top_of(axis.highest_of(line.figures), limits)

    def draw(axes: Axes, theme: Theme) -> None:
        axis.over_time(axes, theme, time, verdict.window)
        _plot(axes, line, theme.series[0], "as the target says")
        axis.limits(axes, theme, limits)
        if in_percent:
            axis.percent(axes, highest)
        else:
            axis.from_zero(axes, highest)
        axis.label_time(axes)
        axis.legend(axes, theme)

    unanswered = int(rows["value"].isna().sum())
    note = f"{wording.count(len(rows))} questions, {wording.count(unanswered)} of them without a usable answer."
    shown = line.figures * 100 if in_percent else line.figures
    return chart(file, title, (note, axis.alt(title, {"value": shown})), draw)


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
            states.items(), ("o", "x", "_"), (theme.series[0], theme.series[1], theme.series[6]), strict=True
        ):
            if counts[name]:
                axes.plot(at_s[mask], height[mask], marker, color=color, markersize=7, markeredgewidth=2, label=name)
        labels = [name.removeprefix(_HEALTH) for name in reversed(names)]
        axes.set_yticks(range(len(names)), labels)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axis.label_time(axes)
        axis.legend(axes, theme)

    seen = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    alt = f"Health checks over time: {wording.count(len(rows))} answers of {len(names)} checks: {seen}"
    return chart("health", "Health checks", ("Asked every few seconds while the load ran.", alt), draw, left=0.22)
