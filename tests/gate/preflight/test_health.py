"""Parts of a target come up in minutes and are waited for; a name nobody knows is not."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gate.preflight import health
from gate.preflight.check import State
from gate.probe import ProbeError, UnknownNameError
from settings.target import Target, load_target


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "here.toml").write_text(
        'format = 1\nurl = "http://127.0.0.1:9"\n[health]\ndatabase = "/health"\n', "utf-8"
    )
    return replace(load_target("here", environ={}, folder=tmp_path), health_timeout_s=3.0)


@pytest.mark.parametrize(
    ("error", "least_s", "most_s"),
    [
        pytest.param(ProbeError("connection refused"), 1.0, 4.0, id="a part that is down"),
        pytest.param(UnknownNameError("name or service not known"), 0.0, 0.9, id="a name nobody knows"),
    ],
)
def test_only_a_name_nobody_knows_is_not_waited_for(
    target: Target, monkeypatch: pytest.MonkeyPatch, error: ProbeError, least_s: float, most_s: float
) -> None:
    def ask(*_arguments: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr(health, "ask", ask)
    monkeypatch.setattr(health, "_NAME_S", 0.5)
    with ThreadPoolExecutor() as pool:
        began_s = time.monotonic()
        (seen,) = health.health_checks(target, pool, threading.Event(), lambda *_: None)
    assert seen.check.state is State.PROBLEM
    assert least_s <= time.monotonic() - began_s < most_s
