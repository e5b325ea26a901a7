"""Ask an order seller, without any server, which orders of a list he must have been told of; prints JSON."""

import locust  # isort: skip  # noqa: F401  # first: it patches the standard library

import json
import sys
from types import SimpleNamespace
from typing import Any, cast

from locustfiles._checks import Data
from locustfiles._realtime import ServerClock
from locustfiles.order_management import OrderSeller


def main() -> None:
    case = json.loads(sys.argv[1])
    seller = cast("Any", OrderSeller.__new__(OrderSeller))
    clock = ServerClock()
    if case["clock_known"]:
        clock.learn(100.0, 100.0, 100.001)
    seller.load = SimpleNamespace(lines=SimpleNamespace(clock=clock))
    seller.line = None
    if case["line"]:
        seller.line = SimpleNamespace(live_since_s=case["live_since_s"], live=case["live"])
    seller.known = None if case["known"] is None else set(case["known"])
    order = Data({"id": "o-1", "createdAt": case["created_at"]})
    sys.stdout.write(json.dumps(seller._is_owed(order)))


main()
