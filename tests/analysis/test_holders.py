"""A run of nothing but sessions: judged by what was asked over them; beside requests they stand for nothing."""

from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.judge import judge
from analysis.policy import Policy
from analysis.verdict import Outcome, StepStatus, Verdict
from runlog.run import StepName

PLAIN = Policy()


def holders(made: Any, *rows: dict[str, Any]) -> Verdict:
    """A run in which forty sellers only hold sessions, and what was recorded of them."""
    good = made.good()
    own = [{**row, "workflow": "session_holder"} for row in rows]
    frame = made.frame(own)
    scope = (StepName(workflow="session_holder", step="hold"),)
    run = good.run.model_copy(update={"scope": scope})
    return judge(replace(good, run=run, samples=frame), made.shipped, PLAIN)


def at_it(made: Any, outcome: str = "ok") -> list[dict[str, Any]]:
    acks = [
        made.socket_row(
            "ack", route="subscribe", step="hold", seller=number % 40, sent_at_s=12.0 + number / 10, outcome=outcome
        )
        for number in range(600)
    ]
    passes = [
        made.socket_row(
            "iteration",
            route=None,
            seller=number % 40,
            sent_at_s=12.0 + number / 10,
            outcome=outcome if outcome == "ok" else "abandoned",
        )
        for number in range(600)
    ]
    return [*(made.socket_row("connect", seller=number) for number in range(40)), *acks, *passes]


def test_those_who_only_hold_sessions_are_judged_by_these(made: Any) -> None:
    verdict = holders(made, *at_it(made))
    assert (verdict.outcome, verdict.release_grade, verdict.doubts) == (Outcome.PASS, False, ())
    (step,) = [step for step in verdict.steps if step.workflow == "session_holder"]
    assert (step.status, step.samples, step.failed) == (StepStatus.PASSED, 600, 0)


def test_sessions_nobody_answers_are_an_unreachable_target(made: Any) -> None:
    refused = [
        made.socket_row("connect", seller=number, outcome="refused", response_time_ms=5.0) for number in range(40)
    ]
    verdict = holders(made, *refused)
    assert "target_unreachable" in {doubt.name for doubt in verdict.doubts if doubt.invalidates}
    assert verdict.outcome is Outcome.INVALID


def test_no_session_at_all_is_no_run(made: Any) -> None:
    verdict = holders(made, made.socket_row("session"))
    assert "no_samples" in {doubt.name for doubt in verdict.doubts if doubt.invalidates}


def test_sessions_that_break_fail_the_run(made: Any) -> None:
    good = at_it(made)
    verdict = holders(made, *good[:300], *at_it(made, "lost")[40:])
    assert verdict.outcome is Outcome.FAIL
    assert "session_holder.hold: error_rate" in verdict.headline
    assert any(result.stat == "completion_rate" and result.broken for result in verdict.results)


def test_sessions_beside_requests_do_not_stand_for_them(made: Any) -> None:
    """Forty steps in scope, and only acks recorded: that is no run, whatever these say."""
    good = made.good()
    acks = [{**row, "workflow": "dashboard"} for row in at_it(made)]
    verdict = judge(replace(good, samples=made.frame(acks)), made.shipped, PLAIN)
    assert verdict.outcome is Outcome.INVALID
    assert {"no_samples", "step_not_run"} <= {doubt.name for doubt in verdict.doubts}


def test_those_who_answer_slowly_or_badly_are_not_passed(made: Any) -> None:
    slow = [{**row, "response_time_ms": 25_000.0} if row["kind"] == "ack" else row for row in at_it(made)]
    verdict = holders(made, *slow)
    assert verdict.outcome is Outcome.FAIL
    assert any(result.stat == "p95" and result.broken for result in verdict.results)
    (step,) = [step for step in verdict.steps if step.workflow == "session_holder"]
    assert step.status is StepStatus.FAILED


def test_holders_beside_another_workflow_are_judged_each_by_their_own(made: Any) -> None:
    good = made.good()
    own = [{**row, "workflow": "session_holder"} for row in at_it(made)]
    scope = (*good.run.scope, StepName(workflow="session_holder", step="hold"))
    run = good.run.model_copy(update={"scope": scope})
    samples = pd.concat([good.samples, made.frame(own)], ignore_index=True)
    verdict = judge(replace(good, run=run, samples=samples), made.shipped, PLAIN)
    assert (verdict.outcome, verdict.release_grade) == (Outcome.PASS, True)
    (step,) = [step for step in verdict.steps if step.workflow == "session_holder"]
    assert (step.status, step.samples) == (StepStatus.PASSED, 600)
