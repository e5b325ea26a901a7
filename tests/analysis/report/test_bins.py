"""Bins of time under the charts."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.report.bins import Timeline, outside, sample_bins, seller_counts, timeline
from analysis.verdict import Verdict

NAN = float("nan")
START_S = 1_764_000_000.0


def time_of(*edges_s: float) -> Timeline:
    return Timeline(START_S, edges_s[1] - edges_s[0], np.array(edges_s))


def samples_of(*rows: tuple[float, str, float, str]) -> pd.DataFrame:
    """Return http samples of (second, outcome, response time in ms, cache)."""
    frame = pd.DataFrame(rows, columns=["at", "outcome", "response_time_ms", "cache"])
    return frame.assign(kind="http", sent_at_s=frame["at"] + START_S).astype(
        {"kind": "category", "outcome": "category", "cache": "category", "response_time_ms": np.float32}
    )


@pytest.mark.parametrize(
    ("length_s", "width_s", "bins"),
    [
        pytest.param(75.0, 1, 75, id="a second while there is room"),
        pytest.param(200.0, 1, 200, id="the last length with bins of a second"),
        pytest.param(201.0, 2, 101, id="two seconds beyond"),
        pytest.param(300.0, 2, 150, id="five minutes"),
        pytest.param(8 * 3600.0, 300, 96, id="eight hours"),
        pytest.param(3600.0 * 2000, 36_000, 200, id="weeks"),
        pytest.param(10.4, 1, 10, id="a short rest joins the last bin"),
        pytest.param(10.5, 1, 11, id="half a bin is one"),
        pytest.param(0.2, 1, 1, id="shorter than a bin"),
    ],
)
def test_timeline_covers_the_run_with_few_bins(passing: Verdict, length_s: float, width_s: float, bins: int) -> None:
    run = passing.run.model_copy(update={"ended_at_s": START_S + length_s})
    time = timeline(run, pd.DataFrame(), pd.DataFrame())
    assert time is not None
    assert (time.width_s, len(time.edges_s) - 1) == (width_s, bins)
    assert (time.edges_s[0], time.edges_s[-1]) == (0.0, pytest.approx(length_s))
    assert (np.diff(time.edges_s) > 0).all()


def test_timeline_of_a_run_without_an_end_ends_with_what_was_seen_last(passing: Verdict) -> None:
    run = passing.run.model_copy(update={"ended_at_s": None})
    samples = samples_of((3.0, "ok", 1.0, "none"))
    generator = pd.DataFrame({"at_s": [START_S + 9.0]})
    ends = [timeline(run, *frames) for frames in ((samples, pd.DataFrame()), (samples, generator))]
    assert [time and time.edges_s[-1] for time in ends] == [3.0, 9.0]


@pytest.mark.parametrize("ended_at_s", [None, START_S, START_S - 5.0, float("inf"), NAN])
def test_a_run_of_no_known_length_has_no_timeline(passing: Verdict, ended_at_s: float | None) -> None:
    run = passing.run.model_copy(update={"ended_at_s": ended_at_s})
    assert timeline(run, pd.DataFrame(), pd.DataFrame()) is None


def test_bins_without_samples_are_gaps_and_not_zero() -> None:
    data = sample_bins(samples_of((0.5, "ok", 10.0, "hit"), (2.5, "http_error", 10.0, "miss")), time_of(0, 1, 2, 3))
    assert data.counts.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(data.ok_rps, [1.0, NAN, 0.0])
    np.testing.assert_array_equal(data.errors_rps["http_error"], [0.0, NAN, 1.0])
    np.testing.assert_array_equal(data.cache_hit_ratio, [1.0, NAN, 0.0])
    np.testing.assert_array_equal(data.percentiles_ms["p95"], [10.0, NAN, NAN])


def test_percentiles_are_type_7_over_ok_samples_and_timeouts() -> None:
    rows = [(0.1 * at, "ok", 10.0 * (at + 1), "none") for at in range(4)]  # 10, 20, 30, 40 ms
    rows += [(0.5, "timeout", 50.0, "none"), (0.6, "throttled", 9_000.0, "none"), (0.7, "ok", NAN, "none")]
    data = sample_bins(samples_of(*rows), time_of(0, 1))
    # position (5 - 1) * q between 10, 20, 30, 40, 50: 2.0, 3.8, 3.96
    assert data.percentiles_ms["p50"].tolist() == [30.0]
    assert data.percentiles_ms["p95"].tolist() == pytest.approx([48.0])
    assert data.percentiles_ms["p99"].tolist() == pytest.approx([49.6])


def test_rates_are_per_second_of_their_bin() -> None:
    rows = [(0.1, "ok", 1.0, "none")] * 3 + [(2.1, "ok", 1.0, "none")] * 6
    data = sample_bins(samples_of(*rows), time_of(0, 2, 5))
    assert data.ok_rps.tolist() == [1.5, 2.0]  # 3 in 2 s, 6 in 3 s


def test_errors_are_split_by_outcome_most_frequent_first_without_ok_and_aborted() -> None:
    outcomes = ["ok", "aborted", "timeout", "throttled", "throttled"]
    data = sample_bins(samples_of(*((0.5, outcome, 1.0, "none") for outcome in outcomes)), time_of(0, 1))
    assert list(data.errors_rps) == ["throttled", "timeout"]
    assert data.errors_rps["throttled"].tolist() == [2.0]


def test_bypass_and_uncached_answers_are_outside_the_hit_rate() -> None:
    caches = ["hit", "hit", "hit", "miss", "bypass", "none"]
    data = sample_bins(samples_of(*((0.5, "ok", 1.0, cache) for cache in caches)), time_of(0, 1))
    assert data.cache_hit_ratio.tolist() == [0.75]


def test_only_http_samples_inside_the_run_are_binned() -> None:
    samples = samples_of(*((at, "ok", 1.0, "hit") for at in (-0.1, 0.0, 1.0, 2.0, 2.1)))
    setup = samples.assign(kind="setup").astype({"kind": "category"})
    time = time_of(0, 1, 2)
    data = sample_bins(pd.concat([samples, setup]), time)
    assert (data.samples, data.counts.tolist()) == (3, [1, 2])  # the end belongs to the last bin
    assert outside(pd.concat([samples, setup]), time) == 2


def test_nothing_is_outside_where_there_is_nothing() -> None:
    assert outside(pd.DataFrame(), time_of(0, 1)) == 0
    assert outside(samples_of((9.0, "ok", 1.0, "hit")), None) == 0


def generator_of(*rows: tuple[float, int, float | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["at", "process", "sellers"])
    return frame.assign(at_s=frame["at"] + START_S)


def test_sellers_of_all_processes_are_added() -> None:
    generator = generator_of((0.5, 0, 4), (0.6, 1, 3), (1.5, 0, 5), (1.6, 1, 4))
    assert seller_counts(generator, time_of(0, 1, 2)).tolist() == [7.0, 9.0]


def test_the_last_number_of_a_bin_counts() -> None:
    assert seller_counts(generator_of((0.1, 0, 4), (0.9, 0, 6)), time_of(0, 1)).tolist() == [6.0]


def test_a_silent_process_counts_for_three_seconds_and_no_longer() -> None:
    rows = [(at + 0.5, 0, 5) for at in range(7)] + [(0.5, 1, 2)]
    counts = seller_counts(generator_of(*rows), time_of(*range(8)))
    assert counts.tolist() == [7.0, 7.0, 7.0, 7.0, 5.0, 5.0, 5.0]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([(0.5, 0, None)], id="never told"),
        pytest.param([(-5.0, 0, 3), (99.0, 0, 3)], id="told outside the run"),
    ],
)
def test_sellers_nobody_told_of_are_a_gap(rows: list[tuple[float, int, float | None]]) -> None:
    counts = seller_counts(generator_of(*rows), time_of(0, 1, 2))
    np.testing.assert_array_equal(counts, [NAN, NAN])


def test_bins_lose_no_sample(make_samples: Callable[..., pd.DataFrame], passing: Verdict) -> None:
    samples = make_samples(3_000, bad_ratio=0.3)
    time = timeline(passing.run, samples, pd.DataFrame())
    assert time is not None
    data = sample_bins(samples, time)
    seconds = np.diff(time.edges_s)
    seen = sum(np.nansum(rate * seconds) for rate in (data.ok_rps, *data.errors_rps.values()))
    assert data.counts.sum() == 3_000
    assert seen == pytest.approx(3_000)
