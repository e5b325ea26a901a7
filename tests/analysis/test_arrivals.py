"""An open run: what became of its arrivals, and latency counted from sending and from the intended start."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import verdict_file
from analysis.arrivals import arrival_doubts
from analysis.judge import judge
from analysis.policy import Policy
from analysis.report import write_reports
from analysis.report.facts import of_run
from analysis.report.load_words import model
from analysis.report.terminal import lines
from analysis.verdict import ArrivalsResult, Latency, Outcome
from runlog.run import ArrivalPlan, Arrived, Run

PLAIN = Policy()
PLAN = ArrivalPlan(shape="poisson", rates=((0, 30),), drop_after_s=5)


def opened(made: Any, arrived: Arrived | None, **changes: Any) -> Run:
    run: Run = made.run(load_model="open", arrivals=PLAN, arrived=arrived, **changes)
    return run


def found(made: Any, samples: pd.DataFrame, arrived: Arrived | None = None) -> ArrivalsResult:
    evidence = made.good(run=opened(made, arrived), samples=samples)
    result = judge(evidence, made.shipped, PLAIN).arrivals
    assert result is not None
    return result


# -- offered, achieved, dropped ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "achieved", "figure"),
    [
        pytest.param(1000, 1000, None, id="all"),
        pytest.param(1000, 950, None, id="just-enough"),
        pytest.param(1000, 949, "949 of 1 000 achieved (94.9 %), 51 dropped", id="just-too-few"),
        pytest.param(1000, 0, "0 of 1 000 achieved (0 %), 1 000 dropped", id="none"),
        pytest.param(0, 0, "0 of 0 achieved, 0 dropped", id="none-offered"),
    ],
)
def test_fewer_than_95_percent_achieved_make_the_run_invalid(
    made: Any, offered: int, achieved: int, figure: str | None
) -> None:
    arrived = Arrived(offered=offered, achieved=achieved, dropped=offered - achieved)
    doubts = list(arrival_doubts(opened(made, arrived)))
    assert [doubt.figure for doubt in doubts] == ([] if figure is None else [figure])
    assert {(doubt.name, doubt.invalidates) for doubt in doubts} <= {("arrivals_missed", True)}


def test_run_whose_arrivals_nobody_counted_is_invalid(made: Any) -> None:
    verdict = judge(made.good(run=opened(made, None)), made.shipped, PLAIN)
    assert verdict.outcome is Outcome.INVALID
    assert [doubt.name for doubt in verdict.doubts if doubt.invalidates] == ["arrivals_missed"]
    assert verdict.arrivals is not None
    assert (verdict.arrivals.offered, verdict.arrivals.achieved_ratio) == (None, None)


def test_closed_run_has_no_arrivals_and_no_doubt_about_them(made: Any) -> None:
    verdict = judge(made.good(), made.shipped, PLAIN)
    assert verdict.arrivals is None
    assert verdict.outcome is Outcome.PASS


# -- from the intended start -------------------------------------------------------------------------------------------


def requests(made: Any, *times: tuple[float, float | None], **changes: Any) -> list[dict[str, Any]]:
    """Requests in the middle of the run: response time in ms, and how many ms late."""
    sent_at_s = made.start_s + 40.0
    return [
        made.row(
            response_time_ms=time_ms, intended_at_s=None if late_ms is None else sent_at_s - late_ms / 1000, **changes
        )
        for time_ms, late_ms in times
    ]


def test_lateness_of_the_pass_is_added_to_each_of_its_requests(made: Any) -> None:
    # sent: 10, 20, 30, 40, 50 → p50 30, p95 48, p99 49.6; intended: 10, 20, 1030, 2040, 50 → sorted 10 20 50 1030 2040
    samples = made.frame(requests(made, (10, 0), (20, 0), (30, 1000), (40, 2000), (50, 0)))
    result = found(made, samples, Arrived(offered=4, achieved=3, dropped=1))
    assert (result.offered, result.achieved, result.dropped, result.achieved_ratio) == (4, 3, 1, 0.75)
    assert result.samples == 5
    assert result.sent == Latency(pytest.approx(30), pytest.approx(48), pytest.approx(49.6))
    assert result.intended == Latency(pytest.approx(50), pytest.approx(1838, abs=0.1), pytest.approx(1999.6, abs=0.1))
    assert result.gap == Latency(pytest.approx(20), pytest.approx(1790, abs=0.1), pytest.approx(1950, abs=0.1))


def test_only_steady_requests_that_latency_is_of_count(made: Any) -> None:
    others = [
        *requests(made, (9000, 9000), sent_at_s=5.0),  # in the ramp
        *requests(made, (9000, 9000), outcome="http_error", status=500),
        *requests(made, (9000, 9000), kind="setup", step=None),
        *requests(made, (9000, 9000), kind="iteration", step=None),
        *requests(made, (9000, None)),  # nothing was intended
    ]
    timed_out = requests(made, (9000, 0), outcome="timeout", status=None)
    result = found(made, made.frame([*requests(made, (10, 5)), *others]))
    assert result.samples == 1
    assert result.intended.p95_ms == pytest.approx(15, abs=0.001)
    assert found(made, made.frame([*requests(made, (10, 5)), *timed_out])).samples == 2


def test_without_steady_requests_nothing_is_known(made: Any) -> None:
    result = found(made, made.frame([]))
    assert result.sent == result.intended == result.gap == Latency(None, None, None)


# -- what is said ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "rates", "words"),
    [
        ("constant", ((0, 5),), "constant, 5 passes/s"),
        ("poisson", ((0, 0.5),), "poisson, 0.5 passes/s"),
        ("ramp", ((0, 1), (60, 20)), "ramp, 1 to 20 passes/s"),
        ("steps", ((0, 1), (30, 1), (30, 4), (40, 4), (40, 2)), "steps, 1 then 4 then 2 passes/s"),
        ("spike", ((0, 2), (30, 2), (30, 20), (35, 20), (35, 2)), "spike, 2 passes/s, 20 from 30 to 35 s"),
    ],
)
def test_schedule_is_said_in_words(made: Any, shape: Any, rates: Any, words: str) -> None:
    plan = ArrivalPlan(shape=shape, rates=rates, drop_after_s=5)
    run = made.run(load_model="open", arrivals=plan)
    assert model(run) == f"open, {words}; dropped after 5 s; at most 40 sellers at a time, 10 more a second"


def test_model_of_a_closed_run_and_of_one_without_numbers_is_said(made: Any) -> None:
    nothing = made.profile(sellers=None, spawn_per_s=None)
    assert model(made.run()) == "closed, 40 sellers, 10 more a second"
    assert model(made.run(load_profile=nothing)) == "closed"
    assert model(opened(made, None, load_profile=nothing)) == "open, poisson, 30 passes/s; dropped after 5 s"


@pytest.fixture
def late(made: Any) -> Any:
    """The good run as an open one, half a second late all along."""
    samples = made.good().samples
    return made.good(
        run=opened(made, Arrived(offered=588, achieved=587, dropped=1)),
        samples=samples.assign(intended_at_s=samples["sent_at_s"] - 0.5),
    )


def test_terminal_says_it_in_one_line(made: Any, late: Any) -> None:
    printed = lines(judge(late, made.shipped, PLAIN), Path("report.html"))
    assert "arrivals  588 offered, 587 achieved, 1 dropped; intended p95 711, gap 500 ms" in printed
    assert printed[1].endswith("open model")
    assert all(len(text) <= 80 for text in printed)
    assert lines(judge(made.good(), made.shipped, PLAIN), Path("report.html"))[1].endswith("closed model")


def test_reports_say_model_arrivals_and_gap(made: Any, late: Any, tmp_path: Path) -> None:
    verdict = judge(late, made.shipped, PLAIN)
    assert verdict.outcome is Outcome.PASS
    write_reports(tmp_path, verdict, late.samples, late.generator, late.monitors)
    page = (tmp_path / "report.html").read_text("utf-8")
    for words in (
        "open, poisson, 30 passes/s; dropped after 5 s; at most 40 sellers at a time",
        "from the intended start",
        "588 offered, 587 achieved, 1 dropped (99.8 % achieved)",
    ):
        assert words in page
    said = (tmp_path / "summary.md").read_text("utf-8")
    assert "Load model: open, poisson, 30 passes/s" in said
    assert "Arrivals: 588 offered, 587 achieved, 1 dropped; intended p95 711, gap 500 ms." in said


def test_closed_run_names_its_model_and_has_no_table_of_arrivals(made: Any, tmp_path: Path) -> None:
    evidence = made.good()
    verdict = judge(evidence, made.shipped, PLAIN)
    write_reports(tmp_path, verdict, evidence.samples, evidence.generator, evidence.monitors)
    assert "from the intended start" not in (tmp_path / "report.html").read_text("utf-8")
    assert ("Load model", "closed, 40 sellers, 10 more a second") in [
        (fact.name, fact.value) for fact in of_run(verdict)
    ]


def test_uncounted_arrivals_are_dashes(made: Any, late: Any) -> None:
    verdict = judge(replace(late, run=opened(made, None)), made.shipped, PLAIN)
    printed = lines(verdict, Path("report.html"))
    assert "arrivals  — offered, — achieved, — dropped; intended p95 711, gap 500 ms" in printed


def test_verdict_file_keeps_the_published_schema_and_comes_back(made: Any, late: Any, tmp_path: Path) -> None:
    verdict = judge(late, made.shipped, PLAIN)
    schema = json.loads(verdict_file.SCHEMA_FILE.read_text("utf-8"))
    jsonschema.validate(json.loads(verdict_file.dumps(verdict)), schema)
    verdict_file.write(tmp_path, verdict)
    assert verdict_file.read(tmp_path) == verdict


@settings(max_examples=20, deadline=None)  # each judges a whole run
@given(st.lists(st.tuples(st.floats(0, 30_000, width=32), st.floats(0, 5_000)), min_size=1, max_size=40))
def test_counting_from_the_intended_start_is_never_quicker(made: Any, times: list[tuple[float, float | None]]) -> None:
    result = found(made, made.frame(requests(made, *times)))
    for sent, intended in (
        (result.sent.p50_ms, result.intended.p50_ms),
        (result.sent.p95_ms, result.intended.p95_ms),
        (result.sent.p99_ms, result.intended.p99_ms),
    ):
        assert sent is not None
        assert intended is not None
        assert intended >= sent - 0.001  # a Unix time in a double knows the microsecond
