"""Build synthetic runs: a good one, and ways to spoil it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import Evidence
from analysis.thresholds import load_thresholds
from runlog.run import EndedBy, GeneratorInfo, LoadProfile, Run, StepName, TargetInfo
from runlog.schema import CATEGORIES, GENERATOR_SCHEMA, SAMPLE_SCHEMA
from runlog.workflows import EVENT_STEPS, WORKFLOWS

START_S = 1_700_000_000.0  # 2023-11-14T22:13:20Z
RAMP_S = 10.0
PLANNED_S = 75.0
EACH_STEP = 170  # 40 * 170 / 65 s = 104.6 rps
EACH_WORKFLOW = 60
FORTY = tuple((workflow, step) for workflow, steps in WORKFLOWS.items() for step in steps)
EACH_EVENT = 60
SESSIONS = 40
EACH_WAIT = 60
WAITING = (
    ("onboarding", "payout_setup"),
    ("profile_management", "data_sync"),
    ("dashboard", "realtime_updates"),
    ("dashboard", "notifications"),
    ("store", "customer_interaction"),
    ("listing", "pricing_currency"),
    ("listing", "status_management"),
    ("order_management", "order_notification"),
    ("order_management", "customer_communication"),
    ("tier_upgrade", "automated_upgrade"),
)
"""Steps that wait for their own write to show."""


class Builder:
    """Everything a test needs to make a run; times are seconds since its start."""

    start_s = START_S
    forty = FORTY
    waiting = WAITING

    def __init__(self) -> None:
        self.shipped = load_thresholds()
        self._samples = self.frame([*self._http(), *self._waits(), *self._iterations(), *self._sockets()])
        self._generator = self.generator((0,))
        self._monitors = self.monitors({"memory": 0.5, "cpu": 0.4, "health.database": 1.0})

    def run(self, **changes: Any) -> Run:
        values: dict[str, Any] = {
            "id": "20231114-221320",
            "stage": None,
            "load_profile": LoadProfile(name="demo", sellers=40, spawn_per_s=10.0, duration_s=PLANNED_S, ramp_s=RAMP_S),
            "target": TargetInfo(name="sandbox", url="http://127.0.0.1:7080", monitors=("memory", "cpu")),
            "revision": "abc123",
            "seed": 7,
            "generator": GeneratorInfo(
                processes=(0,), python="3.11.9", locust="2.47.0", sellergate="0.1.0", cpu_count=2
            ),
            "scope": tuple(StepName(workflow=workflow, step=step) for workflow, step in FORTY),
            "started_at_s": START_S,
            "spawned_at_s": START_S + 4,
            "ended_at_s": START_S + PLANNED_S,
            "ended_by": EndedBy.TIME,
        }
        return Run(**(values | changes))

    def profile(self, **changes: Any) -> LoadProfile:
        return self.run().load_profile.model_copy(update=changes)

    def target(self, **changes: Any) -> TargetInfo:
        return self.run().target.model_copy(update=changes)

    def good(self, **changes: Any) -> Evidence:
        """Return a run that passes everything that ships."""
        evidence = Evidence(self.run(), self._samples, self._generator, self._monitors)
        return replace(evidence, **changes)

    def with_run(self, **changes: Any) -> Evidence:
        return self.good(run=self.run(**changes))

    def row(self, **changes: Any) -> dict[str, Any]:
        """Return one good http sample in the middle of the run."""
        values: dict[str, Any] = dict.fromkeys(SAMPLE_SCHEMA.names)
        values |= {
            "kind": "http",
            "sent_at_s": 40.0,
            "workflow": "listing",
            "step": "creation",
            "seller": 1,
            "iteration": 1,
            "process": 0,
            "method": "POST",
            "route": "/api/marketplace/seller/listings",
            "status": 201,
            "outcome": "ok",
            "response_time_ms": 100.0,
            "cache": "none",
        }
        values |= changes
        values["sent_at_s"] += START_S
        return values

    def rows(self, count: int, **changes: Any) -> list[dict[str, Any]]:
        return [self.row(**changes) for _ in range(count)]

    def frame(self, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
        """Return samples with the types that the run log's reader gives."""
        frame = pd.DataFrame(list(rows), columns=SAMPLE_SCHEMA.names)
        for column in SAMPLE_SCHEMA.names:
            if column in CATEGORIES:
                frame[column] = frame[column].astype(object).astype("category")
            else:
                kind = np.float32 if column.endswith("_ms") else np.float64
                frame[column] = frame[column].astype(object if column == "computed" else kind)
        return frame

    def changed(self, where: Callable[[pd.DataFrame], Any], **values: Any) -> pd.DataFrame:
        """Return the good run's samples with other values where the condition holds."""
        frame = self._samples.copy()
        chosen = where(frame)
        for column, value in values.items():
            if column in CATEGORIES:
                frame[column] = frame[column].astype(object)
            frame.loc[chosen, column] = value
            if column in CATEGORIES:
                frame[column] = frame[column].astype("category")
        return frame

    def without(self, where: Callable[[pd.DataFrame], Any]) -> pd.DataFrame:
        return self._samples[~where(self._samples)]

    def added(self, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
        more = self.frame(rows)
        columns = {
            column: np.concatenate([self._samples[column].to_numpy(), more[column].to_numpy()])
            for column in SAMPLE_SCHEMA.names
        }
        frame = pd.DataFrame(columns)
        return frame.astype(dict.fromkeys(CATEGORIES, "category"))

    def generator(self, processes: Sequence[int], *, cpu_ratio: float = 0.4, lag_ms: float = 2.0) -> pd.DataFrame:
        """Return one row a process and second, from the start to the end."""
        rows = [
            {
                "at_s": START_S + second,
                "process": process,
                "cpu_ratio": cpu_ratio,
                "lag_p99_ms": lag_ms,
                "lag_max_ms": 2 * lag_ms,
                "sellers": 40,
                "memory_bytes": 10**8,
                "gc_pause_ms": 1.0,
                "gc_pause_max_ms": 0.5,
                "files": 60,
                "files_limit": 1_024,
                "memory_free_ratio": 0.5,
                "cpu_wait_ratio": 0.1,
                "clock_step_ms": 0.01,
            }
            for process in processes
            for second in range(int(PLANNED_S) + 1)
        ]
        return pd.DataFrame(rows, columns=GENERATOR_SCHEMA.names)

    def monitors(self, values: dict[str, float | None]) -> pd.DataFrame:
        """Return one row a monitor every five seconds."""
        rows = [
            {"at_s": START_S + second, "monitor": name, "value": value, "error": None}
            for name, value in values.items()
            for second in range(0, int(PLANNED_S) + 1, 5)
        ]
        frame = pd.DataFrame(rows, columns=["at_s", "monitor", "value", "error"])
        return frame.astype({"at_s": np.float64, "monitor": object, "value": np.float64, "error": object})

    def _http(self) -> list[dict[str, Any]]:
        return [
            self.row(
                workflow=workflow,
                step=step,
                route=f"/api/{workflow}/{step}",
                sent_at_s=RAMP_S + number * 65 / EACH_STEP,
                # 50 … 219 ms: the slowest fifth are misses
                response_time_ms=49.0 + number - number // 5 if number % 5 else 186.0 + number // 5,
                cache="hit" if number % 5 else "miss",
            )
            for workflow, step in FORTY
            for number in range(EACH_STEP)
        ]

    def socket_row(self, kind: str, **changes: Any) -> dict[str, Any]:
        """Return one good sample of a real-time session."""
        nothing: dict[str, Any] = dict.fromkeys(("step", "method", "status", "cache"))
        return self.row(**{"kind": kind, "route": kind, "response_time_ms": 20.0, **nothing, **changes})

    def _sockets(self) -> list[dict[str, Any]]:
        """Return sessions held from the ramp to the end, and the events four steps wait for."""
        held = [
            self.socket_row(kind, seller=seller, workflow="dashboard", sent_at_s=4.0, response_time_ms=time_ms, **more)
            for seller in range(SESSIONS)
            for kind, time_ms, more in (
                ("connect", 20.0, {"status": 101, "connect_ms": 1.0, "wait_ms": 4.0, "handshake_ms": 10.0}),
                ("ack", 2.0, {"route": "subscribe"}),
                ("session", 71_000.0, {}),
            )
        ]
        events = [
            self.socket_row(
                "push",
                workflow=workflow,
                step=step,
                route=event,
                sent_at_s=RAMP_S + number * 65 / EACH_EVENT,
                response_time_ms=10.0 + number,
            )
            for (workflow, step), event in EVENT_STEPS.items()
            for number in range(EACH_EVENT)
        ]
        return [*held, *events]

    def _waits(self) -> list[dict[str, Any]]:
        return [
            self.row(
                kind="freshness",
                workflow=workflow,
                step=step,
                route=None,
                method=None,
                status=None,
                cache=None,
                sent_at_s=RAMP_S + number * 65 / EACH_WAIT,
                response_time_ms=400.0,
            )
            for workflow, step in WAITING
            for number in range(EACH_WAIT)
        ]

    def _iterations(self) -> list[dict[str, Any]]:
        return [
            self.row(
                kind="iteration",
                workflow=workflow,
                step=None,
                route=None,
                method=None,
                status=None,
                cache=None,
                sent_at_s=RAMP_S + number * 65 / EACH_WORKFLOW,
                response_time_ms=900.0,
            )
            for workflow in WORKFLOWS
            for number in range(EACH_WORKFLOW)
        ]


@pytest.fixture(scope="session")
def made() -> Builder:
    return Builder()
