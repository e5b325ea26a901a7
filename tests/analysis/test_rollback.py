from typing import Any

import pandas as pd
import pytest

from analysis.rollback import rollback_reasons
from runlog.run import EndedBy

N = None
DOWN = {
    "up all the time": ("health.cache", [1, 1, 1, 1], []),
    "down at the end": ("health.cache", [1, 1, 0, 0], ["cache went down: health.cache not up in its last 2 answers"]),
    "silent at the end": ("health.cache", [1, 1, 0, N], ["cache went down: health.cache not up in its last 2 answers"]),
    "one missed answer at the end": ("health.cache", [1, 1, 1, 0], []),
    "down in between": ("health.cache", [1, 0, 0, 1], []),
    "down from the first": ("health.cache", [0, 0, 0, 0], []),
    "never answered": ("health.cache", [N, N, N, N], []),
    "silent at first, then up, then down": (
        "health.cache",
        [N, 1, 0, 0],
        ["cache went down: health.cache not up in its last 2 answers"],
    ),
    "asked only once": ("health.cache", [0], []),
    "database down from the first": (
        "health.database",
        [0, 0],
        ["database unreachable: health.database not up in its last 2 answers"],
    ),
    "database up": ("health.database", [0, 1, 1], []),
    "a monitor that is no health check": ("memory", [1, 0, 0], []),
}


def series(made: Any, name: str, values: list[float | None], every_s: float = 5.0) -> pd.DataFrame:
    frame = made.monitors({name: 0.0}).iloc[: len(values)].copy()
    frame["value"] = pd.array(values, dtype="Float64").to_numpy(float, na_value=float("nan"))
    frame["at_s"] = [made.start_s + position * every_s for position in range(len(values))]
    return frame


@pytest.mark.parametrize("case", DOWN)
def test_a_system_that_went_down_calls_for_a_rollback(made: Any, case: str) -> None:
    name, values, reasons = DOWN[case]

    assert list(rollback_reasons(made.run(), (), series(made, name, values))) == reasons


def test_what_is_asked_after_the_load_ended_does_not_count(made: Any) -> None:
    frame = series(made, "health.cache", [1, 1, 0, 0], every_s=30.0)  # 0, 30, 60 and 90 s of 75

    assert rollback_reasons(made.run(), (), frame) == ()
    assert len(rollback_reasons(made.run(ended_at_s=None), (), frame)) == 1


def test_a_blown_fuse_is_a_trigger_with_its_reason(made: Any) -> None:
    run = made.run(ended_by=EndedBy.FUSE)

    assert rollback_reasons(run, (), made.monitors({})) == ("target lost: the fuse blew",)
