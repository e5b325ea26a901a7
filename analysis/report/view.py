"""Prepare every string of report.html, so that its template only places them."""

import base64
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analysis.figures import waiver_name, waiver_state
from analysis.report import cache_words, facts, load_words, ranking, session_words, wording
from analysis.report.canvas import Chart
from analysis.report.exchanges import Exchanges
from analysis.report.page import (
    ArrivalPart,
    CachePart,
    CacheRow,
    ChartCard,
    DoubtRow,
    EventCells,
    Fact,
    Fold,
    GapRow,
    LatencyRow,
    Mark,
    Page,
    ResultRow,
    SessionPart,
    StepGroup,
    StepRow,
    ThrottledRow,
    WaiverRow,
    WorkflowRow,
)
from analysis.report.tally import ErrorRow, KindRow
from analysis.verdict import (
    ArrivalsResult,
    CacheSplit,
    Doubt,
    Outcome,
    Realtime,
    Result,
    Severity,
    StepResult,
    StepStatus,
    ThrottledRoute,
    Totals,
    Verdict,
    WaiverUse,
    WorkflowResult,
)

_OPEN_ROWS: Final = 15
"""Rows about single steps and workflows shown before the rest is folded."""
_VERDICT_MARKS: Final = {
    Outcome.PASS: Mark("pass", "PASS"),
    Outcome.FAIL: Mark("fail", "FAIL"),
    Outcome.INCONCLUSIVE: Mark("unclear", "INCONCLUSIVE"),
    Outcome.INVALID: Mark("invalid", "INVALID"),
}
_STEP_MARKS: Final = {
    StepStatus.PASSED: Mark("pass", "passed"),
    StepStatus.FAILED: Mark("fail", "failed"),
    StepStatus.GAP: Mark("idle", "gap"),
    StepStatus.NOT_RUN: Mark("unclear", "not run"),
}


@dataclass(frozen=True, slots=True)
class Material:
    """What a page shows beside the verdict."""

    run_dir: Path
    charts: tuple[Chart, ...]
    kinds: tuple[KindRow, ...]
    errors: tuple[ErrorRow, ...]
    exchanges: Exchanges
    outside: int  # http samples no chart shows because they were sent outside the run's time


def page(verdict: Verdict, material: Material) -> Page:
    """Return report.html as strings."""
    run = verdict.run
    results, folds = _results(verdict.results)
    return Page(
        title=f"{verdict.outcome.upper()} · {run.id}",
        mark=_VERDICT_MARKS[verdict.outcome],
        headline=verdict.headline,
        exit_code=str(verdict.exit_code),
        grade=wording.grade(verdict),
        facts=facts.of_run(verdict),
        totals=_totals(verdict.totals),
        cache=_cache(verdict.cache),
        arrivals=_arrivals(verdict.arrivals),
        sessions=_sessions(verdict.realtime),
        throttled=tuple(map(_throttled, verdict.throttled)),
        doubts=tuple(map(_doubt, ranking.gravest(verdict.doubts))),
        rollback=verdict.rollback,
        results=results,
        folds=folds,
        step_count=wording.step_count(verdict),
        steps=_steps(verdict.steps),
        workflows=tuple(map(_workflow, verdict.workflows)),
        overrides=tuple(dict.fromkeys((*run.overrides, *verdict.overrides))),
        gaps=tuple(GapRow(f"{gap.workflow}.{gap.step}", gap.reason, gap.owner, gap.expires) for gap in run.target.gaps),
        waivers=tuple(map(_waiver, verdict.waivers)),
        charts=tuple(map(_chart, material.charts)),
        chart_note=_chart_note(material.outside),
        kinds=material.kinds,
        errors=material.errors,
        exchanges=material.exchanges,
        evidence=facts.of_generator(run),
        files=tuple(Fact(name, digest) for name, digest in sorted(verdict.files.items())),
        judge_again=f"sellergate judge {shlex.quote(str(material.run_dir))}",
    )


def _totals(totals: Totals) -> tuple[Fact, ...]:
    return (
        Fact("requests", wording.count(totals.samples)),
        Fact("ok rps", wording.number(totals.throughput_rps)),
        Fact("errors, %", wording.ratio(totals.error_ratio)),
        Fact("throttled, %", wording.ratio(totals.throttled_ratio)),
        Fact("mean, ms", wording.number(totals.mean_ms)),
        Fact("p50, ms", wording.number(totals.p50_ms)),
        Fact("p95, ms", wording.number(totals.p95_ms)),
        Fact("p99, ms", wording.number(totals.p99_ms)),
        Fact("cache hits, %", wording.ratio(totals.cache_hit_ratio)),
    )


def _cache(cache: CacheSplit | None) -> CachePart | None:
    split = cache_words.both(cache)
    if split is None:
        return None
    rows = (
        CacheRow(side, wording.count(own.samples), wording.number(own.p50_ms), wording.number(own.p95_ms))
        for side, own in (("hit", split.hits), ("miss", split.misses))
    )
    return CachePart(tuple(rows), cache_words.note(split))


def _arrivals(result: ArrivalsResult | None) -> ArrivalPart | None:
    if result is None:
        return None
    rows = (("from sending", result.sent), ("from the intended start", result.intended), ("gap", result.gap))
    return ArrivalPart(
        rows=tuple(LatencyRow(name, *map(wording.number, (of.p50_ms, of.p95_ms, of.p99_ms))) for name, of in rows),
        note=load_words.note(result),
    )


def _sessions(realtime: Realtime | None) -> SessionPart | None:
    if realtime is None:
        return None
    events = (*realtime.events, *([realtime.pushes] if len(realtime.events) > 1 else []))
    times = (*realtime.phases, *([realtime.answers] if realtime.answers.samples else []))
    return SessionPart(
        notes=session_words.notes(realtime),
        events=tuple(
            EventCells(
                event=row.event or "all",
                expected=wording.count(row.expected),
                lost=wording.count(row.lost),
                duplicated=wording.count(row.duplicated),
                out_of_order=wording.count(row.out_of_order),
                p50=wording.number(row.p50_ms),
                p95=wording.number(row.p95_ms),
                p99=wording.number(row.p99_ms),
            )
            for row in events
        ),
        phases=tuple(
            CacheRow(row.phase, wording.count(row.samples), wording.number(row.p50_ms), wording.number(row.p95_ms))
            for row in times
        ),
    )


def _throttled(row: ThrottledRoute) -> ThrottledRow:
    return ThrottledRow(f"{row.method} {row.route}", wording.count(row.throttled), wording.count(row.requests))


def _waiver(waiver: WaiverUse) -> WaiverRow:
    return WaiverRow(waiver_name(waiver), waiver_state(waiver), waiver.reason, waiver.owner, waiver.expires)


def _results(results: Iterable[Result]) -> tuple[tuple[ResultRow, ...], tuple[Fold, ...]]:
    """Return the rows shown at once and those behind a line: held limits of single steps, and more than a screenful."""
    open_rows: list[Result] = []
    held: list[Result] = []
    more: list[Result] = []
    single = 0
    for result in ranking.ranked(results):
        if result.scope.workflow is None:
            open_rows.append(result)
        elif result.outcome is Outcome.PASS:
            held.append(result)
        elif single < _OPEN_ROWS:
            single += 1
            open_rows.append(result)
        else:
            more.append(result)
    folds = (
        (f"{_limits(len(more), 'more ')} that do not hold or are undecided", more),
        (f"{_limits(len(held))} that hold", held),
    )
    return tuple(map(_result, open_rows)), tuple(
        Fold(title, tuple(map(_result, rows))) for title, rows in folds if rows
    )


def _limits(how_many: int, more: str = "") -> str:
    return f"{wording.several(how_many, f'{more}limit', f'{more}limits')} of single workflows and steps"


def _result(result: Result) -> ResultRow:
    return ResultRow(
        mark=_result_mark(result),
        scope=wording.scope_name(result.scope),
        stat=result.stat,
        severity=result.severity,
        limit=result.limit,
        observed=wording.observed(result),
        interval=wording.interval(result) or "",
        margin=wording.margin(result.margin_ratio),
        samples=wording.count(result.samples),
        why=result.why,
        waived=result.waived or "",
    )


def _result_mark(result: Result) -> Mark:
    if result.outcome is Outcome.PASS:
        return Mark("pass", "holds")
    if result.outcome is not Outcome.FAIL:
        return Mark("unclear", "undecided")
    if result.waived is not None:
        return Mark("idle", "waived")
    if result.severity is Severity.ROLLBACK:
        return Mark("fail", "fired")
    return Mark("fail" if result.severity in wording.FAILING else "warn", "broken")


def _steps(steps: Iterable[StepResult]) -> tuple[StepGroup, ...]:
    groups: dict[str, list[StepRow]] = {}
    for step in steps:
        groups.setdefault(step.workflow, []).append(_step(step))
    return tuple(StepGroup(workflow, tuple(rows)) for workflow, rows in groups.items())


def _step(step: StepResult) -> StepRow:
    return StepRow(
        mark=_STEP_MARKS[step.status],
        step=step.step,
        samples=wording.count(step.samples),
        ok=wording.count(step.ok),
        failed=wording.count(step.failed),
        error=wording.ratio(step.error_ratio),
        p50=wording.number(step.p50_ms),
        p95=wording.number(step.p95_ms),
        reason=step.reason or "",
    )


def _workflow(workflow: WorkflowResult) -> WorkflowRow:
    return WorkflowRow(
        workflow=workflow.workflow,
        iterations=wording.count(workflow.iterations),
        completed=wording.count(workflow.completed),
        completion=wording.ratio(workflow.completion_ratio),
        p95=wording.number(workflow.p95_ms),
    )


def _doubt(doubt: Doubt) -> DoubtRow:
    mark = Mark("invalid", "invalidates") if doubt.invalidates else Mark("warn", "noted")
    return DoubtRow(mark, doubt.name, doubt.figure, doubt.rule)


def _chart(chart: Chart) -> ChartCard:
    return ChartCard(chart.title, chart.note, chart.alt, _uri(chart.light_png), _uri(chart.dark_png))


def _uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _chart_note(outside: int) -> str:
    return f"{wording.count(outside)} requests sent outside the run's time are not drawn." if outside else ""
