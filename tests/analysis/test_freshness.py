"""Fail a step by name when its writes stay invisible, and say so when nobody looked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.evidence import Evidence
from analysis.judge import judge
from analysis.policy import Policy
from analysis.selection import EVERY_STEP
from analysis.thresholds import load_thresholds
from analysis.verdict import Outcome, Result, StepResult, StepStatus, Verdict
from runlog.run import Gap, StepName, Waiver
from runlog.schema import Kind
from runlog.workflows import WORKFLOWS

PRICES = ("listing", "pricing_currency")
UNMATCHED = "error_rate of kind freshness, each step"
GAP = Gap(workflow=PRICES[0], step=PRICES[1], reason="cached for an hour", owner="team", expires="2023-12-31")


def judged(evidence: Evidence, made: Any) -> Verdict:
    return judge(evidence, made.shipped, Policy())


def waits(frame: pd.DataFrame) -> "pd.Series[bool]":
    return (frame["kind"] == Kind.FRESHNESS) & (frame["step"] == PRICES[1])


def waited(made: Any, samples: int, stale: int, **changes: Any) -> pd.DataFrame:
    """Return the good run in which one step waited so many times and so many times in vain."""
    rows = [
        *made.without(waits).astype(object).to_dict("records"),
        *(
            made.row(
                kind="freshness",
                workflow=PRICES[0],
                step=PRICES[1],
                outcome="stale" if number < stale else "ok",
                **changes,
            )
            for number in range(samples)
        ),
    ]
    return made.frame(rows)


def prices(verdict: Verdict) -> StepResult:
    return next(step for step in verdict.steps if (step.workflow, step.step) == PRICES)


def waits_of(verdict: Verdict) -> list[Result]:
    return [result for result in verdict.results if result.scope.kind == Kind.FRESHNESS]


def narrowed(made: Any, *workflows: str, samples: pd.DataFrame | None = None) -> Evidence:
    scope = tuple(StepName(workflow=workflow, step=step) for workflow in workflows for step in WORKFLOWS[workflow])
    frame = made.good().samples if samples is None else samples
    return replace(made.with_run(scope=scope), samples=frame[frame["workflow"].isin(workflows)])


@pytest.mark.parametrize(
    ("stale", "status", "reason"),
    [
        (0, StepStatus.PASSED, None),
        (4, StepStatus.PASSED, None),
        (5, StepStatus.FAILED, "freshness error_rate 5 %, limit < 5 %"),
        (6, StepStatus.FAILED, "freshness error_rate 6 %, limit < 5 %"),
    ],
    ids=["none", "four of a hundred", "five, which is the limit", "six"],
)
def test_a_step_whose_writes_stay_invisible_has_failed_though_its_requests_are_all_ok(
    made: Any, stale: int, status: StepStatus, reason: str | None
) -> None:
    verdict = judged(made.good(samples=waited(made, 100, stale)), made)

    step = prices(verdict)
    assert (step.status, step.reason) == (status, reason)
    assert (step.samples, step.ok, step.failed, step.error_ratio) == (170, 170, 0, 0)  # of requests
    assert verdict.outcome is (Outcome.PASS if reason is None else Outcome.FAIL)
    assert [each.step for each in verdict.steps if each.status is StepStatus.FAILED] == ([PRICES[1]] if reason else [])


def test_a_step_with_bad_requests_and_stale_writes_says_which_is_which(made: Any) -> None:
    samples = waited(made, 100, 6)
    requests = (samples["kind"] == Kind.HTTP) & (samples["step"] == PRICES[1])
    outcome = samples["outcome"].astype(object).where(~(requests & (samples.index % 10 == 0)), "http_error")

    verdict = judged(made.good(samples=samples.assign(outcome=outcome.astype("category"))), made)

    # 170 requests, every tenth bad: 17
    assert prices(verdict).reason == "error_rate 10 %, limit < 5 %; freshness error_rate 6 %, limit < 5 %"


@pytest.mark.parametrize(
    ("samples", "status", "reason"),
    [
        (59, StepStatus.PASSED, None),
        (58, StepStatus.FAILED, "freshness error_rate of 58 samples, 59 needed"),
        (1, StepStatus.FAILED, "freshness error_rate of 1 samples, 59 needed"),
    ],
)
def test_it_takes_59_waits_to_say_that_writes_show(
    made: Any, samples: int, status: StepStatus, reason: str | None
) -> None:
    verdict = judged(made.good(samples=waited(made, samples, 0)), made)

    assert (prices(verdict).status, prices(verdict).reason) == (status, reason)
    assert verdict.outcome is (Outcome.PASS if reason is None else Outcome.INCONCLUSIVE)


def test_waits_of_the_ramp_alone_say_nothing(made: Any) -> None:
    verdict = judged(made.good(samples=waited(made, 100, 0, sent_at_s=1.0)), made)

    assert prices(verdict).reason == "freshness error_rate of 0 samples, 59 needed"
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_a_full_run_in_which_nobody_waited_is_invalid_and_names_the_threshold(made: Any) -> None:
    verdict = judged(made.good(samples=made.without(lambda frame: frame["kind"] == Kind.FRESHNESS)), made)

    assert verdict.outcome is Outcome.INVALID
    assert [(doubt.name, doubt.figure) for doubt in verdict.doubts] == [("threshold_unmatched", UNMATCHED)]


def test_a_narrowed_run_of_steps_that_wait_for_nothing_is_judged_without_it(made: Any) -> None:
    verdict = judged(narrowed(made, "analytics"), made)

    assert verdict.doubts == ()
    assert waits_of(verdict) == []
    assert {step.status for step in verdict.steps if step.workflow == "analytics"} == {StepStatus.PASSED}


@pytest.mark.parametrize("left_out", [EVERY_STEP[0], PRICES, EVERY_STEP[-1]], ids=".".join)
def test_thirty_nine_steps_are_a_narrowed_run(made: Any, left_out: tuple[str, str]) -> None:
    scope = tuple(name for name in made.run().scope if (name.workflow, name.step) != left_out)
    samples = made.without(lambda frame: frame["kind"] == Kind.FRESHNESS)
    evidence = replace(made.with_run(scope=scope), samples=samples)

    assert [doubt.name for doubt in judged(evidence, made).doubts] == []


def test_a_narrowed_run_of_steps_that_wait_is_held_to_it(made: Any) -> None:
    verdict = judged(narrowed(made, "listing", samples=waited(made, 100, 6)), made)

    assert prices(verdict).reason == "freshness error_rate 6 %, limit < 5 %"
    assert [result.scope.step for result in waits_of(verdict)] == ["pricing_currency", "status_management"]


def test_a_ninth_workflow_does_not_make_a_run_of_all_forty_narrower(made: Any) -> None:
    evidence = replace(
        made.with_run(scope=(*made.run().scope, StepName(workflow="auction", step="bid"))),
        samples=made.without(lambda frame: frame["kind"] == Kind.FRESHNESS),
    )

    assert "threshold_unmatched" in {doubt.name for doubt in judged(evidence, made).doubts}


@pytest.mark.parametrize(
    "body",
    [
        'kind = "freshness"',
        'kind = "freshness"\neach = "workflow"',
        'route = "/api/x"\neach = "step"',
        'kind = "freshness"\neach = "step"\nworkflow = "analytics"',  # all five of them are in scope
        'kind = "freshness"\neach = "step"\nworkflow = "listing"',  # none is
    ],
    ids=[
        "of the whole run",
        "of each workflow",
        "of a route, not a kind",
        "a workflow all there",
        "a workflow not there",
    ],
)
def test_what_is_not_of_each_step_has_to_match_in_a_narrowed_run_too(made: Any, tmp_path: Path, body: str) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text(f'format = 1\n[[threshold]]\nstat = "p95"\nhigh = "< 2 s"\nwhy = "w"\n{body}\n', "utf-8")

    verdict = judge(narrowed(made, "analytics"), load_thresholds(path), Policy())

    assert "threshold_unmatched" in {doubt.name for doubt in verdict.doubts}


def test_a_workflow_in_part_may_lack_the_step_that_waits(made: Any, tmp_path: Path) -> None:
    path = tmp_path / "thresholds.toml"
    body = 'stat = "error_rate"\nkind = "freshness"\neach = "step"\nworkflow = "store"\nhigh = "< 5 %"\nwhy = "w"\n'
    whole = 'stat = "error_rate"\nhigh = "< 5 %"\nwhy = "w"\n'
    path.write_text(f"format = 1\n[[threshold]]\n{body}[[threshold]]\n{whole}", "utf-8")
    scope = (StepName(workflow="store", step="store_page"),)
    samples = made.without(lambda frame: (frame["step"] != "store_page") & (frame["kind"] != Kind.ITERATION))

    verdict = judge(replace(made.with_run(scope=scope), samples=samples), load_thresholds(path), Policy())

    assert (verdict.outcome, verdict.doubts) == (Outcome.PASS, ())


def test_a_gap_on_the_step_excuses_its_stale_writes(made: Any) -> None:
    evidence = replace(made.with_run(target=made.target(gaps=(GAP,))), samples=waited(made, 100, 100))

    verdict = judged(evidence, made)

    assert verdict.outcome is Outcome.PASS
    assert prices(verdict).status is StepStatus.GAP
    assert {(result.scope.workflow, result.scope.step) for result in waits_of(verdict)} == {*made.waiting} - {PRICES}


def test_a_gap_on_another_step_does_not(made: Any) -> None:
    gap = GAP.model_copy(update={"step": "creation"})
    evidence = replace(made.with_run(target=made.target(gaps=(gap,))), samples=waited(made, 100, 100))

    assert prices(judged(evidence, made)).status is StepStatus.FAILED


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [pytest.param("freshness", Outcome.PASS, id="of waits"), pytest.param(None, Outcome.FAIL, id="of requests")],
)
def test_waiver_of_requests_does_not_waive_waits(made: Any, kind: str | None, outcome: Outcome) -> None:
    agreed = Waiver(
        stat="error_rate", workflow=PRICES[0], step=PRICES[1], severity=None,
        reason="cached", owner="team", expires="2023-12-31", kind=kind,
    )  # fmt: skip
    evidence = made.with_run(target=made.target(waivers=(agreed,)))
    verdict = judged(replace(evidence, samples=waited(made, 100, 6)), made)
    assert verdict.outcome is outcome
    name = f"{'freshness ' if kind else ''}error_rate of listing.pricing_currency"
    assert any(line.startswith(f"waiver of {name} by team") for line in verdict.overrides)
