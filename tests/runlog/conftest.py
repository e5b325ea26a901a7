"""Make samples, runs and run directories for the tests of the run log."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pytest

from runlog.run import GeneratorInfo, LoadProfile, Run, StepName, TargetInfo, write_run
from runlog.schema import Cache, Kind, Outcome, Sample
from runlog.writer import SampleWriter

SAMPLE = Sample(
    kind=Kind.HTTP,
    sent_at_s=1_700_000_000.25,
    intended_at_s=None,
    workflow="listing",
    step="creation",
    seller=7,
    iteration=3,
    process=0,
    method="POST",
    route="/api/marketplace/seller/listings",
    status=201,
    outcome=Outcome.OK,
    response_time_ms=12.5,
    connect_ms=None,
    wait_ms=11.25,
    request_bytes=410,
    response_bytes=1_024,
    cache=Cache.NONE,
    error=None,
)

RUN = Run(
    id="r1",
    stage=None,
    load_profile=LoadProfile(name="demo", sellers=10, spawn_per_s=2.0, duration_s=60.0, ramp_s=5.0),
    target=TargetInfo(name="sandbox", url="http://127.0.0.1:7080"),
    revision=None,
    seed=1,
    generator=GeneratorInfo(processes=(0,), python="3.11", locust="2.47", sellergate="0.1", cpu_count=2),
    scope=(StepName(workflow="listing", step="creation"),),
    started_at_s=1_700_000_000.0,
)
ENDED_AT_S = 1_700_000_060.0


@pytest.fixture(scope="session")
def sample() -> Callable[..., Sample]:
    """Return a maker of samples: one ordinary answer, with changes."""
    return SAMPLE._replace


@pytest.fixture(scope="session")
def run() -> Run:
    """Return a run that has not ended."""
    return RUN


@pytest.fixture(scope="session")
def rows() -> Callable[[pa.Table], list[Sample]]:
    """Return what turns a table back into samples."""
    return lambda table: [Sample(**row) for row in table.to_pylist()]


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., SampleWriter]:
    """Return what writes the log of one process: its samples, one flush each, closed unless told otherwise."""

    def write(
        samples: Iterable[Sample],
        process: int = 0,
        *,
        close: bool = True,
        unrecorded: int = 0,
        bugs: tuple[str, ...] = (),
    ) -> SampleWriter:
        writer = SampleWriter(tmp_path, process)
        for each in samples:
            writer.add(each._replace(process=process))
            writer.flush()
        if close:
            writer.close(unrecorded=unrecorded, bugs=bugs)
        return writer

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes run.json of an ended run of the given processes, with changes."""

    def write(processes: tuple[int, ...] = (0,), **changes: object) -> Path:
        generator = RUN.generator.model_copy(update={"processes": processes})
        write_run(tmp_path, RUN.model_copy(update={"generator": generator, "ended_at_s": ENDED_AT_S} | changes))
        return tmp_path

    return write
