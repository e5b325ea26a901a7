"""What a run says of its real-time sessions: how they began and ended, what became of the events."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest

from analysis.judge import judge
from analysis.policy import Policy
from analysis.realtime import realtime
from analysis.report import write_reports
from analysis.report.bins import timeline
from analysis.report.session_charts import session_charts
from analysis.report.session_words import line, notes
from analysis.report.terminal import lines
from analysis.verdict import Words
from analysis.verdict_file import SCHEMA_FILE, dumps

PLAIN = Policy()


def told(made: Any, *rows: dict[str, Any]) -> Any:
    return realtime(made.added(rows) if rows else made.good().samples)


def session(made: Any, sent_at_s: float, lived_s: float, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = made.socket_row("session", sent_at_s=sent_at_s, response_time_ms=lived_s * 1000, **changes)
    return row


def test_a_run_without_sessions_has_nothing_to_tell(made: Any) -> None:
    assert realtime(made.without(lambda frame: frame["kind"].isin(["connect", "ack", "push", "session"]))) is None


def test_sessions_of_the_good_run(made: Any) -> None:
    found = told(made)
    assert (found.sessions, found.live_max, found.dropped, found.failed, found.reconnects) == (40, 40, 0, 0, 0)
    assert found.lifetime_p50_s == pytest.approx(71.0)
    assert [(row.phase, row.samples, row.p50_ms) for row in found.phases] == [
        ("TCP and TLS", 40, 1.0), ("upgraded", 40, 4.0), ("namespace joined", 40, 10.0), ("authenticated", 40, 20.0),
    ]  # fmt: skip
    assert (found.answers.samples, found.answers.p95_ms) == (40, 2.0)
    assert [row.event for row in found.events] == ["new_message", "new_order", "notification", "tier_upgraded"]
    assert {(row.expected, row.lost, row.p50_ms) for row in found.events} == {(60, 0, 39.5)}
    assert (found.pushes.event, found.pushes.expected) == (None, 240)


def test_what_was_lost_twice_or_late_is_told_by_name(made: Any) -> None:
    def push(outcome: str) -> dict[str, Any]:
        row: dict[str, Any] = made.socket_row("push", route="new_order", outcome=outcome, response_time_ms=None)
        return row

    found = told(made, push("lost"), push("duplicated"), push("duplicated"), push("out_of_order"), push("aborted"))
    row = next(row for row in found.events if row.event == "new_order")
    assert (row.expected, row.lost, row.duplicated, row.out_of_order) == (62, 1, 2, 1)
    assert (found.pushes.expected, found.pushes.lost) == (242, 1)


def test_sessions_one_after_the_other_are_not_at_once(made: Any) -> None:
    alone = made.frame([session(made, 10.0, 5.0), session(made, 15.0, 5.0), session(made, 16.0, 1.0)])
    found = realtime(alone)
    assert found is not None
    assert (found.live_max, found.sessions, found.lifetime_p50_s) == (2, 0, 5.0)
    assert (found.pushes.p50_ms, found.phases[0].p50_ms, found.reconnect_max_ms) == (None, None, None)


def test_why_sessions_broke_is_told_in_the_server_s_words(made: Any) -> None:
    back = made.socket_row("connect", sent_at_s=31.0, intended_at_s=made.start_s + 30.0, response_time_ms=500.0)
    refused = made.socket_row("connect", outcome="refused", error="Server at maximum capacity")
    found = told(
        made,
        *(session(made, 10.0, 5.0, outcome="lost", error="network: reset") for _ in range(2)),
        session(made, 10.0, 5.0, outcome="lost", error="server: bye"),
        session(made, 10.0, 5.0, outcome="lost"),
        back,
        refused,
    )
    assert found.dropped == 4
    assert found.dropped_why == (Words("network: reset", 2), Words("no reason", 1), Words("server: bye", 1))
    assert (found.failed, found.failed_why) == (1, (Words("Server at maximum capacity", 1),))
    assert (found.reconnects, found.reconnect_p50_ms) == (1, pytest.approx(1500.0, abs=0.5))
    text = "\n".join(notes(found))
    for words in ("network: reset", "maximum capacity", "came back after a loss", "4 dropped, 1 not begun"):
        assert words in text


def test_events_nobody_was_owed_are_told_apart(made: Any) -> None:
    found = told(made, *(made.socket_row("push", route="notification", iteration=-1) for _ in range(3)))
    assert (found.unasked, found.pushes.expected) == (3, 240)
    assert "3 events came that nobody was owed: they stand for none that was, and are in no latency." in notes(found)


def test_a_line_says_the_most_important(made: Any) -> None:
    said = "40 sessions, 40 at once, 0 dropped; 240 events: 0 lost, 0 twice, 0 out of order; p50 39.5, p95 66 ms"
    assert line(told(made)) == said
    verdict = judge(made.good(), made.shipped, PLAIN)
    printed = lines(verdict, Path("report.html"))
    assert any(text.startswith("realtime  40 sessions") for text in printed)
    assert all(len(text) <= 80 for text in printed)


def test_report_has_a_section_and_pictures(made: Any, tmp_path: Path) -> None:
    lost = made.socket_row("push", route="new_order", outcome="lost", response_time_ms=None)
    dropped = session(made, 10.0, 5.0, outcome="lost", error="network: <reset>")
    evidence = made.good(samples=made.added([lost, dropped]))
    verdict = judge(evidence, made.shipped, PLAIN)
    write_reports(tmp_path, verdict, evidence.samples, evidence.generator, evidence.monitors)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Real-time sessions" in page
    assert "network: &lt;reset&gt;" in page
    assert {"sessions.png", "events.png"} <= {path.name for path in (tmp_path / "charts").iterdir()}
    assert "Real-time: 40 sessions" in (tmp_path / "summary.md").read_text("utf-8")
    jsonschema.validate(json.loads(dumps(verdict)), json.loads(SCHEMA_FILE.read_text("utf-8")))


def test_pictures_show_what_was_dropped_and_lost(made: Any) -> None:
    verdict = judge(made.good(), made.shipped, PLAIN)
    lost = made.socket_row("push", route="new_order", outcome="lost", response_time_ms=None)
    dropped = session(made, 10.0, 5.0, outcome="lost", error="network: reset")
    good, broken = (
        session_charts(verdict, samples, timeline(verdict.run, samples, made.good().generator))
        for samples in (made.good().samples, made.added([lost, dropped]))
    )
    assert [chart.name for chart in good] == ["sessions", "events"]
    assert all(chart.note is not None for chart in good)
    assert all(one.light_png != other.light_png for one, other in zip(good, broken, strict=True))


def test_events_nobody_was_owed_are_in_no_picture(made: Any) -> None:
    verdict = judge(made.good(), made.shipped, PLAIN)
    stray = made.socket_row("push", route="notification", iteration=-1, response_time_ms=5_000.0)
    good, strange = (
        session_charts(verdict, samples, timeline(verdict.run, samples, made.good().generator))
        for samples in (made.good().samples, made.added([stray]))
    )
    assert [chart.light_png for chart in good] == [chart.light_png for chart in strange]


def only(made: Any, *rows: dict[str, Any]) -> tuple[Any, pd.DataFrame]:
    samples = made.frame(rows)
    return replace(judge(made.good(), made.shipped, PLAIN), realtime=realtime(samples)), samples


def test_pictures_say_why_they_are_empty(made: Any) -> None:
    ack = made.socket_row("ack")
    verdict, samples = only(made, ack)
    time = timeline(verdict.run, samples, made.good().generator)
    assert [chart.note for chart in session_charts(verdict, samples, time)] == [None, None]
    assert session_charts(verdict, samples, None) == []
    assert session_charts(replace(verdict, realtime=None), samples, time) == []
