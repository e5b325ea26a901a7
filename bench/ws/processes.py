"""Start the echo server and the clients of the benchmark of sessions."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.processes import PATIENCE_S, BenchFailed, Process, k6_binary


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
        with urlopen(f"http://127.0.0.1:{self.port}/bench/{what}", timeout=PATIENCE_S) as answer:
            stats: dict[str, Any] = json.load(answer)
        return stats

    def wait_until(self, reached: Callable[[dict[str, Any]], bool], what: str) -> None:
        """Wait for a state of the server; BenchFailed when it does not come."""
        until = time.monotonic() + PATIENCE_S
        while not reached(stats := self.ask()):
            if time.monotonic() > until:
                raise BenchFailed(f"after {PATIENCE_S:.0f} s not yet {what}: {stats}")
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
