"""Never a wrong pass: every kind of emptiness and breakage with its outcome and the doubt that names it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import Evidence, LogDoubt
from analysis.judge import NOT_SET, judge
from analysis.policy import Policy
from analysis.verdict import Outcome, Severity, StepStatus, Verdict
from runlog.run import EndedBy, Gap, StepName, WorkerClock
from runlog.schema import CATEGORIES
from runlog.workflows import WORKFLOWS

PLAIN = Policy()
GAP = Gap(workflow="listing", step="creation", reason="not mounted", owner="team", expires="2023-11-14")


def names(verdict: Verdict) -> list[str]:
    return [doubt.name for doubt in verdict.doubts]


def broken(verdict: Verdict) -> list[tuple[str | None, str | None, str, str]]:
    return [
        (result.scope.workflow, result.scope.step, result.stat, result.severity)
        for result in verdict.results
        if result.outcome is Outcome.FAIL
    ]


def test_a_good_run_passes_without_a_doubt_and_with_all_forty_steps(made: Any) -> None:
    verdict = judge(made.good(), made.shipped, PLAIN)

    assert verdict.outcome is Outcome.PASS
    assert verdict.doubts == ()
    assert verdict.rollback == ()
    assert verdict.exit_code == NOT_SET
    assert verdict.release_grade
    assert verdict.overrides == ()
    assert [step.status for step in verdict.steps] == [StepStatus.PASSED] * 40
    # 3 mean + 3 error_rate + 1 throughput + 1 cache + 2 monitors + 40 p95 + 40 error_rate + 10 of freshness
    # + 8 completion + 1 wrong_body
    assert len(verdict.results) == 116
    assert {result.outcome for result in verdict.results} == {Outcome.PASS}
    assert verdict.headline == "Pass: 114 limits hold over 6 800 requests in 65 steady s."


Spoil = Callable[[Any], Evidence]

INVALID: dict[str, tuple[Spoil, set[str]]] = {
    "nothing recorded at all": (
        lambda made: made.good(samples=made.frame([])),
        {"no_samples", "step_not_run", "threshold_unmatched", "zero_iterations"},
    ),
    "iterations but no requests": (
        lambda made: made.good(samples=made.without(lambda frame: frame["kind"] == "http")),
        {"no_samples", "step_not_run"},
    ),
    "requests but no iterations": (
        lambda made: made.good(samples=made.without(lambda frame: frame["kind"] == "iteration")),
        {"zero_iterations"},
    ),
    "one workflow without a finished iteration": (
        lambda made: made.good(
            samples=made.changed(
                lambda frame: (frame["kind"] == "iteration") & (frame["workflow"] == "store"), outcome="aborted"
            )
        ),
        {"zero_iterations"},
    ),
    "no steady part: all of it is ramp": (
        lambda made: made.with_run(load_profile=made.profile(ramp_s=80.0)),
        {"no_steady_samples"},
    ),
    "a steady part just below ten seconds": (
        lambda made: made.with_run(load_profile=made.profile(ramp_s=65.1)),
        {"no_steady_samples"},
    ),
    "spawning never finished and the profile has no ramp": (
        lambda made: made.with_run(load_profile=made.profile(ramp_s=None), spawned_at_s=None),
        {"no_steady_samples"},
    ),
    "the profile's sellers were never all there": (
        lambda made: made.with_run(spawned_at_s=None),
        {"spawning_late"},
    ),
    "nobody waited for a write to show": (
        lambda made: made.good(samples=made.without(lambda frame: frame["kind"] == "freshness")),
        {"threshold_unmatched"},
    ),
    "one step never ran": (
        lambda made: made.good(samples=made.without(lambda frame: frame["step"] == "trends")),
        {"step_not_run"},
    ),
    "no step in scope": (
        lambda made: made.with_run(scope=()),
        {"step_not_run", "threshold_unmatched", "no_thresholds"},
    ),
    "cut short by Ctrl-C": (
        lambda made: made.with_run(ended_at_s=made.start_s + 40, ended_by=EndedBy.SIGNAL),
        {"cut_short"},
    ),
    "stopped early in the web UI": (
        lambda made: made.with_run(ended_at_s=made.start_s + 73.9, ended_by=EndedBy.HAND),
        {"cut_short"},
    ),
    "ended by time, but too early": (
        lambda made: made.with_run(ended_at_s=made.start_s + 73.9),
        {"cut_short"},
    ),
    "the fuse blew": (
        lambda made: made.with_run(ended_at_s=made.start_s + 35, ended_by=EndedBy.FUSE, end_reason="no answer for 5 s"),
        {"cut_short", "target_lost"},
    ),
    "the harness gave up in a run without a planned time": (
        lambda made: made.with_run(load_profile=made.profile(duration_s=None), ended_by=EndedBy.HARNESS),
        {"cut_short"},
    ),
    "nobody wrote who ended it": (lambda made: made.with_run(ended_by=None), {"cut_short"}),
    "run.json has no end": (lambda made: made.with_run(ended_at_s=None, ended_by=None), {"not_finished"}),
    "no end and no samples": (
        lambda made: replace(made.with_run(ended_at_s=None, ended_by=None), samples=made.frame([])),
        {
            *("not_finished", "no_samples", "no_steady_samples", "step_not_run"),
            *("threshold_unmatched", "zero_iterations"),
        },
    ),
    "a worker was lost": (lambda made: made.with_run(lost_processes=(0,)), {"worker_lost"}),
    "samples of a worker nobody announced or watched": (
        lambda made: made.good(samples=made.added([made.row(process=7)])),
        {"generator_unmeasured"},
    ),
    "a process never closed its log": (
        lambda made: made.good(log_doubts=(LogDoubt("not_closed", 0, "no closing record"),)),
        {"worker_lost"},
    ),
    "the log is torn": (
        lambda made: made.good(log_doubts=(LogDoubt("log_truncated", 0, "after 12 samples"),)),
        {"log_truncated"},
    ),
    "a process wrote no log": (
        lambda made: made.good(log_doubts=(LogDoubt("log_missing", 0, "wrote no samples file"),)),
        {"log_missing"},
    ),
    "samples were lost": (
        lambda made: made.good(log_doubts=(LogDoubt("samples_lost", 0, "3 made, 2 written"),)),
        {"samples_lost"},
    ),
    "the disk was full": (
        lambda made: made.good(log_doubts=(LogDoubt("recording_failed", 0, "No space left on device"),)),
        {"recording_failed"},
    ),
    "requests went around step(...)": (
        lambda made: made.good(log_doubts=(LogDoubt("unrecorded", 0, "4 requests"),)),
        {"unrecorded"},
    ),
    "an exception of our own code": (
        lambda made: made.good(log_doubts=(LogDoubt("bug", 0, "listing.creation: KeyError"),)),
        {"bug"},
    ),
    "the log cannot be read": (
        lambda made: made.good(log_doubts=(LogDoubt("log_unreadable", None, "not Parquet"),)),
        {"log_unreadable"},
    ),
    "a listener crashed": (
        lambda made: made.with_run(problems=("listener_crashed: request listener, KeyError",)),
        {"listener_crashed"},
    ),
    "the monitors process died": (
        lambda made: made.with_run(problems=("the monitors process ended with code 1; see monitor.log",)),
        {"harness_problem"},
    ),
    "one sample ended in an error of our own": (
        lambda made: made.good(samples=made.added([made.row(outcome="harness_error", error="KeyError 'id'")])),
        {"harness_error"},
    ),
    "an error of our own without a text, in the ramp": (
        lambda made: made.good(samples=made.added([made.row(outcome="harness_error", sent_at_s=1.0)])),
        {"harness_error"},
    ),
    "nothing was answered": (
        lambda made: made.good(
            samples=made.changed(
                lambda frame: frame["kind"] == "http", outcome="connect_error", status=np.nan, response_time_ms=1.0
            )
        ),
        {"target_unreachable"},
    ),
    "two percent throttled": (
        lambda made: made.good(
            samples=made.changed(lambda frame: (frame["kind"] == "http") & (frame.index % 50 == 0), outcome="throttled")
        ),
        {"throttled"},
    ),
    "sign-in throttled": (
        lambda made: made.good(
            samples=made.added(
                made.rows(100, kind="setup", workflow=None, step=None, sent_at_s=2.0, outcome="throttled")
            )
        ),
        {"throttled"},
    ),
    "steady part throttled, whole run not": (
        # 80 of 6880 steady requests are 1.2 %, 80 of all 11,880 are 0.7 %; sign-in in the steady part is no dilution
        lambda made: made.good(
            samples=made.added(
                [
                    *made.rows(80, outcome="throttled"),
                    *made.rows(2500, kind="setup", workflow=None, step=None, sent_at_s=2.0),
                    *made.rows(2500, kind="setup", workflow=None, step=None, sent_at_s=40.0),
                ]
            )
        ),
        {"throttled"},
    ),
    "the generator was saturated": (
        lambda made: made.good(generator=made.generator((0,), cpu_ratio=0.86)),
        {"generator_cpu"},
    ),
    "the loop was late": (
        lambda made: made.good(generator=made.generator((0,), lag_ms=20.1)),
        {"loop_lag"},
    ),
    "nobody watched the generator": (
        lambda made: made.good(generator=made.generator(())),
        {"generator_unmeasured"},
    ),
    "nobody watched the second process": (
        lambda made: made.with_run(
            generator=made.run().generator.model_copy(update={"processes": (0, 1)}),
        ),
        {"generator_unmeasured"},
    ),
    "requests before the run": (
        lambda made: made.good(samples=made.added([made.row(sent_at_s=-1.1)])),
        {"clock"},
    ),
    "requests long after the run": (
        lambda made: made.good(samples=made.added([made.row(sent_at_s=75 + 120.1)])),
        {"clock"},
    ),
    "a worker's clock nobody knows": (
        lambda made: made.with_run(clocks=(WorkerClock(process=0, offset_s=9.0, uncertainty_s=1.01),)),
        {"clock"},
    ),
    "ended before it started": (
        lambda made: made.with_run(ended_at_s=made.start_s - 1),
        {"clock", "cut_short", "no_steady_samples"},
    ),
    "a start that is no time": (
        lambda made: made.with_run(started_at_s=float("nan")),
        {"clock", "cut_short", "no_steady_samples"},
    ),
    "no threshold for this profile can fail it": (
        lambda made: made.with_run(target=made.target(gaps=())),
        {"no_thresholds"},
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_a_run_that_cannot_speak_for_the_server_is_invalid_and_says_why(made: Any, case: str) -> None:
    spoil, doubts = INVALID[case]
    thresholds = made.shipped
    if case == "no threshold for this profile can fail it":
        lesser = tuple(each for each in thresholds.thresholds if each.limits[0][0] in (Severity.MEDIUM, Severity.LOW))
        thresholds = replace(thresholds, thresholds=lesser)

    verdict = judge(spoil(made), thresholds, PLAIN)

    assert verdict.outcome is Outcome.INVALID
    assert {doubt.name for doubt in verdict.doubts if doubt.invalidates} == doubts
    assert verdict.headline.startswith(f"Invalid: {next(d.name for d in verdict.doubts if d.invalidates)}, ")
    assert len(names(verdict)) == len(set(names(verdict)))


UNDISTURBED: dict[str, Spoil] = {
    "ten steady seconds": lambda made: made.with_run(load_profile=made.profile(ramp_s=65.0), started_at_s=made.start_s),
    "half a second early": lambda made: made.with_run(ended_at_s=made.start_s + 74.5),
    "stopped by hand, as a run without a planned time is": lambda made: made.with_run(
        load_profile=made.profile(duration_s=None), ended_by=EndedBy.HAND
    ),
    "Ctrl-C in a run without a planned time": lambda made: made.with_run(
        load_profile=made.profile(duration_s=None), ended_by=EndedBy.SIGNAL
    ),
    "just the CPU there may be": lambda made: made.good(generator=made.generator((0,), cpu_ratio=0.85)),
    "just the lag there may be": lambda made: made.good(generator=made.generator((0,), lag_ms=20.0)),
    "one in a hundred throttled": lambda made: made.good(
        samples=made.changed(lambda frame: (frame["kind"] == "http") & (frame.index % 100 == 0), outcome="throttled")
    ),
    "a request half a second before the start": lambda made: made.good(samples=made.added([made.row(sent_at_s=-0.9)])),
    "an order older than the run": lambda made: made.good(
        samples=made.added([made.row(kind="freshness", sent_at_s=-500.0)])
    ),
}


@pytest.mark.parametrize("case", UNDISTURBED)
def test_the_near_side_of_every_rule_raises_no_doubt(made: Any, case: str) -> None:
    verdict = judge(UNDISTURBED[case](made), made.shipped, PLAIN)

    assert names(verdict) == []


FAILING: dict[str, tuple[Spoil, list[tuple[str | None, str | None, str, str]]]] = {
    "one slow step, and no other": (
        lambda made: made.good(
            samples=made.changed(
                lambda frame: (frame["step"] == "analytics_display") & (frame["cache"] == "miss"),
                response_time_ms=3050.0,
            )
        ),
        [("dashboard", "analytics_display", "p95", "high")],
    ),
    "one seller saw another's data, in the ramp": (
        lambda made: made.good(samples=made.added([made.row(outcome="wrong_body", sent_at_s=1.0)])),
        [(None, None, "wrong_body", "critical")],
    ),
    "one seller signed in as another": (
        lambda made: made.good(
            samples=made.added([made.row(kind="setup", workflow=None, step=None, outcome="wrong_body")])
        ),
        [(None, None, "wrong_body", "critical")],
    ),
    "too slow a rate": (
        lambda made: made.good(samples=made.without(lambda frame: (frame["kind"] == "http") & (frame.index % 10 == 0))),
        [(None, None, "throughput", "high")],
    ),
    "sellers do not finish": (
        lambda made: made.good(
            samples=made.changed(
                lambda frame: (frame["kind"] == "iteration") & (frame["workflow"] == "store") & (frame.index % 10 == 0),
                outcome="abandoned",
            )
        ),
        [("store", None, "completion_rate", "high")],
    ),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_broken_limit_fails_the_run_and_no_other_limit(made: Any, case: str) -> None:
    spoil, limits = FAILING[case]

    verdict = judge(spoil(made), made.shipped, PLAIN)

    assert verdict.outcome is Outcome.FAIL
    assert broken(verdict) == limits
    assert names(verdict) == []


def test_errors_above_five_percent_fire_the_rollback_trigger(made: Any) -> None:
    samples = made.changed(lambda frame: (frame["kind"] == "http") & (frame.index % 10 == 0), outcome="http_error")

    verdict = judge(made.good(samples=samples), made.shipped, PLAIN)

    assert verdict.outcome is Outcome.FAIL
    assert verdict.rollback == ("the whole run: error_rate 10 %, limit < 5 %",)
    assert verdict.headline == "Fail: the whole run: error_rate 10 %, limit < 5 % and 42 more."


@pytest.mark.parametrize(
    ("spawned_s", "doubts"),
    [(11.0, []), (11.1, [("spawning_late", False)]), (75.0, [("spawning_late", True)])],
    ids=["a second after the ramp", "later", "with the end of the run"],
)
def test_sellers_that_came_after_the_ramp_are_told_and_invalidate_when_they_never_were_all_there(
    made: Any, spawned_s: float, doubts: list[tuple[str, bool]]
) -> None:
    verdict = judge(made.with_run(spawned_at_s=made.start_s + spawned_s), made.shipped, PLAIN)

    assert [(doubt.name, doubt.invalidates) for doubt in verdict.doubts] == doubts


def test_rollback_is_told_of_an_invalid_run_too(made: Any) -> None:
    evidence = made.with_run(ended_at_s=made.start_s + 35, ended_by=EndedBy.FUSE, end_reason="no answer for 5 s")

    verdict = judge(evidence, made.shipped, PLAIN)

    assert verdict.outcome is Outcome.INVALID
    assert verdict.rollback == ("target lost: no answer for 5 s",)


def test_a_low_limit_warns_and_fails_only_when_strict(made: Any) -> None:
    evidence = made.good(samples=made.changed(lambda frame: frame["cache"] == "hit", cache="miss"))

    plain = judge(evidence, made.shipped, PLAIN)
    strict = judge(evidence, made.shipped, Policy(strict=True))

    assert plain.outcome is Outcome.PASS
    assert broken(plain) == [(None, None, "cache_hit_rate", "low")]
    assert plain.headline.endswith(", 1 of lower severity broken.")
    assert strict.outcome is Outcome.FAIL
    assert strict.headline == "Fail: the whole run: cache_hit_rate 0 %, limit > 70 %."
    assert strict.overrides == ("--strict: medium and low fail too",)


def test_too_few_samples_of_one_step_are_inconclusive_whatever_the_policy(made: Any) -> None:
    kept = made.without(lambda frame: (frame["step"] == "trends") & (frame.index % 10 > 2))
    few = judge(made.good(samples=kept), made.shipped, Policy(inconclusive="pass"))

    assert few.outcome is Outcome.INCONCLUSIVE
    assert few.headline.startswith("Inconclusive: analytics.trends: p95 ")
    assert few.headline.endswith(", limit < 2000 ms, from 51 samples and 1 more.")
    step = next(step for step in few.steps if step.step == "trends")
    assert step.status is StepStatus.FAILED
    assert step.reason == "p95 of 51 samples, 59 needed; error_rate of 51 samples, 59 needed"
    assert few.overrides == ("--inconclusive pass",)


def test_a_clock_far_off_but_well_known_is_no_doubt(made: Any) -> None:
    clocks = (WorkerClock(process=0, offset_s=-3_600.0, uncertainty_s=1.0),)
    verdict = judge(made.with_run(clocks=clocks), made.shipped, PLAIN)
    assert verdict.outcome is Outcome.PASS


def test_a_time_that_is_not_a_number_never_passes(made: Any) -> None:
    samples = made.added([made.row(response_time_ms=float("nan"))])

    verdict = judge(made.good(samples=samples), made.shipped, PLAIN)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    undecided = [r for r in verdict.results if r.outcome is Outcome.INCONCLUSIVE]
    assert {(r.scope.step, r.stat) for r in undecided} == {(None, "mean"), ("creation", "p95")}
    assert all(r.observed is None and r.margin_ratio is None for r in undecided)
    assert verdict.totals.p95_ms is None
    assert verdict.totals.mean_ms is None


def test_a_gap_excuses_its_step_on_its_last_day_and_is_listed(made: Any) -> None:
    evidence = replace(
        made.with_run(target=made.target(gaps=(GAP,))),
        samples=made.without(lambda frame: frame["step"] == "creation"),
    )

    verdict = judge(evidence, made.shipped, PLAIN)

    assert names(verdict) == []
    assert [result.stat for result in verdict.results if result.scope.step == "creation"] == []
    step = next(step for step in verdict.steps if step.step == "creation")
    assert (step.status, step.reason) == (StepStatus.GAP, "not mounted (gap of team, until 2023-11-14)")
    assert verdict.overrides == ("gap listing.creation of team until 2023-11-14: not mounted",)
    assert verdict.release_grade


def test_what_a_gap_excuses_is_in_no_statistic_but_a_leak_still_counts(made: Any) -> None:
    samples = made.changed(lambda frame: frame["step"] == "creation", outcome="http_error", response_time_ms=9e4)
    samples = made.frame([*samples.astype(object).to_dict("records"), made.row(outcome="wrong_body")])
    evidence = replace(made.with_run(target=made.target(gaps=(GAP,))), samples=samples)

    verdict = judge(evidence, made.shipped, PLAIN)

    assert verdict.totals.error_ratio == 0
    assert verdict.totals.samples == 39 * 170
    assert (None, None, "wrong_body", "critical") in broken(verdict)
    step = next(step for step in verdict.steps if step.step == "creation")
    assert step.status is StepStatus.GAP
    assert step.reason == (
        "not mounted (gap of team, until 2023-11-14); "
        "1 answers were another seller's or another path's, which no gap excuses"
    )


@pytest.mark.parametrize(
    ("expires", "overdue"), [("2023-11-13", 1), ("2023-11-01", 13), ("soon", 1)], ids=["a day", "13 days", "no date"]
)
def test_an_expired_gap_fails_the_run_even_when_its_step_did_not_run(made: Any, expires: str, overdue: int) -> None:
    gap = GAP.model_copy(update={"expires": expires})
    evidence = replace(
        made.with_run(target=made.target(gaps=(gap,))), samples=made.without(lambda frame: frame["step"] == "creation")
    )

    verdict = judge(evidence, made.shipped, PLAIN)

    assert verdict.outcome is Outcome.FAIL
    assert [result.observed for result in verdict.results if result.stat == "gap_overdue_days"] == [overdue]
    assert [(doubt.name, doubt.invalidates) for doubt in verdict.doubts] == [("gap_expired", False)]
    step = next(step for step in verdict.steps if step.step == "creation")
    assert step.status is StepStatus.FAILED
    assert step.reason == f"its gap has expired on {expires}: not mounted (team)"


def test_today_of_the_policy_decides_whether_a_gap_has_expired(made: Any) -> None:
    evidence = made.with_run(target=made.target(gaps=(GAP,)))

    assert judge(evidence, made.shipped, Policy(today=date(2023, 11, 14))).outcome is Outcome.PASS
    assert judge(evidence, made.shipped, Policy(today=date(2023, 11, 15))).outcome is Outcome.FAIL


def test_a_step_that_could_not_run_because_one_before_it_failed_is_the_server_s_failure(made: Any) -> None:
    """The release is broken, not the run; without the failed step it would be the run."""
    rows = made.changed(lambda frame: frame["step"] == "creation", outcome="http_error")
    rows = rows[rows["step"] != "pricing_currency"]

    verdict = judge(made.good(samples=rows), made.shipped, PLAIN)

    assert verdict.outcome is Outcome.FAIL
    assert [(doubt.name, doubt.invalidates) for doubt in verdict.doubts] == [("step_not_run", False)]
    step = next(step for step in verdict.steps if step.step == "pricing_currency")
    assert (step.status, step.reason) == (StepStatus.NOT_RUN, "no samples")


def waiting(made: Any, sellers: int, *, waited_ms: float, of: int = 100) -> Any:
    """Return the good run done by `of` sellers, of whom some were cut off from an answer they had waited for."""
    rows = made.changed(lambda _frame: slice(None), seller=np.arange(len(made.good().samples)) % of)
    more = [
        made.row(seller=seller, sent_at_s=75 - waited_ms / 1000, outcome="aborted", status=None,
                 response_time_ms=waited_ms)
        for seller in range(sellers)
    ]  # fmt: skip
    return pd.concat([rows, made.frame(more)], ignore_index=True).astype(dict.fromkeys(CATEGORIES, "category"))


@pytest.mark.parametrize(
    ("sellers", "waited_ms", "outcome", "doubts"),
    [
        (2, 5001.0, Outcome.INVALID, [("unanswered", True)]),
        (1, 5001.0, Outcome.PASS, []),  # 1 % of the sellers is allowed
        (100, 5000.0, Outcome.PASS, []),
        (100, 28_000.0, Outcome.INVALID, [("unanswered", True)]),
    ],
)
def test_a_server_that_fell_silent_before_the_end_is_no_pass(
    made: Any, sellers: int, waited_ms: float, outcome: Outcome, doubts: list[tuple[str, bool]]
) -> None:
    verdict = judge(made.good(samples=waiting(made, sellers, waited_ms=waited_ms)), made.shipped, PLAIN)

    assert verdict.outcome is outcome
    assert [(doubt.name, doubt.invalidates) for doubt in verdict.doubts] == doubts


def test_sellers_who_never_got_past_sign_in_are_waiting_too(made: Any) -> None:
    more = [
        made.row(kind="setup", step=None, workflow=None, seller=1000 + seller, sent_at_s=1, outcome="aborted",
                 status=None, response_time_ms=74_000.0)
        for seller in range(20)
    ]  # fmt: skip
    verdict = judge(made.good(samples=made.added(more)), made.shipped, PLAIN)

    assert verdict.outcome is Outcome.INVALID
    assert verdict.headline == "Invalid: unanswered, 20 of 21 sellers waited for an answer, up to 74 000 ms."


def test_waiting_sellers_do_not_turn_a_failure_into_a_doubtful_run(made: Any) -> None:
    rows = waiting(made, 50, waited_ms=20_000.0)
    rows.loc[rows["outcome"] == "ok", "response_time_ms"] *= 20  # 1 … 4.4 s

    verdict = judge(made.good(samples=rows), made.shipped, PLAIN)

    assert verdict.outcome is Outcome.FAIL
    assert [(doubt.name, doubt.invalidates) for doubt in verdict.doubts] == [("unanswered", False)]


def test_a_failed_sample_does_not_excuse_a_missing_step_when_nothing_else_fails_the_run(made: Any) -> None:
    rows = made.added([made.row(outcome="http_error", status=500)])
    rows = rows[rows["step"] != "pricing_currency"]

    assert judge(made.good(samples=rows), made.shipped, PLAIN).outcome is Outcome.INVALID


def test_a_narrowed_run_is_no_release_verdict_and_lists_all_forty_steps(made: Any) -> None:
    scope = tuple(StepName(workflow="listing", step=step) for step in WORKFLOWS["listing"])
    evidence = replace(made.with_run(scope=scope), samples=made.without(lambda frame: frame["workflow"] != "listing"))

    verdict = judge(evidence, made.shipped, PLAIN)

    assert not verdict.release_grade
    assert len(verdict.steps) == 40
    assert {step.reason for step in verdict.steps if step.status is StepStatus.NOT_RUN} == {"not in scope"}
    assert sum(step.status is StepStatus.PASSED for step in verdict.steps) == 5
    assert [workflow.workflow for workflow in verdict.workflows] == ["listing"]
    # 170 * 5 answers in 65 s are 13.1 rps: the shipped file asks a demo run for 100
    assert broken(verdict) == [(None, None, "throughput", "high")]


def test_a_ninth_workflow_is_judged_like_the_others(made: Any) -> None:
    scope = (*made.run().scope, StepName(workflow="auction", step="bid"))
    rows = [
        *made.rows(100, workflow="auction", step="bid"),
        *made.rows(60, kind="iteration", workflow="auction", step=None),
    ]

    verdict = judge(replace(made.with_run(scope=scope), samples=made.added(rows)), made.shipped, PLAIN)

    assert verdict.outcome is Outcome.PASS
    assert verdict.release_grade
    assert (verdict.steps[40].workflow, verdict.steps[40].status) == ("auction", StepStatus.PASSED)
    assert verdict.workflows[8].completed == 60


def test_declared_monitors_without_an_answer_are_named_and_do_not_change_the_outcome(made: Any) -> None:
    verdict = judge(made.good(monitors=made.monitors({"memory": None, "cpu": 0.4})), made.shipped, PLAIN)

    assert verdict.outcome is Outcome.PASS
    assert [(d.name, d.figure, d.invalidates) for d in verdict.doubts] == [("monitor_missing", "memory", False)]
    memory = next(result for result in verdict.results if result.scope.monitor == "memory")
    assert (memory.observed, memory.samples, memory.outcome) == (None, 0, Outcome.INCONCLUSIVE)


def test_monitors_a_target_does_not_declare_are_told_and_not_judged(made: Any) -> None:
    verdict = judge(made.with_run(target=made.target(monitors=("cpu",))), made.shipped, PLAIN)

    assert [(d.name, d.figure, d.invalidates) for d in verdict.doubts] == [("monitor_undeclared", "memory", False)]
    assert [result.scope.monitor for result in verdict.results if result.scope.monitor] == ["cpu"]


def test_thresholds_of_other_profiles_are_not_judged(made: Any) -> None:
    verdict = judge(made.with_run(load_profile=made.profile(name="smoke")), made.shipped, PLAIN)

    assert "throughput" not in {result.stat for result in verdict.results}
    assert verdict.outcome is Outcome.PASS


def test_stage_and_overrides_of_the_run_and_of_the_policy_are_recorded(made: Any) -> None:
    evidence = made.with_run(stage="pre", overrides=("--seed 7",))
    thresholds = replace(made.shipped, overrides=("--throughput 90 rps",))

    verdict = judge(evidence, thresholds, Policy(stage="post"))

    assert verdict.run.stage == "post"
    assert verdict.overrides == ("--seed 7", "--throughput 90 rps", "--stage post")
    assert judge(evidence, thresholds, Policy(stage="pre")).overrides == ("--seed 7", "--throughput 90 rps")


def test_the_files_that_were_judged_are_named_with_their_hashes(made: Any) -> None:
    verdict = judge(made.good(files={"run.json": "00"}), made.shipped, PLAIN)

    assert verdict.files == {"run.json": "00", "thresholds.toml": made.shipped.sha256}


def test_doubts_of_several_processes_are_one_doubt_naming_each(made: Any) -> None:
    evidence = made.with_run(lost_processes=(1, 2))
    evidence = replace(evidence, log_doubts=(LogDoubt("not_closed", 2, "no closing record"),))

    verdict = judge(evidence, made.shipped, PLAIN)

    assert [doubt.figure for doubt in verdict.doubts if doubt.name == "worker_lost"] == [
        "process 1: went away during the run; process 2: went away during the run; process 2: no closing record"
    ]


def test_throttled_requests_are_counted_by_route_in_the_whole_run_most_throttled_first(made: Any) -> None:
    rows = [
        *made.rows(2, outcome="throttled", route="/api/b"),
        *made.rows(3, outcome="throttled", route="/api/a", sent_at_s=1.0),
        made.row(route="/api/a"),
        *made.rows(4, kind="setup", workflow=None, step=None, outcome="throttled", route="/api/auth/nonce"),
        made.row(outcome="throttled", method="GET", route="/api/b"),
        made.row(kind="push", outcome="throttled", route="/api/pushed"),
    ]

    verdict = judge(made.good(samples=made.added(rows)), made.shipped, PLAIN)

    assert [(row.method, row.route, row.throttled, row.requests) for row in verdict.throttled] == [
        ("POST", "/api/auth/nonce", 4, 4), ("POST", "/api/a", 3, 4), ("POST", "/api/b", 2, 2), ("GET", "/api/b", 1, 1),
    ]  # fmt: skip


def test_a_run_without_a_429_has_no_throttled_routes(made: Any) -> None:
    assert judge(made.good(), made.shipped, PLAIN).throttled == ()


def gaps_of(workflow: str) -> tuple[Gap, ...]:
    return tuple(
        Gap(workflow=workflow, step=step, reason="not mounted", owner="team", expires="2023-11-14")
        for step in WORKFLOWS[workflow]
    )


def test_a_workflow_that_is_all_gaps_leaves_the_rest_to_be_judged(made: Any) -> None:
    """Its steps answer nothing and nobody gets through it; of that nothing is known but what the gaps declare."""
    rows = made.changed(lambda frame: frame["workflow"] == "store", outcome="http_error")
    rows = rows[(rows["workflow"] != "store") | (rows["kind"] != "iteration")]
    evidence = replace(made.with_run(target=made.target(gaps=gaps_of("store"))), samples=rows)
    outcome = rows["outcome"].astype(object).where(rows["step"] != "trends", "lost").astype("category")
    broken_too = replace(evidence, samples=rows.assign(outcome=outcome))

    verdict = judge(evidence, made.shipped, PLAIN)

    # 35 steps of 170 in 65 s are 91.5 rps, below the 100 the shipped file asks of all forty
    assert broken(verdict) == [(None, None, "throughput", "high")]
    assert names(verdict) == []
    assert sum(step.status is StepStatus.GAP for step in verdict.steps) == 5
    assert len(verdict.overrides) == 5
    assert ("analytics", "trends", "error_rate", "high") in broken(judge(broken_too, made.shipped, PLAIN))


def test_a_workflow_with_one_gap_has_to_be_completed_all_the_same(made: Any) -> None:
    evidence = made.with_run(target=made.target(gaps=(GAP,)))
    rows = made.changed(
        lambda frame: (frame["kind"] == "iteration") & (frame["workflow"] == "listing") & (frame.index % 10 == 0),
        outcome="abandoned",
    )

    assert judge(evidence, made.shipped, PLAIN).outcome is Outcome.PASS
    verdict = judge(replace(evidence, samples=rows), made.shipped, PLAIN)
    assert broken(verdict) == [("listing", None, "completion_rate", "high")]


def test_a_step_behind_a_gap_that_never_ran_needs_a_gap_of_its_own(made: Any) -> None:
    evidence = replace(
        made.with_run(target=made.target(gaps=(GAP,))),
        samples=made.without(lambda frame: frame["step"].isin(["creation", "pricing_currency"])),
    )

    verdict = judge(evidence, made.shipped, PLAIN)

    assert verdict.outcome is Outcome.INVALID
    assert [(doubt.name, doubt.figure) for doubt in verdict.doubts] == [("step_not_run", "1: listing.pricing_currency")]


def test_who_waits_for_a_step_that_is_a_gap_is_not_waiting_for_an_answer(made: Any) -> None:
    evidence = made.with_run(target=made.target(gaps=(GAP,)))
    elsewhere = made.target(gaps=(GAP.model_copy(update={"step": "pricing_currency"}),))
    samples = waiting(made, 100, waited_ms=28_000.0)  # all of them in listing.creation

    assert judge(replace(evidence, samples=samples), made.shipped, PLAIN).outcome is Outcome.PASS
    other = judge(replace(made.with_run(target=elsewhere), samples=samples), made.shipped, PLAIN)
    assert other.outcome is Outcome.INVALID


def test_an_override_of_the_load_process_is_in_the_overrides(made: Any) -> None:
    verdict = judge(made.with_run(overrides=("--allow-throttling",)), made.shipped, PLAIN)

    assert verdict.overrides == ("--allow-throttling",)
