"""Which orders in the list a seller must have been told of: what cannot be known is never held against the server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).parent / "drivers" / "orders.py"
ROOT = Path(__file__).resolve().parents[2]
ONLINE = {
    "clock_known": True, "line": True, "live_since_s": 150.0, "live": True, "known": [],
    "created_at": "1970-01-01T00:03:20.000Z",  # 200 s
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "owed"),
    [
        ({}, True),
        ({"created_at": "1970-01-01T00:02:20.000Z"}, False),  # before the session began
        ({"line": False}, False),
        ({"live_since_s": None}, False),  # there was never a session: the step fails for that
        ({"clock_known": False}, True),  # new since the last look, and online all the while
        ({"clock_known": False, "known": ["o-1"]}, False),
        ({"clock_known": False, "known": None}, False),  # not online at the last look
        ({"clock_known": False, "live": False}, False),
    ],
)
def test_order_is_owed_when_its_seller_was_there_to_be_told(changes: dict[str, Any], *, owed: bool) -> None:
    command = [sys.executable, str(DRIVER), json.dumps(ONLINE | changes)]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said, made_s = json.loads(done.stdout)
    assert said is owed
    if owed:
        assert made_s == (None if changes.get("clock_known") is False else pytest.approx(200.0, abs=0.01))
