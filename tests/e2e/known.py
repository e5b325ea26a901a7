"""Start a server whose service times are known, and say how sellers are sent to it."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

DRIVERS = Path(__file__).parent / "drivers"
TARGET = 'format = 1\nurl = "{url}"\ncontact = "accuracy@example.org"\n'


class Known:
    """A server of known service times, of its own process."""

    def __init__(self, shape: str, folder: Path) -> None:
        self._times = folder / f"{shape}.times"
        ready = folder / f"{shape}.ready"
        command = [sys.executable, str(DRIVERS / "known_times.py"), shape, str(ready), str(self._times)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)
        until = time.monotonic() + 10
        while not ready.exists() or not ready.read_text("ascii"):
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)
        self.url = f"http://127.0.0.1:{ready.read_text('ascii')}"
        targets = folder / f"{shape}-targets"
        targets.mkdir()
        (targets / "sandbox.toml").write_text(TARGET.format(url=self.url), "utf-8")
        self.arguments = ("-f", str(DRIVERS / "asking.py"), "--targets", str(targets))

    def end(self) -> np.ndarray[Any, Any]:
        """Return the service times in ms, in the order of the answers."""
        if self._process.poll() is None:
            self._process.communicate(timeout=10)
        return np.fromfile(self._times) * 1000
