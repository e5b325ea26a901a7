"""Every figure of the verdict, recomputed from the Parquet file by a few lines of plain pandas."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.e2e

Run = Callable[..., Any]
NEUTRAL = ["ok", "throttled", "aborted", "duplicated"]


def latency(http: pd.DataFrame) -> pd.Series:
    times = http.loc[http["outcome"].isin(["ok", "timeout", "out_of_order"]), "response_time_ms"]
    return times.dropna().astype("float64")


def error_rate(frame: pd.DataFrame) -> float:
    bad = (~frame["outcome"].isin(NEUTRAL)).sum()
    return float(bad / ((frame["outcome"] == "ok").sum() + bad))


def cache_hit_rate(http: pd.DataFrame) -> float:
    claimed, misses = http["cache"] == "hit", (http["cache"] == "miss").sum()
    false = (claimed & http["computed"].isin([True])).sum()  # said to be kept, and made for this request
    return float((claimed.sum() - false) / (claimed.sum() + misses))


def completion_rate(frame: pd.DataFrame) -> float:
    passes = frame[frame["kind"] == "iteration"]
    done, left = (passes["outcome"] == "ok").sum(), (passes["outcome"] == "abandoned").sum()
    return float(done / (done + left))


def figure(result: dict[str, Any], steady: pd.DataFrame, whole: pd.DataFrame, seconds: float) -> float:
    scope = result["scope"]
    for name in ("workflow", "step"):
        if scope[name] is not None:
            steady = steady[steady[name] == scope[name]]
    http = steady[steady["kind"] == (scope["kind"] or "http")]
    if scope["kind"] == "push":
        http = http[http["iteration"] >= 0]  # the others nobody was owed
    pushes, sessions = whole[whole["kind"] == "push"], whole[whole["kind"] == "session"]
    return {
        "mean": latency(http).mean,
        "p95": lambda: latency(http).quantile(0.95),
        "error_rate": partial(error_rate, http),
        "throughput": lambda: float((http["outcome"] == "ok").sum() / seconds),
        "cache_hit_rate": partial(cache_hit_rate, http),
        "completion_rate": partial(completion_rate, steady),
        "lost": (pushes["outcome"] == "lost").sum,
        "dropped": (sessions["outcome"] == "lost").sum,
        "wrong_body": (whole["outcome"] == "wrong_body").sum,
    }[result["stat"]]()


@pytest.mark.parametrize("faults", [(), ("error_rate=10%",), ("wrong_body=2%",)], ids=["healthy", "errors", "leaks"])
def test_every_observed_figure_agrees_with_plain_pandas(run: Run, faults: tuple[str, ...]) -> None:
    done = run(*faults)
    verdict, whole = done.verdict, done.samples
    window = verdict["window"]
    since = whole["sent_at_s"] - verdict["run"]["started_at_s"]
    steady = whole[(since >= window["start_s"]) & (since < window["end_s"])]
    monitors = pd.read_parquet(done.folder / "monitors.parquet")
    compared = 0
    for result in verdict["results"]:
        if result["observed"] is None:
            continue
        if (monitor := result["scope"]["monitor"]) is not None:
            at = monitors["at_s"] - verdict["run"]["started_at_s"]
            inside = (at >= window["start_s"]) & (at < window["end_s"])
            expected = monitors.loc[(monitors["monitor"] == monitor) & inside, "value"].max()
        else:
            expected = figure(result, steady, whole, window["end_s"] - window["start_s"])
        assert np.isclose(result["observed"], expected, rtol=1e-9, atol=1e-12), result
        compared += 1
    assert compared > 90

    http = steady[steady["kind"] == "http"]
    totals = verdict["totals"]
    assert totals["samples"] == len(http)
    for name, expected in {
        "throughput_rps": (http["outcome"] == "ok").sum() / (window["end_s"] - window["start_s"]),
        "error_ratio": error_rate(http),
        "throttled_ratio": (http["outcome"] == "throttled").mean(),
        "mean_ms": latency(http).mean(),
        "p50_ms": latency(http).quantile(0.5),
        "p95_ms": latency(http).quantile(0.95),
        "p99_ms": latency(http).quantile(0.99),
        "cache_hit_ratio": cache_hit_rate(http),
    }.items():
        assert np.isclose(totals[name], expected, rtol=1e-9), name
    for row in verdict["workflows"]:
        own = steady[(steady["workflow"] == row["workflow"]) & (steady["kind"] == "iteration")]
        assert row["completed"] == (own["outcome"] == "ok").sum()
    for row in verdict["steps"]:
        own = http[(http["workflow"] == row["workflow"]) & (http["step"] == row["step"])]
        assert (row["samples"], row["ok"]) == (len(own), (own["outcome"] == "ok").sum())


def test_every_route_of_every_step_was_answered(run: Run) -> None:
    http = run().samples.query("kind == 'http'")
    answered = http[http["outcome"] == "ok"].groupby(["workflow", "step", "method", "route"], observed=True).size()
    # the rows of workflows.md: 11 + 10 + 9 + 10 + 10 + 10 + 7 + 6, a step's repeated use of one route counted once
    assert len(answered) == 73
    assert answered.min() >= 20, answered[answered < 20]
