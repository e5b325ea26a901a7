"""What is measured is how long the server took: held against a server that knows."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from runlog.reader import read_samples, read_series

from .conftest import ALONE

pytestmark = [pytest.mark.e2e, pytest.mark.accept]

DRIVERS = Path(__file__).parent / "drivers"
SELLERS = {"constant": 130, "bimodal": 80, "heavy_tail": 40}
"""As many as make the generator use about half a core."""
TARGET = 'format = 1\nurl = "{url}"\ncontact = "accuracy@example.org"\n'
RUN_S = 14
STEADY_AFTER_S = 4.0


class Known:
    """A server of known service times, of its own process."""

    def __init__(self, shape: str, folder: Path) -> None:
        self._times = folder / f"{shape}.times"
        ready = folder / f"{shape}.ready"
        command = [sys.executable, str(DRIVERS / "known_times.py"), shape, str(ready), str(self._times)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)
        until = time.monotonic() + 10
        while not ready.exists() or not ready.read_text("ascii"):
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)
        self.url = f"http://127.0.0.1:{ready.read_text('ascii')}"

    def end(self) -> np.ndarray[Any, Any]:
        """Return the service times in ms, in the order of the answers."""
        if self._process.poll() is None:
            self._process.communicate(timeout=10)
        return np.fromfile(self._times) * 1000


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Callable[[str], Known]]:
    started: list[Known] = []

    def start(shape: str) -> Known:
        started.append(Known(shape, tmp_path))
        return started[-1]

    yield start
    for each in started:
        each.end()


def asked(load: Callable[..., Any], server: Known, folder: Path, sellers: int) -> tuple[pd.Series, float]:
    """Return the response times measured in the steady part, in ms, and the CPU the generator used meanwhile."""
    targets = folder / "targets"
    targets.mkdir(exist_ok=True)
    (targets / "sandbox.toml").write_text(TARGET.format(url=server.url), "utf-8")
    users = ("-u", str(sellers), "-r", str(sellers), "-t", f"{RUN_S}s", "AskingSeller")
    done = load(
        server.url, "-f", str(DRIVERS / "asking.py"), "--targets", str(targets), "--no-gate", *users,
        reports=folder / f"reports-{server.url.rpartition(':')[2]}",
    ).wait()  # fmt: skip
    samples = read_samples(done.folder).to_pandas()
    http = samples[(samples["kind"] == "http") & (samples["outcome"] == "ok")]
    began_s = http["sent_at_s"].min()
    steady = http[(http["sent_at_s"] > began_s + STEADY_AFTER_S) & (http["sent_at_s"] < began_s + RUN_S - 1)]
    health = read_series(done.folder, "generator").to_pandas()
    cpu = health.loc[health["at_s"] > began_s + STEADY_AFTER_S, "cpu_ratio"].median()
    return steady["response_time_ms"].astype(float), float(cpu)


@pytest.mark.parametrize("shape", SELLERS)
def test_response_times_are_the_server_s(
    shape: str, known: Callable[[str], Known], load: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calibrated first: what a request takes beside the service, at about the same rate, once and for all."""
    with ALONE:
        monkeypatch.setenv("PAUSE_S", "0.02")
        nothing = known("nothing")
        bare_ms, _ = asked(load, nothing, tmp_path, SELLERS["constant"])
        transport_ms = float(bare_ms.median() - np.median(nothing.end()))
        monkeypatch.delenv("PAUSE_S")
        server = known(shape)
        took_ms, cpu = asked(load, server, tmp_path, SELLERS[shape])
        truth_ms = server.end()
    assert len(took_ms) > 10_000
    for share, ratio, slack_ms in ((0.5, 0.01, 0.3), (0.99, 0.02, 1.0)):
        ours_ms, theirs_ms = took_ms.quantile(share) - transport_ms, float(np.quantile(truth_ms, share))
        print(  # noqa: T201  # the figures
            f"{shape} p{share * 100:.0f}: {ours_ms:.3f} ms, truth {theirs_ms:.3f} ms "
            f"({len(took_ms)} requests, {cpu:.0%} CPU, transport {transport_ms:.3f} ms)"
        )
        assert abs(ours_ms - theirs_ms) <= max(ratio * theirs_ms, slack_ms)
    assert 0.3 < cpu < 0.7
