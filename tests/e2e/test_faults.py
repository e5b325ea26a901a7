"""The whole way, from a fault of the server to the exit code that names it."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

Run = Any
"""conftest's Runs."""


WAITING = {
    ("onboarding", "payout_setup"),
    ("profile_management", "data_sync"),
    ("dashboard", "notifications"),
    ("listing", "pricing_currency"),
    ("listing", "status_management"),
    ("order_management", "customer_communication"),
    ("tier_upgrade", "automated_upgrade"),
}
"""Steps that look for what they wrote; one that no longer looked would be judged by its requests alone."""

TOLD = {
    ("dashboard", "realtime_updates"),
    ("store", "customization"),
    ("store", "customer_interaction"),
    ("order_management", "order_notification"),
    ("order_management", "status_update"),
    ("order_management", "fulfillment"),
    ("tier_upgrade", "limit_enforcement"),
    ("tier_upgrade", "automated_upgrade"),
    ("tier_upgrade", "benefit_activation"),
}
"""Steps that cause an event, or wait for one."""


@pytest.fixture(scope="module", autouse=True)
def _side_by_side(run: Run) -> None:
    """Begin all runs of this module, in the order of its tests: they are made two at a time."""
    for faults in (
        (),
        ("slow_step=dashboard.analytics_display:+3000ms",),
        ("error_rate=10%",),
        ("cache_off",),
        ("lying_cache",),
        ("wrong_body=2%",),
        ("throttle",),
        ("die@12s",),
    ):
        run.ahead(*faults)


def high(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [result for result in results if result["severity"] in ("critical", "high")]


def test_a_healthy_sandbox_passes_with_all_forty_steps(run: Run) -> None:
    done = run()
    assert done.code == 0, done.output
    verdict = done.verdict
    assert (verdict["outcome"], verdict["exit_code"], verdict["release_grade"]) == ("pass", 0, True)
    assert [step["status"] for step in verdict["steps"]] == ["passed"] * 40
    assert verdict["totals"]["cache_hit_ratio"] > 0.7
    judged = {result["scope"]["monitor"]: result for result in verdict["results"] if result["scope"]["monitor"]}
    assert {name: result["outcome"] for name, result in judged.items()} == {"memory": "pass", "cpu": "pass"}
    for kind, steps in (("freshness", WAITING), ("push", {*TOLD, (None, None)})):
        scopes = [each["scope"] for each in verdict["results"] if each["scope"]["kind"] == kind]
        assert {(scope["workflow"], scope["step"]) for scope in scopes} == steps, kind
    assert done.output.splitlines()[-2:] == ["verdict: PASS (exit 0)", f"report:  {done.folder / 'report.html'}"]


def test_one_slow_step_fails_and_is_the_only_one_named(run: Run) -> None:
    done = run("slow_step=dashboard.analytics_display:+3000ms")
    assert done.code == 1, done.output
    broken = high(done.broken())
    assert {(each["scope"]["workflow"], each["scope"]["step"], each["stat"]) for each in broken} == {
        ("dashboard", "analytics_display", "p95")
    }
    failed = [(step["workflow"], step["step"]) for step in done.verdict["steps"] if step["status"] != "passed"]
    assert failed == [("dashboard", "analytics_display")]
    assert "analytics_display" in done.output


def test_errors_fail_and_after_the_release_they_roll_back(run: Run, judge: Run) -> None:
    done = run("error_rate=10%")
    assert done.code == 1, done.output
    assert any("error_rate" in reason for reason in done.verdict["rollback"])
    after = judge(done, "--stage", "post")
    assert (after.code, after.verdict["exit_code"]) == (5, 5), after.output
    assert judge(done, "--stage", "post", ROLLBACK_ENABLED="false").code == 1


def test_a_cache_that_never_hits_warns_and_fails_only_when_strict(run: Run, judge: Run) -> None:
    done = run("cache_off")
    assert done.code == 0, done.output
    assert done.verdict["totals"]["cache_hit_ratio"] == 0
    assert [(each["stat"], each["severity"]) for each in done.broken()] == [("cache_hit_rate", "low")]
    assert "cache_hit_rate" in done.output
    assert judge(done, "--strict").code == 1


def test_a_cache_that_lies_never_passes(run: Run) -> None:
    done = run("lying_cache")
    assert done.code == 3, done.output
    assert "cache_header_lies" in done.doubts()
    assert done.verdict["totals"]["cache_hit_ratio"] < 0.05


def test_another_sellers_data_is_critical(run: Run) -> None:
    done = run("wrong_body=2%")
    assert done.code == 1, done.output
    assert ("wrong_body", "critical") in {(each["stat"], each["severity"]) for each in done.broken()}


def test_throttling_says_nothing_about_the_server(run: Run) -> None:
    done = run("throttle")
    assert done.code == 3, done.output
    assert "throttled" in done.doubts()


def test_a_server_that_dies_ends_the_run_and_rolls_back_after_the_release(run: Run, judge: Run) -> None:
    done = run("die@12s")
    assert done.code == 3, done.output
    assert done.doubts() & {"target_lost", "cut_short"}
    after = judge(done, "--stage", "post")
    assert after.code == 5, after.output


def test_no_server_at_all_is_an_invalid_run(sellergate: Run, profiles: Path, tmp_path: Path) -> None:
    done = sellergate(
        "run", "--load-profile", "demo", "--profiles", profiles, "--reports", tmp_path, BACKEND_URL="http://127.0.0.1:9"
    )
    assert done.returncode == 3, done.stdout
    assert "target_unreachable" in done.stdout
    assert done.stdout.splitlines()[-2] == "verdict: INVALID (exit 3)"
