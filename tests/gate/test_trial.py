"""What a trial tells is handed on line by line, and how it ended is never taken for something else."""

import sys
from pathlib import Path
from typing import Any

import pytest

from gate.errors import BrokenToolError
from gate.exit_codes import ExitCode
from gate.trial import run_trial, trial_arguments
from settings.problem import UsageProblem


def trial(code: str, monkeypatch: pytest.MonkeyPatch, tell: Any = lambda _line: None) -> ExitCode:
    """Run a stand-in for the trial."""
    monkeypatch.setattr("gate.trial._COMMAND", (sys.executable, "-c", code))
    return run_trial([], tell)


def says(code: int) -> str:
    return f'import sys; print(\'{{"type": "result"}}\'); sys.exit({code})'


@pytest.mark.parametrize("code", [ExitCode.PASS, ExitCode.FAIL, ExitCode.INVALID])
def test_answer_of_a_trial_is_its_exit_code(code: ExitCode, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[Any] = []
    assert trial(says(code), monkeypatch, lines.append) is code
    assert lines == [{"type": "result"}]


def test_refusal_is_the_last_line_the_trial_said(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; sys.stderr.write('a warning\\ntry: no step\\n'); sys.exit(2)"
    with pytest.raises(UsageProblem, match=r"^try: no step$"):
        trial(code, monkeypatch)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param("import no_such_module", "No module named", id="does not start: 1, and nothing told"),
        pytest.param(says(70), "the trial said nothing", id="a bug"),
        pytest.param(says(4), "the trial said nothing", id="a code no trial has"),
        pytest.param("import os; os.kill(os.getpid(), 9)", "the trial said nothing", id="killed"),
        pytest.param("pass", "the trial said nothing", id="0, and nothing told"),
    ],
)
def test_broken_trial_is_no_failed_step(code: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrokenToolError, match=words):
        trial(code, monkeypatch)


def test_trial_ends_when_nobody_reads_what_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_line: Any) -> None:
        raise KeyboardInterrupt

    code = "import time; print('{}', flush=True); time.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        trial(code, monkeypatch, interrupted)


@pytest.mark.parametrize(
    ("target", "pool", "allow", "arguments"),
    [
        pytest.param(None, None, False, [], id="nothing given"),
        pytest.param("staging", "a", True, ["--target", "staging", "--pool", "a", "--allow-production"], id="all"),
    ],
)
def test_arguments_say_what_was_given(
    target: str | None, pool: str | None, *, allow: bool, arguments: list[str], tmp_path: Path
) -> None:
    given = trial_arguments(target, tmp_path, pool, allow_production=allow)
    where = given.index("--targets")
    assert given[where + 1] == str(tmp_path)
    assert given[:where] + given[where + 2 :] == arguments
