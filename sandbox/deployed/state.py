"""Hold what the deployment's handlers share beyond the shop."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.deployed.keeps import Keep


@dataclass(frozen=True, slots=True)
class Backstage:
    """The layer inside the routes, verifications by user id, and who already got the operator's orders."""

    inner: Keep
    seed_orders: int
    verifications: dict[str, dict[str, Any]] = field(default_factory=dict)
    seeded: set[str] = field(default_factory=set)
