"""What comes first."""

from collections.abc import Callable
from dataclasses import replace

from analysis.report import ranking
from analysis.verdict import Doubt, Outcome, Result, Severity


def test_broken_comes_before_undecided_before_waived_before_held_then_severity_then_margin(
    make_result: Callable[..., Result],
) -> None:
    def limit(stat: str, outcome: Outcome, severity: Severity, margin_ratio: float | None) -> Result:
        return make_result(stat, "< 1 s", 1.0, margin_ratio, outcome=outcome, severity=severity)

    expected = [
        limit("a", Outcome.FAIL, Severity.CRITICAL, -0.1),
        limit("b", Outcome.FAIL, Severity.HIGH, None),  # a count that must be 0: no margin says how bad it is
        limit("c", Outcome.FAIL, Severity.HIGH, -0.9),
        limit("d", Outcome.FAIL, Severity.HIGH, -0.2),
        limit("e", Outcome.FAIL, Severity.LOW, -9.0),
        limit("f", Outcome.FAIL, Severity.ROLLBACK, -9.0),
        limit("g", Outcome.INCONCLUSIVE, Severity.CRITICAL, 0.5),
        replace(limit("w", Outcome.FAIL, Severity.CRITICAL, -9.0), waived="known"),
        replace(limit("x", Outcome.FAIL, Severity.LOW, -9.0), waived="known"),
        limit("h", Outcome.PASS, Severity.CRITICAL, 0.1),
        limit("i", Outcome.PASS, Severity.CRITICAL, 0.9),
    ]
    assert ranking.ranked(reversed(expected)) == expected
    assert [result.stat for result in ranking.broken(expected)] == ["a", "b", "c", "d"]
    assert [result.stat for result in ranking.warnings(expected)] == ["e", "f"]
    assert [result.stat for result in ranking.undecided(expected)] == ["g"]
    assert [result.stat for result in ranking.waived(expected)] == ["w", "x"]


def test_doubts_that_invalidate_come_first_in_their_own_order() -> None:
    doubts = [Doubt(name, "", "", invalidates=name in "bd") for name in "abcd"]
    assert [doubt.name for doubt in ranking.gravest(doubts)] == ["b", "d", "a", "c"]
