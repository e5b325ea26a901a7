"""Run the sandbox: listen, say where, watch over it, stop."""

import asyncio
import os
import random
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from sandbox import categories
from sandbox.app import App
from sandbox.cache import PageCache
from sandbox.chaos import Chaos
from sandbox.control import Control
from sandbox.control_routes import control_routes
from sandbox.deployed.stack import deployment
from sandbox.faults import has_wrong_clock
from sandbox.gauges import Gauges
from sandbox.image_store import ImageStore
from sandbox.limits import Limiter
from sandbox.options import Options
from sandbox.pipeline import Pipeline
from sandbox.realtime.publisher import Publisher
from sandbox.realtime.service import Realtime
from sandbox.realtime.sessions import Sessions
from sandbox.realtime.terms import terms_of
from sandbox.realtime.transport import CuttableProtocol
from sandbox.routes import ROUTES
from sandbox.routing import Router
from sandbox.shop import Shop
from sandbox.state import Database
from sandbox.tallies import Tallies
from sandbox.tokens import Tokens
from sandbox.truth import Truth, replace_file
from sandbox.upkeep import Upkeep
from sandbox.watchers import Watchers

_BACKLOG = 2048
_KEEP_ALIVE_S = 65
_GRACE_S = 2


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn raises them again after its own shutdown, past our last words."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def build(options: Options) -> tuple[Control, App]:
    """Put a sandbox together."""
    truth = Truth()
    cache = PageCache()
    rng = random.Random(options.seed)
    chaos = Chaos(options.faults, truth.faults, options.seed)
    sessions, terms = Sessions(truth.sockets), terms_of(options)
    publisher = Publisher(sessions, truth.events, chaos, terms)
    shop = Shop(Database(cache.touch), cache, Tokens(), Tallies(), Watchers(), ImageStore(), publisher, rng)
    categories.plant(shop.db)
    realtime = Realtime(chaos, truth.sockets, sessions, publisher, terms)
    control = Control(shop, truth, chaos, Gauges(), realtime, options.cache)
    name = f"{os.getpid():x}"
    if options.as_deployed:
        deployed = deployment(control, options, lambda: _die(control, options.truth_file))
        return control, App(control, *deployed, name, unkept=())
    limiter = Limiter(lambda: chaos.now_ms() / 1000) if options.rate_limits else None
    pipeline = Pipeline(control, limiter, options.service_time_s)
    return control, App(control, Router((*ROUTES, *control_routes(control))), pipeline, name)


def serve(options: Options) -> None:
    """Listen until told to stop, the parent is gone or the time is over; raises OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((options.host, options.port))
        listener.listen(_BACKLOG)
        _serve_on(listener, options)


def _serve_on(listener: socket.socket, options: Options) -> None:
    control, app = build(options)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws=CuttableProtocol,
        ws_max_size=control.realtime.terms.payload_at_most_bytes,
        ws_ping_interval=None,  # Engine.IO has pings of its own
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=not has_wrong_clock(options.faults),
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        backlog=_BACKLOG,
    )
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_live(_Server(config), listener, control, options))
    finally:
        _write_truth(control, options.truth_file)
        control.shop.images.close()
        control.shop.db.close()


async def _live(server: _Server, listener: socket.socket, control: Control, options: Options) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn offers a flag, no event
        await asyncio.sleep(0.005)
    control.chaos.start()
    _announce(listener, options)
    upkeep = Upkeep(control, stop, lambda: _die(control, options.truth_file), options.stop_after_s)
    tasks = upkeep.start()
    try:
        await serving
    finally:
        await control.realtime.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _announce(listener: socket.socket, options: Options) -> None:
    port = listener.getsockname()[1]
    host = f"[{options.host}]" if ":" in options.host else options.host
    address = f"http://{host}:{port}"
    if options.ready_file is not None:
        replace_file(options.ready_file, address.encode())
    print(f"sandbox listening on {address}", flush=True)  # noqa: T201 - the line callers wait for


def _write_truth(control: Control, path: Path | None) -> None:
    if path is not None:
        control.truth.write(path)


def _die(control: Control, path: Path | None) -> None:
    """End the process as a crash does: nothing is answered, closed or drained; only the truth is kept."""
    _write_truth(control, path)
    os._exit(1)
