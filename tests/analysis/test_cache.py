"""Cache truth: what headers claim is held against what bodies and times show."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.judge import judge
from analysis.policy import Policy
from analysis.verdict import CacheBasis, CacheSide, Doubt, Outcome, Verdict

PLAIN = Policy()
HITS = 40 * 136  # of the good run: 136 hits and 34 misses a step, and none says by its body
MISSES = 40 * 34


def judged(made: Any, samples: pd.DataFrame) -> Verdict:
    return judge(made.good(samples=samples), made.shipped, PLAIN)


def saying(made: Any, *, hits: list[bool | None], misses: list[bool | None], cache: str = "hit") -> pd.DataFrame:
    """Return the good run whose first hits and misses say by their bodies whether they were computed for them."""
    frame: pd.DataFrame = made.good().samples.copy()
    for status, said in ((cache, hits), ("miss", misses)):
        where = np.flatnonzero((frame["cache"] == status).to_numpy())[: len(said)]
        frame.iloc[where, frame.columns.get_loc("computed")] = np.array(said, dtype=object)
    return frame


def doubt(verdict: Verdict, name: str) -> Doubt | None:
    return next((each for each in verdict.doubts if each.name == name), None)


@pytest.mark.parametrize(
    ("lies", "telling", "outcome"),
    [
        (0, 1000, Outcome.PASS),
        (10, 1000, Outcome.PASS),
        (11, 1000, Outcome.INVALID),
        (20, 1000, Outcome.INVALID),
        (1, 1, Outcome.INVALID),
        (1000, 1000, Outcome.INVALID),
    ],
    ids=["none", "1 %", "just above 1 %", "2 %", "the only hit that says", "all"],
)
def test_a_cache_that_claims_hits_it_computed_never_passes(
    made: Any, lies: int, telling: int, outcome: Outcome
) -> None:
    verdict = judged(made, saying(made, hits=[True] * lies + [False] * (telling - lies), misses=[]))

    assert verdict.outcome is outcome
    assert verdict.totals.cache_hit_ratio == pytest.approx((HITS - lies) / (HITS + MISSES))
    found = doubt(verdict, "cache_header_lies")
    assert (found is not None) is (outcome is Outcome.INVALID)
    if found is not None:
        assert found.invalidates
        assert found.figure.startswith(f"{lies:,}".replace(",", " ") + f" of {telling:,}".replace(",", " "))


def test_a_lying_cache_is_named_for_the_run_and_for_its_steady_part(made: Any) -> None:
    verdict = judged(made, saying(made, hits=[True] * 2 + [False] * 98, misses=[]))

    found = doubt(verdict, "cache_header_lies")
    assert found is not None
    assert found.figure == (
        "2 of 100 claimed hits of the run (2 %) were computed for their own request; "
        "2 of 100 claimed hits of its steady part (2 %) were computed for their own request"
    )
    assert verdict.headline.startswith("Invalid: cache_header_lies, 2 of 100")


IN_PART: dict[str, tuple[Callable[[Any], list[dict[str, Any]]], bool]] = {
    # 200 liars of 200 are drowned by 30,000 honest hits of sign-in, but not in their own part
    "steady part lies, whole run hardly": (
        lambda made: [
            *made.rows(200, cache="hit", computed=True),
            *made.rows(30_000, kind="setup", workflow=None, step=None, sent_at_s=2.0, cache="hit", computed=False),
        ],
        True,
    ),
    "only the ramp lies": (lambda made: made.rows(5, sent_at_s=1.0, cache="hit", computed=True), True),
    "only sign-in lies": (
        lambda made: made.rows(5, kind="setup", workflow=None, step=None, cache="hit", computed=True),
        True,
    ),
    "answers without a claim are no lies": (lambda made: made.rows(500, cache="none", computed=True), False),
    "fresh answers of unique queries are no lies": (lambda made: made.rows(500, cache="bypass", computed=True), False),
}


@pytest.mark.parametrize("case", IN_PART)
def test_a_lie_counts_wherever_it_is_told(made: Any, case: str) -> None:
    rows, lies = IN_PART[case]

    verdict = judged(made, made.added(rows(made)))

    assert (doubt(verdict, "cache_header_lies") is not None) is lies
    assert verdict.outcome is (Outcome.INVALID if lies else Outcome.PASS)


def test_claimed_hits_of_private_answers_are_hits_by_header_and_no_lie_where_no_body_says(made: Any) -> None:
    samples = made.changed(lambda frame: frame["cache"] == "miss", cache="hit")

    verdict = judged(made, samples)

    assert verdict.totals.cache_hit_ratio == 1
    assert verdict.doubts == ()
    assert verdict.cache is not None
    assert verdict.cache.basis is CacheBasis.HEADER


def test_no_body_ever_says_then_the_header_alone_decides_and_the_verdict_says_so(made: Any) -> None:
    verdict = judged(made, made.good().samples)

    assert verdict.cache is not None
    assert verdict.cache.basis is CacheBasis.HEADER
    assert (verdict.cache.claimed_hits, verdict.cache.hits_telling, verdict.cache.misses_telling) == (HITS, 0, 0)
    # hits take 50 … 185 ms, misses 186 … 219 ms, each forty times: rank 0.95 * 5439 is the 130th value, and so on
    assert verdict.cache.hits == CacheSide(HITS, 117.5, 179.0)
    assert verdict.cache.misses == CacheSide(MISSES, 202.5, 218.0)


def test_one_body_that_says_makes_it_header_and_body_and_everything_is_counted(made: Any) -> None:
    verdict = judged(made, saying(made, hits=[True, False, None], misses=[True, False, False, None]))

    assert verdict.cache is not None
    assert verdict.cache.basis is CacheBasis.HEADER_AND_BODY
    assert (verdict.cache.claimed_hits, verdict.cache.hits_telling, verdict.cache.hits_computed) == (HITS, 2, 1)
    assert (verdict.cache.misses_telling, verdict.cache.misses_cached) == (3, 2)
    assert (verdict.cache.hits.samples, verdict.cache.misses.samples) == (HITS - 1, MISSES + 1)


def test_a_target_without_a_cache_has_no_split(made: Any) -> None:
    verdict = judged(made, made.changed(lambda frame: frame["kind"] == "http", cache="none"))

    assert verdict.cache is None


def test_a_side_without_an_ok_answer_or_with_an_unknown_time_has_no_latency(made: Any) -> None:
    rows = made.changed(lambda frame: frame["cache"] == "miss", response_time_ms=np.nan)
    unknown = judged(made, rows).cache
    none = judged(made, made.changed(lambda frame: frame["cache"] == "miss", outcome="http_error")).cache

    for split in (unknown, none):
        assert split is not None
        assert split.misses == CacheSide(MISSES, None, None)
        assert split.hits.p50_ms == 117.5


@pytest.mark.parametrize(
    ("cached", "telling", "told"),
    [(10, 1000, None), (11, 1000, "11 of 1 000 answers that claim no hit (1.1 %)"), (5, 5, "5 of 5")],
    ids=["1 %", "just above 1 %", "all that say"],
)
def test_a_cache_inside_is_told_and_does_not_change_the_outcome(
    made: Any, cached: int, telling: int, told: str | None
) -> None:
    verdict = judged(made, saying(made, hits=[], misses=[False] * cached + [True] * (telling - cached)))

    found = doubt(verdict, "hidden_cache")
    assert verdict.outcome is Outcome.PASS
    assert verdict.totals.cache_hit_ratio == pytest.approx(HITS / (HITS + MISSES))
    assert (found is not None) is (told is not None)
    if found is not None and told is not None:
        assert found.figure.startswith(told)
        assert not found.invalidates


@pytest.mark.parametrize("cache", ["bypass", "none"])
def test_a_cache_that_answers_unique_queries_or_never_speaks_is_hidden_too(made: Any, cache: str) -> None:
    verdict = judged(made, made.added(made.rows(50, cache=cache, computed=False)))

    found = doubt(verdict, "hidden_cache")
    assert found is not None
    assert found.figure == "50 of 50 answers that claim no hit (100 %) were computed for an earlier request"


def route(made: Any, *, hit_ms: float, miss_ms: float, hits: int = 60, misses: int = 60) -> pd.DataFrame:
    where = {"method": "GET", "route": "/api/x"}
    return pd.DataFrame(
        made.added(
            [
                *made.rows(hits, **where, cache="hit", response_time_ms=hit_ms),
                *made.rows(misses, **where, cache="miss", response_time_ms=miss_ms),
            ]
        )
    )


SLOW: dict[str, tuple[dict[str, Any], bool]] = {
    "a fifth faster, just not": ({"hit_ms": 80.0, "miss_ms": 100.0}, True),
    "a fifth faster": ({"hit_ms": 79.9, "miss_ms": 100.0}, False),
    "slower than misses": ({"hit_ms": 300.0, "miss_ms": 100.0}, True),
    "too fast to tell": ({"hit_ms": 9.9, "miss_ms": 9.9}, False),
    "just slow enough to tell": ({"hit_ms": 10.0, "miss_ms": 10.0}, True),
    "too few hits": ({"hit_ms": 100.0, "miss_ms": 100.0, "hits": 29}, False),
    "too few misses": ({"hit_ms": 100.0, "miss_ms": 100.0, "misses": 29}, False),
    "just enough of both": ({"hit_ms": 100.0, "miss_ms": 100.0, "hits": 30, "misses": 30}, True),
}


@pytest.mark.parametrize("case", SLOW)
def test_hits_that_are_no_faster_than_misses_of_their_route_are_told(made: Any, case: str) -> None:
    given, told = SLOW[case]

    verdict = judged(made, route(made, **given))

    found = doubt(verdict, "cache_latency")
    assert (found is not None) is told
    assert verdict.outcome is Outcome.PASS
    if found is not None:
        assert not found.invalidates
        assert "GET /api/x: p50 of hits " in found.figure


def test_the_worst_route_is_the_one_that_is_named(made: Any) -> None:
    samples = pd.concat([route(made, hit_ms=90.0, miss_ms=100.0), made.frame(
        [row for cache, ms in (("hit", 200.0), ("miss", 100.0))
         for row in made.rows(40, method="GET", route="/api/worse", cache=cache, response_time_ms=ms)]
    )], ignore_index=True)  # fmt: skip

    found = doubt(judged(made, samples), "cache_latency")

    assert found is not None
    # the good run's forty routes are compared too
    assert found.figure == "2 of 42 routes, worst GET /api/worse: p50 of hits 200 ms, of misses 100 ms"


def test_failed_and_unknown_answers_take_no_part_in_the_comparison(made: Any) -> None:
    samples = route(made, hit_ms=100.0, miss_ms=100.0, hits=29)
    more = made.frame(
        [
            *made.rows(50, method="GET", route="/api/x", cache="hit", outcome="check_failed"),
            *made.rows(50, method="GET", route="/api/x", cache="hit", response_time_ms=np.nan),
        ]
    )

    assert doubt(judged(made, pd.concat([samples, more], ignore_index=True)), "cache_latency") is None
