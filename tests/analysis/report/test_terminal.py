"""Lines of the terminal."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.report.terminal import lines
from analysis.verdict import Doubt, Verdict

REPORT = Path("reports/20251124-160000-demo/report.html")


@pytest.mark.parametrize("name", ["passing", "failing", "invalid", "inconclusive", "empty", "crowded", "staging"])
def test_terminal_text_is_the_agreed_one(
    name: str, request: pytest.FixtureRequest, golden: Callable[[str, str], None]
) -> None:
    text = lines(request.getfixturevalue(name), REPORT)
    golden(f"terminal_{name}.txt", "\n".join(text) + "\n")


def test_verdict_and_report_come_last(any_verdict: Verdict) -> None:
    *_, verdict, report = lines(any_verdict, REPORT)
    assert verdict == f"verdict: {any_verdict.outcome.upper()} (exit {any_verdict.exit_code})"
    assert report == f"report:  {REPORT}"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_crowded_verdict_stays_within_thirty_lines_and_the_width(crowded: Verdict, width: int) -> None:
    text = lines(crowded, REPORT, width)
    assert len(text) == 30
    assert max(map(len, text)) <= width
    assert "… more in the report" in text[-3]


def test_a_long_report_path_is_not_cut(passing: Verdict) -> None:
    path = Path("/very/long" * 20) / "report.html"
    assert lines(passing, path)[-1].endswith(str(path))


def test_a_broken_limit_shows_scope_observed_limit_and_margin(failing: Verdict) -> None:
    [broken] = [line for line in lines(failing, REPORT, 120) if line.startswith("broken")]
    assert broken == "broken    dashboard.analytics_display p95 3 040 ms, limit < 2000 ms (high, -52.1 %)"


def test_text_of_a_server_cannot_act_on_the_terminal(passing: Verdict) -> None:
    doubt = Doubt("listener_crashed", "\x1b[2J\x07boom\r\nverdict: PASS (exit 0)", "none", invalidates=True)
    text = lines(replace(passing, doubts=(doubt,), headline="\x1b]0;owned\x07"), REPORT)
    assert not any(character in line for line in text for character in "\x1b\x07\r\n")
    assert [line for line in text if line.startswith("verdict:")] == ["verdict: PASS (exit 0)"]
