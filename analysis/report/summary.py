"""Write summary.md: the verdict in a page of Markdown for a CI step summary."""

import html
import re
from collections.abc import Sequence
from typing import Final

from analysis.report import cache_words, load_words, ranking, session_words, wording
from analysis.verdict import Result, Totals, Verdict
from runlog.run import Run

SUMMARY_FILE: Final = "summary.md"
_MARKS: Final = {"pass": "✅", "fail": "❌", "inconclusive": "❔", "invalid": "⚠️"}
_SPECIAL = re.compile(r"([\\`*_\[\]|~#])")
_LIMITS: Final = 12
_TRIGGERS: Final = 3
_DOUBTS: Final = 4
_EXCEPTIONS: Final = 3
_ROUTES: Final = 3
"""Most entries of each list; with all of them full the page stays within sixty lines."""


def summary(verdict: Verdict) -> str:
    """Return summary.md: headline, limits that do not hold, doubts, exceptions, totals."""
    lines = [
        f"# {_MARKS[verdict.outcome]} {verdict.outcome.upper()} (exit code {verdict.exit_code})",
        "",
        escaped(verdict.headline),
        "",
        f"{_run_line(verdict.run)}{_arrivals(verdict)}",
        f"Steps: {wording.step_count(verdict)}; {wording.grade(verdict)}.",
        *_limits(verdict),
        *_bullets("Rollback triggers", verdict.rollback, _TRIGGERS),
        *_bullets(
            "Doubts",
            [f"{doubt.name}: {doubt.figure} (expected: {doubt.rule})" for doubt in ranking.gravest(verdict.doubts)],
            _DOUBTS,
        ),
        *_bullets("Gaps and waivers", wording.exceptions(verdict), _EXCEPTIONS),
        *_totals(verdict.totals),
        *_cache(verdict),
        *([] if verdict.realtime is None else ["", f"Real-time: {escaped(session_words.line(verdict.realtime))}."]),
        *_throttled(verdict),
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return `text` as Markdown that shows it and does nothing else."""
    return _SPECIAL.sub(r"\\\1", html.escape(wording.one_line(text), quote=False))


def _run_line(run: Run) -> str:
    profile = escaped(run.load_profile.name or wording.MISSING)
    revision = escaped(run.revision or wording.MISSING)
    started = wording.moment(run.started_at_s)
    told = f"Run {escaped(run.id)}: profile {profile} on {escaped(run.target.name)}, revision {revision}, {started}."
    return f"{told} Load model: {escaped(load_words.model(run))}."


def _arrivals(verdict: Verdict) -> str:
    """Return what became of an open run's arrivals; on the run's own line, for the page has to stay short."""
    return "" if verdict.arrivals is None else f" Arrivals: {escaped(load_words.line(verdict.arrivals))}."


def _limits(verdict: Verdict) -> list[str]:
    rows = [
        _row(name, result)
        for name, results in (
            ("broken", ranking.broken(verdict.results)),
            ("warning", ranking.warnings(verdict.results)),
            ("undecided", ranking.undecided(verdict.results)),
            ("waived", ranking.waived(verdict.results)),
        )
        for result in results
    ]
    if not rows:
        return []
    return [
        "",
        "## Limits that do not hold",
        "",
        "| | severity | scope | statistic | limit | observed | margin | samples |",
        "|---|---|---|---|---|---:|---:|---:|",
        *rows[:_LIMITS],
        *_more(len(rows) - _LIMITS),
    ]


def _row(name: str, result: Result) -> str:
    cells = (
        name,
        result.severity,
        wording.scope_name(result.scope),
        result.stat,
        result.limit,
        wording.observed(result),
        wording.margin(result.margin_ratio),
        wording.count(result.samples),
    )
    return f"| {' | '.join(map(escaped, cells))} |"


def _bullets(title: str, entries: Sequence[str], most: int) -> list[str]:
    if not entries:
        return []
    return ["", f"## {title}", "", *(f"* {escaped(entry)}" for entry in entries[:most]), *_more(len(entries) - most)]


def _more(how_many: int) -> list[str]:
    return ["", f"… and {how_many} more in report.html."] if how_many > 0 else []


def _totals(totals: Totals) -> list[str]:
    cells = (
        wording.count(totals.samples),
        wording.number(totals.throughput_rps),
        wording.ratio(totals.error_ratio),
        wording.ratio(totals.throttled_ratio),
        wording.number(totals.mean_ms),
        wording.number(totals.p50_ms),
        wording.number(totals.p95_ms),
        wording.number(totals.p99_ms),
        wording.ratio(totals.cache_hit_ratio),
    )
    return [
        "",
        "## Totals of the steady window",
        "",
        "| requests | ok/s | errors % | throttled % | mean ms | p50 ms | p95 ms | p99 ms | cache hits % |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        f"| {' | '.join(cells)} |",
    ]


def _cache(verdict: Verdict) -> list[str]:
    split = cache_words.both(verdict.cache)
    return [] if split is None else ["", escaped(f"Cache: {cache_words.line(split)}.")]


def _throttled(verdict: Verdict) -> list[str]:
    if not verdict.throttled:
        return []
    routes = [wording.throttled(row) for row in verdict.throttled[:_ROUTES]]
    more = len(verdict.throttled) - len(routes)
    return ["", escaped(f"Throttled: {'; '.join(routes)}{f' and {more} more routes' if more > 0 else ''}.")]
