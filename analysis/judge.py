"""Judge a run's evidence by its thresholds: one verdict, with every result and every doubt."""

import math
from collections.abc import Sequence

from analysis.answer import answer, headline
from analysis.arrivals import arrivals
from analysis.cache import cache_doubts, cache_split
from analysis.coverage import coverage_doubts, waiver_doubts
from analysis.doubts import run_doubts
from analysis.evidence import Evidence
from analysis.expiry import overdue_days, overdue_results
from analysis.figures import waiver_words
from analysis.holding import hold
from analysis.policy import Policy
from analysis.realtime import realtime
from analysis.rollback import rollback_reasons
from analysis.selection import EVERY_STEP, Populations, populations
from analysis.statistics import STATISTICS
from analysis.steps import step_results, workflow_results
from analysis.threshold import ThresholdFile
from analysis.throttling import throttled_routes
from analysis.verdict import Scope, Totals, Verdict, WaiverState
from analysis.waiving import waive
from analysis.window import cut
from runlog.run import Gap
from runlog.schema import Kind

NOT_SET = -1
"""Exit code of a verdict until the gate's table has set it."""


def judge(evidence: Evidence, thresholds: ThresholdFile, policy: Policy) -> Verdict:
    """Return the verdict of a run; opens no file and asks no clock."""
    run = evidence.run
    today = policy.day(run)
    where = cut(run, evidence.samples)
    people = populations(evidence, where, today)
    applying = [threshold for threshold in thresholds.thresholds if threshold.applies_to(run.load_profile.name)]
    held, waivers = waive(hold(applying, people), run.target.waivers, people, today)
    overdue = tuple(gap for gap in run.target.gaps if overdue_days(gap, today) is not None)
    results = (*(judgement.result for judgement in held.judgements), *overdue_results(run.target, today))
    doubts = (
        *run_doubts(evidence, where),
        *cache_doubts(people),
        *coverage_doubts(evidence, people, held, overdue),
        *waiver_doubts(waivers),
    )
    totals = _totals(people)
    outcome = answer(results, doubts, strict=policy.strict)
    return Verdict(
        outcome=outcome,
        exit_code=NOT_SET,
        release_grade=set(EVERY_STEP) <= set(people.steps),
        headline=headline(outcome, results, doubts, totals, where, strict=policy.strict),
        rollback=rollback_reasons(run, results, evidence.monitors),
        run=run if policy.stage is None else run.model_copy(update={"stage": policy.stage}),
        window=where.window,
        totals=totals,
        results=results,
        steps=step_results(held.judgements, people, overdue),
        workflows=workflow_results(people),
        doubts=doubts,
        overrides=(
            *run.overrides,
            *thresholds.overrides,
            *policy.overrides(run),
            *_gap_words(people.gaps),
            *(waiver_words(waiver) for waiver in waivers if waiver.state is not WaiverState.EXPIRED),
        ),
        files={**evidence.files, thresholds.path.name: thresholds.sha256},
        cache=cache_split(people),
        throttled=throttled_routes(evidence.samples),
        waivers=waivers,
        paced_s=evidence.paced_s,
        arrivals=arrivals(run, people),
        realtime=realtime(evidence.samples),
    )


def _gap_words(gaps: Sequence[Gap]) -> list[str]:
    return [f"gap {gap.workflow}.{gap.step} of {gap.owner} until {gap.expires}: {gap.reason}" for gap in gaps]


def _totals(people: Populations) -> Totals:
    """Return the http samples of the steady window as a whole."""

    def figure(stat: str) -> float | None:
        statistic = STATISTICS[stat]
        value = statistic.measure(people.of(statistic, Scope()), people.steady_s).value
        return value if value is not None and math.isfinite(value) else None

    return Totals(
        samples=int((people.steady["kind"] == Kind.HTTP).sum()),
        throughput_rps=figure("throughput"),
        error_ratio=figure("error_rate"),
        throttled_ratio=figure("throttled_ratio"),
        mean_ms=figure("mean"),
        p50_ms=figure("p50"),
        p95_ms=figure("p95"),
        p99_ms=figure("p99"),
        cache_hit_ratio=figure("cache_hit_rate"),
    )
