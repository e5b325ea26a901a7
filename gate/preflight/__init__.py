"""Look whether a target is ready to be loaded, and hold it for one run."""

from gate.preflight.addresses import addresses_check
from gate.preflight.check import Check, Preflight, State, not_looked_at, refusal
from gate.preflight.disk import disk_check
from gate.preflight.inspection import WAY, Subject, found, look, unlooked
from gate.preflight.lease import HeldLease, held_check, holding_lease, lease_check
from gate.preflight.lines import all_lines, short_lines
from gate.preflight.network import PATIENCE_S
from gate.preflight.trial import Trial

__all__ = [
    "PATIENCE_S",
    "WAY",
    "Check",
    "HeldLease",
    "Preflight",
    "State",
    "Subject",
    "Trial",
    "addresses_check",
    "all_lines",
    "disk_check",
    "found",
    "held_check",
    "holding_lease",
    "lease_check",
    "look",
    "not_looked_at",
    "refusal",
    "short_lines",
    "unlooked",
]
