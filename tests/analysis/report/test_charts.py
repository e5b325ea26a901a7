"""What the charts draw, looked up in the axes they drew into."""

import io
import time as clock
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from PIL import Image

from analysis.report import canvas, charts, health_charts
from analysis.report.axes import near
from analysis.report.bins import Timeline, timeline
from analysis.report.canvas import LIGHT, Chart, Draw
from analysis.report.limit_lines import LimitLine, limit_lines
from analysis.verdict import Result, Scope, Severity, Verdict

Drawn = dict[str, Axes]
START_S = 1_764_000_000.0


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """Axes of every chart made while the test runs, by the chart's name."""
    found: Drawn = {}

    def draw_once(name: str, title: str, texts: tuple[str, str], draw: Draw, *, left: float = 0.1) -> Chart:
        axes = Figure().add_axes((left, 0.1, 0.8, 0.8))
        draw(axes, LIGHT)
        found[name] = axes
        return Chart(name, title, *texts, b"", b"")

    monkeypatch.setattr(charts, "chart", draw_once)
    monkeypatch.setattr(health_charts, "chart", draw_once)
    return found


def seconds_of(verdict: Verdict) -> Timeline:
    time = timeline(verdict.run, pd.DataFrame(), pd.DataFrame())
    assert time is not None
    return time


def annotations(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts if isinstance(text, Annotation)]


def line(axes: Axes, label: str) -> np.ndarray:
    [found] = [line for line in axes.get_lines() if line.get_label() == label]
    return np.asarray(found.get_ydata(), np.float64)


def legend(axes: Axes) -> list[str]:
    return axes.get_legend_handles_labels()[1]


def test_latency_shows_three_percentiles_the_steady_window_and_the_strictest_limit(
    drawn: Drawn, passing: Verdict, make_samples: Callable[..., pd.DataFrame]
) -> None:
    charts.request_charts(passing, make_samples(), seconds_of(passing))
    axes = drawn["latency"]
    assert legend(axes) == ["p50", "p95", "p99"]
    assert (line(axes, "p50") < line(axes, "p95")).all()
    assert axes.get_yscale() == "log"
    assert annotations(axes) == ["high < 2000 ms"]  # 5000 ms is far above 100 ms of data
    assert axes.get_ylim()[1] > 2000
    [steady] = axes.patches
    assert (steady.get_x(), steady.get_width()) == (10.0, 65.0)
    assert axes.get_xlim() == (0.0, 75.0)


def test_without_a_window_nothing_is_shaded(
    drawn: Drawn, passing: Verdict, make_samples: Callable[..., pd.DataFrame]
) -> None:
    charts.request_charts(replace(passing, window=None), make_samples(), seconds_of(passing))
    assert list(drawn["latency"].patches) == []


def test_a_time_without_samples_is_a_hatched_gap_in_every_request_chart(
    drawn: Drawn, passing: Verdict, make_samples: Callable[..., pd.DataFrame]
) -> None:
    samples = make_samples()
    second = samples["sent_at_s"] - START_S
    charts.request_charts(passing, samples[(second < 30) | (second >= 45)], seconds_of(passing))
    for name, axes in drawn.items():
        assert "no samples" in legend(axes), name
    assert np.isnan(line(drawn["latency"], "p50")[30:45]).all()
    assert np.isfinite(line(drawn["latency"], "p50")[:30]).all()
    assert np.isnan(line(drawn["cache"], "hits")[30:45]).all()
    [rate] = [patch for patch in drawn["throughput"].patches if patch.get_label() == "ok answers"]
    assert np.isnan(rate.get_data().values[30:45]).all()  # noqa: PD011 - of a StepPatch


def test_throughput_starts_at_zero_and_reaches_its_limit(
    drawn: Drawn, passing: Verdict, make_samples: Callable[..., pd.DataFrame]
) -> None:
    charts.request_charts(passing, make_samples(300), seconds_of(passing))  # 4 rps, limit 100
    bottom, top = drawn["throughput"].get_ylim()
    assert bottom == 0
    assert top > 100
    assert annotations(drawn["throughput"]) == ["high > 100 rps"]


def test_errors_are_stacked_and_the_rare_ones_are_one_area(
    drawn: Drawn, passing: Verdict, make_samples: Callable[..., pd.DataFrame]
) -> None:
    outcomes = ["http_error"] * 40 + ["timeout"] * 30 + ["throttled"] * 20 + ["lost"] * 6 + ["stale"] * 4
    samples = make_samples(100).assign(outcome=outcomes, sent_at_s=START_S + 0.5)
    run = passing.run.model_copy(update={"ended_at_s": START_S + 1.0})
    verdict = replace(passing, run=run, window=None)
    charts.request_charts(verdict, samples, seconds_of(verdict))
    areas = {patch.get_label(): patch.get_data() for patch in drawn["errors"].patches}
    heights = {name: (data.baseline.tolist(), data.values.tolist()) for name, data in areas.items()}  # noqa: PD011
    assert heights == {
        "http_error": ([0.0], [40.0]),
        "timeout": ([40.0], [70.0]),
        "throttled": ([70.0], [90.0]),
        "other": ([90.0], [100.0]),
    }


def test_no_errors_are_said_and_not_left_blank(
    drawn: Drawn, passing: Verdict, make_samples: Callable[..., pd.DataFrame]
) -> None:
    found = charts.request_charts(passing, make_samples(bad_ratio=0.0), seconds_of(passing))
    assert [text.get_text() for text in drawn["errors"].texts] == ["no errors"]
    assert {chart.name: chart.alt for chart in found}["errors"] == "Errors (per s, by outcome): none"


def test_a_run_of_nothing_but_failures_has_no_latency(
    drawn: Drawn, passing: Verdict, make_samples: Callable[..., pd.DataFrame]
) -> None:
    samples = make_samples(50).assign(outcome="connect_error", cache=None)
    found = {chart.name: chart for chart in charts.request_charts(passing, samples, seconds_of(passing))}
    assert found["latency"].alt == "Latency (ms): no samples that were ok or timed out"
    assert found["cache"].alt.endswith("no samples that were a hit or a miss")
    assert set(drawn) == {"throughput", "errors"}


def test_alt_texts_say_in_figures_what_there_is_to_see(
    drawn: Drawn, passing: Verdict, make_samples: Callable[..., pd.DataFrame]
) -> None:
    samples = make_samples(150, bad_ratio=0.0)
    samples["response_time_ms"] = np.where(samples["sent_at_s"] < START_S + 40, 10.0, 3_041.2)
    found = charts.request_charts(passing, samples, seconds_of(passing))
    assert found[0].alt.startswith("Latency (ms) over time: p50 from 10 to 3 040, p95 from 10 to 3 040")
    assert "latency" in drawn


@pytest.mark.parametrize("case", ["no timeline", "no rows", "only other kinds", "all outside the run"])
def test_without_samples_every_request_chart_says_so(
    passing: Verdict, make_samples: Callable[..., pd.DataFrame], case: str
) -> None:
    samples = make_samples(20)
    time = seconds_of(passing)
    frames = {
        "no timeline": (samples, None),
        "no rows": (pd.DataFrame(), time),
        "only other kinds": (samples.assign(kind="setup"), time),
        "all outside the run": (samples.assign(sent_at_s=1.0), time),
    }
    found = charts.request_charts(passing, *frames[case])
    assert [chart.name for chart in found] == ["latency", "throughput", "errors", "cache"]
    assert all(chart.alt.endswith(": no samples") and chart.note is None for chart in found)


def test_generator_charts_show_each_process_and_the_limits_of_doubt(
    drawn: Drawn, passing: Verdict, make_generator: Callable[[], pd.DataFrame]
) -> None:
    generator = pd.concat([make_generator().assign(process=process) for process in range(2)])
    health_charts.generator_charts(passing, generator, seconds_of(passing))
    assert np.nanmax(line(drawn["sellers"], "sellers alive")) == 80.0
    assert legend(drawn["generator_cpu"]) == ["process 0", "process 1"]
    assert line(drawn["generator_cpu"], "process 0").max() == pytest.approx(47.0, abs=0.1)
    assert annotations(drawn["generator_cpu"]) == ["doubt above 85 %"]
    assert annotations(drawn["generator_lag"]) == ["doubt above 20 ms"]


def test_many_processes_are_drawn_under_one_name(
    drawn: Drawn, passing: Verdict, make_generator: Callable[[], pd.DataFrame]
) -> None:
    generator = pd.concat([make_generator().assign(process=process) for process in range(9)])
    health_charts.generator_charts(passing, generator, seconds_of(passing))
    assert legend(drawn["generator_cpu"]) == ["9 processes"]
    assert len(drawn["generator_cpu"].get_lines()) == 9 + 1  # and the limit


def test_a_silent_stretch_of_the_generator_is_a_gap(
    drawn: Drawn, passing: Verdict, make_generator: Callable[[], pd.DataFrame]
) -> None:
    generator = make_generator()
    second = generator["at_s"] - START_S
    health_charts.generator_charts(passing, generator[(second < 20) | (second > 26)], seconds_of(passing))
    assert np.isnan(line(drawn["generator_cpu"], "process 0")).sum() == 1
    health_charts.generator_charts(passing, generator[(second < 20) | (second > 23)], seconds_of(passing))
    assert not np.isnan(line(drawn["generator_cpu"], "process 0")).any()


def test_one_row_of_a_process_is_a_point(
    drawn: Drawn, passing: Verdict, make_generator: Callable[[], pd.DataFrame]
) -> None:
    health_charts.generator_charts(passing, make_generator().head(1), seconds_of(passing))
    assert len(line(drawn["generator_cpu"], "process 0")) == 1


def test_a_figure_the_generator_never_gave_is_said(
    passing: Verdict, make_generator: Callable[[], pd.DataFrame]
) -> None:
    generator = make_generator().assign(cpu_ratio=np.nan, sellers=np.nan)
    found = {chart.name: chart for chart in health_charts.generator_charts(passing, generator, seconds_of(passing))}
    assert found["generator_cpu"].alt == "Generator CPU (% of a core): no samples"
    assert found["sellers"].alt == "Sellers: no samples"


@pytest.mark.parametrize("known", [True, False])
def test_a_generator_that_was_not_measured_is_said(passing: Verdict, known: bool) -> None:  # noqa: FBT001 - a table
    found = health_charts.generator_charts(passing, pd.DataFrame(), seconds_of(passing) if known else None)
    assert [chart.name for chart in found] == [
        "sellers",
        "generator_cpu",
        "generator_lag",
        "generator_memory",
        "generator_files",
    ]
    assert all(chart.alt.endswith("no samples: the generator was not measured") for chart in found)


def test_a_monitor_with_a_limit_in_percent_is_drawn_in_percent(
    drawn: Drawn, passing: Verdict, make_monitors: Callable[[], pd.DataFrame]
) -> None:
    found = health_charts.monitor_charts(passing, make_monitors(), seconds_of(passing))
    assert [chart.name for chart in found] == ["monitor_1_cpu", "monitor_2_memory", "health"]
    assert found[1].title == "Monitor memory (%)"
    assert annotations(drawn["monitor_2_memory"]) == ["medium < 85 %"]
    assert drawn["monitor_2_memory"].yaxis.get_major_formatter()(0.5, 0) == "50"
    assert drawn["monitor_1_cpu"].yaxis.get_major_formatter()(0.5, 0) == "0.5"  # nobody said what it is


def test_questions_without_an_answer_are_counted_and_a_gap(
    drawn: Drawn, passing: Verdict, make_monitors: Callable[[], pd.DataFrame]
) -> None:
    monitors = make_monitors()
    memory = monitors[monitors["monitor"] == "memory"].reset_index(drop=True)
    memory.loc[5:7, "value"] = np.nan
    [chart] = health_charts.monitor_charts(passing, memory, seconds_of(passing))
    assert chart.note == "37 questions, 3 of them without a usable answer."
    assert np.isnan(line(drawn["monitor_1_memory"], "as the target says")).sum() == 3


def test_a_monitor_that_never_answered_is_said(passing: Verdict, make_monitors: Callable[[], pd.DataFrame]) -> None:
    silent = make_monitors().assign(monitor="cpu", value=np.nan)
    [chart] = health_charts.monitor_charts(passing, silent, seconds_of(passing))
    assert chart.alt == "Monitor cpu: no samples: it was asked and never answered"


def test_more_than_six_monitors_are_counted_and_not_drawn(
    drawn: Drawn, passing: Verdict, make_monitors: Callable[[], pd.DataFrame]
) -> None:
    memory = make_monitors().query("monitor == 'memory'")
    many = pd.concat([memory.assign(monitor=f"../queue {number}") for number in range(8)])
    found = health_charts.monitor_charts(passing, many, seconds_of(passing))
    assert found[-1].alt == "Further monitors: 2 more are in monitors.parquet"
    assert [chart.name for chart in found[:2]] == ["monitor_1_-queue-0", "monitor_2_-queue-1"]  # fit for a file name
    assert len(drawn) == 6


def test_health_checks_tell_up_down_and_no_answer_apart(
    drawn: Drawn, passing: Verdict, make_monitors: Callable[[], pd.DataFrame]
) -> None:
    health = make_monitors().query("monitor.str.startswith('health.')")
    [chart] = health_charts.monitor_charts(passing, health, seconds_of(passing))
    assert legend(drawn["health"]) == ["up", "down", "no answer"]
    assert chart.alt.endswith("39 answers of 2 checks: 37 up, 1 down, 1 no answer")
    assert [label.get_text() for label in drawn["health"].get_yticklabels()] == ["database", "cache"]
    health_charts.monitor_charts(passing, health.query("value == 1"), seconds_of(passing))
    assert legend(drawn["health"]) == ["up"]


@pytest.mark.parametrize("known", [True, False])
def test_a_target_that_was_not_asked_is_said(passing: Verdict, known: bool) -> None:  # noqa: FBT001 - a table
    [chart] = health_charts.monitor_charts(passing, pd.DataFrame(), seconds_of(passing) if known else None)
    assert chart.alt == "Monitors of the target: no samples: nothing was asked, or nothing answered"


@pytest.mark.parametrize(
    ("limit", "unit", "level"),
    [
        pytest.param("< 2000 ms", "ms", 2000.0, id="milliseconds"),
        pytest.param("<= 1.5 s", "ms", 1500.0, id="seconds"),
        pytest.param("> 70 %", "ratio", 0.7, id="percent"),
        pytest.param("> 100 rps", "rps", 100.0, id="rate"),
    ],
)
def test_a_limit_is_a_line_in_the_unit_of_its_statistic(
    make_result: Callable[..., Result], limit: str, unit: str, level: float
) -> None:
    [found] = limit_lines((make_result("x", limit, 1.0, 0.5, unit=unit),), lambda _: True)
    assert (found.level, found.upper, found.label) == (pytest.approx(level), limit.startswith("<"), f"high {limit}")


def test_lines_are_strictest_first_each_level_once_without_rollback(make_result: Callable[..., Result]) -> None:
    results = (
        make_result("mean", "< 5000 ms", 1.0, 0.5, severity=Severity.CRITICAL),
        make_result("mean", "< 2000 ms", 1.0, 0.5),
        make_result("p95", "< 2 s", 1.0, 0.5),
        make_result("mean", "< 10 s", 1.0, 0.5, severity=Severity.ROLLBACK),
        make_result("mean", "as fast as it gets", 1.0, 0.5),
        make_result("mean", "< 7", 1.0, 0.5, unit="parsecs"),
        make_result("p95", "< 1 s", 1.0, 0.5, scope=Scope(workflow="store")),
    )
    lines = limit_lines(results, lambda result: result.scope == Scope())
    assert [line.label for line in lines] == ["high < 2000 ms", "critical < 5000 ms"]
    floors = (make_result("throughput", f"> {rps} rps", 1.0, 0.5, unit="rps") for rps in (50, 100))
    assert [line.level for line in limit_lines(tuple(floors), lambda _: True)] == [100.0, 50.0]


@pytest.mark.parametrize(("highest", "drawn_levels"), [(10.0, [100.0]), (249.9, [100.0]), (250.0, [100.0, 500.0])])
def test_a_further_limit_is_drawn_when_the_data_come_near(highest: float, drawn_levels: list[float]) -> None:
    lines = [LimitLine(100.0, upper=True, label="high"), LimitLine(500.0, upper=True, label="critical")]
    assert [line.level for line in near(lines, highest)] == drawn_levels


def test_a_logarithmic_axis_over_many_decades_names_powers_of_ten_only(
    drawn: Drawn, passing: Verdict, make_samples: Callable[..., pd.DataFrame]
) -> None:
    samples = make_samples(bad_ratio=0.0)
    charts.request_charts(passing, samples, seconds_of(passing))
    ticks = set(drawn["latency"].get_yticks())
    samples["response_time_ms"] = np.geomspace(0.001, 25_000.0, len(samples))
    charts.request_charts(passing, samples, seconds_of(passing))
    assert 200.0 in ticks
    assert 200.0 not in set(drawn["latency"].get_yticks())
    assert np.nanmin(line(drawn["latency"], "p50")) >= 0.1  # a logarithm has no zero


def test_pictures_are_png_of_a_readable_size_in_two_dresses(
    passing: Verdict, make_samples: Callable[..., pd.DataFrame]
) -> None:
    [latency, *_] = charts.request_charts(passing, make_samples(20_000), seconds_of(passing))
    light, dark = (Image.open(io.BytesIO(png)) for png in (latency.light_png, latency.dark_png))
    assert light.size == dark.size == (960, 450)
    assert light.getpixel((2, 2))[:3] == (255, 255, 255)
    assert max(dark.getpixel((2, 2))[:3]) < 40
    assert max(map(len, (latency.light_png, latency.dark_png))) < 200_000
    assert b"Software" not in latency.light_png
    assert canvas.TEXT_POINTS >= 12


def test_two_hundred_thousand_samples_are_drawn_in_less_than_five_seconds(
    passing: Verdict, make_samples: Callable[..., pd.DataFrame]
) -> None:
    samples = make_samples(200_000)
    began_s = clock.perf_counter()
    found = charts.request_charts(passing, samples, seconds_of(passing))
    assert clock.perf_counter() - began_s < 5
    assert max(len(chart.light_png) for chart in found) < 200_000


def test_late_starts_are_drawn_where_passes_had_a_time_to_begin_at(
    passing: Verdict, full: tuple[pd.DataFrame, ...]
) -> None:
    late = full[1].assign(late_start_max_ms=12.5)
    drawn = {
        name: [chart.name for chart in health_charts.generator_charts(passing, frame, seconds_of(passing))]
        for name, frame in (("closed", full[1]), ("open", late))
    }
    assert drawn["open"] == [*drawn["closed"], "late_starts"]
