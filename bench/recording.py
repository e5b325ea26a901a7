"""Measure what recording one request costs: making its sample, adding it, and its share of a flush."""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from runlog.schema import Cache, Kind, Outcome, Sample
from runlog.writer import SampleWriter

REPETITIONS = 9
SAMPLES = 20_000
PER_FLUSH = 500
"""Half a second of 1,000 requests a second: what one process records between two flushes."""
ROUTES = tuple(f"/api/marketplace/seller/{{w}}/{number}" for number in range(60))


def _sample(number: int) -> Sample:
    """Return what a request of the load makes: mostly ok, a few failures with texts."""
    failed = number % 50 == 0
    return Sample(
        kind=Kind.HTTP,
        sent_at_s=1_700_000_000.0 + number / 1000,
        intended_at_s=None,
        workflow="listing",
        step="creation",
        seller=number % 200,
        iteration=number // 1000,
        process=0,
        method="GET",
        route=ROUTES[number % 60],
        status=500 if failed else 200,
        outcome=Outcome.HTTP_ERROR if failed else Outcome.OK,
        response_time_ms=number % 97 + 0.5,
        connect_ms=None,
        wait_ms=number % 89 + 0.25,
        request_bytes=410,
        response_bytes=1_024,
        cache=Cache.HIT,
        error="status 500 INTERNAL_ERROR, expected status 200" if failed else None,
    )


def _record(folder: Path) -> tuple[float, float]:
    """Return (microseconds of CPU a recorded sample, longest moment in ms a flush takes from the loop)."""
    writer, held_ms = SampleWriter(folder, 0), 0.0
    began = time.process_time()
    for number in range(SAMPLES):
        writer.add(_sample(number))
        if number % PER_FLUSH == PER_FLUSH - 1:
            taking = time.perf_counter()
            batch = writer.take()  # all of a flush that happens in the loop; `write` runs in a thread beside it
            held_ms = max(held_ms, (time.perf_counter() - taking) * 1000)
            writer.write(batch)
    recording_us = (time.process_time() - began) / SAMPLES * 1e6
    writer.close(unrecorded=0, bugs=())
    return recording_us, held_ms


def _make_only() -> float:
    """Return microseconds of CPU a sample that is made and thrown away: the part no recorder can save."""
    began = time.process_time()
    for number in range(SAMPLES):
        _sample(number)
    return (time.process_time() - began) / SAMPLES * 1e6


def measured(repetitions: int = REPETITIONS) -> dict[str, list[float]]:
    """Return what recording a sample, making one, and a flush took, each as often as said; interleaved."""
    figures: dict[str, list[float]] = {"recording_us": [], "making_us": [], "loop_held_ms": []}
    with tempfile.TemporaryDirectory() as place:
        for number in range(repetitions + 1):
            making_us = _make_only()
            folder = Path(place) / str(number)
            folder.mkdir()
            recording_us, held_ms = _record(folder)
            if number:  # the first one warms up
                figures["recording_us"].append(recording_us)
                figures["making_us"].append(making_us)
                figures["loop_held_ms"].append(held_ms)
    return figures


def main() -> None:
    """Print medians and ranges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    figures = measured(parser.parse_args().repetitions)
    for name, values in figures.items():
        print(f"{name} = {statistics.median(values):.3f}  (of {len(values)}: {min(values):.3f} … {max(values):.3f})")


if __name__ == "__main__":
    main()
