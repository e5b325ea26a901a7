from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.generator import busiest, generator_doubts
from analysis.verdict import Doubt, Window

WINDOW = Window(10.0, 75.0, "")


def doubts(made: Any, generator: pd.DataFrame, processes: tuple[int, ...] = (0,)) -> list[Doubt]:
    info = made.run().generator.model_copy(update={"processes": processes})
    return list(generator_doubts(made.run(generator=info), generator, WINDOW))


def spiked(made: Any, column: str, value: float, begin_s: int, end_s: int) -> pd.DataFrame:
    """Return the good series with another value in rows from `begin_s` to before `end_s`."""
    frame = made.generator((0,))
    frame.loc[begin_s : end_s - 1, column] = value
    return frame


def test_a_quiet_generator_raises_no_doubt(made: Any) -> None:
    assert doubts(made, made.generator((0, 1)), (0, 1)) == []


def test_ten_busy_seconds_inside_the_window_invalidate(made: Any) -> None:
    found = doubts(made, spiked(made, "cpu_ratio", 0.9, 31, 41))

    assert [(doubt.name, doubt.figure, doubt.invalidates) for doubt in found] == [
        ("generator_cpu", "process 0: 90 % of a core at 40 s", True)
    ]
    assert found[0].rule == "at most 85 % of a core over any 10 s"


def test_nine_busy_seconds_among_idle_ones_do_not(made: Any) -> None:
    # (9 * 0.9 + 1 * 0.4) / 10 = 0.85
    assert doubts(made, spiked(made, "cpu_ratio", 0.9, 31, 40)) == []


@pytest.mark.parametrize(("begin_s", "invalidates"), [(1, False), (8, False), (9, True)])
def test_a_busy_stretch_that_began_in_the_ramp_is_told_and_does_not_invalidate(
    made: Any, begin_s: int, *, invalidates: bool
) -> None:
    # of the ten seconds from 10 s on, 7 are busy when it began at 8 s: 0.82; 8 when it began at 9 s: 0.88
    found = doubts(made, spiked(made, "cpu_ratio", 1.0, begin_s, begin_s + 10))

    assert [(doubt.name, doubt.invalidates) for doubt in found] == [("generator_cpu", invalidates)]


def test_what_a_process_does_after_the_load_is_no_doubt(made: Any) -> None:
    frame = pd.concat([made.generator((0,)), made.generator((0,), cpu_ratio=1.0).assign(at_s=lambda f: f.at_s + 76)])

    assert doubts(made, frame) == []


def test_the_busy_process_is_named(made: Any) -> None:
    frame = pd.concat([made.generator((0,)), made.generator((1,), cpu_ratio=0.9)])

    assert [doubt.figure for doubt in doubts(made, frame, (0, 1))] == ["process 1: 90 % of a core at 10 s"]


@pytest.mark.parametrize("recorded", [(), (7,)], ids=["its own figures", "its samples"])
def test_process_nobody_announced_is_suspected_like_the_others(made: Any, recorded: tuple[int, ...]) -> None:
    own = made.generator((7,), cpu_ratio=1.0).iloc[:60] if not recorded else made.generator(())
    found = generator_doubts(made.run(), pd.concat([made.generator((0,)), own]), WINDOW, recorded)
    assert {doubt.name for doubt in found} == {"generator_unmeasured"} | ({"generator_cpu"} if not recorded else set())


def test_busiest_weighs_rows_by_the_time_they_cover() -> None:
    ends_s = np.array([0.0, 2.0, 12.0, 14.0])
    # until 12 s: 10 s at 0.9 from 2 s on; until 14 s: from 2 s, (10 * 0.9 + 2 * 0.3) / 12
    ratios = busiest(ends_s, np.array([0.1, 1.0, 0.9, 0.3]))

    assert ratios.tolist()[2:] == [0.9, 0.8]
    assert np.isnan(ratios[:2]).all()


def test_busiest_of_nothing_is_nothing() -> None:
    assert busiest(np.array([]), np.array([])).tolist() == []


@pytest.mark.parametrize(("late_s", "found"), [(3, []), (4, ["loop_lag"])])
def test_a_loop_late_in_more_than_one_second_of_twenty_is_late(made: Any, late_s: int, found: list[str]) -> None:
    # 65 rows lie inside the window; the 95th percentile of them is between the 61st and the 62nd, 4 from the top
    assert [doubt.name for doubt in doubts(made, spiked(made, "lag_p99_ms", 500.0, 20, 20 + late_s))] == found


def test_a_loop_late_in_the_ramp_only_is_no_doubt(made: Any) -> None:
    assert doubts(made, spiked(made, "lag_p99_ms", 500.0, 0, 10)) == []


@pytest.mark.parametrize(("unwatched_s", "found"), [(4, []), (5, ["generator_unmeasured"])])
def test_a_process_not_watched_for_more_than_five_seconds_is_not_measured(
    made: Any, unwatched_s: int, found: list[str]
) -> None:
    # rows at 29 s and at 30 + unwatched_s remain
    frame = made.generator((0,)).drop(index=range(30, 30 + unwatched_s))

    assert [doubt.name for doubt in doubts(made, frame)] == found


@pytest.mark.parametrize("column", ["cpu_ratio", "lag_p99_ms"])
def test_a_figure_that_is_never_known_is_not_measured(made: Any, column: str) -> None:
    found = doubts(made, spiked(made, column, float("nan"), 0, 76))

    assert [(doubt.name, doubt.figure) for doubt in found] == [
        ("generator_unmeasured", "process 0: no figures for 65 s")
    ]


def test_without_a_window_the_generator_is_not_asked(made: Any) -> None:
    assert list(generator_doubts(made.run(), made.generator((), cpu_ratio=1.0), None)) == []


# -- what else a generator can be short of -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "doubt"),
    [
        ("cpu_wait_ratio", 0.26, ("generator_starved", "process 0: 26 % of a core at 10 s", True)),
        ("gc_pause_ms", 11.0, ("generator_gc", "process 0: 1.1 % of the time, the longest 0.5 ms", True)),
        ("files", 980, ("generator_files", "process 0: 980 files open, 95.7 % of what may be", True)),
        ("memory_free_ratio", 0.015, ("generator_memory", "process 0: 1.5 % of its machine's", True)),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_generator_short_of_something_all_the_time_is_named(
    made: Any, column: str, value: float, doubt: tuple[str, str, bool]
) -> None:
    found = doubts(made, spiked(made, column, value, 0, 76))
    assert [(each.name, each.figure, each.invalidates) for each in found] == [doubt]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("cpu_wait_ratio", 0.25),
        ("gc_pause_ms", 9.9),
        ("gc_pause_max_ms", 100.0),
        ("files", 972),
        ("memory_free_ratio", 0.02),
    ],
)
def test_a_generator_that_just_had_enough_is_no_doubt(made: Any, column: str, value: float) -> None:
    assert doubts(made, spiked(made, column, value, 0, 76)) == []


def test_one_long_pause_for_garbage_is_told_and_does_not_invalidate(made: Any) -> None:
    found = doubts(made, spiked(made, "gc_pause_max_ms", 140.0, 30, 31))
    assert [(each.name, each.figure, each.invalidates) for each in found] == [
        ("generator_gc", "process 0: 0.1 % of the time, the longest 140 ms", False)
    ]


def test_a_generator_starved_in_the_ramp_only_is_told_and_does_not_invalidate(made: Any) -> None:
    found = doubts(made, spiked(made, "cpu_wait_ratio", 0.9, 0, 11))
    assert [(each.name, each.invalidates) for each in found] == [("generator_starved", False)]


@pytest.mark.parametrize("column", ["gc_pause_max_ms", "files", "memory_free_ratio"])
def test_what_a_generator_lacked_in_the_ramp_only_is_no_doubt(made: Any, column: str) -> None:
    value = {"gc_pause_max_ms": 900.0, "files": 1_024.0, "memory_free_ratio": 0.0}[column]
    assert doubts(made, spiked(made, column, value, 0, 10)) == []


@pytest.mark.parametrize(("step_ms", "figure"), [(-2_500.0, "by -2,500 ms at once"), (101.0, "by +101 ms at once")])
def test_a_clock_set_at_any_time_of_the_run_invalidates(made: Any, step_ms: float, figure: str) -> None:
    found = doubts(made, spiked(made, "clock_step_ms", step_ms, 2, 3))
    assert [(each.name, each.figure, each.invalidates) for each in found] == [
        ("clock_stepped", f"process 0: {figure}", True)
    ]


def test_a_clock_that_is_only_slewed_is_no_doubt(made: Any) -> None:
    assert doubts(made, spiked(made, "clock_step_ms", 100.0, 0, 76)) == []


def test_an_older_log_that_knows_none_of_this_raises_no_doubt(made: Any) -> None:
    unknown = ["gc_pause_ms", "gc_pause_max_ms", "files", "files_limit", "memory_free_ratio", "clock_step_ms"]
    unknown += ["cpu_wait_ratio"]
    assert doubts(made, made.generator((0,)).assign(**dict.fromkeys(unknown, float("nan")))) == []
