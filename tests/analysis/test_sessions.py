"""Real-time sessions: what was owed and came, what broke; a part of a run that is never a part of its requests."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.holding import Held, hold
from analysis.judge import judge
from analysis.policy import Policy
from analysis.selection import populations
from analysis.statistics import STATISTICS, Measured, error_ratio
from analysis.thresholds import load_thresholds
from analysis.verdict import Outcome, Scope
from analysis.window import cut
from runlog.run import Gap
from runlog.schema import Kind

PLAIN = Policy()
SOCKET_KINDS = ("connect", "ack", "push", "session")
OWED = 4 * 60  # events of the good run
SESSIONS = 40


def figure(made: Any, stat: str, samples: pd.DataFrame | None = None, **target: Any) -> Measured:
    evidence = made.with_run(target=made.target(**target))
    evidence = evidence if samples is None else replace(evidence, samples=samples)
    people = populations(evidence, cut(evidence.run, evidence.samples), PLAIN.day(evidence.run))
    statistic = STATISTICS[stat]
    return statistic.measure(people.of(statistic, Scope()), people.steady_s)


def held(made: Any, folder: Path, body: str, samples: pd.DataFrame, **run: Any) -> Held:
    path = folder / "thresholds.toml"
    path.write_text(f'format = 1\n[[threshold]]\n{body}\nwhy = "w"\n', "utf-8")
    evidence = replace(made.with_run(**run), samples=samples)
    people = populations(evidence, cut(evidence.run, evidence.samples), PLAIN.day(evidence.run))
    return hold(load_thresholds(path).thresholds, people)


def without_sockets(frame: pd.DataFrame) -> Any:
    return frame["kind"].isin(SOCKET_KINDS)


def pushes(made: Any, count: int, outcome: str, **changes: Any) -> list[dict[str, Any]]:
    values = {"workflow": "store", "step": "customer_interaction", "route": "new_message", "outcome": outcome}
    return [made.socket_row("push", **values | changes) for _ in range(count)]


@pytest.mark.parametrize(
    ("outcome", "stat", "value", "samples"),
    [
        ("lost", "lost", 3.0, OWED + 3),
        ("lost", "lost_ratio", 3 / (OWED + 3), OWED + 3),
        ("out_of_order", "out_of_order", 3.0, OWED + 3),
        ("duplicated", "duplicated", 3.0, OWED + 3),
        ("duplicated", "lost_ratio", 0.0, OWED),  # it was owed once
        ("aborted", "lost_ratio", 0.0, OWED),  # nobody knows
        ("wrong_body", "lost_ratio", 0.0, OWED + 3),
    ],
)
def test_events_are_counted_by_what_became_of_them(
    made: Any, outcome: str, stat: str, value: float, samples: int
) -> None:
    frame = made.added(pushes(made, 3, outcome))
    assert figure(made, stat, frame) == Measured(pytest.approx(value), samples)


def test_events_of_the_ramp_count_as_well(made: Any) -> None:
    assert figure(made, "lost", made.added(pushes(made, 2, "lost", sent_at_s=1.0))).value == 2


def test_events_of_a_gap_do_not_count(made: Any) -> None:
    gap = Gap(workflow="store", step="customer_interaction", reason="r", owner="o", expires="2099-01-01")
    frame = made.added(pushes(made, 2, "lost"))
    assert figure(made, "lost", frame, gaps=(gap,)) == Measured(0.0, OWED - 60)


@pytest.mark.parametrize(
    ("kind", "outcome", "stat", "value", "samples"),
    [
        ("session", "lost", "dropped", 2.0, SESSIONS + 2),
        ("session", "lost", "dropped_ratio", 2 / (SESSIONS + 2), SESSIONS + 2),
        ("connect", "refused", "refused", 2.0, SESSIONS + 2),
    ],
)
def test_sessions_that_break_or_never_begin(
    made: Any, kind: str, outcome: str, stat: str, value: float, samples: int
) -> None:
    frame = made.added([made.socket_row(kind, workflow="store", outcome=outcome) for _ in range(2)])
    assert figure(made, stat, frame) == Measured(pytest.approx(value), samples)


def test_time_to_reconnect_counts_from_the_loss(made: Any) -> None:
    lost_at_s = made.start_s + 40.0
    back = [made.socket_row("connect", sent_at_s=41.0, intended_at_s=lost_at_s, response_time_ms=30.0)] * 60
    failed = [made.socket_row("connect", sent_at_s=41.0, intended_at_s=lost_at_s, outcome="connect_error")]
    measured = figure(made, "reconnect_p95", made.added([*back, *failed]))
    assert measured.value == pytest.approx(1030.0, abs=0.5)
    assert measured.samples == 60
    assert figure(made, "reconnect_p95") == Measured(None, 0)


def test_an_event_out_of_order_has_a_time_and_is_an_error(made: Any, tmp_path: Path) -> None:
    body = 'stat = "error_rate"\nkind = "push"\nstep = "customer_interaction"\nworkflow = "store"\nhigh = "< 5 %"'
    frame = made.added(pushes(made, 20, "out_of_order"))
    assert held(made, tmp_path, body, frame).judgements[0].result.observed == pytest.approx(20 / 80)
    body = body.replace("error_rate", "p95").replace("< 5 %", "< 1 s")
    assert held(made, tmp_path, body, frame).judgements[0].result.samples == 80


def test_an_event_whose_beginning_nobody_knows_has_no_time(made: Any, tmp_path: Path) -> None:
    frame = made.added(pushes(made, 20, "ok", response_time_ms=None))
    result = held(made, tmp_path, 'stat = "p95"\nkind = "push"\nhigh = "< 1 s"', frame).judgements[0].result
    assert (result.outcome, result.samples) == (Outcome.PASS, OWED)


# -- runs without sessions ---------------------------------------------------------------------------------------------

LIMITS = {
    "of events": 'stat = "lost"\nhigh = "= 0"',
    "of sessions": 'stat = "dropped"\nhigh = "= 0"',
    "of their time": 'stat = "p95"\nkind = "push"\nhigh = "< 1 s"',
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_run_whose_steps_wait_for_events_must_have_some(made: Any, tmp_path: Path, limit: str) -> None:
    found = held(made, tmp_path, LIMITS[limit], made.without(without_sockets))
    outcomes = {judgement.result.outcome for judgement in found.judgements}
    assert found.unmatched or outcomes == {Outcome.INCONCLUSIVE}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_run_whose_steps_wait_for_none_is_not_held_to_it(made: Any, tmp_path: Path, limit: str) -> None:
    scope = tuple(name for name in made.run().scope if name.workflow == "analytics")
    found = held(made, tmp_path, LIMITS[limit], made.without(without_sockets), scope=scope)
    assert (found.judgements, found.unmatched) == ((), ())


def test_a_step_that_waits_for_an_event_and_saw_none_is_undecided(made: Any, tmp_path: Path) -> None:
    body = 'each = "step"\nstat = "error_rate"\nkind = "push"\nhigh = "< 5 %"'

    def of_orders(frame: pd.DataFrame) -> Any:
        return (frame["kind"] == Kind.PUSH) & (frame["workflow"] == "order_management")

    found = held(made, tmp_path, body, made.without(of_orders))
    by_step = {judgement.result.scope.step: judgement.result.outcome for judgement in found.judgements}
    assert by_step == {
        "realtime_updates": Outcome.PASS,
        "customer_interaction": Outcome.PASS,
        "order_notification": Outcome.INCONCLUSIVE,
        "automated_upgrade": Outcome.PASS,
    }


# -- requests stay what they are ---------------------------------------------------------------------------------------

SOCKET_STATS = ("lost", "lost_ratio", "dropped", "dropped_ratio")
SPOILT: dict[str, Callable[[Any], pd.DataFrame]] = {
    "none at all": lambda made: made.without(without_sockets),
    "slow ones": lambda made: made.changed(without_sockets, response_time_ms=60_000.0),
    "lost ones": lambda made: made.changed(without_sockets, outcome="lost", response_time_ms=None),
    "refused ones": lambda made: made.changed(without_sockets, outcome="refused"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_no_figure_of_requests_moves_with_sockets(made: Any, case: str) -> None:
    before = judge(made.good(), made.shipped, PLAIN)
    after = judge(made.good(samples=SPOILT[case](made)), made.shipped, PLAIN)
    assert after.totals == before.totals
    assert after.workflows == before.workflows
    assert [(step.samples, step.p95_ms, step.error_ratio) for step in after.steps] == [
        (step.samples, step.p95_ms, step.error_ratio) for step in before.steps
    ]
    seen = [
        [result.observed for result in each.results if result.scope.kind != "push" and result.stat not in SOCKET_STATS]
        for each in (before, after)
    ]
    assert len(seen[0]) > 100
    assert seen[0] == seen[1]


# -- events nobody was owed --------------------------------------------------------------------------------------------


def test_events_nobody_was_owed_stand_for_none_that_was(made: Any) -> None:
    """Else a server that tells much nobody asked for could lose what it owes, and be quick on the average."""
    lost = [made.socket_row("push", route="new_order", outcome="lost", response_time_ms=None) for _ in range(3)]
    strays = [made.socket_row("push", route="notification", iteration=-1, response_time_ms=0.1) for _ in range(5_000)]
    with_strays = made.added([*lost, *strays])
    assert figure(made, "lost_ratio", with_strays) == figure(made, "lost_ratio", made.added(lost))
    before, after = (
        judge(made.good(samples=samples), made.shipped, PLAIN) for samples in (made.added(lost), with_strays)
    )
    pushes = [
        next(result.observed for result in each.results if result.scope.kind == "push" and result.stat == "p95")
        for each in (before, after)
    ]
    assert pushes[0] == pushes[1]
    assert after.realtime is not None
    assert before.realtime is not None
    assert (after.realtime.pushes, after.realtime.unasked) == (before.realtime.pushes, 5_000)


def test_a_stray_event_of_another_is_a_leak_all_the_same(made: Any) -> None:
    leak = made.socket_row("push", route="notification", iteration=-1, outcome="wrong_body")
    assert figure(made, "wrong_body", made.added([leak])).value == 1


def test_errors_of_events_are_shares_of_what_was_owed(made: Any) -> None:
    pushes = made.frame([
        made.socket_row("push", outcome="lost", response_time_ms=None),
        made.socket_row("push"),
        *(made.socket_row("push", iteration=-1) for _ in range(8)),
    ])  # fmt: skip
    assert error_ratio(pushes).value == 0.5
