"""Be the way between two machines: a TCP relay that holds every byte back for a while, and can be cut.

    python link.py HOST:PORT DELAY_S CUT_FILE

Listens on 127.0.0.1 on the port it is given to reach. While CUT_FILE exists the way is cut: connections break with all
that is on its way in them, and new ones are refused.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

LOOK_S = 0.05


class Link:
    def __init__(self, host: str, port: int, delay_s: float, cut: Path) -> None:
        self._to = (host, port)
        self._delay_s = delay_s
        self._cut = cut
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self) -> None:
        async with await asyncio.start_server(self._join, "127.0.0.1", self._to[1]):
            while True:
                await asyncio.sleep(LOOK_S)
                if self._cut.exists():
                    for writer in list(self._open):
                        writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut.exists():
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))
        finally:
            self._open -= {writer, far_writer}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                loop.call_later(self._delay_s, self._deliver, writer, data)
        loop.call_later(self._delay_s, writer.transport.abort)

    def _deliver(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if not writer.is_closing():
            writer.write(data)


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    asyncio.run(Link(host, int(port), float(sys.argv[2]), Path(sys.argv[3])).serve())
