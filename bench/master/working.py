"""Be several workers that have written their samples already, and send them as fast as the master takes them."""

import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import gevent
import pyarrow as pa
from locust.rpc import Message
from locust.rpc.zmqrpc import Client
from locust.stats import RequestStats

from runlog.columns import SampleColumns, to_arrow
from runlog.parcels import Packer, Receipt
from runlog.schema import SAMPLE_SCHEMA, Cache, Kind, Outcome, Sample
from runlog.writer import SampleWriter, samples_path

FLUSH: Final = 5_000
"""Samples of one flush: half a second of a worker that sends 10,000 requests a second."""
REPORT_BYTES: Final = 1 << 20
"""Of one report: a second of such a worker."""
_IN_FLIGHT_BYTES: Final = 4 << 20
_ROUTES: Final = 40


def write_log(folder: Path, process: int, samples: int) -> None:
    """Write a worker's samples file and its closing record, a flush at a time."""
    columns = SampleColumns()
    for number in range(FLUSH):
        columns.add(_sample(number, process))
    batch = columns.take()
    if batch is None:
        raise ValueError("a flush without samples")
    rows = to_arrow(batch)
    writer = SampleWriter(folder, process)
    writer.close(unrecorded=0, bugs=())
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    path = str(samples_path(folder, process))
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, SAMPLE_SCHEMA, options=options) as stream:
        for _ in range(samples // FLUSH):
            stream.write_batch(rows)


def _sample(number: int, process: int) -> Sample:
    return Sample(
        kind=Kind.HTTP,
        sent_at_s=1_700_000_000.0 + number / 10_000,
        intended_at_s=None,
        workflow="listing",
        step="creation",
        seller=number % 200,
        iteration=number // 1000,
        process=process,
        method="GET",
        route=f"/api/marketplace/seller/{{w}}/{number % _ROUTES}",
        status=200,
        outcome=Outcome.OK,
        response_time_ms=number % 97 + 0.5,
        connect_ms=None,
        wait_ms=number % 89 + 0.25,
        request_bytes=410,
        response_bytes=1_024,
        cache=Cache.HIT,
        error=None,
    )


def _report(requests: int) -> dict[str, Any]:
    """Return what Locust's own listeners put into a report of so many requests."""
    stats = RequestStats()
    for number in range(requests):
        stats.log_request("GET", f"/api/marketplace/seller/{{w}}/{number % _ROUTES}", number % 97 + 0.5, 1_024)
    return {
        "stats": stats.serialize_stats(),
        "stats_total": stats.total.get_stripped_report(),
        "errors": {},
        "user_classes_count": {"_Nobody": 200},
        "user_count": 200,
    }


class _Worker:
    """One simulated worker: as much of Locust's as sends reports and hears answers."""

    def __init__(self, port: int, folder: Path, process: int, run_id: str, report: dict[str, Any]) -> None:
        self._id = f"simulated_{process}"
        self._client = Client("127.0.0.1", port, self._id)
        self._packer = Packer(folder, process)
        self._run_id = run_id
        self._report = report

    def run(self) -> None:
        """Send everything; the process number is the master's, so workers join in order."""
        hearing = gevent.spawn(self._hear)
        while not self._packer.done:
            parcels = self._packer.take(REPORT_BYTES) if self._packer.in_flight < _IN_FLIGHT_BYTES else []
            if parcels:
                sent = {"run": self._run_id, "parcels": parcels}
                self._client.send(Message("stats", {**self._report, "sellergate_parcels": sent}, self._id))
            gevent.sleep(0 if parcels else 0.001)
        hearing.kill()

    def join(self) -> None:
        """Say that this worker is there."""
        self._client.send(Message("client_ready", -1, self._id))
        self._client.recv()

    def _hear(self) -> None:
        while True:
            message = self._client.recv()
            if message.type == "sellergate_receipt":
                self._packer.received(Receipt(message.data["have"], message.data["gaps"]))
            elif message.type == "sellergate_clock":
                told = {**message.data, "answered_s": time.time()}
                self._client.send(Message("sellergate_time", told, self._id))


def main() -> None:
    """Write the logs, wait for the word, send."""
    folder, port, run_id, workers, samples = Path(sys.argv[1]), *map(str, sys.argv[2:])
    others = os.sched_getaffinity(0) - {0}
    os.sched_setaffinity(0, others or {0})
    report = _report(10_000)
    made = [_Worker(int(port), folder, process, run_id, report) for process in range(int(workers))]
    for process, worker in enumerate(made):
        write_log(folder, process, int(samples))
        worker.join()
    gevent.joinall([gevent.spawn(worker.run) for worker in made], raise_error=True)


if __name__ == "__main__":
    main()
