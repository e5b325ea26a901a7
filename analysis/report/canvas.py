"""Draw one chart in a light and a dark dress, to the same bytes every time."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of one dress; the series' are Okabe and Ito's, which colour-blind people can tell apart."""

    name: str
    paper: str
    ink: str
    grid: str
    steady: str
    limit: str
    series: tuple[str, ...]


LIGHT: Final = Theme(
    name="light",
    paper="#ffffff",
    ink="#1f2328",
    grid="#d5d9de",
    steady="#e6f0f8",
    limit="#b3261e",
    series=("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5c636b"),
)
DARK: Final = Theme(
    name="dark",
    paper="#171b21",
    ink="#e4e8ed",
    grid="#3a424c",
    steady="#1f2d3a",
    limit="#ff8a80",
    series=("#56B4E9", "#F0A04B", "#2CC295", "#E29AC4", "#F0E442", "#4F8FD0", "#a4adb8"),
)
THEMES: Final = (LIGHT, DARK)

Draw = Callable[[Axes, Theme], None]
"""Draws one chart's content into its axes."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One finished picture."""

    name: str  # file name without suffix
    title: str
    note: str | None  # what it is drawn from; None when the picture itself says why it is empty
    alt: str  # what there is to see, in figures
    light_png: bytes
    dark_png: bytes


_WIDTH_IN: Final = 6.4
_HEIGHT_IN: Final = 3.0
_MESSAGE_HEIGHT_IN: Final = 1.1
_DOTS_PER_IN: Final = 150
_TITLE_POINTS: Final = 13
TEXT_POINTS: Final = 12
_TOP_IN: Final = 0.62  # title and legend
_BOTTOM_IN: Final = 0.6  # axis label
LEFT: Final = 0.115
"""Share of the width left of the plot, for the figures of the value axis."""
_RIGHT: Final = 0.985


def chart(name: str, title: str, texts: tuple[str, str], draw: Draw, *, left: float = LEFT) -> Chart:
    """Return a chart; `texts` are its note and its alternative text."""
    pictures = [_picture(title, draw, theme, (_HEIGHT_IN, left)) for theme in THEMES]
    return Chart(name, title, *texts, *pictures)


def message(name: str, title: str, text: str) -> Chart:
    """Return a picture that says why there is nothing to see."""

    def draw(axes: Axes, theme: Theme) -> None:
        axes.set_axis_off()
        axes.text(0.5, 0.4, text, color=theme.ink, ha="center", va="center", transform=axes.figure.transFigure)

    pictures = [_picture(title, draw, theme, (_MESSAGE_HEIGHT_IN, LEFT)) for theme in THEMES]
    return Chart(name, title, None, f"{title}: {text}", *pictures)


def _picture(title: str, draw: Draw, theme: Theme, size: tuple[float, float]) -> bytes:
    height_in, left = size
    with mpl.rc_context({"font.size": TEXT_POINTS}):
        figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DOTS_PER_IN, facecolor=theme.paper)
        bottom = min(_BOTTOM_IN / height_in, 0.2)
        axes = figure.add_axes((left, bottom, _RIGHT - left, 1 - _TOP_IN / height_in - bottom))
        figure.text(
            0.012, 1 - 0.08 / height_in, title, color=theme.ink, fontsize=_TITLE_POINTS, weight="bold", va="top"
        )
        _dress(axes, theme)
        draw(axes, theme)
        file = io.BytesIO()
        figure.savefig(file, format="png", metadata={"Software": None})  # else the bytes name matplotlib's version
        return file.getvalue()


def _dress(axes: Axes, theme: Theme) -> None:
    axes.set_facecolor(theme.paper)
    axes.grid(visible=True, color=theme.grid, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme.ink, which="both", length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(theme.ink)
    axes.xaxis.label.set_color(theme.ink)
