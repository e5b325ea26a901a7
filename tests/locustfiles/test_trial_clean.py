"""Cleaning up takes what the run made, goes on past a failure, and finds each wallet's key again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
LOOK = "GET {w}"
BELL = "POST read-all"


@pytest.fixture(scope="module")
def came() -> dict[str, Any]:
    """What came of every case of the driver."""
    driver = Path(__file__).parent / "drivers" / "cleaning.py"
    done = subprocess.run([sys.executable, driver], cwd=ROOT, stdout=subprocess.PIPE, timeout=60, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("case", "sent", "down", "gone"),
    [
        pytest.param("own active ones", [LOOK, "DELETE a", "DELETE b"], 2, 1, id="what the run made, nothing else"),
        pytest.param("one not active", [LOOK, "DELETE a"], 1, 1, id="nothing twice"),
        pytest.param("unnamed", [LOOK, "DELETE a", "DELETE x"], 2, 0, id="by prefix where ids are not known"),
        pytest.param("one fails", [LOOK, "DELETE a", "DELETE b"], 1, 0, id="goes on past a failure"),
        pytest.param("nobody answers", [LOOK, "DELETE a"], 0, 0, id="stops where nobody answers"),
        pytest.param("notified", [BELL], 0, 0, id="only the bell"),
        pytest.param("second page", [LOOK, LOOK, "DELETE p0", "DELETE q"], 2, 0, id="every page"),
        pytest.param("same page again", [LOOK, LOOK, "DELETE p0"], 1, 1, id="a cache that ignores the page"),
    ],
)
def test_sellers_take_down_what_the_run_left(
    case: str, sent: list[str], down: int, gone: int, came: dict[str, Any]
) -> None:
    assert came[case]["sent"] == ["sign in", *sent]
    assert (came[case]["down"], came[case]["gone"]) == (down, gone)


@pytest.mark.parametrize(
    ("case", "failed"), [("own active ones", None), ("one fails", "no"), ("nobody answers", "refused")]
)
def test_what_could_not_be_done_is_said(case: str, failed: str | None, came: dict[str, Any]) -> None:
    assert came[case]["failed"] == failed


def test_every_wallet_of_pool_and_run_is_found_again_and_no_stranger(came: dict[str, Any]) -> None:
    assert len(came["keys"]) == 10
    assert [name for name, found in came["keys"].items() if not found] == ["stranger"]
