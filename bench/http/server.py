"""Start nginx as a server that costs little, and ask it how many requests it answered."""

import json
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.error import URLError
from urllib.request import urlopen

from bench.processes import PATIENCE_S, BenchFailed

ANSWER_BYTES: Final = 325


def answer() -> str:
    """Return the JSON of every answer: an envelope of the product, of a fixed size."""
    body = {"success": True, "data": {"tier": "bronze", "criteria": []}, "metadata": {"note": ""}}
    short = ANSWER_BYTES - len(json.dumps(body, separators=(",", ":")))
    body["metadata"] = {"note": "x" * short}
    return json.dumps(body, separators=(",", ":"))


class Nginx:
    """One nginx on a free port; leaving its `with` ends it, by its id."""

    def __init__(self, folder: Path) -> None:
        """Keep its files in a folder."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        text = Path(__file__).with_name("nginx.conf").read_text("utf-8")
        for name, value in (("FOLDER", str(folder)), ("PORT", str(self.port)), ("ANSWER", answer())):
            text = text.replace(name, value)
        conf = folder / "nginx.conf"
        conf.write_text(text, "utf-8")
        try:
            self._child = subprocess.Popen(["nginx", "-c", str(conf)], stderr=subprocess.DEVNULL)  # noqa: S607  # Debian's
        except FileNotFoundError:
            raise BenchFailed("nginx is not installed (Debian package nginx-light)") from None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Wait until it answers."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.requests()
            except (URLError, ConnectionError):
                if self._child.poll() is not None or time.monotonic() > until:
                    raise BenchFailed("nginx did not start") from None
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        self._child.terminate()
        self._child.wait(PATIENCE_S)

    def requests(self) -> int:
        """Return how many requests it answered, this one included."""
        with urlopen(f"{self.url}/bench", timeout=PATIENCE_S) as told:  # noqa: S310  # our own http address
            return int(told.read().decode().split()[9])
