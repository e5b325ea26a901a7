"""Say the verdict in the few lines a command prints."""

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from analysis.figures import waiver_words
from analysis.report import cache_words, load_words, ranking, session_words, wording
from analysis.verdict import Doubt, Outcome, Result, Totals, Verdict

_LABEL_COLUMNS: Final = 10
_HEADLINE_LINES: Final = 3
_ENTRY_LINES: Final = 2
_BEHIND_DIGIT: Final = re.compile(r"(?<=\d) (?=\S)")
_NO_BREAK_SPACE: Final = "\N{NO-BREAK SPACE}"
_BODY_LINES: Final = 28
"""With the two last lines: thirty."""


def lines(verdict: Verdict, report_path: Path, width: int = 80) -> list[str]:
    """Return at most 30 lines of at most `width` columns; only the report's path may be longer, to stay usable."""
    results = verdict.results
    body = _wrapped(verdict.headline, width, _HEADLINE_LINES)
    for label, entries, most in (
        ("run", [_run_line(verdict)], 1),
        ("totals", _total_lines(verdict.totals), 2),
        ("cache", [cache_words.line(split)] if (split := cache_words.both(verdict.cache)) is not None else [], 1),
        ("arrivals", [] if verdict.arrivals is None else [load_words.line(verdict.arrivals)], 1),
        ("realtime", [] if verdict.realtime is None else [session_words.line(verdict.realtime)], 1),
        ("throttled", map(wording.throttled, verdict.throttled), 2),
        ("steps", [f"{wording.step_count(verdict)}; {wording.grade(verdict)}"], 1),
        ("invalid", [_doubt_line(doubt) for doubt in verdict.doubts if doubt.invalidates], 3),
        ("rollback", verdict.rollback, 2),
        ("broken", map(_result_line, ranking.broken(results)), 5),
        ("warning", map(_result_line, ranking.warnings(results)), 3),
        ("undecided", map(_result_line, ranking.undecided(results)), 3),
        ("waiver", map(waiver_words, verdict.waivers), 3),
        ("doubt", [_doubt_line(doubt) for doubt in verdict.doubts if not doubt.invalidates], 3),
        ("gap", [f"{gap.workflow}.{gap.step}: {gap.reason}" for gap in verdict.run.target.gaps], 3),
    ):
        body += _section(label, entries, most, width)
    if len(body) > _BODY_LINES:
        body = [*body[: _BODY_LINES - 1], f"{'':<{_LABEL_COLUMNS}}… more in the report"]
    return [*body, f"verdict: {verdict.outcome.upper()} (exit {verdict.exit_code})", f"report:  {report_path}"]


def _section(label: str, entries: Iterable[str], most: int, width: int) -> list[str]:
    """Return up to `most` entries, the last of them saying how many more there are; a long one takes two lines."""
    entries = list(entries)
    if len(entries) > most:
        entries = [*entries[: most - 1], f"and {len(entries) - most + 1} more"]
    text = [line for entry in entries for line in _wrapped(entry, width, _ENTRY_LINES, " " * _LABEL_COLUMNS)]
    return [f"{label:<{_LABEL_COLUMNS}}{line[_LABEL_COLUMNS:]}" if not at else line for at, line in enumerate(text)]


def _wrapped(text: str, width: int, most: int, indent: str = "") -> list[str]:
    """Return `text` in at most `most` lines, a figure and its unit on one of them."""
    glued = _BEHIND_DIGIT.sub(_NO_BREAK_SPACE, wording.one_line(text))
    hanging = f"{indent}  " if indent else ""
    wrapped = textwrap.wrap(
        glued, width, initial_indent=indent, subsequent_indent=hanging, max_lines=most, placeholder=" …"
    )
    return [line.replace(_NO_BREAK_SPACE, " ") for line in wrapped]


def _run_line(verdict: Verdict) -> str:
    run = verdict.run
    revision = "" if run.revision is None else f", revision {run.revision}"
    return f"{run.id}: {run.load_profile.name or 'no profile'} on {run.target.name}{revision}, {run.load_model} model"


def _total_lines(totals: Totals) -> list[str]:
    errors = wording.quantity(totals.error_ratio, "ratio")
    throttled = wording.quantity(totals.throttled_ratio, "ratio")
    hits = wording.quantity(totals.cache_hit_ratio, "ratio")
    mean, p50, p95, p99 = map(wording.number, (totals.mean_ms, totals.p50_ms, totals.p95_ms, totals.p99_ms))
    rate = wording.number(totals.throughput_rps)
    answers = f"{wording.count(totals.samples)} requests, {rate} ok rps, errors {errors}, throttled {throttled}"
    return [answers, f"mean {mean}, p50 {p50}, p95 {p95}, p99 {p99} ms; cache hits {hits}"]


def _result_line(result: Result) -> str:
    told = f"{wording.scope_name(result.scope)} {result.stat} {wording.observed(result)}, limit {result.limit}"
    if result.outcome is Outcome.FAIL:
        return f"{told} ({result.severity}, {wording.margin(result.margin_ratio)})"
    return f"{told} ({result.severity}, {wording.several(result.samples, 'sample', 'samples')})"


def _doubt_line(doubt: Doubt) -> str:
    return f"{doubt.name}: {doubt.figure} (expected: {doubt.rule})"
