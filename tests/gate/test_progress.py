import io
import json
from pathlib import Path

import pytest

from gate.progress import Progress, ProgressPrinter, line, read_progress

WRITTEN = {
    "at_s": 1.0,
    "elapsed_s": 12.3,
    "planned_s": 85.0,
    "sellers": 80,
    "requests": 1500,
    "failed": 2,
    "rps": 151.6,
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "progress.json").write_text(json.dumps(WRITTEN))
    return tmp_path


def test_progress_is_read_as_the_load_wrote_it(folder: Path) -> None:
    assert read_progress(folder) == Progress(12.3, 85.0, 80, 1500, 2, 151.6)


def test_run_ended_by_hand_has_no_planned_end(folder: Path) -> None:
    (folder / "progress.json").write_text(json.dumps({**WRITTEN, "planned_s": None}))
    progress = read_progress(folder)
    assert progress is not None
    assert line(progress) == "12 s, 80 sellers, 152 req/s, 1500 requests, 2 failed"


@pytest.mark.parametrize("live", [True, False], ids=["terminal", "piped"])
def test_waiting_is_said_now_and_then_and_leaves_no_trace_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, *, live: bool
) -> None:
    now = [1000.0]
    monkeypatch.setattr("gate.progress.time.monotonic", lambda: now[0])
    stream = Terminal() if live else io.StringIO()
    printer = ProgressPrinter(stream)
    for now[0] in (1000.0, 1000.2, 1001.0, 1009.9, 1010.0):
        printer.waiting("health database: answered 503", now[0] - 1000, 300)
    printer.close()
    printer.say("preflight: ok")
    said = stream.getvalue()
    if live:
        assert said.count("waiting, ") == 3
        assert said.endswith("\r\x1b[2Kpreflight: ok\n")
    else:
        assert said.splitlines() == [
            "waiting, 0 of 300 s: health database: answered 503",
            "waiting, 10 of 300 s: health database: answered 503",
            "preflight: ok",
        ]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "{}", '{"planned_s": "x"}', '{"planned_s": 1, "elapsed_s": null}']
)
def test_half_a_file_is_no_progress(folder: Path, text: str) -> None:
    (folder / "progress.json").write_text(text)
    assert read_progress(folder) is None


def test_line_is_narrow_for_a_large_run() -> None:
    assert len(line(Progress(3600.0, 7200.0, 100_000, 10_000_000, 10_000, 10_000.0))) <= 80


def test_piped_output_gets_a_line_every_ten_seconds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("gate.progress.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    printer = ProgressPrinter(stream)
    for now[0] in (1000.0, 1000.1, 1005.1, 1009.9, 1010.0, 1011.0):
        printer.show(folder)
    printer.close()
    text = "12 of 85 s, 80 sellers, 152 req/s, 1500 requests, 2 failed\n"
    assert stream.getvalue() == text * 2


def test_terminal_gets_one_line_that_changes_and_is_cleared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("gate.progress.time.monotonic", lambda: now[0])
    stream = Terminal()
    printer = ProgressPrinter(stream)
    for now[0] in (1000.0, 1000.5, 1001.0):
        printer.show(folder)
    printer.close()
    text = "\r\x1b[2K12 of 85 s, 80 sellers, 152 req/s, 1500 requests, 2 failed"
    assert stream.getvalue() == text * 2 + "\r\x1b[2K"


def test_nothing_is_printed_before_the_load_speaks(tmp_path: Path) -> None:
    stream = Terminal()
    printer = ProgressPrinter(stream)
    printer.show(tmp_path)
    printer.close()
    assert stream.getvalue() == ""
