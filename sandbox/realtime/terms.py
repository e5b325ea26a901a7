"""Say on which terms sessions are held: how long silence may last, how many may come, what they are told."""

from dataclasses import dataclass, replace

from sandbox.options import Options

DEPLOYED_EVENTS = frozenset({"notification", "notification:new", "new_message"})
"""All a running LinkDAO server ever tells a seller about (contract 8.5)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Normal mode of contract 8.1, without its caps. Seconds; a cap of None is none, ``emits`` None is every event.

    ``presence`` tells everybody of everybody who comes and goes; ``numbered`` events carry eventId, seq and timestamp.
    """

    ping_interval_s: float = 45.0
    ping_timeout_s: float = 90.0
    payload_at_most_bytes: int = 1_000_000
    cap_per_address: int | None = None
    cap: int | None = None
    presence: bool = False
    constrained: bool = False
    emits: frozenset[str] | None = None
    numbered: bool = True

    def tells_of(self, event: str) -> bool:
        """Say whether the server tells sellers of such an event."""
        return self.emits is None or event in self.emits


INTENDED = Terms()
# Constrained mode, the default of a deployment; one more than twenty from an address get in (contract 8.1, 8.2).
DEPLOYED = Terms(60.0, 120.0, 100_000, 21, 100, presence=True, constrained=True, emits=DEPLOYED_EVENTS, numbered=False)


def terms_of(options: Options) -> Terms:
    """Return the terms the command line asks for; a cap of 0 is none."""
    terms = DEPLOYED if options.as_deployed else INTENDED
    return replace(
        terms,
        ping_interval_s=options.ping_interval_s or terms.ping_interval_s,
        ping_timeout_s=options.ping_timeout_s or terms.ping_timeout_s,
        cap_per_address=_cap(options.socket_cap_per_address, terms.cap_per_address),
        cap=_cap(options.socket_cap, terms.cap),
        presence=terms.presence if options.presence is None else options.presence,
    )


def _cap(asked: int | None, default: int | None) -> int | None:
    return default if asked is None else asked or None
