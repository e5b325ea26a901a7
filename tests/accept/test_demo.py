"""The demo as a newcomer sees it, on a fresh clone: what it promises, and every fault with its exact answer."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

pytestmark = pytest.mark.accept

TypeIn = Callable[..., Any]


@pytest.fixture(scope="module")
def demo(type_in: TypeIn) -> Any:
    return type_in("make demo")


def test_it_takes_one_command_and_at_most_five_minutes(demo: Any) -> None:
    assert demo.code == 0, demo.output
    assert demo.took_s <= 300


def test_it_sends_what_it_promises(demo: Any) -> None:
    verdict = demo.verdict
    window = verdict["window"]
    assert window["end_s"] - window["start_s"] >= 60
    assert verdict["totals"]["throughput_rps"] >= 130
    assert [step["status"] for step in verdict["steps"]] == ["passed"] * 40
    assert min(row["completed"] for row in verdict["workflows"]) >= 60
    assert verdict["totals"]["cache_hit_ratio"] > 0.7
    monitors = {row["scope"]["monitor"]: row["outcome"] for row in verdict["results"] if row["scope"]["monitor"]}
    assert monitors == {"memory": "pass", "cpu": "pass"}


def test_every_route_of_every_row_has_75_successes(demo: Any) -> None:
    frame = pd.read_parquet(demo.folder / "samples.parquet")
    window, start_s = demo.verdict["window"], demo.verdict["run"]["started_at_s"]
    since = frame["sent_at_s"] - start_s
    steady = frame[(since >= window["start_s"]) & (since < window["end_s"])]
    ok = steady[(steady["kind"] == "http") & (steady["outcome"] == "ok")]
    counts = ok.groupby(["workflow", "step", "method", "route"], observed=True).size()
    assert len(counts) == 75  # rows of workflows.md: 11 + 10 + 10 + 11 + 10 + 10 + 7 + 6 routes
    assert counts.min() >= 75, counts[counts < 75]


def test_verdict_and_report_come_last(demo: Any, clone: Any) -> None:
    verdict, report = demo.output.splitlines()[-2:]
    assert verdict == "verdict: PASS (exit 0)"
    path = clone / report.removeprefix("report:").strip()
    assert path.read_text("utf-8").count("<img") >= 5


# fault, more arguments, the gate's own code, what the verdict has to name
FAULTS = [
    ("slow_step=dashboard.analytics_display:+3000ms", "", 1, "dashboard.analytics_display p95"),
    ("error_rate=10%", "", 1, "error_rate"),
    ("error_rate=10%", "--stage post", 5, "error_rate"),
    ("cache_off", "", 0, "cache_hit_rate"),
    ("cache_off", "--strict", 1, "cache_hit_rate"),
    ("wrong_body=2%", "", 1, "wrong_body"),
    ("throttle", "", 3, "throttled"),
    ("die@30s", "", 3, "target_lost"),
    ("die@30s", "--stage post", 5, "rollback"),
]


@pytest.mark.parametrize(("fault", "more", "code", "named"), FAULTS, ids=lambda value: str(value) or "plain")
def test_each_fault_has_its_answer(type_in: TypeIn, fault: str, more: str, code: int, named: str) -> None:
    done = type_in(f'make demo FAULT="{fault}" ARGS="{more}"')
    assert done.code == (0 if code == 0 else 2), done.output
    assert f"(exit {code})" in done.output
    assert named in done.output
    verdict = done.verdict
    assert verdict["exit_code"] == code
    if fault.startswith("slow_step"):
        failed = [(step["workflow"], step["step"]) for step in verdict["steps"] if step["status"] != "passed"]
        assert failed == [("dashboard", "analytics_display")]
        broken = [row for row in verdict["results"] if row["outcome"] == "fail"]
        assert {(row["scope"]["workflow"], row["scope"]["step"]) for row in broken} == {
            ("dashboard", "analytics_display")
        }
    if fault == "error_rate=10%":
        assert verdict["rollback"]
    if fault == "cache_off":
        assert verdict["totals"]["cache_hit_ratio"] < 0.01


def test_no_sandbox_at_all_is_3(type_in: TypeIn) -> None:
    done = type_in(".venv/bin/sellergate run --load-profile demo; echo the code is $?")
    assert "the code is 3" in done.output
    assert "target_unreachable" in done.output
