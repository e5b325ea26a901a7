"""A master takes what workers send, byte for byte, many times faster than a run needs."""

from pathlib import Path

import pytest

from bench.master import __main__ as bench

pytestmark = pytest.mark.e2e


def test_a_master_takes_the_samples_of_simulated_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SAMPLES", 100_000)
    result = bench._measure(tmp_path)
    assert result["problems"] == []
    assert result["clocks"] == bench.WORKERS
    assert result["received_bytes"] > 4 * 100_000 * 60
    assert result["wall_s"] > 0
    assert result["peak_bytes"] < bench.MEMORY_TARGET_MB * 1e6
