"""Measure what one request costs a client, each alone on the same server: CPU of its process and its children."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from bench.http.server import Nginx
from bench.processes import BenchFailed, Process, k6_binary
from runlog.schema import Kind, Outcome

USERS: Final = 20
WARM_UP_S: Final = 4.0
MEASURED_S: Final = 8.0
RATE_AT_LEAST: Final = 1_000
"""Requests a second below which a client was not at work."""
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Cost:
    """What one client needed in one round."""

    client: str
    cpu_us: float  # of user and system, all threads, a request
    per_s: float
    requests: int
    kept: int | None  # samples it left on disk; None: it keeps none


@dataclass(frozen=True, slots=True)
class Client:
    """How a client is started on a server, with a folder for what it keeps, and how what it kept is counted."""

    start: Callable[[Nginx, Path], Process]
    kept: Callable[[Path], int] | None = None


def cost(name: str, server: Nginx, folder: Path) -> Cost:
    """Return what a request costs a client; its start and its end are not measured."""
    place = folder / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    client = CLIENTS[name]
    with client.start(server, place) as process:
        until = time.monotonic() + 30
        first = server.requests()
        while server.requests() - first < RATE_AT_LEAST:
            if time.monotonic() > until or process.over:
                raise BenchFailed(f"{name} sends nothing")
            time.sleep(0.1)
        time.sleep(WARM_UP_S)
        cpu_s, before, began = process.cpu_s(), server.requests(), time.monotonic()
        time.sleep(MEASURED_S)
        used_s, after, took_s = process.cpu_s() - cpu_s, server.requests(), time.monotonic() - began
        process.finish()
    requests = after - before - 1
    if requests / took_s < RATE_AT_LEAST:
        raise BenchFailed(f"{name} sent {requests} requests in {took_s:.1f} s")
    kept = None if client.kept is None else client.kept(place)
    if kept is not None and kept < requests:
        raise BenchFailed(f"{name} kept {kept} samples of {requests} requests and more")
    return Cost(name, used_s / requests * 1e6, requests / took_s, requests, kept)


def _locust(server: Nginx, file: str, *arguments: str) -> Process:
    for_s = f"{WARM_UP_S + MEASURED_S + 4:.0f}s"
    load = ["--headless", "-u", str(USERS), "-r", str(USERS), "-t", for_s, "--only-summary", "--loglevel", "WARNING"]
    command = [sys.executable, "-m", "locust", "-f", str(_HERE / file), "--host", server.url, *load, *arguments]
    return Process(command, {"LOCUST_SKIP_LOG_SETUP": "0"})


def _ours(transport: str) -> Callable[[Nginx, Path], Process]:
    def start(server: Nginx, place: Path) -> Process:
        targets = place / "targets"
        targets.mkdir()
        (targets / "sandbox.toml").write_text(
            f'format = 1\nurl = "{server.url}"\ncontact = "bench@example.org"\ntransport = "{transport}"\n'
            '[cache]\nstatus_header = "X-Cache"\nhit_values = ["HIT"]\nmiss_values = ["MISS"]\nage_header = "Age"\n',
            "utf-8",
        )
        keep = ["--reports", str(place / "reports"), "--run-id", "run", "--no-gate", "--targets", str(targets)]
        return _locust(server, "ours.py", *keep, "BenchSeller")

    return start


def _samples(place: Path) -> int:
    """Count the requests of ours that are on disk and went as they should."""
    rows = 0
    for path in (place / "reports" / "run").glob("samples-*.arrow"):
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            for batch in reader:
                asked = pc.and_(pc.equal(batch["kind"], Kind.HTTP), pc.equal(batch["outcome"], Outcome.OK))
                rows += pc.sum(asked).as_py() or 0
    return rows


def _stock(server: Nginx, _place: Path) -> Process:
    return _locust(server, "stock.py", "StockUser")


def _k6(*output: str) -> Callable[[Nginx, Path], Process]:
    def start(server: Nginx, place: Path) -> Process:
        environment = {"URL": server.url, "USERS": str(USERS), "FOR_S": f"{WARM_UP_S + MEASURED_S + 4:.0f}"}
        quietly = ["--quiet", "--no-color", "--no-usage-report", "--no-thresholds", "--no-summary", "--address", ""]
        given = [each.replace("PLACE", str(place)) for each in output]
        return Process([str(k6_binary()), "run", *quietly, *given, str(_HERE / "k6_http.js")], environment)

    return start


def _lines(place: Path) -> int:
    """Count the requests k6 kept: a line of CSV for each metric of each."""
    with (place / "samples.csv").open("rb") as file:
        return sum(line.startswith(b"http_reqs,") for line in file)


CLIENTS: Final = {
    "ours": Client(_ours("own"), _samples),
    "k6_csv": Client(_k6("--out", f"csv=PLACE{os.sep}samples.csv"), _lines),
    "k6": Client(_k6()),
    "fasthttpuser": Client(_stock),
}
