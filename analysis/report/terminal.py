"""Say the verdict in the few lines a command prints."""

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from analysis.report import ranking, wording
from analysis.verdict import Doubt, Result, Totals, Verdict

_LABEL_COLUMNS: Final = 10
_HEADLINE_LINES: Final = 3


def lines(verdict: Verdict, report_path: Path, width: int = 80) -> list[str]:
    """Return at most 30 lines of at most `width` columns; only the report's path may be longer, to stay usable."""
    run = verdict.run
    results = verdict.results
    text = _wrapped(f"{verdict.outcome.upper()}: {verdict.headline}", width)
    text += _cut(
        [
            *_section("run", [_run_line(verdict)], 1),
            *_section("totals", _total_lines(verdict.totals), 2),
            *_section("steps", [f"{wording.step_count(verdict)}; {wording.grade(verdict)}"], 1),
            *_section("broken", map(_result_line, ranking.broken(results)), 6),
            *_section("warning", map(_result_line, ranking.warnings(results)), 3),
            *_section("undecided", map(_result_line, ranking.undecided(results)), 3),
            *_section("rollback", verdict.rollback, 2),
            *_section("doubt", map(_doubt_line, verdict.doubts), 5),
            *_section("gap", [f"{gap.workflow}.{gap.step}: {gap.reason}" for gap in run.target.gaps], 2),
        ],
        width,
    )
    return [*text, f"verdict: {verdict.outcome.upper()} (exit {verdict.exit_code})", f"report:  {report_path}"]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(wording.one_line(text), width, max_lines=_HEADLINE_LINES, placeholder=" …")


def _cut(text: Iterable[str], width: int) -> list[str]:
    return [line if len(line) <= width else line[: width - 1] + "…" for line in text]


def _section(label: str, entries: Iterable[str], most: int) -> list[str]:
    """Return up to `most` lines, the last of them saying how many more there are."""
    entries = list(entries)
    if len(entries) > most:
        entries = [*entries[: most - 1], f"and {len(entries) - most + 1} more"]
    return [
        f"{label if not index else '':<{_LABEL_COLUMNS}}{wording.one_line(entry)}"
        for index, entry in enumerate(entries)
    ]


def _run_line(verdict: Verdict) -> str:
    run = verdict.run
    revision = "" if run.revision is None else f", revision {run.revision}"
    return f"{run.id}: {run.load_profile.name or 'no profile'} on {run.target.name}{revision}"


def _total_lines(totals: Totals) -> list[str]:
    errors = wording.quantity(totals.error_ratio, "ratio")
    throttled = wording.quantity(totals.throttled_ratio, "ratio")
    hits = wording.quantity(totals.cache_hit_ratio, "ratio")
    mean, p50, p95, p99 = map(wording.number, (totals.mean_ms, totals.p50_ms, totals.p95_ms, totals.p99_ms))
    rate = wording.number(totals.throughput_rps)
    answers = f"{wording.count(totals.samples)} requests, {rate} ok rps, errors {errors}, throttled {throttled}"
    return [answers, f"mean {mean}, p50 {p50}, p95 {p95}, p99 {p99} ms; cache hits {hits}"]


def _result_line(result: Result) -> str:
    return (
        f"{result.severity} {wording.scope_name(result.scope)} {result.stat} {wording.observed(result)}, "
        f"limit {result.limit}, margin {wording.margin(result.margin_ratio)}"
    )


def _doubt_line(doubt: Doubt) -> str:
    return f"{doubt.name}: {doubt.figure} ({doubt.rule})"
