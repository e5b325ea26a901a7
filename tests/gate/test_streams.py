"""The exit code is the verdict's, whether or not anybody can read what is printed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gate.progress import ProgressPrinter

ROOT = Path(__file__).resolve().parents[2]
JUDGE = f"{sys.executable} -m gate judge"


@pytest.mark.parametrize(
    "redirection", [">&-", ">&- 2>&-", ">/dev/full", ">/dev/full 2>/dev/full", "| head -c 1; exit ${PIPESTATUS[0]}", ""]
)
def test_judging_answers_although_its_output_goes_nowhere(unreached: Path, redirection: str) -> None:
    shell = ["/bin/bash", "-c", f"{JUDGE} {unreached} --stage post {redirection}"]
    done = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", ">/dev/full 2>/dev/full"])
@pytest.mark.parametrize(("arguments", "code"), [("nowhere", 3), ("--wrong", 2)])
def test_a_refusal_nobody_can_read_keeps_its_code(redirection: str, arguments: str, code: int) -> None:
    shell = ["/bin/bash", "-c", f"{JUDGE} {arguments} {redirection}"]
    assert subprocess.run(shell, cwd=ROOT, capture_output=True, check=False).returncode == code


def test_a_run_goes_on_although_its_progress_goes_nowhere(tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text(
        '{"elapsed_s": 1, "planned_s": 2, "sellers": 1, "requests": 1, "failed": 0, "rps": 1}'
    )
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123  # a device, not a path of ours
        ProgressPrinter(full).show(tmp_path)
        assert Path(f"/proc/self/fd/{full.fileno()}").readlink() == Path(os.devnull)
