"""Start the sandbox as a process and stop it again, whatever happens in between."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

from gate.errors import BrokenToolError
from settings.document import CHECKOUT, one_line
from settings.problem import UsageProblem

TRUTH_FILE: Final = "sandbox-truth.json"
LOG_FILE: Final = "sandbox.log"
_COMMAND: Final = (sys.executable, "-m", "sandbox")
_START_S: Final = 20.0
_STOP_S: Final = 10.0
_USAGE: Final = 2


def become_sandbox(arguments: Sequence[str]) -> NoReturn:
    """Replace this process by the sandbox, so that signals and the exit code are its own."""
    environ = {**os.environ, "PYTHONPATH": str(CHECKOUT)}  # found from whatever folder the command was typed in
    os.execve(sys.executable, [*_COMMAND, *arguments], environ)  # noqa: S606 - our own program, no shell


@contextmanager
def running_sandbox(folder: Path, arguments: Sequence[str]) -> Iterator[str]:
    """Yield the address of a sandbox whose truth and log go into a run's folder.

    UsageProblem with the sandbox's own line when it refuses its arguments; BrokenToolError when it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="sellergate-") as scratch, (folder / LOG_FILE).open("wb") as log:
        ready = Path(scratch) / "ready"
        own = ["--port", "0", "--ready-file", str(ready), "--truth-file", str(folder / TRUTH_FILE)]
        process = subprocess.Popen(
            [*_COMMAND, *own, *arguments],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C stops the load first; the sandbox has to be there for its drain
        )
        try:
            yield _address(process, ready, folder / LOG_FILE)
        finally:
            _stop(process)


def _address(process: "subprocess.Popen[bytes]", ready: Path, log: Path) -> str:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        code = process.poll()
        if code is not None:
            said = log.read_text("utf-8", errors="replace").strip().splitlines() or ["said nothing"]
            if code == _USAGE:
                raise UsageProblem(one_line(said[-1]))
            raise BrokenToolError(f"the sandbox ended with code {code} before it listened: {one_line(said[-1])}")
        if ready.exists():
            return ready.read_text("utf-8").strip()
        time.sleep(0.02)
    raise BrokenToolError(f"the sandbox does not listen after {_START_S:g} s")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
