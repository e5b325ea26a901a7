"""Reports as files of a run directory."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.report import write_reports
from analysis.verdict import Verdict

Frames = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
GENERATOR = {"generator_cpu", "generator_lag", "generator_memory", "generator_files"}
EVERY_CHART = {"latency", "throughput", "errors", "cache", "sellers", *GENERATOR}


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(*charts: str) -> set[str]:
    pictures = {f"charts/{chart}{dress}.png" for chart in charts for dress in ("", "-dark")}
    return {"report.html", "summary.md", "junit.xml"} | pictures


def test_every_verdict_is_written_without_a_single_sample(
    tmp_path: Path, any_verdict: Verdict, nothing: Frames
) -> None:
    assert write_reports(tmp_path, any_verdict, *nothing) == tmp_path / "report.html"
    assert set(files_of(tmp_path)) == names(*EVERY_CHART, "monitors")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert text.count(": no samples") == 10  # alternative texts of all charts
    assert "No samples." in text


def test_frames_without_columns_are_no_samples(tmp_path: Path, empty: Verdict) -> None:
    write_reports(tmp_path, empty, pd.DataFrame(), pd.DataFrame(), pd.DataFrame())
    assert set(files_of(tmp_path)) == names(*EVERY_CHART, "monitors")


def test_a_whole_run_is_written_with_all_its_charts(written: Path) -> None:
    files = files_of(written)
    assert set(files) == names(*EVERY_CHART, "monitor_1_cpu", "monitor_2_memory", "health") | {"failures.jsonl"}
    assert all(content.startswith(b"\x89PNG") for name, content in files.items() if name.endswith(".png"))
    assert max(map(len, files.values())) < 2_000_000


def test_pictures_of_an_earlier_report_are_removed(tmp_path: Path, failing: Verdict, nothing: Frames) -> None:
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "monitor_1_queue.png").write_bytes(b"old")
    (tmp_path / "charts" / "latency.png").write_bytes(b"old")
    write_reports(tmp_path, failing, *nothing)
    assert set(files_of(tmp_path)) == names(*EVERY_CHART, "monitors")
    assert (tmp_path / "charts" / "latency.png").read_bytes() != b"old"


_WRITE = """
import pickle, sys
from pathlib import Path
from analysis.report import write_reports
verdict, frames = pickle.loads(sys.stdin.buffer.read())
write_reports(Path(sys.argv[1]), verdict, *frames)
"""


def test_the_same_input_gives_the_same_bytes_in_another_process_too(
    tmp_path: Path, written: Path, failing: Verdict, full: Frames
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(written, folder)
    write_reports(folder, failing, *full)
    first = files_of(folder)
    subprocess.run(
        [sys.executable, "-c", _WRITE, str(folder)],
        input=pickle.dumps((failing, full)),
        env=os.environ | {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Auckland", "LC_ALL": "C"},
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[3],
    )
    assert files_of(folder) == first
    here, there = files_of(written), dict(first)
    assert here.pop("report.html") != there.pop("report.html")  # names the folder to judge again
    assert here == there


def test_a_disk_that_refuses_is_told(tmp_path: Path, passing: Verdict, nothing: Frames) -> None:
    with pytest.raises(OSError, match="gone"):
        write_reports(tmp_path / "gone", passing, *nothing)
