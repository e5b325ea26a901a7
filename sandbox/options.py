"""Hold what the sandbox was asked to be."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.faults import Fault


@dataclass(frozen=True, slots=True)
class Options:
    """Command line of the sandbox; port 0 takes a free one, files of None are not written.

    ``seed_orders`` are for each seller who asks for theirs, ``others`` the shops there are from the start (both as
    deployed). What sockets are not told (None) is as the product has it; a cap of 0 is none.
    """

    host: str = "127.0.0.1"
    port: int = 0
    faults: tuple[Fault, ...] = ()
    service_time_s: float = 0.0
    rate_limits: bool = False
    cache: bool = True
    ready_file: Path | None = None
    truth_file: Path | None = None
    seed: int = 0
    stop_after_s: float = 3600.0
    as_deployed: bool = False
    seed_orders: int = 0
    others: int = 0
    ping_interval_s: float | None = None
    ping_timeout_s: float | None = None
    socket_cap_per_address: int | None = None
    socket_cap: int | None = None
    presence: bool | None = None
