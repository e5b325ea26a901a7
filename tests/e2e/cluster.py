"""Run Locust's master and workers as they run on several machines: each with a folder of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .conftest import ROOT, Done, environment, free_port


@dataclass
class Cluster:
    """One master and its workers; `inside` is put before a command to have it run on another machine."""

    folder: Path
    host: str
    arguments: Sequence[str]
    workers: int
    address: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def master(self, *arguments: str, inside: Sequence[str] = (), name: str = "master") -> None:
        """Start the master, which waits for the workers."""
        self._start(
            name, inside, "--master", "--headless", "--host", self.host, "--expect-workers", str(self.workers),
            "--master-bind-host", self.address, "--master-bind-port", str(self.port), *self.arguments, *arguments,
        )  # fmt: skip

    def worker(self, name: str, *arguments: str, inside: Sequence[str] = (), address: str = "", port: int = 0) -> None:
        """Start a worker; `address` and `port` are where it reaches its master, if not at the master's own."""
        self._start(
            name, inside, "--worker", "--master-host", address or self.address,
            "--master-port", str(port or self.port), *arguments,
        )  # fmt: skip

    def _start(self, name: str, inside: Sequence[str], *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*inside, sys.executable, "-m", "locust", "--reports", str(self.reports(name)), *arguments],
                cwd=ROOT,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def reports(self, name: str) -> Path:
        """Return the folder that only this process writes to."""
        return self.folder / name

    def spool(self, name: str) -> Path:
        """Return where a worker kept what it sent, of the one run it was in."""
        (run,) = self.reports(name).iterdir()
        return run

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8")

    def until(self, name: str, words: str, within_s: float = 40) -> None:
        """Wait until a process has said something."""
        until = time.monotonic() + within_s
        while words not in self.log(name):
            assert time.monotonic() < until, f"{name} did not say {words!r}: {self.log(name)}"
            time.sleep(0.1)

    def until_samples(self, name: str, size: int = 60_000, within_s: float = 40) -> None:
        """Wait until a worker has written so many bytes of samples into its own folder."""
        until = time.monotonic() + within_s
        while sum(path.stat().st_size for path in self.reports(name).glob("*/samples-*.arrow")) < size:
            assert time.monotonic() < until, f"{name} wrote no samples: {self.log(name)}"
            time.sleep(0.1)

    def kill(self, name: str) -> None:
        os.kill(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def wait(self, name: str = "master", within_s: float = 90) -> Done:
        """Return what the master says when it ends."""
        code = self.processes[name].wait(timeout=within_s)
        return Done(code, self.log(name), (self.reports(name) / "latest").resolve())

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
