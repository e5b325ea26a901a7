"""Figures of requests: the median of ratios of rounds, held against the targets; what is kept can be written down."""

import json
from dataclasses import asdict

import pytest

from bench.http.__main__ import figures_of, settings_of
from bench.http.measuring import CLIENTS, Cost
from bench.http.server import ANSWER_BYTES, answer


def a_round(ours_us: float) -> dict[str, Cost]:
    costs = {"ours": ours_us, "k6_csv": 100.0, "k6": 80.0, "fasthttpuser": 200.0}
    return {name: Cost(name, costs[name], 10_000.0, 80_000, None) for name in CLIENTS}


def test_ratio_is_the_median_of_the_rounds_ratios() -> None:
    figures = {each.name: each for each in figures_of([a_round(30.0), a_round(40.0), a_round(90.0)], 1.0)}
    assert [figures[name].value for name in ("cpu_vs_k6_csv", "cpu_vs_k6", "cpu_vs_fasthttpuser")] == [0.4, 0.5, 0.2]
    assert all(each.holds for each in figures.values())


@pytest.mark.parametrize(
    ("ours_us", "recording_us", "missed"), [(46.0, 1.0, "cpu_vs_k6_csv"), (10.0, 1.6, "recording_us")]
)
def test_target_that_is_missed_is_said(ours_us: float, recording_us: float, missed: str) -> None:
    figures = figures_of([a_round(ours_us)], recording_us)
    assert [each.name for each in figures if not each.holds] == [missed]


def test_everything_kept_can_be_written() -> None:
    json.dumps([settings_of(), {name: asdict(each) for name, each in a_round(1.0).items()}])


def test_answer_of_the_server_has_its_size() -> None:
    assert len(answer()) == ANSWER_BYTES
    assert json.loads(answer())["success"] is True
