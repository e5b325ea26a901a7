"""Draw what charts over time have in common: the steady window, gaps, limits, axes and legends."""

from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from analysis.report import wording
from analysis.report.bins import Floats, Timeline
from analysis.report.canvas import TEXT_POINTS, Theme
from analysis.report.limit_lines import LimitLine
from analysis.verdict import Window

_NEAR: Final = 2.0
"""A further limit is drawn when the data come within this factor of it; farther off it would only flatten them."""
_HEADROOM: Final = 1.15
_LOG_HEADROOM: Final = 2.5
_FEW_DECADES: Final = 1000
"""Highest over lowest value up to which a logarithmic axis has room for figures between its powers of ten."""


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


def near(lines: list[LimitLine], highest: float) -> list[LimitLine]:
    """Return the limits to draw: the strictest, and every further one the data come near to."""
    return [line for at, line in enumerate(lines) if not at or not line.upper or line.level <= highest * _NEAR]


def limits(axes: Axes, theme: Theme, lines: list[LimitLine]) -> None:
    """Draw limits as lines with their words."""
    for line in lines:
        axes.axhline(line.level, color=theme.limit, linewidth=1.4, linestyle=(0, (6, 3)))
        axes.annotate(
            line.label,
            (1, line.level),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-2, 1.5 if line.upper else -1.5),  # on the bad side, where data should not be
            textcoords="offset points",
            ha="right",
            va="bottom" if line.upper else "top",
            color=theme.limit,
            path_effects=[withStroke(linewidth=2.5, foreground=theme.paper)],
        )


def logarithmic(axes: Axes, highest: float) -> None:
    """Scale the value axis by powers, up to a little above the highest value."""
    axes.set_ylim(top=highest * _LOG_HEADROOM)
    lowest, top = axes.get_ylim()
    subs = (1.0, 2.0, 5.0) if top / lowest < _FEW_DECADES else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.number(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def from_zero(axes: Axes, highest: float) -> None:
    """Scale the value axis from 0 to a little above the highest value."""
    axes.set_ylim(0, highest * _HEADROOM if highest > 0 else 1)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.number(value)))


def percent(axes: Axes, highest: float) -> None:
    """Scale the value axis in percent, from 0 to at least 100."""
    axes.set_ylim(0, max(1.0, highest) * _HEADROOM)
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


def highest_of(*series: Floats) -> float:
    """Return the highest known value; 0 when there is none."""
    return max((float(np.nanmax(values)) for values in series if np.isfinite(values).any()), default=0.0)


def top_of(highest: float, lines: list[LimitLine]) -> float:
    """Return what the value axis must reach: the highest value and every line."""
    return max([highest, *(line.level for line in lines)])


def alt(title: str, series: dict[str, Floats]) -> str:
    """Return what there is to see, for whoever cannot see it."""
    parts = [
        f"{name} from {wording.number(float(np.nanmin(values)))} to {wording.number(float(np.nanmax(values)))}"
        for name, values in series.items()
        if np.isfinite(values).any()
    ]
    return f"{title} over time: {', '.join(parts) or 'not known'}"
