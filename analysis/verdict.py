"""Define the verdict: every result, every step, every doubt, as plain frozen values."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from runlog.run import Run

FORMAT: Final = 1
"""Version of verdict.json."""


class Outcome(StrEnum):
    """The answer about one limit, and about the run; the verdict is as bad as its worst."""

    PASS = "pass"  # noqa: S105  # a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"  # too few samples, not measured, or (later) the interval straddles the limit
    INVALID = "invalid"  # of a verdict only: the run cannot speak for the server


class Severity(StrEnum):
    """What a broken limit means; `rollback` limits never fail a run, they fire a trigger."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    ROLLBACK = "rollback"


class StepStatus(StrEnum):
    """What became of a step."""

    PASSED = "passed"
    FAILED = "failed"
    GAP = "gap"
    NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a result is about; all null means the whole run (kind http)."""

    workflow: str | None = None
    step: str | None = None
    route: str | None = None
    kind: str | None = None
    monitor: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One limit of one threshold held against one run; `observed` is None when it could not be measured."""

    scope: Scope
    stat: str
    severity: Severity
    limit: str  # as written in thresholds.toml, or by an override
    observed: float | None  # in the statistic's own unit: ms, 0..1, rps, a count
    interval: tuple[float, float] | None
    samples: int
    outcome: Outcome
    margin_ratio: float | None  # distance to the limit over the limit; negative: broken. None: no limit to divide by
    why: str
    unit: str  # "ms", "ratio", "rps", "count", "score": how to print observed
    waived: str | None = None  # of a broken limit: why it decides nothing, who says so, until when

    @property
    def broken(self) -> bool:
        """Return whether its limit is broken and nobody has waived it."""
        return self.outcome is Outcome.FAIL and self.waived is None


@dataclass(frozen=True, slots=True)
class StepResult:
    """One of the forty steps (or of a ninth workflow's)."""

    workflow: str
    step: str
    status: StepStatus
    samples: int
    ok: int
    failed: int
    reason: str | None  # why it is not passed
    p50_ms: float | None
    p95_ms: float | None
    error_ratio: float | None


@dataclass(frozen=True, slots=True)
class WorkflowResult:
    """One workflow as a whole."""

    workflow: str
    iterations: int
    completed: int
    completion_ratio: float | None
    p95_ms: float | None  # of its http samples


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reason why the run's numbers may not be the server's, or not be enough."""

    name: str  # snake_case, stable: part of the public contract
    figure: str  # what was seen, with unit
    rule: str  # what would have been right
    invalidates: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """The http samples of the steady window as a whole."""

    samples: int
    throughput_rps: float | None
    error_ratio: float | None
    throttled_ratio: float | None
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    cache_hit_ratio: float | None


class CacheBasis(StrEnum):
    """What hits and misses are told apart by."""

    HEADER = "header"  # no body said whether it was made for its own request
    HEADER_AND_BODY = "header_and_body"


@dataclass(frozen=True, slots=True)
class CacheSide:
    """The steady http samples on one side of a cache; times over ok samples and timeouts."""

    samples: int
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class CacheSplit:
    """Hits and misses of the steady window, and what bodies say about the headers' claims.

    A claimed hit whose body was computed for its own request is a miss.
    """

    basis: CacheBasis
    hits: CacheSide
    misses: CacheSide
    claimed_hits: int  # by header
    hits_telling: int  # of these, with a body that says whether it was computed for its own request
    hits_computed: int  # of these, computed: the header lied
    misses_telling: int
    misses_cached: int  # claimed misses whose body was not computed for their request: a cache inside answered


@dataclass(frozen=True, slots=True)
class ThrottledRoute:
    """One route answered 429 at least once; counts are of the whole run, sign-in included."""

    method: str
    route: str
    throttled: int
    requests: int


@dataclass(frozen=True, slots=True)
class EventRow:
    """The events of one name, or of all (null), in the whole run; times over those that came since a known moment."""

    event: str | None
    expected: int  # owed to a session, each once; what the stop cut is not counted
    lost: int
    duplicated: int  # further arrivals
    out_of_order: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """How long a phase took."""

    phase: str
    samples: int
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Words:
    """What was said about failures, and how often."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Realtime:
    """The real-time sessions of the whole run, and the events their sellers were owed."""

    sessions: int  # begun
    live_max: int  # at the same time
    dropped: int  # ended by the server, the network or silence
    dropped_why: tuple[Words, ...]
    failed: int  # attempts to begin one that failed, refusals included
    failed_why: tuple[Words, ...]
    reconnects: int
    reconnect_p50_ms: float | None
    reconnect_max_ms: float | None
    lifetime_p50_s: float | None
    phases: tuple[PhaseRow, ...]
    events: tuple[EventRow, ...]
    pushes: EventRow  # all events together
    unasked: int  # events that came and were owed to nobody; they are in no count of owed ones and in no latency
    answers: PhaseRow  # to what sellers sent over their sessions


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of one way to count."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class ArrivalsResult:
    """The arrivals of an open run, and the latencies of its steady http samples counted in two ways."""

    offered: int | None  # came due while load lasted; None: a process did not say
    achieved: int | None
    dropped: int | None
    achieved_ratio: float | None
    samples: int  # ok samples and timeouts the latencies are of
    sent: Latency  # from sending, as everywhere
    intended: Latency  # from when it would have been sent had its pass begun when the schedule said
    gap: Latency  # what counting from sending leaves out


class WaiverState(StrEnum):
    """What a waiver came to in a run."""

    WAIVES = "waives"
    WITHHELD = "withheld"  # a rollback limit of the same figure is broken too
    NOT_ENOUGH = "not_enough"  # the limit was broken outside what it names as well
    NOT_NEEDED = "not_needed"  # no limit it names is broken
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """One waiver of the target's file and what it came to."""

    stat: str  # a statistic, or the name of a monitor
    workflow: str | None
    step: str | None
    severity: str | None
    reason: str
    owner: str
    expires: str
    state: WaiverState
    limits: int  # broken limits that decide nothing because of it
    kind: str | None = None  # null: of requests


@dataclass(frozen=True, slots=True)
class Window:
    """The steady part of the run that is judged; seconds since the run's start."""

    start_s: float
    end_s: float
    rule: str  # how it was cut, for people


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole answer; `exit_code` is set by the gate's table."""

    outcome: Outcome
    exit_code: int
    release_grade: bool  # all forty steps were in scope
    headline: str  # one sentence: the answer and its first reason
    rollback: tuple[str, ...]
    run: Run
    window: Window | None  # None when there was nothing to cut
    totals: Totals
    results: tuple[Result, ...]
    steps: tuple[StepResult, ...]
    workflows: tuple[WorkflowResult, ...]
    doubts: tuple[Doubt, ...]
    overrides: tuple[str, ...]
    files: dict[str, str]  # name → sha256 of what was judged
    cache: CacheSplit | None = None  # None when no answer claimed to be a hit or a miss
    throttled: tuple[ThrottledRoute, ...] = ()  # the most throttled first
    waivers: tuple[WaiverUse, ...] = ()  # of the target's file, in its order
    paced_s: float | None = None  # what sellers waited for room in rate limits, added up; None: nobody paced them
    clock_offset_s: tuple[float, float] | None = None  # the target's clock minus ours is between these two
    arrivals: ArrivalsResult | None = None  # None of a run with a closed model
    realtime: Realtime | None = None  # None when the run had no real-time sessions
