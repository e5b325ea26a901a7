"""Run the real command on a real sandbox with a profile short enough for the fast suite."""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from .known import Known

ROOT = Path(__file__).resolve().parents[2]

# The demo's thresholds apply to the profile called demo; here it thinks less and ends sooner, so that every step still
# has its 59 samples and every workflow its 59 iterations.
PROFILES = """
format = 1
[demo]
description = "the demo, shortened for tests"
sellers = 60
spawn_per_s = 60
ramp = "3 s"
duration = "22 s"
think_ratio = 0.25

[demo.weights]
dashboard = 3  # one of its steps is slowed down by 3 s, and still every step needs its samples
"""


INVALID = 3
STARVED = {"loop_lag", "generator_cpu", "generator_starved"}


@dataclass(frozen=True)
class Done:
    """A finished command: its exit code, what it printed, the run directory it left."""

    code: int
    output: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:
        verdict: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text("utf-8"))
        return verdict

    @property
    def samples(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "samples.parquet")

    @property
    def truth(self) -> dict[str, Any]:
        truth: dict[str, Any] = json.loads((self.folder / "sandbox-truth.json").read_text("utf-8"))
        return truth

    def sent(self) -> Counter[tuple[str, str]]:
        """Samples of requests that reached a server, by method and route."""
        frame = self.samples
        sent = frame[frame["kind"].isin(["http", "setup"]) & ~frame["outcome"].isin(["connect_error", "refused"])]
        return Counter(zip(sent["method"], sent["route"], strict=True))

    def doubts(self) -> set[str]:
        return {doubt["name"] for doubt in self.verdict["doubts"] if doubt["invalidates"]}

    @property
    def starved(self) -> bool:
        """Whether the verdict is that this machine had no time for the generator, and nothing else spoilt the run."""
        if self.code != INVALID or not (self.folder / "verdict.json").exists():
            return False
        return bool(self.doubts()) and self.doubts() <= STARVED

    def broken(self) -> list[dict[str, Any]]:
        return [result for result in self.verdict["results"] if result["outcome"] == "fail"]


def environment(**changes: str) -> dict[str, str]:
    """The environment of a person: nothing of this session's settings."""
    dropped = ("DEPLOYMENT_ENV", "BACKEND_URL", "WS_URL", "FRONTEND_URL", "ROLLBACK_ENABLED")
    return {name: value for name, value in os.environ.items() if name not in dropped} | changes


def command(*arguments: str | Path, timeout_s: float = 120, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gate", *map(str, arguments)],
        cwd=ROOT,
        env=environment(**changes),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
        check=False,
    )


ALONE = threading.Lock()
"""Held by the run that loads this machine: two at a time starve each other's generators on two slow cores."""


def unstarved(make: Callable[[], Done]) -> Done:
    """Make a run, and again if it was void because this machine had other work: as its verdict tells a person.

    Three tries; the last one counts whatever it says.
    """
    with ALONE:
        for _ in range(2):
            done = make()
            if not done.starved:
                return done
        return make()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def sellergate() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command itself, as a person types it."""
    return command


@pytest.fixture(scope="session")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "profiles.toml"
    path.write_text(PROFILES, "utf-8")
    return path


DEPLOYED = ("--as-deployed", "--seed-orders", "60", "--socket-cap-per-address", "0", "--socket-cap", "0")
"""As a deployment is, but for its limit of 21 sessions an address: all load of these tests comes from one."""


class Runs:
    """Runs of the shortened demo, each made once."""

    def __init__(self, profiles: Path, folders: pytest.TempPathFactory, pool: ThreadPoolExecutor) -> None:
        self._profiles = profiles
        self._folders = folders
        self._pool = pool
        self._kept: dict[tuple[str, ...], Future[Done]] = {}

    def ahead(self, *faults: str) -> None:
        """Begin a run, or have it wait for its turn; whoever asks for it later gets it."""
        self._begun(faults, ())

    def __call__(self, *faults: str, arguments: tuple[str, ...] = ()) -> Done:
        return self._begun(faults, arguments).result()

    def _begun(self, faults: tuple[str, ...], arguments: tuple[str, ...]) -> "Future[Done]":
        key = (*faults, "--", *arguments)
        if key not in self._kept:
            self._kept[key] = self._pool.submit(unstarved, partial(self._run, faults, arguments))
        return self._kept[key]

    def _run(self, faults: tuple[str, ...], arguments: tuple[str, ...]) -> Done:
        reports = self._folders.mktemp("reports")
        flags = [part for fault in faults for part in ("--fault", fault)]
        done = command(
            "run", "--load-profile", "demo", "--profiles", self._profiles, "--reports", reports,
            "--with-sandbox", *flags, *arguments,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, (reports / "latest").resolve())


@pytest.fixture(scope="session")
def run(profiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """`sellergate run --with-sandbox` with faults; each combination runs once a session."""
    with ThreadPoolExecutor(1) as pool:
        yield Runs(profiles, tmp_path_factory, pool)


@pytest.fixture
def judge() -> Callable[..., Done]:
    """`sellergate judge` of a run that was recorded already."""

    def again(done: Done, *arguments: str | Path, **changes: str) -> Done:
        judged = command("judge", done.folder, *arguments, **changes)
        return Done(judged.returncode, judged.stdout, done.folder)

    return again


@dataclass
class Sandbox:
    """A sandbox of its own process, and what it knows."""

    url: str
    process: "subprocess.Popen[bytes]"

    def truth(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_sandbox/truth", timeout=5) as answer:  # noqa: S310  # our own http address
            truth: dict[str, Any] = json.load(answer)
        return truth

    def received(self) -> Counter[tuple[str, str]]:
        """Requests by method and route, health, monitors and control apart."""
        counts: Counter[tuple[str, str]] = Counter()
        for row in self.truth()["received"]:
            counts[row["method"], row["route"]] += row["count"]
        return counts


def _started(folder: Path, started: list[Sandbox], arguments: Iterable[str], lives_s: int) -> Sandbox:
    """Start a sandbox on a free port and wait until it listens."""
    ready = folder / f"sandbox-{len(started)}"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "sandbox",
            "--port",
            "0",
            "--ready-file",
            ready,
            "--stop-after",
            f"{lives_s}s",
            *arguments,
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    until = time.monotonic() + 20
    while not ready.exists():
        assert process.poll() is None, "the sandbox did not start"
        assert time.monotonic() < until, "the sandbox is not ready after 20 s"
        time.sleep(0.05)
    started.append(Sandbox(ready.read_text("utf-8").strip(), process))
    return started[-1]


def _stop(started: list[Sandbox]) -> None:
    for each in started:
        each.process.terminate()
        each.process.wait(timeout=10)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """Start a sandbox with faults and other arguments; stopped when the test ends."""
    started: list[Sandbox] = []

    def start(*faults: str, arguments: tuple[str, ...] = (), lives_s: int = 120) -> Sandbox:
        flags = [part for fault in faults for part in ("--fault", fault)]
        return _started(tmp_path, started, [*flags, *arguments], lives_s)

    yield start
    _stop(started)


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Callable[[str], Known]]:
    """Start servers of known service times; stopped when the test ends."""
    started: list[Known] = []

    def start(shape: str) -> Known:
        started.append(Known(shape, tmp_path))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.fixture(scope="module")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Sandbox]]:
    """Start sandboxes that answer as a deployment does, orders seeded; stopped when the module's tests end."""
    folder, started, one_by_one = tmp_path_factory.mktemp("deployments"), list[Sandbox](), threading.Lock()

    def start() -> Sandbox:
        with one_by_one:
            return _started(folder, started, DEPLOYED, 240)

    yield start
    _stop(started)


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<title>LinkDAO</title>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the base class
        pass


@pytest.fixture(scope="session")
def page() -> Iterator[str]:
    """The front page of a deployment: it is there."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Load:
    """A `locust --headless` under way, as a person types it; its exit code is the gate's."""

    def __init__(self, host: str, reports: Path, *arguments: str) -> None:
        self.reports = reports
        self.log = reports.with_suffix(".log")
        if "--processes" in arguments:  # not the one port of every other Locust on this machine
            port = str(free_port())
            arguments += ("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "locust", "--headless", "--host", host, "--reports", str(reports), *arguments],
                cwd=ROOT,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def until_requests(self, count: int) -> None:
        """Wait until so many requests have been answered."""
        until = time.monotonic() + 30
        while self.requests() < count:
            assert self.process.poll() is None, self.log.read_text("utf-8")
            assert time.monotonic() < until, "no load after 30 s"
            time.sleep(0.1)

    def requests(self) -> int:
        try:
            return int(json.loads((self.reports / "latest" / "progress.json").read_text("utf-8"))["requests"])
        except FileNotFoundError:
            return 0

    def workers(self) -> list[int]:
        """Pids of the forked workers: children that run the same command line."""
        own = psutil.Process(self.process.pid)
        return [child.pid for child in own.children() if child.cmdline() == own.cmdline()]

    def wait(self) -> Done:
        code = self.process.wait(timeout=90)
        return Done(code, self.log.read_text("utf-8"), (self.reports / "latest").resolve())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 150 kB: room for the start of a run."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150k", "sellergate-test", folder], check=False)
    if mounted.returncode != 0:
        assert not os.environ.get("CI"), "cannot mount, and in CI nothing is skipped"
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Callable[..., Load]]:
    """Start plain Locust; killed, with its workers, if a test leaves it running."""
    started: list[Load] = []

    def start(host: str, *arguments: str, reports: Path = tmp_path / "reports") -> Load:
        started.append(Load(host, reports, *arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            os.killpg(each.process.pid, signal.SIGKILL)
            each.process.wait()
