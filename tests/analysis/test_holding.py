from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from analysis.evidence import Evidence
from analysis.holding import Held, decide, hold
from analysis.judge import judge
from analysis.limits import Limit
from analysis.policy import Policy
from analysis.selection import populations
from analysis.statistics import Measured
from analysis.thresholds import load_thresholds
from analysis.verdict import Outcome, StepStatus
from analysis.window import cut
from runlog.run import Gap

TODAY = date(2023, 11, 14)
LIMIT = Limit("<", 10.0, "< 10")
DECIDED = {
    "kept": (Measured(9.9, 5), 5, False, Outcome.PASS),
    "broken": (Measured(10.0, 5), 5, False, Outcome.FAIL),
    "kept, one sample short": (Measured(9.9, 4), 5, False, Outcome.INCONCLUSIVE),
    "broken, one sample short": (Measured(10.0, 4), 5, False, Outcome.INCONCLUSIVE),
    "broken for good, one sample short": (Measured(10.0, 4), 5, True, Outcome.FAIL),
    "kept so far, one sample short": (Measured(9.9, 4), 5, True, Outcome.INCONCLUSIVE),
    "not measured": (Measured(None, 500), 5, True, Outcome.INCONCLUSIVE),
    "not a number": (Measured(float("nan"), 500), 5, True, Outcome.INCONCLUSIVE),
    "endless": (Measured(float("inf"), 500), 5, True, Outcome.INCONCLUSIVE),
    "less than all": (Measured(float("-inf"), 500), 5, True, Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize("case", DECIDED)
def test_one_figure_against_one_limit(case: str) -> None:
    measured, needed, only_worsens, outcome = DECIDED[case]

    assert decide(LIMIT, measured, needed, only_worsens=only_worsens) is outcome


def held(made: Any, folder: Path, body: str, evidence: Evidence | None = None) -> Held:
    path = folder / "thresholds.toml"
    path.write_text(f'format = 1\n[[threshold]]\nwhy = "w"\n{body}\n', "utf-8")
    evidence = evidence or made.good()
    return hold(load_thresholds(path).thresholds, populations(evidence, cut(evidence.run, evidence.samples), TODAY))


def scopes(result: Held) -> list[tuple[str | None, ...]]:
    return [
        (judgement.result.scope.workflow, judgement.result.scope.step, judgement.result.scope.route)
        for judgement in result.judgements
    ]


def test_a_named_step_is_judged_alone(made: Any, tmp_path: Path) -> None:
    result = held(made, tmp_path, 'stat = "p95"\nstep = "trends"\nhigh = "< 2 s"')

    assert scopes(result) == [(None, "trends", None)]
    assert result.judgements[0].result.samples == 170
    assert result.judgements[0].needed == 59


def test_each_step_of_one_workflow(made: Any, tmp_path: Path) -> None:
    result = held(made, tmp_path, 'stat = "p95"\neach = "step"\nworkflow = "store"\nhigh = "< 2 s"\nlow = "< 1 s"')

    assert len(result.judgements) == 10
    assert {workflow for workflow, _, _ in scopes(result)} == {"store"}


def test_each_route_is_found_in_the_samples(made: Any, tmp_path: Path) -> None:
    result = held(made, tmp_path, 'stat = "p95"\neach = "route"\nworkflow = "store"\nhigh = "< 2 s"')

    assert scopes(result)[0] == ("store", None, "/api/store/customer_interaction")
    assert len(result.judgements) == 5


def test_each_workflow_of_iterations(made: Any, tmp_path: Path) -> None:
    result = held(made, tmp_path, 'stat = "p50"\nkind = "iteration"\neach = "workflow"\nhigh = "< 2 s"')

    assert [judgement.result.observed for judgement in result.judgements] == [900.0] * 8


def test_each_step_of_a_kind_is_only_of_steps_that_have_it(made: Any, tmp_path: Path) -> None:
    result = held(made, tmp_path, 'stat = "p95"\nkind = "freshness"\neach = "step"\nhigh = "< 1 s"')

    assert {(workflow, step) for workflow, step, _ in scopes(result)} == set(made.waiting)
    assert [judgement.result.observed for judgement in result.judgements] == [400.0] * 10
    assert {judgement.result.scope.kind for judgement in result.judgements} == {"freshness"}


def test_stale_writes_are_counted_where_they_are_recorded(made: Any, tmp_path: Path) -> None:
    rows = [made.row(kind="freshness", outcome="stale"), made.row(kind="freshness", outcome="stale", sent_at_s=2.0)]
    evidence = made.good(samples=made.added(rows))

    result = held(made, tmp_path, 'stat = "stale"\nhigh = "= 0"', evidence).judgements[0].result

    assert (result.observed, result.outcome) == (1, Outcome.FAIL)  # the one in the ramp is not judged


UNMATCHED = {
    "a kind nobody recorded": (
        'stat = "p95"\nworkflow = "store"\nkind = "connect"\nhigh = "< 1 s"',
        "p95 of workflow store, kind connect",
    ),
    "a route nobody called": (
        'stat = "p95"\nworkflow = "store"\nroute = "/api/x"\nhigh = "< 1 s"',
        "p95 of workflow store, route /api/x",
    ),
}


@pytest.mark.parametrize("case", UNMATCHED)
def test_a_threshold_that_matches_nothing_is_told(made: Any, tmp_path: Path, case: str) -> None:
    body, told = UNMATCHED[case]

    result = held(made, tmp_path, body)

    assert result.judgements == ()
    assert result.unmatched == (told,)


def test_a_step_out_of_scope_matches_nothing_and_invalidates(made: Any, tmp_path: Path) -> None:
    path = tmp_path / "thresholds.toml"
    body = 'stat = "p95"\nhigh = "< 2 s"\nwhy = "w"\n'
    path.write_text(f'format = 1\n[[threshold]]\n{body}[[threshold]]\nstep = "trends"\n{body}', "utf-8")
    evidence = made.with_run(scope=tuple(name for name in made.run().scope if name.workflow != "analytics"))

    verdict = judge(evidence, load_thresholds(path), Policy())

    assert verdict.outcome is Outcome.INVALID
    assert [(doubt.name, doubt.figure) for doubt in verdict.doubts] == [("threshold_unmatched", "p95 of step trends")]


def test_each_route_without_a_steady_sample_matches_nothing(made: Any, tmp_path: Path) -> None:
    evidence = made.good(samples=made.frame([made.row(sent_at_s=1.0)]))

    result = held(made, tmp_path, 'stat = "p95"\neach = "route"\nhigh = "< 2 s"', evidence)

    assert result.unmatched == ("p95 of each route",)


def test_a_threshold_on_a_step_that_is_a_gap_is_excused(made: Any, tmp_path: Path) -> None:
    gap = Gap(workflow="analytics", step="trends", reason="r", owner="o", expires="2023-12-31")
    evidence = made.with_run(target=made.target(gaps=(gap,)))

    for each in ('step = "trends"', 'step = "trends"\neach = "route"'):
        result = held(made, tmp_path, f'stat = "p95"\n{each}\nhigh = "< 2 s"', evidence)
        assert (result.judgements, result.unmatched) == ((), ())


@pytest.mark.parametrize(
    ("values", "outcome"), [([0.84] * 3, "pass"), ([0.84] * 2, "inconclusive"), ([0.5, 0.85, 0.6], "fail")]
)
def test_a_monitor_needs_three_values_of_the_steady_window(
    made: Any, tmp_path: Path, values: list[float], outcome: str
) -> None:
    frame = made.monitors({"memory": 0.99})
    frame = frame.iloc[: len(values) + 2].assign(value=[0.99, 0.99, *values])  # at 0 and 5 s: in the ramp

    result = held(made, tmp_path, 'stat = "max"\nmonitor = "memory"\nhigh = "< 85 %"', made.good(monitors=frame))

    assert result.judgements[0].result.outcome == outcome
    assert result.judgements[0].result.unit == "ratio"


def test_a_monitor_in_plain_numbers(made: Any, tmp_path: Path) -> None:
    body = 'stat = "mean"\nmonitor = "memory"\nhigh = "< 0.85"'

    result = held(made, tmp_path, body).judgements[0].result

    assert (result.observed, result.unit, result.outcome) == (0.5, "count", Outcome.PASS)


@pytest.mark.parametrize(("left", "failed"), [(58, [("trends", "58 samples, 59 needed")]), (59, [])])
def test_without_a_threshold_on_each_step_it_takes_59_samples_to_pass(
    made: Any, tmp_path: Path, left: int, failed: list[tuple[str, str]]
) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text('format = 1\n[[threshold]]\nstat = "mean"\nhigh = "< 2 s"\nwhy = "w"\n', "utf-8")
    samples = made.without(lambda frame: (frame["step"] == "trends") & (frame["response_time_ms"] >= 50 + left))

    verdict = judge(made.good(samples=samples), load_thresholds(path), Policy())

    assert [(step.step, step.reason) for step in verdict.steps if step.status is StepStatus.FAILED] == failed


def test_a_step_that_was_not_measured_says_so(made: Any) -> None:
    samples = made.changed(lambda frame: frame["step"] == "trends", response_time_ms=float("nan"))

    verdict = judge(made.good(samples=samples), made.shipped, Policy())

    step = next(step for step in verdict.steps if step.step == "trends")
    assert (step.status, step.reason, step.p95_ms) == (StepStatus.FAILED, "p95 not measured", None)


def test_a_step_seen_only_in_the_ramp_has_failed_and_the_run_is_inconclusive(made: Any) -> None:
    samples = made.changed(lambda frame: frame["step"] == "trends", sent_at_s=made.start_s + 1)

    verdict = judge(made.good(samples=samples), made.shipped, Policy())

    step = next(step for step in verdict.steps if step.step == "trends")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert step.reason == "p95 of 0 samples, 59 needed; error_rate of 0 samples, 59 needed"
    assert (step.samples, step.p50_ms, step.error_ratio) == (0, None, None)


def test_the_reason_of_a_slow_step_is_in_words(made: Any) -> None:
    samples = made.changed(lambda frame: frame["step"] == "trends", response_time_ms=3041.4)

    verdict = judge(replace(made.good(), samples=samples), made.shipped, Policy())

    step = next(step for step in verdict.steps if step.step == "trends")
    assert step.reason == "p95 3 041 ms, limit < 2000 ms"
    assert (step.samples, step.ok, step.failed) == (170, 170, 0)
