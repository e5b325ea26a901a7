"""The shipped sellers who hold sessions; when each event was taken in is written to the file STAMPS names."""

import os
from pathlib import Path
from typing import Any

from locustfiles._realtime import Ledger
from locustfiles.dashboard import DashboardSeller
from locustfiles.order_management import OrderSeller
from locustfiles.store import StoreSeller
from locustfiles.tier_upgrade import TierSeller

__all__ = ["DashboardSeller", "OrderSeller", "StoreSeller", "TierSeller"]

_stamps = Path(os.environ["STAMPS"]).open("w", encoding="utf-8", buffering=1)  # noqa: SIM115  # as long as the process
_arrived = Ledger.arrived


def _noted(self: Ledger, arrived: Any) -> None:
    _stamps.write(f"{arrived.args[0]['eventId']} {arrived.at_s!r}\n")
    _arrived(self, arrived)


Ledger.arrived = _noted  # type: ignore[method-assign]
