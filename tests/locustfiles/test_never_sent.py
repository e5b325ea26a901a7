"""No request that kills the server's process, or that the contract forbids, can come out of the workflows."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locustfiles._routes import ALLOWED, ID, REFRESH

ROOT = Path(__file__).parents[2]
DRIVER = Path(__file__).parent / "drivers" / "everything.py"
DAY_S = 86_400

# contract.md 0.1 (one request ends the process) and 4.5 ("Never send"); Express does not mind case and final slashes
NEVER = re.compile(
    r"(?i)\w+ /+api/+(orders|marketplace/+registration|enhanced-escrow|enhanced-fiat-payment|stripe|automation)(/|$)"
    r"|(?i:(POST|DELETE|PUT|PATCH) /+api/+cache)(/|$)"
    r"|(?i:\w+ /+api/+performance/+(metrics|stream)|\w+ /+api/+monitoring/+metrics/+realtime)(/|$)"
    r"|(?i:\w+ /+api/+auth/.*2fa|\w+ /+api/+seller-performance/+[^/]+/+regression-test)(/|$)"
)


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /api/orders/1",
        "GET /API/Orders",
        "POST /api/orders/",
        "POST /api/marketplace/registration/seller",
        "GET /api/enhanced-escrow/1",
        "POST /api/cache/clear",
        "GET /api/performance/metrics",
        "POST /api/automation/process-all",
        "POST /api/auth/wallet-connect/verify-2fa",
    ],
)
def test_pattern_knows_what_is_forbidden(request_line: str) -> None:
    assert NEVER.match(request_line)


@pytest.mark.parametrize("request_line", ["GET /api/sellers/orders", "GET /api/marketplace/seller/orders/0x1"])
def test_pattern_lets_pass_what_is_not(request_line: str) -> None:
    assert not NEVER.match(request_line)


@settings(max_examples=3_000, deadline=None)
@given(st.sampled_from(sorted(ALLOWED)), st.data())
def test_no_id_turns_an_allowed_route_into_a_forbidden_one(route: tuple[str, str], data: st.DataObject) -> None:
    method, template = route
    telling = st.sampled_from(["orders", "registration", "metrics", "cache", "2fa"])
    names = re.findall(r"{([a-z]+)}", template)
    ids = {name: data.draw(st.one_of(telling, st.from_regex(ID, fullmatch=True))) for name in names}
    path = template.format(**ids)
    assert not NEVER.match(f"{method} {path}")
    assert path.count("/") == template.count("/"), "an id became a path of its own"


def everything(requests: int, seed: int, trapped_ratio: float = 0.05) -> dict[str, Any]:
    """What the eight workflows sent when some of the answers held ids that are traps."""
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(requests), str(seed), str(trapped_ratio)],
        cwd=ROOT, text=True, capture_output=True, timeout=1800, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def check(result: dict[str, Any]) -> None:
    assert not [line for line in result["sent"] if NEVER.match(line)]
    assert result["problems"] == [], "a trap broke the harness itself"
    # the walk means something: it came by every route but the renewal of day-old tokens, and met traps and good answers
    for method, route in ALLOWED:
        line = re.compile(f"{method} {re.sub(r'{[a-z]+}', '[^/]+', route)}")
        assert route == REFRESH or any(map(line.fullmatch, result["sent"])), line.pattern
    assert result["outcomes"]["ok"] > 0.8 * sum(result["outcomes"].values())
    assert result["outcomes"].get("wrong_body", 0) + result["outcomes"].get("check_failed", 0) > 0


def test_sellers_among_traps_never_send_what_kills() -> None:
    check(everything(20_000, 1))


def test_broken_passes_leave_nothing_that_breaks_the_next_ones() -> None:
    """A listing left on the shelf by every broken pass would end in the tier's limit refusing all others."""
    outcomes = everything(20_000, 2, trapped_ratio=0.3)["outcomes"]
    assert outcomes.get("http_error", 0) < 0.005 * sum(outcomes.values())


@pytest.mark.accept
def test_sellers_among_traps_never_send_what_kills_in_a_whole_day() -> None:
    """A day of the `load` profile's pace on one address: twelve requests a second."""
    check(everything(12 * DAY_S, 2))
