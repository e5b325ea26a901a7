"""Do what happens beside the requests: gauges, tallies, timed faults, and the end of the process."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine

from sandbox.buyer import EVERY_S as BUY_EVERY_S
from sandbox.buyer import Buyers
from sandbox.control import Control
from sandbox.faults import Fault
from sandbox.tallies import FOLD_EVERY_S

_PARENT_EVERY_S = 0.5
_GROWTH_EVERY_S = 0.5
_LOOK_FOR_SESSIONS_EVERY_S = 0.1
_GROWTH_AT_MOST_RATIO = 0.5  # of the machine's memory: a forgotten sandbox must not take the machine down


class Upkeep:
    """The background tasks of one sandbox."""

    def __init__(
        self,
        control: Control,
        stop: Callable[[], None],
        die: Callable[[], None],
        stop_after_s: float,
    ) -> None:
        self._control = control
        self._stop = stop
        self._die = die
        self._stop_after_s = stop_after_s
        self._parent = os.getppid()

    def start(self) -> list[asyncio.Task[None]]:
        """Start every task on the running loop."""
        jobs: list[Coroutine[None, None, None]] = [
            self._watch_the_end(),
            self._gauge(),
            self._fold(),
            self._buy(),
            self._control.shop.publisher.run(),
        ]
        for fault in self._control.chaos.faults:
            if fault.name in {"freeze", "die"}:
                jobs.append(self._strike_once(fault))
            elif fault.name == "drop_sockets":
                jobs.append(self._drop(fault))
            elif fault.name == "memory_growth":
                jobs.append(self._grow(fault))
        return [asyncio.create_task(job) for job in jobs]

    async def _watch_the_end(self) -> None:
        ends_at_s = time.monotonic() + self._stop_after_s
        while time.monotonic() < ends_at_s and os.getppid() == self._parent:  # noqa: ASYNC110 - a parent's end sends no event
            await asyncio.sleep(min(_PARENT_EVERY_S, max(ends_at_s - time.monotonic(), 0)))
        self._stop()

    async def _gauge(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._control.gauges.tick()

    async def _fold(self) -> None:
        while True:
            await asyncio.sleep(FOLD_EVERY_S)
            self._control.shop.db.read_late(late=False)
            self._control.shop.tallies.fold(self._control.shop.db)

    async def _buy(self) -> None:
        buyers = Buyers(self._control.shop, self._control.chaos.now_ms)
        while True:
            await asyncio.sleep(BUY_EVERY_S)
            for wallet in buyers.sellers():
                buyers.order_from(wallet)
                await asyncio.sleep(0)  # a round past many sellers must not hold up requests

    async def _strike_once(self, fault: Fault) -> None:
        await asyncio.sleep(max((fault.at_s or 0.0) - self._control.chaos.elapsed_s, 0))
        self._control.chaos.count(fault.name)
        if fault.name == "die":
            self._die()
        else:
            time.sleep(fault.duration_s or 0.0)  # noqa: ASYNC251 - blocking the whole process is the fault

    async def _drop(self, fault: Fault) -> None:
        """Cut sessions off one after the other; when nobody is there the next to come is."""
        chaos = self._control.chaos
        for at_s in chaos.moments(fault.window, fault.sessions or 0):
            await asyncio.sleep(max(at_s - chaos.elapsed_s, 0))
            while not await self._control.realtime.drop(chaos.pick_session):
                await asyncio.sleep(_LOOK_FOR_SESSIONS_EVERY_S)
                if chaos.elapsed_s >= fault.window.end_s:
                    return
            chaos.count("drop_sockets")

    async def _grow(self, fault: Fault) -> None:
        """Take memory and keep it, evenly over each minute of the window."""
        chaos, total = self._control.chaos, self._control.gauges.memory_total_bytes
        step_bytes = int(total * (fault.ratio or 0.0) * _GROWTH_EVERY_S / 60)
        taken: list[bytes] = []
        while step_bytes * len(taken) < total * _GROWTH_AT_MOST_RATIO:
            await asyncio.sleep(_GROWTH_EVERY_S)
            if fault.window.holds(chaos.elapsed_s):
                taken.append(b"\x01" * step_bytes)  # written to, so that it is resident and not only promised
                chaos.count("memory_growth")
