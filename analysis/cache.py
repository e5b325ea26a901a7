"""Cross-examine a cache: hold what its headers claim against what bodies and times show."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from analysis.figures import counted, spelled
from analysis.hits import believed_hits, believed_misses, computed, telling
from analysis.selection import Populations
from analysis.statistics import percentile, times_ms
from analysis.verdict import CacheBasis, CacheSide, CacheSplit, Doubt
from runlog.schema import Cache, Kind, Outcome

LIE_LIMIT_RATIO: Final = 0.01
HIDDEN_LIMIT_RATIO: Final = 0.01
ROUTE_NEEDED: Final = 30
"""Claimed hits, and misses, below which their medians on one route are not compared."""
WORTH_MS: Final = 10.0
"""A miss that takes less than this is no slower than a network; nothing can be told from a hit that is as fast."""
CLEAR_RATIO: Final = 0.8
"""What hits may take of the misses' median on the same route; work that is not done saves more than a fifth."""


def cache_split(populations: Populations) -> CacheSplit | None:
    """Return the steady http samples split by hit and miss; None when no answer claims to be either."""
    http = populations.steady[populations.steady["kind"] == Kind.HTTP]
    claimed, missed = http["cache"] == Cache.HIT, http["cache"] == Cache.MISS
    if not (claimed | missed).any():
        return None
    tells, own = telling(http), computed(http)
    return CacheSplit(
        basis=CacheBasis.HEADER_AND_BODY if (tells & (claimed | missed)).any() else CacheBasis.HEADER,
        hits=_side(http[believed_hits(http)]),
        misses=_side(http[believed_misses(http)]),
        claimed_hits=int(claimed.sum()),
        hits_telling=int((claimed & tells).sum()),
        hits_computed=int((claimed & own).sum()),
        misses_telling=int((missed & tells).sum()),
        misses_cached=int((missed & tells & ~own).sum()),
    )


def cache_doubts(populations: Populations) -> Iterator[Doubt]:
    """Yield what speaks against the cache headers of a run."""
    yield from _lies(populations)
    yield from _hidden(populations)
    yield from _slow_hits(populations)


def _side(frame: pd.DataFrame) -> CacheSide:
    times = times_ms(frame)
    known = len(times) > 0 and bool(np.isfinite(times).all())
    return CacheSide(
        samples=len(frame),
        p50_ms=percentile(0.5, times) if known else None,
        p95_ms=percentile(0.95, times) if known else None,
    )


def _lies(populations: Populations) -> Iterator[Doubt]:
    """Yield a doubt when answers that claim to come from a cache were made for their own request.

    Looked at in the whole run, sign-in and steps of gaps included, and in its steady part by itself: a cache that lies
    anywhere cannot be believed where its answers do not say. A hit the body says nothing about is on neither side.
    """
    whole = populations.whole
    sent = whole[whole["kind"].isin((Kind.HTTP, Kind.SETUP))]
    steady = populations.steady[populations.steady["kind"] == Kind.HTTP]
    figures = []
    for part, frame in (("the run", sent), ("its steady part", steady)):
        claims = frame[(frame["cache"] == Cache.HIT) & telling(frame)]
        lies = int(computed(claims).sum())
        if lies > LIE_LIMIT_RATIO * len(claims):
            share = spelled(lies / len(claims), "ratio")
            told = f"{counted(lies)} of {counted(len(claims))} claimed hits of {part} ({share})"
            figures.append(f"{told} were computed for their own request")
    if figures:
        rule = (
            f"at most {spelled(LIE_LIMIT_RATIO, 'ratio')} of the claimed hits whose bodies say for whom they were made"
        )
        yield Doubt("cache_header_lies", "; ".join(figures), rule, invalidates=True)


def _hidden(populations: Populations) -> Iterator[Doubt]:
    """Yield a note when answers that claim no cache came from one: it is the cache's speed that was measured."""
    steady = populations.steady
    frame = steady[(steady["kind"] == Kind.HTTP) & (steady["cache"] != Cache.HIT) & telling(steady)]
    cached = int((~computed(frame)).sum())
    if cached > HIDDEN_LIMIT_RATIO * len(frame):
        share = spelled(cached / len(frame), "ratio")
        told = f"{counted(cached)} of {counted(len(frame))} answers that claim no hit ({share})"
        figure = f"{told} were computed for an earlier request"
        rule = f"at most {spelled(HIDDEN_LIMIT_RATIO, 'ratio')}: it is a cache inside that is being measured"
        yield Doubt("hidden_cache", figure, rule, invalidates=False)


def _slow_hits(populations: Populations) -> Iterator[Doubt]:
    """Yield a note when claimed hits take about as long as misses of the same route.

    Compared are medians of ok samples on routes with at least ROUTE_NEEDED of both, whose misses take at least
    WORTH_MS; hits have to take less than CLEAR_RATIO of them.
    """
    steady = populations.steady
    frame = steady[(steady["kind"] == Kind.HTTP) & (steady["outcome"] == Outcome.OK)]
    compared, slow = 0, list[tuple[float, str]]()
    for (method, route), own in frame.groupby(["method", "route"], observed=True, sort=True):
        hits, misses = (
            own.loc[own["cache"] == status, "response_time_ms"].dropna().to_numpy(np.float64)
            for status in (Cache.HIT, Cache.MISS)
        )
        if min(len(hits), len(misses)) < ROUTE_NEEDED:
            continue
        hit_ms, miss_ms = percentile(0.5, hits), percentile(0.5, misses)
        if miss_ms < WORTH_MS:
            continue
        compared += 1
        if hit_ms >= CLEAR_RATIO * miss_ms:
            told = f"{method} {route}: p50 of hits {spelled(hit_ms, 'ms')}, of misses {spelled(miss_ms, 'ms')}"
            slow.append((hit_ms / miss_ms, told))
    if slow:
        figure = f"{counted(len(slow))} of {counted(compared)} routes, worst {max(slow)[1]}"
        rule = f"hits below {spelled(CLEAR_RATIO, 'ratio')} of the misses' p50 on the same route"
        yield Doubt("cache_latency", figure, rule, invalidates=False)
