import math
from itertools import islice, pairwise, takewhile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlog.run import ArrivalPlan
from settings.arrivals import expected, schedule
from settings.problem import UsageProblem
from settings.profile import load_profile

PROFILE = """
format = 1
[quick]
description = "A quick look"
sellers = 20
spawn_per_s = 4
ramp = "5 s"
duration = "1 min"
[quick.arrivals]
"""
RUN_S = 60.0
Corners = tuple[tuple[float, float], ...]


def plan(path: Path, arrivals: str) -> ArrivalPlan:
    path.write_text(PROFILE + arrivals, "utf-8")
    read = load_profile("quick", path).arrivals
    assert read is not None
    return read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profiles.toml"


@pytest.mark.parametrize(
    ("arrivals", "rates"),
    [
        pytest.param('shape = "constant"\nrate = 5', ((0, 5),), id="constant"),
        pytest.param('shape = "poisson"\nrate = 0.5', ((0, 0.5),), id="poisson"),
        pytest.param('shape = "ramp"\nrate = 0\nend_rate = 10', ((0, 0), (60, 10)), id="ramp"),
        pytest.param(
            'shape = "steps"\nsteps = [{ at = "0 s", rate = 1 }, { at = "30 s", rate = 4 }]',
            ((0, 1), (30, 1), (30, 4)),
            id="steps",
        ),
        pytest.param(
            'shape = "spike"\nrate = 2\npeak_rate = 20\npeak_at = "0.5 min"\npeak_lasts = "5 s"',
            ((0, 2), (30, 2), (30, 20), (35, 20), (35, 2)),
            id="spike",
        ),
    ],
)
def test_every_shape_is_read_into_its_corners(
    path: Path, arrivals: str, rates: tuple[tuple[float, float], ...]
) -> None:
    read = plan(path, arrivals)
    assert read.rates == rates
    assert read.drop_after_s == 5
    assert plan(path, f'{arrivals}\ndrop_after = "250 ms"').drop_after_s == 0.25


SPIKE = 'shape = "spike"\nrate = 2\npeak_rate = 20\npeak_at = "30 s"\npeak_lasts = "5 s"'


@pytest.mark.parametrize(
    ("arrivals", "message"),
    [
        pytest.param("rate = 5", "quick: arrivals: missing key 'shape'", id="no-shape"),
        pytest.param(
            'shape = "sawtooth"\nrate = 5',
            "quick: arrivals: shape: 'sawtooth' is not accepted; "
            "accepted: 'constant', 'ramp', 'poisson', 'steps' or 'spike'",
            id="unknown-shape",
        ),
        pytest.param(
            'shape = "constant"\nrat = 5',
            "quick: arrivals: unknown key 'rat'; did you mean 'rate'?",
            id="misspelt",
        ),
        pytest.param(
            'shape = "ramp"\nrate = 5',
            "quick: arrivals: missing key 'end_rate'; shape 'ramp' needs rate, end_rate",
            id="half-a-ramp",
        ),
        pytest.param(
            'shape = "constant"\nrate = 5\nend_rate = 7',
            "quick: arrivals: key 'end_rate' is not of shape 'constant'; accepted: rate",
            id="key-of-another-shape",
        ),
        pytest.param(
            'shape = "constant"\nrate = -1',
            "quick: arrivals: rate: -1: input should be greater than or equal to 0",
            id="negative-rate",
        ),
        pytest.param('shape = "constant"\nrate = nan', "quick: arrivals: rate: nan is not a finite number", id="nan"),
        pytest.param(
            'shape = "constant"\nrate = 0',
            "quick: arrivals: not one pass begins in 60 s; accepted: higher rates",
            id="nobody-comes",
        ),
        pytest.param(
            'shape = "constant"\nrate = 5\ndrop_after = 5',
            "quick: arrivals: drop_after: 5 has no unit, expected a time ('ms', 's', 'min', 'h')",
            id="patience-without-unit",
        ),
        pytest.param(
            'shape = "steps"\nsteps = []',
            "quick: arrivals: steps: a list: list should have at least 1 item after validation, not 0",
            id="no-steps",
        ),
        pytest.param(
            'shape = "steps"\nsteps = [{ at = "1 s", rate = 2 }]',
            "quick: arrivals: steps: the first is at 1 s; accepted: 0 s",
            id="late-first-step",
        ),
        pytest.param(
            'shape = "steps"\nsteps = [{ at = "0 s", rate = 2 }, { at = "9 s", rate = 3 }, { at = "8 s", rate = 4 }]',
            "quick: arrivals: steps: 8 s comes after 9 s; accepted: in order",
            id="steps-out-of-order",
        ),
        pytest.param(
            'shape = "steps"\nsteps = [{ at = "0 s", rte = 2 }]',
            "quick: arrivals: steps 1: unknown key 'rte'; did you mean 'rate'?",
            id="misspelt-in-a-step",
        ),
        pytest.param(
            SPIKE.replace('"30 s"', '"56 s"'),
            "quick: arrivals: 61 s is after the run's end; accepted: up to 60 s",
            id="spike-after-the-end",
        ),
        pytest.param(SPIKE.replace('"5 s"', '"0 s"'), "quick: arrivals: peak_lasts: 0 is not above 0", id="no-spike"),
    ],
)
def test_refused_in_one_line(path: Path, arrivals: str, message: str) -> None:
    path.write_text(PROFILE + arrivals, "utf-8")
    with pytest.raises(UsageProblem) as refusal:
        load_profile("quick", path)
    assert str(refusal.value) == f"{path}: {message}"


def test_spike_that_ends_with_the_run_fits(path: Path) -> None:
    assert plan(path, SPIKE.replace('"30 s"', '"55 s"')).rates[-1] == (60, 2)


# -- the schedule ------------------------------------------------------------------------------------------------------

rates = st.floats(0, 50, allow_nan=False).map(lambda rate: round(rate, 3))
lengths = st.floats(0, 20, allow_nan=False).map(lambda length: round(length, 3))


@st.composite
def plans(draw: st.DrawFn, shapes: tuple[str, ...] = ("ramp", "poisson")) -> ArrivalPlan:
    """Any corners, jumps and silences among them; only what is no Poisson process is told by its shape."""
    corners, at_s = [(0.0, draw(rates))], 0.0
    for length in draw(st.lists(lengths, max_size=5)):
        at_s = round(at_s + length, 3)
        corners.append((at_s, draw(rates)))
    return ArrivalPlan(shape=draw(st.sampled_from(shapes)), rates=tuple(corners), drop_after_s=5)  # type: ignore[arg-type]


def until(plan: ArrivalPlan, seed: int, until_s: float, *share: int) -> list[float]:
    return list(takewhile(lambda at_s: at_s <= until_s, schedule(plan, seed, *share)))


def integral(plan: ArrivalPlan, until_s: float) -> float:
    """The slow oracle: the rate at the middle of twenty thousand slices."""

    def rate(at_s: float) -> float:
        for (from_s, first), (to_s, last) in pairwise(plan.rates):
            if from_s <= at_s < to_s:
                return first + (last - first) * (at_s - from_s) / (to_s - from_s)
        return plan.rates[-1][1]

    slices = 20_000
    return sum(rate((number + 0.5) * until_s / slices) for number in range(slices)) * until_s / slices


@given(plans(), st.integers(0, 9))
def test_schedule_is_in_order_within_the_run_and_the_same_again(plan: ArrivalPlan, seed: int) -> None:
    times = until(plan, seed, RUN_S)
    assert times == sorted(times)
    assert all(0 <= at_s <= RUN_S for at_s in times)
    assert times == until(plan, seed, RUN_S)


@given(plans(shapes=("ramp",)), st.floats(0.5, 120))
def test_count_is_the_integral_of_the_rate(plan: ArrivalPlan, until_s: float) -> None:
    """An arrival stands in the middle of its share of the integral: rounded, the one is the other."""
    assert abs(len(until(plan, 1, until_s)) - expected(plan, until_s)) <= 0.5 + 1e-6


@pytest.mark.parametrize("until_s", [3.0, 10.0, 33.0, 60.0])
def test_expected_is_the_integral_of_the_rate(until_s: float) -> None:
    plan = ArrivalPlan(shape="ramp", rates=((0, 4), (10, 20), (10, 0), (30, 0), (30, 8), (40, 2)), drop_after_s=5)
    assert expected(plan, until_s) == pytest.approx(
        integral(plan, until_s), abs=0.05
    )  # a slice with a jump is wrong by as much


@given(plans(), st.integers(0, 9), st.integers(1, 5))
def test_parts_of_several_processes_are_the_schedule_of_one(plan: ArrivalPlan, seed: int, parts: int) -> None:
    shares = [until(plan, seed, RUN_S, part, parts) for part in range(parts)]
    assert sorted(at_s for share in shares for at_s in share) == until(plan, seed, RUN_S)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_constant_arrivals_keep_their_distance() -> None:
    plan = ArrivalPlan(shape="constant", rates=((0, 4),), drop_after_s=5)
    assert list(islice(schedule(plan, 1), 4)) == [0.125, 0.375, 0.625, 0.875]


def test_rate_that_ends_at_zero_ends_the_schedule() -> None:
    plan = ArrivalPlan(shape="ramp", rates=((0, 2), (10, 0)), drop_after_s=5)
    times = list(schedule(plan, 1))
    assert len(times) == 10  # a triangle: 2 / s x 10 s / 2
    # 2t - t²/10 = ½, so t = 10 - √95
    assert times[0] == pytest.approx(10 - math.sqrt(95))


def test_gaps_of_a_poisson_process_are_exponential() -> None:
    """Kolmogorov and Smirnov: 20 000 gaps leave the exponential by 0.0115 with a chance of 1 %; the seed is fixed."""
    plan = ArrivalPlan(shape="poisson", rates=((0, 8),), drop_after_s=5)
    times = [0.0, *islice(schedule(plan, 42), 20_000)]
    gaps = sorted(after - before for before, after in pairwise(times))
    furthest = max(abs((rank + 0.5) / len(gaps) - (1 - math.exp(-8 * gap))) for rank, gap in enumerate(gaps))
    assert furthest < 0.0115
    assert sum(gaps) / len(gaps) == pytest.approx(1 / 8, rel=0.02)


def test_another_seed_has_other_poisson_arrivals_and_the_same_regular_ones() -> None:
    for shape, same in (("poisson", False), ("constant", True)):
        plan = ArrivalPlan(shape=shape, rates=((0, 8),), drop_after_s=5)  # type: ignore[arg-type]
        assert (until(plan, 1, RUN_S) == until(plan, 2, RUN_S)) is same
