"""What ends the server's process is not asked for, however it is written and whoever wrote it."""

from pathlib import Path

import pytest

from settings.forbidden import refuse_forbidden
from settings.problem import UsageProblem
from settings.target import load_target


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/api/orders"),
        ("GET", "/api/orders/1"),
        ("GET", "/API/Orders/1"),
        ("GET", "/api//orders/1"),
        ("GET", "/health/../api/orders/1"),
        ("GET", "/api/%6frders/1"),
        ("GET", "/api/%256frders/1"),
        ("GET", "/api\\orders/1"),
        ("GET", "https://staging.example/api/orders?x=1"),
        ("POST", "/api/marketplace/registration/seller"),
        ("GET", "/api/enhanced-escrow/1"),
        ("GET", "/api/enhanced-fiat-payment"),
        ("POST", "/api/stripe/connect/onboard"),
        ("POST", "/api/automation/process-all"),
        ("POST", "/api/cache/clear"),
        ("GET", "/api/performance/metrics"),
        ("GET", "/api/performance/stream"),
        ("GET", "/api/monitoring/metrics/realtime"),
        ("GET", "/api/auth/status"),
    ],
)
def test_what_must_never_be_sent_is_refused(method: str, address: str) -> None:
    with pytest.raises(ValueError, match="must never be sent"):
        refuse_forbidden(address, method)


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/health"),
        ("GET", "/api/cache/stats"),
        ("GET", "/api/sellers/orders"),
        ("GET", "/api/ordersof"),
        ("GET", "/api/monitoring/metrics/prometheus"),
        ("GET", "/api/performance/health"),
        ("POST", "/api/marketplace/seller/images/upload"),
    ],
)
def test_what_a_target_tells_about_itself_may_be_asked(method: str, address: str) -> None:
    refuse_forbidden(address, method)


@pytest.mark.parametrize(
    ("part", "place"),
    [
        pytest.param('[health]\norders = "/api/orders/1"\n', "health: orders: 'GET /api/orders/1'", id="health"),
        pytest.param('[health]\ncache = "POST /api/cache/clear 200"\n', "health: cache: 'POST /api/cache", id="post"),
        pytest.param(
            '[[monitor]]\nname = "m"\nurl = "/api/performance/metrics"\nformat = "json"\npath = "a"\n',
            "monitor 1: url: 'GET /api/performance/metrics'",
            id="monitor",
        ),
    ],
)
def test_a_target_file_cannot_name_it(tmp_path: Path, part: str, place: str) -> None:
    (tmp_path / "here.toml").write_text(f'format = 1\nurl = "http://127.0.0.1:9"\n{part}', "utf-8")
    with pytest.raises(UsageProblem, match="must never be sent") as refused:
        load_target("here", environ={}, folder=tmp_path)
    assert place in str(refused.value)
