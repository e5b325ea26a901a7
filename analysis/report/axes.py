"""Draw what charts over time have in common: the steady window, gaps, limits, axes and legends."""

from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.report import wording
from analysis.report.bins import Floats, Timeline
from analysis.report.canvas import TEXT_POINTS, Theme
from analysis.report.limit_lines import LimitLine
from analysis.verdict import Window

_NEAR: Final = 2.0
"""A further limit is drawn when the data come within this factor of it; farther off it would only flatten them."""
_HEADROOM: Final = 1.12


def over_time(axes: Axes, theme: Theme, time: Timeline, window: Window | None) -> None:
    """Set up the time axis and shade the steady window."""
    axes.set_xlim(0, float(time.edges_s[-1]))
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 3, 5, 6, 10]))
    if window is not None:
        axes.axvspan(window.start_s, window.end_s, color=theme.steady, linewidth=0, zorder=0)


def label_time(axes: Axes) -> None:
    """Say what the time axis is."""
    axes.set_xlabel("seconds since the start; steady window shaded")


def gaps(axes: Axes, theme: Theme, time: Timeline, counts: npt.NDArray[np.int64]) -> None:
    """Hatch the bins without a sample, so that nobody takes them for zero."""
    empty = np.where(counts == 0, 1.0, np.nan)
    if np.isnan(empty).all():
        return
    axes.stairs(
        empty,
        time.edges_s,
        fill=True,
        facecolor="none",
        edgecolor=theme.grid,
        hatch="////",
        linewidth=0,
        transform=axes.get_xaxis_transform(),
        label="no samples",
    )


def limits(axes: Axes, theme: Theme, lines: list[LimitLine], highest: float) -> None:
    """Draw the strictest limit, and every further one the data come near to."""
    for index, line in enumerate(lines):
        if index and line.upper and line.level > highest * _NEAR:
            continue
        axes.axhline(line.level, color=theme.limit, linewidth=1.4, linestyle=(0, (6, 3)), label=line.label)


def from_zero(axes: Axes, highest: float) -> None:
    """Scale the value axis from 0 to a little above the highest value."""
    axes.set_ylim(0, highest * _HEADROOM if highest > 0 else 1)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.number(value)))


def percent(axes: Axes, highest: float) -> None:
    """Scale the value axis in percent, from 0 to at least 100."""
    axes.set_ylim(0, max(1.0, highest) * 1.04)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.ratio(value)))


def legend(axes: Axes, theme: Theme) -> None:
    """Put the legend in one row between title and plot."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    axes.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(-0.02, 0.98),
        ncols=len(handles),
        frameon=False,
        fontsize=TEXT_POINTS,
        labelcolor=theme.ink,
        handlelength=1.4,
        handletextpad=0.4,
        columnspacing=0.9,
        borderpad=0.2,
    )


def highest_of(*series: Floats, lines: list[LimitLine] | None = None) -> float:
    """Return the highest known value, the strictest limit included; 0 when there is none."""
    known = [float(np.nanmax(values)) for values in series if np.isfinite(values).any()]
    return max([*known, *(line.level for line in (lines or [])[:1])], default=0.0)


def alt(title: str, series: dict[str, Floats]) -> str:
    """Return what there is to see, for whoever cannot see it."""
    parts = [
        f"{name} from {wording.number(float(np.nanmin(values)))} to {wording.number(float(np.nanmax(values)))}"
        for name, values in series.items()
        if np.isfinite(values).any()
    ]
    return f"{title} over time: {', '.join(parts) or 'not known'}"
