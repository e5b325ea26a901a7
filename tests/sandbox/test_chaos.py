"""Let faults strike by clock and by share."""

from collections import Counter

import pytest

from sandbox.chaos import Chaos
from sandbox.faults import parse_fault


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def chaos_of(*faults: str, seed: int = 1) -> tuple[Chaos, Counter[str], Clock]:
    counts: Counter[str] = Counter()
    clock = Clock()
    return Chaos([parse_fault(text) for text in faults], counts, seed, clock), counts, clock


def test_share_of_requests_hit_is_the_percentage() -> None:
    chaos, _, _ = chaos_of("error_rate=10%")
    hits = sum(chaos.strikes("error_rate") for _ in range(10_000))
    assert 900 < hits < 1100  # ±3.3 standard deviations of a binomial with n = 10,000, p = 0.1


def test_same_seed_draws_the_same_requests() -> None:
    draws = [
        [chaos.strikes("error_rate") for _ in range(200)]
        for chaos, _, _ in (chaos_of("error_rate=30%"), chaos_of("error_rate=30%"), chaos_of("error_rate=30%", seed=2))
    ]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize(("at_s", "strikes"), [(29.9, False), (30.0, True), (59.9, True), (60.0, False)])
def test_windowed_fault_strikes_only_inside(at_s: float, *, strikes: bool) -> None:
    chaos, _, clock = chaos_of("error_rate=100%@30-60s", "cache_off@30-60s", "health=cache:down@30-60s")
    clock.now_s += at_s
    assert chaos.strikes("error_rate") is strikes
    assert chaos.switched("cache_off") is strikes
    assert chaos.is_down("cache") is strikes
    assert chaos.is_down("database") is False


@pytest.mark.parametrize(("at_s", "held_s"), [(19.9, 0), (20.0, 2), (21.5, 0.5), (22.0, 0)])
def test_stall_holds_answers_until_its_end(at_s: float, held_s: float) -> None:
    chaos, counts, clock = chaos_of("stall=2s@20s")
    clock.now_s += at_s
    assert chaos.hold_s() == pytest.approx(held_s)
    assert counts["stall"] == (1 if held_s else 0)


def test_slow_step_delays_that_step_and_no_other() -> None:
    chaos, counts, _ = chaos_of("slow_step=store.store_page:+250ms")
    assert chaos.delay_s("store.store_page") == 0.25
    assert chaos.delay_s("store.customization") == 0
    assert chaos.delay_s(None) == 0
    assert counts == {"slow_step": 1}
