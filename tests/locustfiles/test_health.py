"""A process tells of itself what happened to it: pauses for garbage, a clock that was set, files, lateness."""

import gc
import os
import time

import gevent
import pytest

from locustfiles import _health
from locustfiles._health import Health


@pytest.fixture
def health() -> object:
    watched = Health(3, lambda: 40, lambda: 0.25)
    yield watched
    watched.close()


def test_row_says_all_of_the_series(health: Health) -> None:
    time.sleep(0.05)
    row = health.row()
    assert (row["process"], row["sellers"]) == (3, 40)
    assert row["files"] is not None
    assert 0 < float(row["files"]) < float(row["files_limit"] or 0)
    assert 0 < float(row["memory_free_ratio"] or 0) < 1
    assert row["late_start_max_ms"] == 250
    assert 0 <= float(row["cpu_wait_ratio"] or 0) < 1
    assert abs(float(row["clock_step_ms"] or 0)) < 50
    assert float(row["memory_bytes"] or 0) > 10**7


def test_collecting_garbage_is_a_pause_told_once(health: Health) -> None:
    gc.collect()
    row = health.row()
    assert row["gc_pause_ms"] >= row["gc_pause_max_ms"] > 0
    gc.disable()
    try:
        assert health.row()["gc_pause_ms"] == 0
        assert health.row()["gc_pause_max_ms"] == 0
    finally:
        gc.enable()


def test_nobody_hears_of_garbage_any_more_after_the_end() -> None:
    before = len(gc.callbacks)
    Health(0, lambda: 0, lambda: None).close()
    assert len(gc.callbacks) == before


def test_clock_that_is_set_back_shows_as_a_step(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    health.row()
    ahead_s = time.time() - 2.0
    monkeypatch.setattr(_health.time, "time", lambda: ahead_s)
    assert -2_100 < health.row()["clock_step_ms"] < -1_900


def test_open_files_are_counted(health: Health) -> None:
    before = health.row()["files"]
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(5)]
    try:
        assert health.row()["files"] == before + 5
    finally:
        for each in opened:
            os.close(each)


def test_loop_held_up_is_late(health: Health) -> None:
    probe = gevent.spawn(health.probe_lag)
    gevent.sleep(0.02)
    time.sleep(0.1)
    gevent.sleep(0.02)
    probe.kill()
    assert 80 < health.row()["lag_max_ms"] < 1_000
