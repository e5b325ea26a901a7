"""Turn the rounds of the benchmark into its figures, and hold those against their targets."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.figure import Figure

SESSIONS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Trips:
    """What one client needed for its round trips in one round, and the server for the same."""

    cpu_us: float
    per_s: float
    server_cpu_us: float
    p50_ms: float | None
    wrong: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What one client had resident with few and with many idle sessions."""

    few: int
    few_kb: float
    many: int
    many_kb: float

    @property
    def session_kb(self) -> float:
        """Resident kB a session."""
        return (self.many_kb - self.few_kb) / (self.many - self.few)


@dataclass(frozen=True, slots=True)
class Held:
    """How the many sessions fared that got an event a second."""

    sessions: int  # live when the last event had been sent
    emitted: int
    arrived: int
    wrong: int  # repeated, out of order or another's
    samples: int
    cpu_ratio: float  # of one core, while events came
    server_cpu_ratio: float
    for_s: float


@dataclass(frozen=True, slots=True)
class Rounds:
    """Everything that was measured; the n-th round of one client ran next to the n-th of the other."""

    trips: Sequence[tuple[Trips, Trips]]  # ours, k6's
    memory: Sequence[tuple[Memory, Memory]]
    held: Held


def figures_of(rounds: Rounds) -> list[Figure]:
    """Return the figures; a ratio is the median of the rounds' ratios, whose two sides ran next to each other."""
    cpu = statistics.median(ours.cpu_us / theirs.cpu_us for ours, theirs in rounds.trips)
    memory = statistics.median(ours.session_kb / theirs.session_kb for ours, theirs in rounds.memory)
    held = rounds.held
    lost = held.emitted - held.arrived
    return [
        Figure("ws_cpu_ratio", held.cpu_ratio, "< 0.7", held.cpu_ratio < 0.7),  # noqa: PLR2004  # the target, as said
        Figure("ws_wrong", wrong_of(rounds), "= 0", wrong_of(rounds) == 0),
        Figure("ws_cpu_vs_k6", cpu, "<= 0.4", cpu <= 0.4),  # noqa: PLR2004  # likewise
        Figure("ws_memory_vs_k6", memory, "<= 0.125", memory <= 1 / 8),
        Figure("ws_sessions", held.sessions, f">= {SESSIONS}", held.sessions >= SESSIONS),
        Figure("ws_events_lost", lost, "= 0", lost == 0 and held.emitted > 0),
    ]


def wrong_of(rounds: Rounds) -> int:
    """Return how many answers and events were not what they had to be, of both clients."""
    return rounds.held.wrong + sum(ours.wrong + theirs.wrong for ours, theirs in rounds.trips)
