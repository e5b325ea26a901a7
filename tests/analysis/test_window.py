from typing import Any

import pytest

from analysis.verdict import Window
from analysis.window import cut, steady
from runlog.run import EndedBy

NO_RAMP = {"ramp_s": None}


def test_the_ramp_is_what_the_profile_says_even_when_spawning_was_sooner(made: Any) -> None:
    evidence = made.good()

    window = cut(evidence.run, evidence.samples).window

    assert window == Window(10.0, 75.0, "from 10 s, the ramp of the load profile; to 75 s, when load ended")


def test_without_a_ramp_of_the_profile_it_is_what_spawning_took(made: Any) -> None:
    run = made.run(load_profile=made.profile(**NO_RAMP), spawned_at_s=made.start_s + 4.25)

    where = cut(run, made.good().samples)

    assert where.window is not None
    assert where.window.start_s == 4.25
    assert where.rule.startswith("from 4.25 s, when the last seller had been spawned; ")
    assert where.steady_s == 70.75


def test_when_spawning_never_finished_nothing_is_steady(made: Any) -> None:
    where = cut(made.run(load_profile=made.profile(**NO_RAMP), spawned_at_s=None), made.good().samples)

    assert where.window is None
    assert where.steady_s == 0
    assert not where.long_enough
    assert where.rule == "spawning never finished, so nothing is steady; to 75 s, when load ended"


def test_a_run_without_an_end_is_cut_at_its_last_sample(made: Any) -> None:
    samples = made.frame([made.row(sent_at_s=12.0), made.row(sent_at_s=30.5)])

    where = cut(made.run(ended_at_s=None, ended_by=None), samples)

    assert where.window is not None
    assert where.window.end_s == 30.5
    assert where.rule.endswith("; to 30.5 s, the last sample of a run without an end")


def test_a_run_without_an_end_and_without_samples_has_no_window(made: Any) -> None:
    where = cut(made.run(ended_at_s=None, ended_by=None), made.frame([]))

    assert where.window is None
    assert where.rule.endswith("; without an end and without samples")


@pytest.mark.parametrize(
    "changes",
    [
        {"ended_at_s": 10.0, "ended_by": EndedBy.SIGNAL},
        {"ended_at_s": 3.0, "ended_by": EndedBy.SIGNAL},
        {"ended_at_s": float("inf")},
        {"ended_at_s": float("nan")},
    ],
    ids=["ends with the ramp", "ends in the ramp", "never ends", "no time"],
)
def test_a_run_that_ends_no_later_than_its_ramp_has_no_window(made: Any, changes: dict[str, Any]) -> None:
    changes["ended_at_s"] += made.start_s

    assert cut(made.run(**changes), made.good().samples).window is None


@pytest.mark.parametrize(
    ("sent_at_s", "inside"), [(9.999, False), (10.0, True), (74.999, True), (75.0, False), (-3.0, False)]
)
def test_a_sample_belongs_where_it_was_sent(made: Any, sent_at_s: float, *, inside: bool) -> None:
    """The start is inside, the end is not; when an answer came does not matter."""
    frame = made.frame([made.row(sent_at_s=sent_at_s, response_time_ms=30_000.0)])

    assert len(steady(frame, made.run(), Window(10.0, 75.0, ""))) == int(inside)


def test_without_a_window_no_sample_is_steady(made: Any) -> None:
    assert steady(made.good().samples, made.run(), None).empty


@pytest.mark.parametrize(("ramp_s", "enough"), [(65.0, True), (65.001, False)])
def test_ten_seconds_are_long_enough(made: Any, ramp_s: float, *, enough: bool) -> None:
    assert cut(made.run(load_profile=made.profile(ramp_s=ramp_s)), made.good().samples).long_enough is enough
