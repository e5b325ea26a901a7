"""Every statistic against numbers derived by hand, against plain numpy, and against what must always be true."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.limits import Better, Limit
from analysis.statistics import STATISTICS, percentile_needed, ratio_needed

BAD = (
    *("check_failed", "wrong_body", "stale", "http_error", "timeout", "connect_error", "lost", "refused"),
    *("abandoned", "harness_error"),
)


def samples(*outcomes: str, times_ms: list[float | None] | None = None, cache: list[str] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "kind": pd.Categorical(["http"] * len(outcomes)),
            "sent_at_s": np.zeros(len(outcomes)),
            "intended_at_s": np.full(len(outcomes), np.nan),
            "iteration": np.zeros(len(outcomes), dtype=np.int32),
            "outcome": pd.Categorical(outcomes),
            "response_time_ms": np.array(times_ms or [100.0] * len(outcomes), dtype=np.float32),
            "cache": pd.Categorical(cache or ["none"] * len(outcomes)),
            "computed": np.full(len(outcomes), None, dtype=object),
        }
    )


def figure(stat: str, frame: pd.DataFrame, window_s: float = 20.0) -> tuple[float | None, int]:
    measured = STATISTICS[stat].measure(frame, window_s)
    return measured.value, measured.samples


# ok samples and one timeout; what failed fast, was throttled or cut is no latency
MIXED = samples(
    *("ok", "ok", "ok", "timeout", "http_error", "throttled", "aborted"),
    times_ms=[10.0, 20.0, 30.0, 40.0, 1.0, 2.0, 9999.0],
)

BY_HAND = {
    # type 7 over 10, 20, 30, 40: rank 1 + 3 q
    "mean": 25.0,
    "p50": 25.0,  # rank 2.5
    "p75": 32.5,  # rank 3.25
    "p90": 37.0,  # rank 3.7
    "p95": 38.5,  # rank 3.85
    "p99": 39.7,  # rank 3.97
    "p99.9": 39.97,  # rank 3.997
    "max": 40.0,
}


@pytest.mark.parametrize("stat", BY_HAND)
def test_latency_is_of_ok_samples_and_timeouts_only(stat: str) -> None:
    value, count = figure(stat, MIXED)

    assert value == pytest.approx(BY_HAND[stat], rel=1e-12)
    assert count == 4


def test_the_p95_of_sixty_samples_is_type_7_of_the_nine_definitions() -> None:
    times = [float(number) for number in range(1, 61)]  # rank 1 + 59 · 0.95 = 57.05

    assert figure("p95", samples(*["ok"] * 60, times_ms=times)) == (pytest.approx(57.05), 60)


def test_a_column_of_32_bits_is_summed_in_64() -> None:
    """The sum of 200,000 such times in float32 is off by more than a tenth of a millisecond each."""
    times = np.full(200_000, 1234.5678, dtype=np.float32)

    value, _ = figure("mean", samples(*["ok"] * len(times), times_ms=times.tolist()))

    assert value == pytest.approx(float(np.float32(1234.5678)), abs=1e-9)


@pytest.mark.parametrize("stat", [*BY_HAND, "apdex"])
def test_a_time_that_is_unknown_makes_the_figure_unknown(stat: str) -> None:
    value, count = figure(stat, samples("ok", "ok", times_ms=[1.0, None]))

    assert value is None or np.isnan(value)
    assert count == 2


@pytest.mark.parametrize("stat", [stat for stat in STATISTICS if stat != "throughput"])
def test_nothing_measured_is_unknown_not_zero(stat: str) -> None:
    assert figure(stat, samples()) == (None, 0)


@pytest.mark.parametrize("outcome", BAD)
def test_every_outcome_but_ok_throttled_and_aborted_is_an_error(outcome: str) -> None:
    assert figure("error_rate", samples("ok", "ok", "ok", outcome, "throttled", "aborted")) == (0.25, 4)


def test_throttled_is_a_share_of_everything_but_aborted() -> None:
    assert figure("throttled_ratio", samples("ok", "http_error", "throttled", "throttled", "aborted")) == (0.5, 4)


def test_throughput_counts_ok_answers_over_the_window() -> None:
    frame = samples(*["ok"] * 30, *["http_error"] * 5)

    assert figure("throughput", frame, 20.0) == (1.5, 30)
    assert figure("throughput", frame, 10.0) == (3.0, 30)
    assert figure("throughput", frame, 9.99) == (None, 30)
    assert figure("throughput", samples(), 20.0) == (0.0, 0)


def test_cache_hits_are_a_share_of_hits_and_misses() -> None:
    cache = ["hit", "hit", "hit", "miss", "bypass", "none"]

    assert figure("cache_hit_rate", samples(*["ok"] * 6, cache=cache)) == (0.75, 4)


@pytest.mark.parametrize(
    ("computed", "ratio"),
    [
        ([None, None, None, None], 0.75),
        ([False, False, False, True], 0.75),
        ([True, False, None, True], 0.5),  # one of three claimed hits was made for its own request
        ([True, True, True, None], 0.0),
        ([None, None, None, False], 0.75),  # a cache inside is not the one the header speaks of
    ],
    ids=["no body says", "bodies agree", "one lie", "all lies", "hidden cache"],
)
def test_a_claimed_hit_whose_body_was_computed_is_a_miss(computed: list[bool | None], ratio: float) -> None:
    frame = samples(*["ok"] * 4, cache=["hit", "hit", "hit", "miss"])
    frame["computed"] = pd.Series(computed, dtype=object)

    assert figure("cache_hit_rate", frame) == (ratio, 4)


def test_completion_leaves_out_what_was_cut_and_what_was_throttled() -> None:
    assert figure("completion_rate", samples("ok", "ok", "ok", "abandoned", "aborted", "throttled")) == (0.75, 4)


@pytest.mark.parametrize(("stat", "outcome"), [("wrong_body", "wrong_body"), ("stale", "stale")])
def test_counts_are_of_all_samples(stat: str, outcome: str) -> None:
    assert figure(stat, samples("ok", outcome, outcome, "http_error")) == (2, 4)
    assert figure(stat, samples("ok")) == (0, 1)


def test_apdex_has_both_its_edges_inside() -> None:
    # satisfied 500.0; tolerated 500.1 and 2000.0; too slow 2000.1; a fast failure satisfies nobody: (1 + 2/2) / 5
    frame = samples(
        *("ok", "ok", "ok", "ok", "http_error", "throttled"), times_ms=[500.0, 500.1, 2000.0, 2000.1, 1.0, 1.0]
    )

    assert figure("apdex", frame) == (0.4, 5)


@pytest.mark.parametrize(("share", "needed"), [(0.5, 5), (0.75, 11), (0.9, 29), (0.95, 59), (0.99, 299), (0.999, 2995)])
def test_a_percentile_needs_enough_samples_to_be_below_the_largest(share: float, needed: int) -> None:
    assert percentile_needed(share) == needed
    # the chance that all n lie below the quantile is q^n: 5 % at most with that many, more with one fewer
    assert share**needed <= 0.05 < share ** (needed - 1)


@pytest.mark.parametrize(
    ("operator", "value", "needed"),
    [("<", 0.05, 59), ("<", 0.01, 299), (">", 0.95, 59), (">", 0.7, 9), ("<", 1.0, 1), (">", 0.0, 1)],
)
def test_a_ratio_needs_enough_samples_to_show_it_without_one_failure(operator: str, value: float, needed: int) -> None:
    assert ratio_needed(Limit(operator, value, "")) == needed


@pytest.mark.parametrize(
    ("stat", "needed"),
    [("mean", 30), ("p95", 59), ("p99", 299), ("p99.9", 2995), ("wrong_body", 1), ("throughput", 0), ("apdex", 100)],
)
def test_what_a_statistic_needs(stat: str, needed: int) -> None:
    assert STATISTICS[stat].needed(Limit("<", 1.0, "")) == needed


TIMES = st.lists(st.floats(0, 60_000, width=32), min_size=1, max_size=200)
LATENCIES = sorted(BY_HAND)


@given(times=TIMES, position=st.integers(0), more_ms=st.floats(0, 60_000, width=32))
@settings(max_examples=60, deadline=None)
def test_slower_is_never_better(times: list[float], position: int, more_ms: float) -> None:
    slower = list(times)
    slower[position % len(times)] += more_ms
    ok = ["ok"] * len(times)

    for stat in LATENCIES:
        before, after = figure(stat, samples(*ok, times_ms=times))[0], figure(stat, samples(*ok, times_ms=slower))[0]
        assert before is not None
        assert after is not None
        assert after >= before - 1e-6 * before
    faster_score = figure("apdex", samples(*ok, times_ms=times))[0]
    slower_score = figure("apdex", samples(*ok, times_ms=slower))[0]
    assert faster_score is not None
    assert slower_score is not None
    assert slower_score <= faster_score


OUTCOMES = st.lists(st.sampled_from(["ok", "throttled", "aborted", *BAD]), max_size=60)


@given(outcomes=OUTCOMES, added=st.sampled_from(BAD))
@settings(max_examples=100, deadline=None)
def test_adding_an_error_never_improves(outcomes: list[str], added: str) -> None:
    for stat in ("error_rate", "completion_rate", "wrong_body", "stale", "apdex"):
        before, after = figure(stat, samples(*outcomes))[0], figure(stat, samples(*outcomes, added))[0]
        if before is None or after is None:
            continue
        if STATISTICS[stat].better is Better.LOWER:
            assert after >= before
        else:
            assert after <= before


@given(outcomes=OUTCOMES, times=TIMES, at=st.integers(0, 200), seed=st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_shards_merged_in_any_order_are_as_one(outcomes: list[str], times: list[float], at: int, seed: int) -> None:
    length = min(len(outcomes), len(times))
    whole = samples(
        *outcomes[:length], times_ms=times[:length], cache=["hit", "miss"] * (length // 2) + ["none"] * (length % 2)
    )
    cut = at % (length + 1)
    merged = pd.concat([whole.iloc[cut:], whole.iloc[:cut]]).sample(frac=1, random_state=seed)

    for statistic in STATISTICS.values():
        one, many = statistic.measure(whole, 20.0), statistic.measure(merged, 20.0)
        assert one.samples == many.samples
        assert many.value == (None if one.value is None else pytest.approx(one.value, rel=1e-12))


@given(times=TIMES, share=st.sampled_from([("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99.9", 0.999)]))
@settings(max_examples=60, deadline=None)
def test_percentiles_agree_with_the_definition_spelled_out(times: list[float], share: tuple[str, float]) -> None:
    """Hyndman and Fan type 7: h = (n - 1) q, between the floor(h)-th and the next of the sorted values, from 0."""
    stat, quantile = share
    ordered = sorted(float(np.float32(value)) for value in times)
    rank = (len(ordered) - 1) * quantile
    low = int(rank)
    high = min(low + 1, len(ordered) - 1)
    expected = ordered[low] + (rank - low) * (ordered[high] - ordered[low])

    assert figure(stat, samples(*["ok"] * len(times), times_ms=times))[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_each_statistic_agrees_with_a_few_lines_of_plain_pandas(made: Any) -> None:
    frame = made.good().samples
    http = frame[(frame.kind == "http") & (frame.sent_at_s >= made.start_s + 10)]
    ok = http[http.outcome == "ok"]

    assert figure("mean", http)[0] == pytest.approx(ok.response_time_ms.astype(float).mean())
    assert figure("p95", http)[0] == pytest.approx(ok.response_time_ms.astype(float).quantile(0.95))
    assert figure("max", http)[0] == ok.response_time_ms.max()
    assert figure("throughput", http, 65.0)[0] == pytest.approx(len(ok) / 65)
    assert figure("cache_hit_rate", http)[0] == pytest.approx((http.cache == "hit").mean())
