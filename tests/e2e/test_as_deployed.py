"""Against a deployment as it is, what cannot work fails by name and reason, and nothing else does."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from .conftest import ROOT, Done, Sandbox, environment, unstarved

pytestmark = pytest.mark.e2e

# onboarding and tier_upgrade sign somebody new in for every pass, and sign-in is always limited
PROFILES = """
format = 1
[short]
description = "long enough for most steps to be decided"
sellers = 60
spawn_per_s = 30
ramp = "2 s"
duration = "42 s"
think_ratio = 0.5
[short.weights]
onboarding = 0.2
tier_upgrade = 0.2
listing = 2.6       # these two wait for what never shows
dashboard = 2.6
"""

# step → outcome and the beginning of what its samples say, with the section of contract.md that says so
BROKEN = {
    ("profile_management", "image_upload"): ("http_error", "status 400 IMAGE_UPLOAD_ERROR"),  # 6.2.1
    ("listing", "image_management"): ("http_error", "status 400 IMAGE_UPLOAD_ERROR"),  # 6.2.1
    ("profile_management", "data_sync"): ("wrong_body", "'walletAddress' is another seller's"),  # 0.3
    ("dashboard", "notifications"): ("stale", "not visible within N s"),  # 3.2
    ("store", "listing_management"): ("stale", "what this seller put there is not listed"),  # 0.2, 3.2
    ("listing", "status_management"): ("stale", "not visible within N s"),  # 3.2
    ("order_management", "payment_processing"): ("check_failed", "the two lists of orders have none in common"),  # 0.2
    ("tier_upgrade", "limit_enforcement"): ("check_failed", "status 201, expected status 403"),  # 6.7
    ("tier_upgrade", "automated_upgrade"): ("wrong_body", "the body is another path's: no 'tierDisplayName'"),  # 0.4
}
# what may come or not, as keys collide: 0.3 once a shelf is shown, 0.5 when two ask for a cold dashboard at once
MAY_BE = {
    ("listing", "category"),
    ("profile_management", "verification_status"),
    ("dashboard", "performance_metrics"),
}
WITH_GAPS, WITHOUT_GAPS = "the shipped gaps", "no gaps"
GAPS = {
    ("profile_management", "image_upload"),
    ("listing", "image_management"),
    ("order_management", "order_notification"),
    ("tier_upgrade", "limit_enforcement"),
    ("tier_upgrade", "automated_upgrade"),
    ("tier_upgrade", "benefit_activation"),
}


@dataclass(frozen=True)
class Story:
    """A run against a deployment as it is, and what the deployment knows of it."""

    run: Done
    truth: dict[str, Any]

    def status(self) -> dict[tuple[str, str], tuple[str, str]]:
        return {
            (step["workflow"], step["step"]): (step["status"], step["reason"] or "")
            for step in self.run.verdict["steps"]
        }

    def failing(self) -> dict[tuple[str, str], set[tuple[str, str]]]:
        """Outcomes and errors of samples that are neither good nor cut by the end, by step."""
        frame = self.run.samples
        frame = frame[frame["kind"].isin(["http", "freshness"]) & ~frame["outcome"].isin(["ok", "aborted"])]
        found: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for workflow, step, outcome, error in frame[["workflow", "step", "outcome", "error"]].itertuples(index=False):
            found.setdefault((workflow, step), set()).add((outcome, error))
        return found


def told(
    deployments: Callable[..., Sandbox], folders: Callable[[], Path], page: str, shipped: str, *, gaps: bool
) -> Story:
    """Run with the shipped target file, or with it as if there were no gaps and consent to everything."""
    found: list[Story] = []

    def once() -> Done:
        found.append(told_once(deployments(), folders(), page, shipped, gaps=gaps))
        return found[-1].run

    unstarved(once)
    return found[-1]


def told_once(deployment: Sandbox, folder: Path, page: str, shipped: str, *, gaps: bool) -> Story:
    (folder / "profiles.toml").write_text(PROFILES, "utf-8")
    targets = folder / "targets"
    targets.mkdir()
    (targets / "limits").symlink_to(ROOT / "targets" / "limits")
    if not gaps:
        shipped = re.sub(r"(?ms)^\[\[gap\]\].*?(?=^\[\[gap|^#|\Z)", "", shipped)
        shipped = shipped.replace("consents = []", 'consents = ["image_upload"]')
    (targets / "staging.toml").write_text(shipped, "utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "gate", "run", "--target", "staging", "--targets", str(targets)),
            *("--load-profile", "short", "--profiles", str(folder / "profiles.toml")),
            *("--allow-throttling", "--reports", str(folder / "reports")),  # no limit is on but sign-in's
        ],
        cwd=ROOT,
        env=environment(BACKEND_URL=deployment.url, FRONTEND_URL=page, SELLERGATE_WALLET_SECRET="of this test"),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=200,
        check=False,
    )
    folder = (folder / "reports" / "latest").resolve()
    return Story(Done(done.returncode, done.stdout, folder), deployment.truth())


@pytest.fixture(scope="module")
def stories(
    deployments: Callable[..., Sandbox], page: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Story]]:
    """One run as if there were no gaps, one with the shipped ones; side by side, for neither is heavy."""
    shipped = (ROOT / "targets" / "staging.toml").read_text("utf-8")
    with ThreadPoolExecutor() as pool:
        runs = {
            name: pool.submit(
                told, deployments, lambda: tmp_path_factory.mktemp("told"), page, shipped, gaps=name == WITH_GAPS
            )
            for name in (WITHOUT_GAPS, WITH_GAPS)
        }
        yield {name: run.result() for name, run in runs.items()}


@pytest.mark.parametrize("name", [WITHOUT_GAPS, WITH_GAPS])
def test_what_cannot_work_fails_as_the_contract_says_and_nothing_else(stories: dict[str, Story], name: str) -> None:
    failing = stories[name].failing()
    sent = {step for step in BROKEN if name == WITHOUT_GAPS or "image" not in step[1]}  # nobody agreed to uploads there
    assert sent <= set(failing) <= sent | MAY_BE, failing
    for step in sent:
        outcome, error = BROKEN[step]
        assert any(found == outcome and str(text).startswith(error) for found, text in failing[step]), failing[step]


def test_each_of_them_is_failed_by_name_and_reason(stories: dict[str, Story]) -> None:
    status = stories[WITHOUT_GAPS].status()
    for step in BROKEN:
        assert status[step][0] == "failed"
        assert "limit" in status[step][1] or "another" in status[step][1], (step, status[step])
    assert stories[WITHOUT_GAPS].run.code == 1, stories[WITHOUT_GAPS].run.output


def test_shipped_gaps_are_listed_and_the_rest_is_judged(stories: dict[str, Story]) -> None:
    story = stories[WITH_GAPS]
    assert story.run.code == 1, story.run.output
    status = story.status()
    assert {step for step, (name, _) in status.items() if name == "gap"} == GAPS
    listed = [line for line in story.run.verdict["overrides"] if line.startswith("gap ")]
    assert len(listed) == len(GAPS)
    assert "passed" in {name for name, _ in status.values()}
    assert (story.run.folder / "report.html").read_text("utf-8").count("no limit is enforced") >= 1
    assert not [doubt for doubt in story.run.verdict["doubts"] if doubt["invalidates"]]


@pytest.mark.parametrize("name", [WITHOUT_GAPS, WITH_GAPS])
def test_nothing_deadly_or_forbidden_was_sent(stories: dict[str, Story], name: str) -> None:
    truth = stories[name].truth
    assert truth["canary"] == 0
    assert truth["forbidden"] == {}
    assert sum(row["refused"] for row in truth["limits"]) == 0


def test_hidden_cache_is_mentioned(stories: dict[str, Story]) -> None:
    doubts = {doubt["name"] for doubt in stories[WITHOUT_GAPS].run.verdict["doubts"]}
    assert "hidden_cache" in doubts


def test_verdict_of_a_deployment_is_of_the_schema(stories: dict[str, Story]) -> None:
    schema = json.loads((ROOT / "analysis" / "verdict.schema.json").read_text("utf-8"))
    jsonschema.validate(stories[WITH_GAPS].run.verdict, schema)
