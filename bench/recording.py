"""Measure what recording one request costs: putting it down, and its share of a flush."""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from runlog.columns import SampleColumns
from runlog.schema import Cache, Kind, Outcome
from runlog.writer import SampleWriter

REPETITIONS = 9
SAMPLES = 20_000
PER_FLUSH = 500
"""Half a second of 1,000 requests a second: what one process records between two flushes."""
ROUTES = tuple(f"/api/marketplace/seller/{{w}}/{number}" for number in range(60))


def _record(folder: Path) -> tuple[float, float]:
    """Return (microseconds of CPU a recorded request, longest moment in ms a flush takes from the loop).

    Mostly ok, a few failures with texts. What is given is at hand in the load too; the loop that gives it counts in.
    """
    writer, held_ms = SampleWriter(folder, 0), 0.0
    subjects = [writer.columns.subjects[Kind.HTTP, "listing", "creation", "GET", route] for route in ROUTES]
    put, ok, hit, failed = writer.columns.put, Outcome.OK, Cache.HIT, Outcome.HTTP_ERROR
    made, text = True, "status 500 INTERNAL_ERROR, expected status 200"
    began = time.process_time()
    for number in range(SAMPLES):
        if number % 50:
            put(subjects[number % 60], 1.7e9, None, 7, 3, 0, 200, ok, 4.5, None, 4.25, 410, 1_024, hit, None, made)
        else:
            put(subjects[number % 60], 1.7e9, None, 7, 3, 0, 500, failed, 4.5, None, 4.25, 410, 64, hit, text, None)
        if number % PER_FLUSH == PER_FLUSH - 1:
            taking = time.perf_counter()
            batch = writer.take()  # all of a flush that happens in the loop; `write` runs in a thread beside it
            held_ms = max(held_ms, (time.perf_counter() - taking) * 1000)
            writer.write(batch)
    recording_us = (time.process_time() - began) / SAMPLES * 1e6
    writer.close(unrecorded=0, bugs=())
    return recording_us, held_ms


def _put_only() -> float:
    """Return microseconds of CPU a row that is written to memory and no further: the part that holds a seller up."""
    columns, made = SampleColumns(), True
    put, ok = columns.put, Outcome.OK
    subject = columns.subjects[Kind.HTTP, "listing", "creation", "GET", ROUTES[0]]
    began = time.process_time()
    for _ in range(SAMPLES):
        put(subject, 1.7e9, None, 7, 3, 0, 200, ok, 4.5, None, 4.25, 410, 1_024, None, None, made)
    return (time.process_time() - began) / SAMPLES * 1e6


def measured(repetitions: int = REPETITIONS) -> dict[str, list[float]]:
    """Return what recording a request, only putting it down, and a flush took, each as often as said; interleaved."""
    figures: dict[str, list[float]] = {"recording_us": [], "put_us": [], "loop_held_ms": []}
    with tempfile.TemporaryDirectory() as place:
        for number in range(repetitions + 1):
            put_us = _put_only()
            folder = Path(place) / str(number)
            folder.mkdir()
            recording_us, held_ms = _record(folder)
            if number:  # the first one warms up
                figures["recording_us"].append(recording_us)
                figures["put_us"].append(put_us)
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
