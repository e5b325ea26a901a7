"""What is measured is how long the server took: held against a server that knows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from runlog.reader import read_samples, read_series

from .conftest import ALONE
from .known import Known

pytestmark = [pytest.mark.e2e, pytest.mark.accept]

SELLERS = {"constant": 130, "bimodal": 80, "heavy_tail": 40}
"""As many as make the generator use about half a core."""
RUN_S = 14
STEADY_AFTER_S = 4.0


def asked(load: Callable[..., Any], server: Known, folder: Path, sellers: int) -> tuple[pd.Series, float]:
    """Return the response times measured in the steady part, in ms, and the CPU the generator used meanwhile."""
    users = ("-u", str(sellers), "-r", str(sellers), "-t", f"{RUN_S}s", "AskingSeller")
    done = load(
        server.url, *server.arguments, "--no-gate", *users,
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
