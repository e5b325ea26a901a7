"""Bring together what watches and steers the sandbox, which no seller sees."""

from dataclasses import dataclass

from sandbox.chaos import Chaos
from sandbox.gauges import Gauges
from sandbox.realtime.service import Realtime
from sandbox.shop import Shop
from sandbox.truth import Truth


@dataclass(frozen=True, slots=True)
class Control:
    """The shop with its counters, faults, gauges and sessions."""

    shop: Shop
    truth: Truth
    chaos: Chaos
    gauges: Gauges
    realtime: Realtime
    cache_enabled: bool
