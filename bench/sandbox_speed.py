"""Measure how many mixed requests a second the sandbox answers on one core: ``python bench/sandbox_speed.py [s]``.

The figure is requests divided by the CPU seconds the sandbox itself used (its own monitoring says), so it does not
depend on how much of the machine the client gets. Loopback only, and it ends after the given seconds.
"""

from __future__ import annotations

import asyncio
import importlib.util
import random
import sys
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

M = "/api/marketplace"
SELLERS = 40
CONNECTIONS = 32
Shape = tuple[str, str, dict[str, object] | None]


class Desk:
    """What one seller sends, drawn by weight from the mix of the eight workflows."""

    def __init__(self, wallet: str, uid: str, token: str, listing: str, rng: random.Random) -> None:
        self.wallet, self.uid, self.token, self.listing, self.rng = wallet, uid, token, listing, rng
        self._weights = [weight for weight, _ in MIX]

    def draw(self) -> bytes:
        """Return one request as it goes over the wire."""
        ((_, shape),) = self.rng.choices(MIX, self._weights)
        method, path, body = shape(self)
        content = b"" if body is None else orjson.dumps(body)
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: speed-test/1\r\n"
        head += f"Authorization: Bearer {self.token}\r\nX-Load-Step: store.store_page\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        return head.encode() + b"\r\n" + content


def _unique() -> str:
    return f"?u={uuid.uuid4().hex}"


MIX: list[tuple[int, Callable[[Desk], Shape]]] = [
    (10, lambda d: ("GET", f"{M}/seller/{d.wallet}", None)),
    (4, lambda d: ("GET", f"{M}/seller/{d.wallet}{_unique()}", None)),
    (6, lambda d: ("PUT", f"{M}/seller/{d.wallet}", {"storeName": f"Shop {d.rng.random()}", "bio": "Wood and wool"})),
    (6, lambda d: ("GET", f"{M}/sellers/{d.wallet}/listings?page=1&limit=20", None)),
    (6, lambda d: ("GET", f"{M}/seller/listings/{d.wallet}", None)),
    (8, lambda d: ("GET", f"{M}/listings/{d.listing}", None)),
    (3, lambda d: ("POST", f"{M}/listings/{d.listing}/view", {})),
    (5, lambda d: ("PUT", f"{M}/seller/listings/{d.listing}", {"price": f"{d.rng.random() + 1:.8f}"})),
    (4, lambda d: ("GET", f"{M}/seller/listings/detail/{d.listing}{_unique()}", None)),
    (3, lambda _: ("GET", f"{M}/listings/categories", None)),
    (5, lambda d: ("GET", f"{M}/seller/dashboard/{d.wallet}", None)),
    (5, lambda d: ("GET", f"{M}/seller/dashboard/analytics/{d.wallet}?period=30d", None)),
    (4, lambda d: ("GET", f"{M}/seller/dashboard/notifications/{d.wallet}{_unique()}", None)),
    (3, lambda _: ("POST", "/api/user-notifications", {"title": "Hi", "message": "There", "type": "mention"})),
    (3, lambda _: ("GET", "/api/user-notifications/unread-count", None)),
    (6, lambda d: ("GET", f"{M}/seller/orders/{d.wallet}{_unique()}", None)),
    (3, lambda _: ("GET", "/api/sellers/orders", None)),
    (4, lambda d: ("GET", f"{M}/seller/{d.wallet}/tier/progress", None)),
    (3, lambda d: ("POST", f"/api/seller-analytics/{d.uid}/track", {"metricType": "view", "value": 1})),
    (3, lambda d: ("GET", f"/api/seller-analytics/{d.uid}/dashboard", None)),
    (3, lambda d: ("GET", f"/api/seller-analytics/{d.uid}/trends?metricType=totalSales&period=day", None)),
    (3, lambda d: ("GET", f"/api/seller-performance/{d.uid}/recommendations", None)),
]


async def _drive(port: int, desks: list[Desk], until_s: float, statuses: Counter[int], times_ms: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    rng = random.Random(id(writer))
    while time.monotonic() < until_s:
        writer.write(rng.choice(desks).draw())
        sent_s = time.perf_counter()
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        times_ms.append((time.perf_counter() - sent_s) * 1000)
        statuses[int(head.split(b" ", 2)[1])] += 1
    writer.close()
    await writer.wait_closed()


def main(seconds: float) -> None:
    """Run the mix and print what it measured."""
    place = Path(__file__).parents[1] / "tests" / "sandbox" / "conftest.py"
    spec = importlib.util.spec_from_file_location("sandbox_conftest", place)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{place} cannot be loaded")
    tools = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = tools
    spec.loader.exec_module(tools)
    running = tools.Running()
    try:
        people = [tools.new_seller(running.address) for _ in range(SELLERS)]
        rng = random.Random(1)
        desks = [Desk(p.wallet, p.uid, p.client.token, p.listing().data["id"], rng) for p in people]
        control = running.client()

        def cpu_s() -> float:
            used = control.get("/api/monitoring/dashboard").data["current"]["resources"]["cpu"]
            return (used["user"] + used["system"]) / 1e6

        statuses: Counter[int] = Counter()
        times_ms: list[float] = []

        async def load() -> None:
            until_s = time.monotonic() + seconds
            port = int(running.address.rpartition(":")[2])
            await asyncio.gather(*(_drive(port, desks, until_s, statuses, times_ms) for _ in range(CONNECTIONS)))

        before_s, started_s = cpu_s(), time.monotonic()
        asyncio.run(load())
        used_s, wall_s = cpu_s() - before_s, time.monotonic() - started_s
        stats = control.get("/api/cache/stats").data
        count = statuses.total()
        times_ms.sort()
        print(f"{count} requests in {wall_s:.1f} s, statuses {dict(statuses)}")
        print(f"{count / wall_s:.0f} req/s over the wire, {count / used_s:.0f} req/s a core of the sandbox")
        print(f"{used_s / count * 1e6:.0f} us CPU a request, hit ratio {stats['hitRate']:.2f} (a fifth asks with ?u)")
        print(
            f"median {times_ms[count // 2]:.1f} ms, p99 {times_ms[count * 99 // 100]:.1f} ms, {CONNECTIONS} connections"
        )
    finally:
        running.stop()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5)
