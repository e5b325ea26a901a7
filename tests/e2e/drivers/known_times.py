"""A server whose service times are known: it takes as long as it is told to, and writes down how long that was."""

import asyncio
import random
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path

BODY = b'{"success":true,"data":{"tier":"bronze"}}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
SHAPES: dict[str, Callable[[random.Random], float]] = {
    "nothing": lambda _rng: 0.0,
    "constant": lambda _rng: 0.020,
    "bimodal": lambda rng: 0.080 if rng.random() < 0.1 else 0.005,
    "heavy_tail": lambda rng: min(0.002 * rng.paretovariate(1.5), 2.0),
}
"""Seconds."""


class Served(asyncio.Protocol):
    """One connection: requests of one read each, answered when their time is over."""

    def __init__(self, draw: Callable[[], float], took_s: "array[float]") -> None:
        self._draw = draw
        self._took_s = took_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # of a server it is one

    def data_received(self, data: bytes) -> None:
        assert data.endswith(b"\r\n\r\n"), "half a request"
        came, wait_s = time.perf_counter(), self._draw()
        if wait_s:
            asyncio.get_running_loop().call_later(wait_s, self._answer, came)
        else:
            self._answer(came)

    def _answer(self, came: float) -> None:
        self._took_s.append(time.perf_counter() - came)
        self._transport.write(ANSWER)


async def serve(draw: Callable[[], float], took_s: "array[float]", listening: Callable[[int], None]) -> None:
    """Serve on a free port until the end of standard input."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Served(draw, took_s), "127.0.0.1", 0)
    listening(server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Serve a shape on a port said in a file; write the times when told to end."""
    shape, ready, times = SHAPES[sys.argv[1]], Path(sys.argv[2]), Path(sys.argv[3])
    rng, took_s = random.Random(7), array("d")
    asyncio.run(serve(lambda: shape(rng), took_s, lambda port: ready.write_text(str(port), "ascii")))
    times.write_bytes(took_s.tobytes())


if __name__ == "__main__":
    main()
