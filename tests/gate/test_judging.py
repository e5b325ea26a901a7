import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from analysis import verdict_file
from analysis.thresholds import load_thresholds
from analysis.verdict import Outcome, Verdict
from gate.cli import main
from gate.findings import Findings, read_findings, write_findings
from gate.judging import Judged, judge_run, settled, with_findings
from gate.terms import Terms
from runlog.errors import RunLogError
from runlog.run import read_run, write_run


@pytest.fixture
def run_dir(unreached: Path, tmp_path: Path) -> Path:
    """A copy of a judged run, to be judged again."""
    copy = tmp_path / unreached.name
    shutil.copytree(unreached, copy)
    return copy


@pytest.fixture
def verdict(unreached: Path) -> Verdict:
    return replace(verdict_file.read(unreached), outcome=Outcome.PASS, doubts=(), rollback=(), overrides=())


def terms(stage: str | None = None, *, rollback_enabled: bool = True) -> Terms:
    return Terms(load_thresholds(), stage, strict=False, inconclusive=None, rollback_enabled=rollback_enabled)


def test_target_that_is_not_there_is_3_with_a_whole_report(unreached: Path) -> None:
    verdict = json.loads((unreached / "verdict.json").read_text())
    assert (verdict["outcome"], verdict["exit_code"]) == ("invalid", 3)
    assert verdict["doubts"][0]["name"] == "target_unreachable"
    assert verdict["headline"].startswith("Invalid: target_unreachable, http://127.0.0.1:")
    assert verdict["release_grade"] is True
    assert {"report.html", "summary.md", "junit.xml", "run.json", "gate.json"} <= {f.name for f in unreached.iterdir()}


def test_judging_again_gives_the_same_bytes(run_dir: Path) -> None:
    before = (run_dir / "verdict.json").read_bytes()
    (run_dir / "verdict.json").unlink()
    assert main(["judge", str(run_dir)]) == 3
    assert (run_dir / "verdict.json").read_bytes() == before


def test_stage_the_run_already_had_changes_nothing(run_dir: Path) -> None:
    before = (run_dir / "verdict.json").read_bytes()
    assert main(["judge", str(run_dir), "--stage", "post"]) == 3
    assert (run_dir / "verdict.json").read_bytes() == before
    assert main(["judge", str(run_dir), "--stage", "pre"]) == 3
    assert (run_dir / "verdict.json").read_bytes() != before


def test_verdict_comes_last_in_plain_narrow_lines(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", str(run_dir)]) == 3
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert said.err == ""
    assert len(lines) <= 30
    assert max(len(line) for line in lines[:-1]) <= 80
    assert "\x1b" not in said.out
    assert lines[-2:] == ["verdict: INVALID (exit 3)", f"report:  {run_dir / 'report.html'}"]


def test_report_path_is_short_where_it_can_be(
    run_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run_dir.parent)
    assert main(["report", run_dir.name]) == 0
    assert capsys.readouterr().out == f"report:  {run_dir.name}/report.html\n"


def test_terminal_gets_a_coloured_answer(
    run_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.commands.printing.sys.stdout.isatty", lambda: True)
    assert main(["judge", str(run_dir)]) == 3
    out = capsys.readouterr().out
    assert "\x1b[35m\x1b[1mverdict: INVALID (exit 3)\x1b[0m\n" in out
    assert out.count("\x1b[35m") == 1


def test_report_judges_nothing(run_dir: Path) -> None:
    before = (run_dir / "verdict.json").read_bytes()
    (run_dir / "report.html").unlink()
    run = read_run(run_dir)
    write_run(run_dir, run.model_copy(update={"problems": ("judged again, this would be a doubt",)}))
    assert main(["report", str(run_dir)]) == 0
    assert (run_dir / "report.html").exists()
    assert (run_dir / "verdict.json").read_bytes() == before


def test_report_of_a_run_that_was_not_judged_is_3(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run_dir / "verdict.json").unlink()
    assert main(["report", str(run_dir)]) == 3
    assert capsys.readouterr().err.rstrip().endswith("judge the run first")


@pytest.mark.parametrize("name", ["run.json", "gate.json"])
def test_unreadable_run_is_3_and_says_so(run_dir: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (run_dir / name).write_text("{")
    assert main(["judge", str(run_dir)]) == 3
    said = capsys.readouterr()
    assert said.out == "verdict: INVALID (exit 3)\n"
    assert said.err.startswith(f"{run_dir / name}: ")
    assert said.err.count("\n") == 1


def test_folder_that_is_no_run_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", str(tmp_path)]) == 3
    assert capsys.readouterr().out == "verdict: INVALID (exit 3)\n"


def full(*_arguments: object) -> Path:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["analysis.report.write_reports", "gate.judging.verdict_file.write"])
def test_full_disk_is_3_with_its_reason(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: str, verdict: Verdict
) -> None:
    monkeypatch.setattr("gate.judging.evaluate", lambda *_arguments: verdict)
    write_findings(run_dir, Findings())
    with monkeypatch.context() as patch:
        patch.setattr(where, full)
        assert main(["judge", str(run_dir)]) == 3
    out = capsys.readouterr().out
    assert "report_not_written" in out
    assert "No space left on device" in out
    assert out.endswith("verdict: INVALID (exit 3)\nreport:  not written\n")
    assert not (run_dir / "report.html").exists()
    if "write_reports" in where:
        assert json.loads((run_dir / "verdict.json").read_text())["exit_code"] == 3


def test_full_disk_does_not_hide_a_rollback(run_dir: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict) -> None:
    monkeypatch.setattr("gate.judging.evaluate", lambda *_arguments: replace(verdict, rollback=("errors",)))
    monkeypatch.setattr("analysis.report.write_reports", full)
    assert judge_run(run_dir, terms("post")).verdict.exit_code == 5


def test_stage_of_the_run_counts_unless_another_is_given(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
) -> None:
    write_findings(run_dir, Findings())
    fired = replace(verdict, outcome=Outcome.FAIL, rollback=("errors above 5 %",))
    monkeypatch.setattr("gate.judging.evaluate", lambda *_arguments: fired)
    monkeypatch.setattr("gate.judging.write_pages", lambda folder, _verdict: folder / "report.html")

    def code(judged: Judged) -> int:
        return judged.verdict.exit_code

    assert code(judge_run(run_dir, terms())) == 5  # the run was made in stage post
    assert code(judge_run(run_dir, terms("pre"))) == 1
    assert code(judge_run(run_dir, terms("watch"))) == 5
    disabled = judge_run(run_dir, terms(rollback_enabled=False)).verdict
    assert disabled.exit_code == 1
    assert disabled.rollback == ("errors above 5 %",)
    assert "ROLLBACK_ENABLED=false" in disabled.overrides


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.INCONCLUSIVE])
def test_fired_trigger_makes_a_failure_of_what_would_pass(verdict: Verdict, outcome: Outcome) -> None:
    after = settled(replace(verdict, outcome=outcome, rollback=("database down",)), None, rollback_enabled=True)
    assert (after.outcome, after.exit_code) == (Outcome.FAIL, 1)
    assert after.headline == "Fail: a rollback trigger fired: database down."


def test_pass_stays_a_pass(verdict: Verdict) -> None:
    after = settled(verdict, "post", rollback_enabled=True)
    assert (after.outcome, after.exit_code, after.headline) == (Outcome.PASS, 0, verdict.headline)


def test_blocking_finding_makes_any_verdict_invalid(verdict: Verdict) -> None:
    findings = Findings(overrides=("--allow-production",)).with_doubt(
        "load_process", "killed", "ends", invalidates=True
    )
    after = with_findings(verdict, findings)
    assert after.outcome is Outcome.INVALID
    assert after.headline == "Invalid: load_process, killed."
    assert [doubt.name for doubt in after.doubts] == ["load_process"]
    assert after.overrides == ("--allow-production",)


def test_other_finding_only_is_told(verdict: Verdict) -> None:
    after = with_findings(verdict, Findings().with_doubt("health_down", "cache: 503", "up", invalidates=False))
    assert (after.outcome, after.headline) == (Outcome.PASS, verdict.headline)
    assert [doubt.name for doubt in after.doubts] == ["health_down"]


def test_findings_survive_their_file(tmp_path: Path) -> None:
    findings = Findings(overrides=("x",)).with_doubt("a", "b", "c", invalidates=True)
    write_findings(tmp_path, findings)
    assert read_findings(tmp_path) == findings


def test_run_of_plain_locust_has_no_findings(tmp_path: Path) -> None:
    assert read_findings(tmp_path) == Findings()


def test_findings_that_cannot_be_read_or_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "gate.json").mkdir()
    with pytest.raises(RunLogError, match=r"gate\.json: not readable: Is a directory"):
        read_findings(tmp_path)
    with pytest.raises(RunLogError, match=r"gate\.json: not written: "):
        write_findings(tmp_path, Findings())


def test_closed_pipe_does_not_change_the_code(run_dir: Path) -> None:
    command = [sys.executable, "-m", "gate", "judge", str(run_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(timeout=60) == 3
        assert process.stderr.read() == b""
