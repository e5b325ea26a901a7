"""What the sellers really send, held against what settings/bill.py says they send."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from settings.bill import BILL, Send

pytestmark = pytest.mark.e2e

THINK_RATIO = 0.25
"""Of the demo profile as conftest shortens it."""
Key = tuple[str, str]


@pytest.fixture(scope="module")
def samples(run: Callable[[], Any]) -> pd.DataFrame:
    """What all eight workflows sent in the healthy run that other modules judge."""
    frame: pd.DataFrame = run().samples
    frame = frame[frame["kind"].isin(["http", "setup", "iteration"])].astype({"step": "object", "workflow": "object"})
    workflow_of = frame.dropna(subset=["workflow"]).groupby("seller")["workflow"].first()
    return frame.assign(workflow=frame["seller"].map(workflow_of))  # setup has a seller, but no workflow


def completed(samples: pd.DataFrame, workflow: str) -> pd.DataFrame:
    """Return the passes of a workflow that came to their end."""
    passes = samples[
        (samples["workflow"] == workflow) & (samples["kind"] == "iteration") & (samples["outcome"] == "ok")
    ]
    return passes[["seller", "iteration"]]


def counted(frame: pd.DataFrame) -> dict[Key, int]:
    sizes = frame.groupby(["method", "route"], observed=True).size()
    return {(str(method), str(route)): int(size) for (method, route), size in sizes.items()}


def merged(sends: tuple[Send, ...]) -> dict[Key, Send]:
    """Return what is sent by route; a route that is billed twice in one step is one row."""
    rows: dict[Key, Send] = {}
    for send in sends:
        key = (send.method, send.route)
        before = rows.get(key)
        times = send.times + (before.times if before else 0)
        rows[key] = Send(send.method, send.route, times, send.unique, send.polled, send.consent)
    return rows


def hold(sends: tuple[Send, ...], counts: dict[Key, int], passes: int) -> None:
    expected = merged(sends)
    assert counts.keys() == expected.keys()
    for key, send in expected.items():
        times = counts[key] / passes
        if send.polled:
            assert times >= send.times, key
        elif send.method != "GET" or send.times == 1:
            assert times == send.times, key
        else:  # a mean of random numbers
            assert times == pytest.approx(send.times, rel=0.15), key


@pytest.mark.parametrize("workflow", BILL)
def test_each_step_sends_what_its_bill_says(samples: pd.DataFrame, workflow: str) -> None:
    done = completed(samples, workflow)
    assert len(done) >= 20
    sent = samples[(samples["workflow"] == workflow) & (samples["kind"] != "iteration")].merge(done)
    bill = BILL[workflow]
    for step, sends in bill.steps.items():
        hold(sends, counted(sent[sent["step"] == step]), len(done))
    begin = sent[sent["step"].isna()]
    hold(bill.begin, counted(begin), len(done))


@pytest.mark.parametrize("workflow", BILL)
def test_each_seller_arrives_with_what_the_bill_says(samples: pd.DataFrame, workflow: str) -> None:
    own = samples[samples["workflow"] == workflow]
    arrived = own[(own["kind"] == "setup") & (own["iteration"] == -1)]
    sellers = own["seller"].nunique()
    assert sellers >= 5
    hold(tuple(_once(BILL[workflow].setup)), counted(arrived), sellers)


def _once(sends: tuple[Send, ...]) -> list[Send]:
    return [Send(send.method, send.route, send.times) for send in sends]


@pytest.mark.parametrize("workflow", BILL)
def test_unique_reads_are_those_no_cache_may_answer(samples: pd.DataFrame, workflow: str) -> None:
    sent = samples[(samples["workflow"] == workflow) & (samples["kind"] != "iteration")].merge(
        completed(samples, workflow)
    )
    for step, sends in BILL[workflow].steps.items():
        rows = sent[sent["step"] == step]
        unique = {(send.method, send.route) for send in sends if send.unique}
        bypassed = rows[rows["cache"] == "bypass"]
        assert set(counted(bypassed)) == unique


@pytest.mark.parametrize("workflow", BILL)
def test_pauses_have_their_mean(samples: pd.DataFrame, workflow: str) -> None:
    passes = samples[(samples["workflow"] == workflow) & (samples["kind"] == "iteration")].sort_values("sent_at_s")
    gaps_s = passes.groupby("seller", observed=True)["sent_at_s"].diff().dropna()
    busy_s = passes["response_time_ms"].mean() / 1000
    thinking_s = len(BILL[workflow].steps) * BILL[workflow].think_s * THINK_RATIO
    assert gaps_s.median() == pytest.approx(thinking_s + busy_s, rel=0.25)
