"""Write a verdict as pages, pictures and files into its run directory."""

from pathlib import Path
from typing import Final

import pandas as pd

from analysis.report import bins, tally
from analysis.report.canvas import Chart
from analysis.report.charts import request_charts
from analysis.report.exchanges import read_exchanges
from analysis.report.health_charts import generator_charts, monitor_charts
from analysis.report.junit import JUNIT_FILE, junit
from analysis.report.render import REPORT_FILE, render
from analysis.report.session_charts import session_charts
from analysis.report.summary import SUMMARY_FILE, summary
from analysis.report.view import Material, page
from analysis.verdict import Verdict
from runlog.run import write_atomically

CHARTS_FOLDER: Final = "charts"


def write_reports(
    run_dir: Path, verdict: Verdict, samples: pd.DataFrame, generator: pd.DataFrame, monitors: pd.DataFrame
) -> Path:
    """Write report.html, summary.md, junit.xml and charts/*.png into `run_dir` and return the path of report.html.

    Frames have the columns of runlog.schema, or no rows at all. The same input gives the same bytes.
    OSError when the disk refuses.
    """
    write_atomically(run_dir / SUMMARY_FILE, summary(verdict))
    write_atomically(run_dir / JUNIT_FILE, junit(verdict))
    time = bins.timeline(verdict.run, samples, generator)
    charts = (
        *request_charts(verdict, samples, time),
        *session_charts(verdict, samples, time),
        *generator_charts(verdict, generator, time),
        *monitor_charts(verdict, monitors, time),
    )
    _write_charts(run_dir / CHARTS_FOLDER, charts)
    material = Material(
        run_dir=run_dir,
        charts=charts,
        kinds=tally.by_kind(samples),
        errors=tally.by_error(samples),
        exchanges=read_exchanges(run_dir),
        outside=bins.outside(samples, time),
    )
    report_path = run_dir / REPORT_FILE
    write_atomically(report_path, render(page(verdict, material)))
    return report_path


def _write_charts(folder: Path, charts: tuple[Chart, ...]) -> None:
    """Replace the pictures of an earlier report by these."""
    folder.mkdir(exist_ok=True)
    written = {f"{chart.name}.png": chart.light_png for chart in charts}
    written |= {f"{chart.name}-dark.png": chart.dark_png for chart in charts}
    for stale in folder.glob("*.png"):
        if stale.name not in written:
            stale.unlink()
    for name, png in written.items():
        (folder / name).write_bytes(png)
