"""Waivers: a broken limit somebody answers for decides nothing, and nothing else is excused by it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.judge import judge
from analysis.policy import Policy
from analysis.thresholds import load_thresholds
from analysis.verdict import Outcome, Result, Severity, StepStatus, Verdict, WaiverState
from runlog.run import Gap, Waiver

PLAIN = Policy()
UNTIL = "2023-11-14"  # the day of the good run


def waiver(stat: str = "p95", **changes: Any) -> Waiver:
    values = {
        "stat": stat,
        "workflow": None,
        "step": None,
        "severity": None,
        "reason": "known",
        "owner": "team",
        "expires": UNTIL,
    }
    return Waiver(**(values | changes))


TRENDS = waiver(workflow="analytics", step="trends")


def slow(made: Any, step: str = "trends") -> pd.DataFrame:
    """Return the good run with one step whose p95 is 3 s, because its misses are slow."""
    frame: pd.DataFrame = made.changed(
        lambda frame: (frame["step"] == step) & (frame["cache"] == "miss"), response_time_ms=3000.0
    )
    return frame


def judged(made: Any, samples: pd.DataFrame, *waivers: Waiver, policy: Policy = PLAIN, **target: Any) -> Verdict:
    evidence = made.with_run(target=made.target(waivers=waivers, **target))
    return judge(replace(evidence, samples=samples), made.shipped, policy)


def failed(verdict: Verdict) -> list[Result]:
    return [result for result in verdict.results if result.outcome is Outcome.FAIL]


def test_a_waived_limit_stays_broken_in_sight_and_decides_nothing(made: Any) -> None:
    verdict = judged(made, slow(made), TRENDS)

    assert verdict.outcome is Outcome.PASS
    (result,) = failed(verdict)
    assert (result.scope.step, result.stat, result.severity) == ("trends", "p95", Severity.HIGH)
    assert result.waived == "known (team, until 2023-11-14)"
    assert not result.broken
    assert verdict.headline == ("Pass: 113 limits hold over 6 800 requests in 65 steady s, 1 broken and waived.")
    assert verdict.overrides == (
        "waiver of p95 of analytics.trends by team until 2023-11-14: known; waives 1 broken limit",
    )
    (use,) = verdict.waivers
    assert (use.state, use.limits) == (WaiverState.WAIVES, 1)
    step = next(step for step in verdict.steps if step.step == "trends")
    assert step.status is StepStatus.FAILED  # the step does not show what it must, whoever answers for it
    assert step.reason == "p95 3 000 ms, limit < 2000 ms, waived: known (team, until 2023-11-14)"


FITTING: dict[str, tuple[Waiver, Outcome, WaiverState]] = {
    "the step": (TRENDS, Outcome.PASS, WaiverState.WAIVES),
    "its workflow": (waiver(workflow="analytics"), Outcome.PASS, WaiverState.WAIVES),
    "everywhere": (waiver(), Outcome.PASS, WaiverState.WAIVES),
    "its severity": (waiver(severity="high"), Outcome.PASS, WaiverState.WAIVES),
    "a worse severity": (waiver(severity="critical"), Outcome.FAIL, WaiverState.NOT_NEEDED),
    "a lesser severity": (waiver(severity="low"), Outcome.FAIL, WaiverState.NOT_NEEDED),
    "another step": (waiver(workflow="analytics", step="recommendations"), Outcome.FAIL, WaiverState.NOT_NEEDED),
    "another workflow": (waiver(workflow="store"), Outcome.FAIL, WaiverState.NOT_NEEDED),
    "another statistic": (waiver("p99"), Outcome.FAIL, WaiverState.NOT_NEEDED),
    "no statistic at all": (waiver("nonsense"), Outcome.FAIL, WaiverState.NOT_NEEDED),
    "on its last day": (waiver(expires="2023-11-14"), Outcome.PASS, WaiverState.WAIVES),
    "a day after its last": (waiver(expires="2023-11-13"), Outcome.FAIL, WaiverState.EXPIRED),
    "without a date": (waiver(expires="soon"), Outcome.FAIL, WaiverState.EXPIRED),
}


@pytest.mark.parametrize("case", FITTING)
def test_a_waiver_is_for_what_it_names_until_it_expires(made: Any, case: str) -> None:
    given, outcome, state = FITTING[case]

    verdict = judged(made, slow(made), given)

    assert verdict.outcome is outcome
    assert [use.state for use in verdict.waivers] == [state]


def test_one_waiver_of_two_leaves_the_other_limit_to_decide(made: Any) -> None:
    samples = slow(made)
    samples.loc[(samples["step"] == "recommendations") & (samples["cache"] == "miss"), "response_time_ms"] = 3000.0

    verdict = judged(made, samples, TRENDS)

    assert verdict.outcome is Outcome.FAIL
    assert verdict.headline == "Fail: analytics.recommendations: p95 3 000 ms, limit < 2000 ms."


@pytest.mark.parametrize(
    ("expires", "overdue"), [("2023-11-13", 1), ("2023-11-01", 13), ("soon", 1)], ids=["a day", "13 days", "no date"]
)
def test_an_expired_waiver_fails_a_run_that_holds_everything(made: Any, expires: str, overdue: int) -> None:
    verdict = judged(made, made.good().samples, waiver(expires=expires, workflow="store"))

    assert verdict.outcome is Outcome.FAIL
    (result,) = failed(verdict)
    assert (result.stat, result.observed, result.severity) == ("waiver_overdue_days", overdue, Severity.HIGH)
    assert (result.scope.workflow, result.scope.step) == ("store", None)
    assert result.why == f"waiver of p95 by team until {expires}: known"
    assert [(each.name, each.figure, each.invalidates) for each in verdict.doubts] == [
        ("waiver_expired", f"p95 of store on {expires}", False)
    ]
    assert verdict.overrides == ()


def test_today_of_the_policy_decides_whether_a_waiver_has_expired(made: Any) -> None:
    assert judged(made, slow(made), TRENDS, policy=Policy(today=date(2023, 11, 14))).outcome is Outcome.PASS
    assert judged(made, slow(made), TRENDS, policy=Policy(today=date(2023, 11, 15))).outcome is Outcome.FAIL


def test_a_waiver_nothing_needs_is_mentioned_and_changes_nothing(made: Any) -> None:
    verdict = judged(made, made.good().samples, TRENDS)

    assert verdict.outcome is Outcome.PASS
    assert verdict.doubts == ()
    assert verdict.overrides[0].endswith("; not needed in this run, for nothing it names is broken")


def test_a_limit_nothing_could_be_said_about_is_not_waived(made: Any) -> None:
    samples = made.without(lambda frame: (frame["step"] == "trends") & (frame.index % 10 > 2))

    verdict = judged(made, samples, TRENDS, waiver("error_rate"))

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert [use.state for use in verdict.waivers] == [WaiverState.NOT_NEEDED] * 2


def test_a_medium_limit_is_waived_for_strict_too(made: Any) -> None:
    evidence = made.with_run(target=made.target(waivers=(waiver("memory"),)))
    evidence = replace(evidence, monitors=made.monitors({"memory": 0.9, "cpu": 0.4}))

    assert judge(evidence, made.shipped, Policy(strict=True)).outcome is Outcome.PASS


def test_a_waiver_of_max_is_not_one_of_a_monitor(made: Any) -> None:
    evidence = made.with_run(target=made.target(waivers=(waiver("max"),)))
    evidence = replace(evidence, monitors=made.monitors({"memory": 0.9, "cpu": 0.4}))

    assert judge(evidence, made.shipped, Policy(strict=True)).outcome is Outcome.FAIL


def test_a_waived_failure_does_not_explain_steps_that_never_ran(made: Any) -> None:
    """Else a waiver of errors would let a run pass in which half the steps could not run because of them."""
    rows = made.changed(lambda frame: frame["step"] == "creation", outcome="http_error")
    rows = rows[rows["step"] != "pricing_currency"]

    verdict = judged(made, rows, waiver("error_rate"), waiver("p95"), waiver("throughput"))

    assert verdict.outcome is Outcome.INVALID
    assert [(each.name, each.invalidates) for each in verdict.doubts] == [("step_not_run", True)]


# -- rollback ----------------------------------------------------------------------------------------------------------


def erring(made: Any, every: int) -> pd.DataFrame:
    frame: pd.DataFrame = made.changed(
        lambda frame: (frame["kind"] == "http") & (frame.index % every == 0), outcome="http_error"
    )
    return frame


def test_a_waiver_does_not_hold_where_the_rollback_limit_is_broken_too(made: Any) -> None:
    verdict = judged(made, erring(made, 10), waiver("error_rate"))  # 10 %, rollback from 5 %

    assert verdict.outcome is Outcome.FAIL
    assert verdict.rollback == ("the whole run: error_rate 10 %, limit < 5 %",)
    whole = [result for result in failed(verdict) if result.scope.workflow is None and result.stat == "error_rate"]
    assert [(result.severity, result.waived) for result in whole] == [
        (Severity.CRITICAL, None), (Severity.HIGH, None), (Severity.ROLLBACK, None),
    ]  # fmt: skip
    # each step's own limit has no rollback limit, and the waiver is for them too
    assert {result.waived for result in failed(verdict) if result.scope.step} == {"known (team, until 2023-11-14)"}


def test_below_the_rollback_limit_the_same_waiver_holds(made: Any) -> None:
    verdict = judged(made, erring(made, 25), waiver("error_rate"))  # 4 %

    assert verdict.outcome is Outcome.PASS
    assert verdict.rollback == ()
    assert [result.severity for result in failed(verdict) if result.scope.step is None] == [Severity.HIGH]


@pytest.mark.parametrize("high", ['high = "< 1 %"', ""], ids=["the limit below is broken too", "there is no other"])
def test_a_waiver_of_a_figure_that_rolls_back_is_withheld_and_says_so(made: Any, tmp_path: Path, high: str) -> None:
    path = tmp_path / "thresholds.toml"
    other = '[[threshold]]\nstat = "mean"\nhigh = "< 2 s"\nwhy = "w"\n'
    path.write_text(
        f'format = 1\n{other}[[threshold]]\nstat = "error_rate"\n{high}\nrollback = "< 5 %"\nwhy = "w"\n', "utf-8"
    )
    evidence = made.with_run(target=made.target(waivers=(waiver("error_rate"),)))
    evidence = replace(evidence, samples=erring(made, 10))

    verdict = judge(evidence, load_thresholds(path), PLAIN)

    assert verdict.rollback == ("the whole run: error_rate 10 %, limit < 5 %",)
    assert {result.waived for result in verdict.results} == {None}
    assert [use.state for use in verdict.waivers] == [WaiverState.WITHHELD]
    assert verdict.overrides[0].endswith("; does not hold, for a rollback limit of the same figure is broken")


# -- another seller's data ---------------------------------------------------------------------------------------------

_LEAK = {"outcome": "wrong_body"}
Rows = Callable[[Any], list[dict[str, Any]]]
CREATION = {"workflow": "listing", "step": "creation"}
LEAKS: dict[str, tuple[Rows, tuple[Waiver, ...], Outcome, list[WaiverState]]] = {
    "named for the whole run": (
        lambda made: made.rows(3, **_LEAK), (waiver("wrong_body"),), Outcome.PASS, [WaiverState.WAIVES],
    ),
    "named for the step that leaks": (
        lambda made: made.rows(3, **_LEAK), (waiver("wrong_body", **CREATION),), Outcome.PASS, [WaiverState.WAIVES],
    ),
    "named for its workflow": (
        lambda made: made.rows(3, **_LEAK),
        (waiver("wrong_body", workflow="listing"),), Outcome.PASS, [WaiverState.WAIVES],
    ),
    "two steps, a waiver each": (
        lambda made: [made.row(**_LEAK), made.row(**_LEAK, workflow="store", step="store_page")],
        (waiver("wrong_body", **CREATION), waiver("wrong_body", workflow="store", step="store_page")),
        Outcome.PASS, [WaiverState.WAIVES, WaiverState.WAIVES],
    ),
    "another step leaks as well": (
        lambda made: [made.row(**_LEAK), made.row(**_LEAK, workflow="store", step="store_page")],
        (waiver("wrong_body", **CREATION),), Outcome.FAIL, [WaiverState.NOT_ENOUGH],
    ),
    "sign-in leaks as well": (
        lambda made: [made.row(**_LEAK), made.row(**_LEAK, kind="setup", workflow=None, step=None)],
        (waiver("wrong_body", **CREATION),), Outcome.FAIL, [WaiverState.NOT_ENOUGH],
    ),
    "another step only": (
        lambda made: made.rows(3, **_LEAK),
        (waiver("wrong_body", workflow="store", step="store_page"),), Outcome.FAIL, [WaiverState.NOT_NEEDED],
    ),
    "a waiver of errors": (
        lambda made: made.rows(3, **_LEAK), (waiver("error_rate"),), Outcome.FAIL, [WaiverState.NOT_NEEDED],
    ),
    "a waiver of lesser severity": (
        lambda made: made.rows(3, **_LEAK),
        (waiver("wrong_body", severity="high"),), Outcome.FAIL, [WaiverState.NOT_NEEDED],
    ),
    "expired": (
        lambda made: made.rows(3, **_LEAK),
        (waiver("wrong_body", expires="2023-11-13"),), Outcome.FAIL, [WaiverState.EXPIRED],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LEAKS)
def test_a_leak_is_waived_only_by_name_and_only_where_it_is_named(made: Any, case: str) -> None:
    rows, waivers, outcome, states = LEAKS[case]

    verdict = judged(made, made.added(rows(made)), *waivers)

    assert verdict.outcome is outcome
    assert [use.state for use in verdict.waivers] == states
    (result,) = [result for result in verdict.results if result.stat == "wrong_body"]
    assert (result.waived is not None) is (outcome is Outcome.PASS)


def test_a_gap_and_a_waiver_together_let_a_target_with_a_known_leak_pass_on_the_rest(made: Any) -> None:
    gap = Gap(**CREATION, reason="colliding keys", owner="team", expires=UNTIL)
    samples = made.added(made.rows(9, **_LEAK))

    alone = judged(made, samples, gaps=(gap,))
    both = judged(made, samples, waiver("wrong_body", **CREATION), gaps=(gap,))

    assert alone.outcome is Outcome.FAIL
    assert both.outcome is Outcome.PASS
    step = next(step for step in both.steps if step.step == "creation")
    assert step.status is StepStatus.GAP
    assert step.reason is not None
    assert "9 answers were another seller's" in step.reason
