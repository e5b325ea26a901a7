"""Build verdicts and runs for the tests of the report."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.report import write_reports
from analysis.verdict import (
    CacheBasis,
    CacheSide,
    CacheSplit,
    Doubt,
    Outcome,
    Result,
    Scope,
    Severity,
    StepResult,
    StepStatus,
    ThrottledRoute,
    Totals,
    Verdict,
    WaiverState,
    WaiverUse,
    Window,
    WorkflowResult,
)
from runlog.run import EndedBy, Gap, GeneratorInfo, LoadProfile, Run, StepName, TargetInfo
from runlog.schema import GENERATOR_SCHEMA, MONITOR_SCHEMA, SAMPLE_SCHEMA
from runlog.workflows import WORKFLOWS

GOLDEN = Path(__file__).parent.parent / "golden"
STARTED_AT_S = 1_764_000_000.0
DURATION_S = 75.0
_WHOLE_RUN = Scope()
FORTY = tuple((workflow, step) for workflow, steps in WORKFLOWS.items() for step in steps)


Frames = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
"""Samples, generator, monitors: what write_reports takes beside the verdict."""


def _run() -> Run:
    return Run(
        id="20251124-160000-demo",
        stage="pre",
        load_profile=LoadProfile(name="demo", sellers=40, spawn_per_s=4, duration_s=DURATION_S, ramp_s=10),
        target=TargetInfo(name="sandbox", url="http://127.0.0.1:7080", monitors=("cpu", "memory")),
        revision="4f2c1e9",
        seed=7,
        generator=GeneratorInfo(processes=(0,), python="3.11.2", locust="2.47.0", sellergate="0.1.0", cpu_count=2),
        scope=tuple(StepName(workflow=workflow, step=step) for workflow, step in FORTY),
        started_at_s=STARTED_AT_S,
        spawned_at_s=STARTED_AT_S + 10,
        ended_at_s=STARTED_AT_S + DURATION_S,
        ended_by=EndedBy.TIME,
    )


def result(  # noqa: PLR0913 - one argument a column keeps the tables of the tests readable
    stat: str,
    limit: str,
    observed: float | None,
    margin_ratio: float | None,
    *,
    unit: str = "ms",
    severity: Severity = Severity.HIGH,
    outcome: Outcome = Outcome.PASS,
    scope: Scope = _WHOLE_RUN,
    samples: int = 9_813,
    interval: tuple[float, float] | None = None,
    why: str = "validation guide",
) -> Result:
    return Result(scope, stat, severity, limit, observed, interval, samples, outcome, margin_ratio, why, unit)


def _whole_run() -> tuple[Result, ...]:
    return (
        result("mean", "< 2000 ms", 41.26, 0.979, interval=(40.0, 42.5), why="validation guide, Monitoring"),
        result("mean", "< 5000 ms", 41.26, 0.992, severity=Severity.CRITICAL),
        result("mean", "< 10 s", 41.26, 0.996, severity=Severity.ROLLBACK),
        result("error_rate", "< 1 %", 0.00123, 0.877, unit="ratio"),
        result("throughput", "> 100 rps", 151.2, 0.512, unit="rps"),
        result("cache_hit_rate", "> 70 %", 0.8231, 0.176, unit="ratio", severity=Severity.LOW),
        result("max", "< 85 %", 0.61, 0.282, unit="ratio", severity=Severity.MEDIUM, scope=Scope(monitor="memory")),
        result("wrong_body", "= 0", 0.0, None, unit="count", severity=Severity.CRITICAL),
    )


def _each() -> tuple[Result, ...]:
    steps = [
        limit
        for workflow, step in FORTY
        for limit in (
            result("p95", "< 2000 ms", 87.4, 0.956, scope=Scope(workflow=workflow, step=step), samples=245),
            result("error_rate", "< 5 %", 0.0, 1.0, unit="ratio", scope=Scope(workflow=workflow, step=step)),
        )
    ]
    workflows = [
        result("completion_rate", "> 95 %", 1.0, 0.053, unit="ratio", scope=Scope(workflow=workflow), samples=81)
        for workflow in WORKFLOWS
    ]
    return (*steps, *workflows)


def _passing() -> Verdict:
    return Verdict(
        outcome=Outcome.PASS,
        exit_code=0,
        release_grade=True,
        headline="All 96 limits hold, all forty steps passed.",
        rollback=(),
        run=_run(),
        window=Window(10.0, DURATION_S, "the profile's ramp of 10 s is cut"),
        totals=Totals(9_813, 151.2, 0.00123, 0.0, 41.26, 22.8, 131.0, 402.7, 0.8231),
        results=(*_whole_run(), *_each()),
        steps=tuple(
            StepResult(workflow, step, StepStatus.PASSED, 245, 245, 0, None, 22.8, 87.4, 0.0)
            for workflow, step in FORTY
        ),
        workflows=tuple(WorkflowResult(workflow, 81, 81, 1.0, 131.0) for workflow in WORKFLOWS),
        doubts=(),
        overrides=(),
        files={"samples.parquet": "5e" * 32, "run.json": "a1" * 32, "thresholds.toml": "07" * 32},
    )


def _failing() -> Verdict:
    passing = _passing()
    slow = Scope(workflow="dashboard", step="analytics_display")
    broken = {
        (slow, "p95"): {"observed": 3041.2, "margin_ratio": -0.5206, "outcome": Outcome.FAIL},
        (Scope(), "cache_hit_rate"): {"observed": 0.0, "margin_ratio": -1.0, "outcome": Outcome.FAIL},
        (Scope(workflow="store", step="store_page"), "p95"): {
            "observed": 55.0,
            "margin_ratio": 0.9725,
            "samples": 12,
            "outcome": Outcome.INCONCLUSIVE,
        },
    }
    steps = {
        ("dashboard", "analytics_display"): {
            "status": StepStatus.FAILED,
            "reason": "p95 3 041 ms, limit < 2000 ms",
            "p95_ms": 3041.2,
        },
        ("listing", "image_management"): {
            "status": StepStatus.GAP,
            "samples": 0,
            "ok": 0,
            "reason": "no CDN on staging",
            "p50_ms": None,
            "p95_ms": None,
            "error_ratio": None,
        },
    }
    gap = Gap(
        workflow="listing",
        step="image_management",
        reason="no CDN on staging",
        owner="media team",
        expires="2026-03-31",
    )
    target = passing.run.target.model_copy(update={"name": "staging", "url": "https://staging.example", "gaps": (gap,)})
    return replace(
        passing,
        outcome=Outcome.FAIL,
        exit_code=5,
        headline="dashboard.analytics_display is too slow: p95 3 041 ms, limit < 2000 ms.",
        rollback=("error_rate 6.1 % of the whole run, limit < 5 %",),
        run=passing.run.model_copy(update={"target": target, "overrides": ("--seed 7",), "stage": "post"}),
        results=tuple(replace(item, **broken.get((item.scope, item.stat), {})) for item in passing.results),
        steps=tuple(replace(step, **steps.get((step.workflow, step.step), {})) for step in passing.steps),
        doubts=(Doubt("monitor_missing", "monitor cpu never answered", "an answer every 2 s", invalidates=False),),
        overrides=("--response-time 1500", "--seed 7"),
    )


def _invalid() -> Verdict:
    passing = _passing()
    return replace(
        passing,
        outcome=Outcome.INVALID,
        exit_code=3,
        headline="The run cannot speak for the server: the generator used 97 % of a core.",
        run=passing.run.model_copy(update={"ended_by": EndedBy.FUSE, "end_reason": "no answer for 5 s"}),
        doubts=(
            Doubt("throttled", "0.4 % of requests", "at most 1 %", invalidates=False),
            Doubt("generator_cpu", "97 % of a core in process 0", "at most 85 % over any 10 s", invalidates=True),
        ),
    )


def _inconclusive() -> Verdict:
    passing = _passing()
    return replace(
        passing,
        outcome=Outcome.INCONCLUSIVE,
        exit_code=4,
        headline="Too few samples: p95 of 40 steps needs 59 samples each.",
        results=tuple(
            replace(item, outcome=Outcome.INCONCLUSIVE, samples=12) if item.stat == "p95" else item
            for item in passing.results
        ),
    )


def _empty() -> Verdict:
    """A target that was not there: nothing known at all."""
    run = _run().model_copy(
        update={
            "load_profile": LoadProfile(name=None, sellers=None, spawn_per_s=None, duration_s=None, ramp_s=None),
            "revision": None,
            "stage": None,
            "spawned_at_s": None,
            "ended_at_s": None,
            "ended_by": None,
            "scope": (StepName(workflow="store", step="store_page"), StepName(workflow="store", step="customization")),
        }
    )
    return Verdict(
        outcome=Outcome.INVALID,
        exit_code=3,
        release_grade=False,
        headline="The run cannot speak for the server: the target was not reachable.",
        rollback=(),
        run=run,
        window=None,
        totals=Totals(0, None, None, None, None, None, None, None, None),
        results=(),
        steps=(),
        workflows=(),
        doubts=(Doubt("target_unreachable", "connection refused", "an answer within 5 s", invalidates=True),),
        overrides=(),
        files={},
    )


CACHE = CacheSplit(
    CacheBasis.HEADER_AND_BODY,
    CacheSide(8_077, 3.1, 9.87),
    CacheSide(1_736, 41.2, 133.0),
    claimed_hits=8_080,
    hits_telling=7_000,
    hits_computed=3,
    misses_telling=1_700,
    misses_cached=12,
)
WAIVER = WaiverUse("p95", "dashboard", "analytics_display", "high", "charts are rewritten", "web team", "2026-02-28",
                   WaiverState.WAIVES, 1)  # fmt: skip
THROTTLED = (
    ThrottledRoute("POST", "/api/auth/nonce", 12, 400),
    ThrottledRoute("GET", "/api/marketplace/listings/{id}", 1, 90),
)


def _staging() -> Verdict:
    """A deployment of others: a cache, a limiter that was met once, a waived limit, a waiver nothing needs."""
    passing = _passing()
    slow = Scope(workflow="dashboard", step="analytics_display")
    waived = {"observed": 3041.2, "margin_ratio": -0.5206, "outcome": Outcome.FAIL,
              "waived": "charts are rewritten (web team, until 2026-02-28)"}  # fmt: skip
    target = passing.run.target.model_copy(
        update={
            "name": "staging",
            "url": "https://staging.example",
            "client_addresses": ("192.0.2.7", "192.0.2.8"),
            "forwarded_for": True,
            "rate_limits": ("linkdao",),
        }
    )
    idle = replace(WAIVER, stat="wrong_body", workflow=None, step=None, state=WaiverState.NOT_NEEDED, limits=0)
    return replace(
        passing,
        run=passing.run.model_copy(update={"target": target}),
        results=tuple(
            replace(item, **waived) if (item.scope, item.stat) == (slow, "p95") else item for item in passing.results
        ),
        cache=CACHE,
        throttled=THROTTLED,
        waivers=(WAIVER, idle),
        paced_s=83.4,
        clock_offset_s=(-0.12, 0.31),
    )


VERDICTS: dict[str, Callable[[], Verdict]] = {
    "staging": _staging,
    "pass": _passing,
    "fail": _failing,
    "invalid": _invalid,
    "inconclusive": _inconclusive,
    "empty": _empty,
}


@pytest.fixture(params=sorted(VERDICTS))
def any_verdict(request: pytest.FixtureRequest) -> Verdict:
    return VERDICTS[request.param]()


@pytest.fixture(scope="session")
def passing() -> Verdict:
    return _passing()


@pytest.fixture(scope="session")
def failing() -> Verdict:
    return _failing()


@pytest.fixture(scope="session")
def invalid() -> Verdict:
    return _invalid()


@pytest.fixture(scope="session")
def inconclusive() -> Verdict:
    return _inconclusive()


@pytest.fixture(scope="session")
def empty() -> Verdict:
    return _empty()


@pytest.fixture(scope="session")
def staging() -> Verdict:
    return _staging()


@pytest.fixture(scope="session")
def make_result() -> Callable[..., Result]:
    return result


def sample_frame(size: int = 4_000, *, bad_ratio: float = 0.02, seed: int = 3) -> pd.DataFrame:
    """A run of `size` http samples as runlog.reader and pandas give them, with some errors and cache hits."""
    random = np.random.default_rng(seed)
    places = random.integers(0, len(FORTY), size)
    outcome = np.where(
        random.random(size) < bad_ratio, random.choice(["http_error", "timeout", "throttled"], size), "ok"
    )
    failed = ~np.isin(outcome, ["ok"])
    frame = pd.DataFrame(
        {
            "kind": "http",
            "sent_at_s": STARTED_AT_S + np.sort(random.uniform(0, DURATION_S, size)),
            "intended_at_s": np.nan,
            "workflow": [FORTY[place][0] for place in places],
            "step": [FORTY[place][1] for place in places],
            "seller": random.integers(0, 40, size),
            "iteration": 0,
            "process": 0,
            "method": "GET",
            "route": "/api/marketplace/seller/{w}",
            "status": np.where(failed, 500.0, 200.0),
            "outcome": outcome,
            "response_time_ms": random.lognormal(3.2, 0.7, size).astype(np.float32),
            "connect_ms": np.nan,
            "wait_ms": np.nan,
            "request_bytes": 0.0,
            "response_bytes": 900.0,
            "cache": random.choice(["hit", "hit", "hit", "miss", "none"], size),
            "error": np.where(failed, "HTTPError: status 500", None),
        }
    )
    return frame.astype(
        dict.fromkeys(("kind", "workflow", "step", "method", "route", "outcome", "cache", "error"), "category")
    )


def _generator_frame() -> pd.DataFrame:
    at_s = STARTED_AT_S + np.arange(1.0, DURATION_S)
    return pd.DataFrame(
        {
            "at_s": at_s,
            "process": 0,
            "cpu_ratio": 0.42 + 0.05 * np.sin(at_s),
            "lag_p99_ms": 2.0 + np.cos(at_s),
            "lag_max_ms": 4.0,
            "sellers": np.minimum(40.0, 4.0 * np.arange(1, DURATION_S)),
            "memory_bytes": 9.0e7,
            "gc_pause_ms": 1.0,
            "gc_pause_max_ms": 0.5,
            "files": 60.0,
            "files_limit": 1_024.0,
            "memory_free_ratio": 0.5,
            "cpu_wait_ratio": 0.1,
            "late_start_max_ms": np.nan,
            "clock_step_ms": 0.01,
        }
    )


def _monitor_frame() -> pd.DataFrame:
    rows = [
        (STARTED_AT_S + at, name, value, None)
        for at in np.arange(1.0, DURATION_S, 2.0)
        for name, value in (("memory", 0.5 + at / 700), ("cpu", 0.3 + 0.1 * np.sin(at)), ("health.database", 1.0))
    ]
    rows += [(STARTED_AT_S + 40, "health.cache", 0.0, None), (STARTED_AT_S + 42, "health.cache", np.nan, "timed out")]
    return pd.DataFrame(rows, columns=MONITOR_SCHEMA.names)


@pytest.fixture
def make_samples() -> Callable[..., pd.DataFrame]:
    return sample_frame


@pytest.fixture(scope="session")
def full() -> Frames:
    return sample_frame(), _generator_frame(), _monitor_frame()


@pytest.fixture(scope="session")
def nothing() -> Frames:
    samples, generator, monitors = (
        pd.DataFrame(columns=schema.names) for schema in (SAMPLE_SCHEMA, GENERATOR_SCHEMA, MONITOR_SCHEMA)
    )
    return samples, generator, monitors


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, failing: Verdict, full: Frames) -> Path:
    """The reports of a failed run, whose failing exchanges are partly unreadable; look, do not touch."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "failures.jsonl").write_text("cut off\n", encoding="utf-8")
    write_reports(folder, failing, *full)
    return folder


@pytest.fixture
def make_generator() -> Callable[[], pd.DataFrame]:
    return _generator_frame


@pytest.fixture
def make_monitors() -> Callable[[], pd.DataFrame]:
    return _monitor_frame


@pytest.fixture(scope="session")
def crowded() -> Verdict:
    """Everything broken, doubted and declared at once."""
    failing = _failing()
    gap = failing.run.target.gaps[0]
    target = failing.run.target.model_copy(update={"gaps": (gap,) * 9})
    doubts = (*(replace(doubt, figure="x" * 200) for doubt in _invalid().doubts), *failing.doubts) * 5
    outcomes = {0: Outcome.FAIL, 1: Outcome.FAIL, 2: Outcome.INCONCLUSIVE}
    return replace(
        failing,
        headline="A long story. " * 40,
        run=failing.run.model_copy(update={"target": target}),
        results=tuple(
            replace(item, outcome=outcomes[index % 3], severity=tuple(Severity)[index % 5], margin_ratio=-0.5)
            for index, item in enumerate(failing.results)
        ),
        rollback=("error_rate above 5 %",) * 9,
        doubts=doubts,
        cache=CACHE,
        throttled=THROTTLED * 4,
        waivers=(WAIVER,) * 9,
    )


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with the file kept beside the tests; SELLERGATE_WRITE_GOLDENS=1 writes it instead."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("SELLERGATE_WRITE_GOLDENS") == "1":
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text("utf-8")

    return check
