"""Define one sample: its columns, their types, and the words allowed in them (format 1)."""

from enum import StrEnum
from typing import Final, NamedTuple

import pyarrow as pa

FORMAT: Final = 1
"""Version of the sample columns and of run.json; raised when a reader of today could misread a file."""


class Kind(StrEnum):
    """What a sample is one of; kinds are different populations and are never added up."""

    HTTP = "http"
    SETUP = "setup"  # HTTP outside any step: sign-in and fixtures of sellers that are not onboarding
    CONNECT = "connect"  # one attempt to open a session: TCP and TLS, upgrade, handshake, authenticate
    ACK = "ack"  # something sent over a session and answered over it
    PUSH = "push"  # an event the server owed a session
    SESSION = "session"  # one row a session that ended; its time is how long it lived
    FRESHNESS = "freshness"  # time until a write is visible
    ITERATION = "iteration"  # one row a pass through a workflow; time without thinking


class Outcome(StrEnum):
    """How a sample ended."""

    OK = "ok"
    CHECK_FAILED = "check_failed"
    WRONG_BODY = "wrong_body"  # another seller's or another path's
    STALE = "stale"
    HTTP_ERROR = "http_error"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    CONNECT_ERROR = "connect_error"
    LOST = "lost"  # an event that never came; a session the server or the network ended
    DUPLICATED = "duplicated"  # an event that came again: a row of its own, beside the first one's
    OUT_OF_ORDER = "out_of_order"  # an event that came after a later one
    REFUSED = "refused"  # a session the server turned away, in its own words
    ABANDONED = "abandoned"  # iterations only
    ABORTED = "aborted"  # cut by the stop of the run
    HARNESS_ERROR = "harness_error"  # our own code threw


class Cache(StrEnum):
    """Who answered, as the answer's own headers say."""

    HIT = "hit"
    MISS = "miss"
    BYPASS = "bypass"  # we sent a unique query
    NONE = "none"  # private or uncached


class Sample(NamedTuple):
    """One completed request, awaited event or iteration, as the generator saw it; written once, never changed.

    Times are Unix seconds (`_s`) and milliseconds (`_ms`); what is not known is None. A NamedTuple and not a frozen
    dataclass because one is made for every request: it costs a third as much.
    """

    kind: Kind
    sent_at_s: float
    intended_at_s: float | None
    workflow: str | None
    step: str | None
    seller: int
    iteration: int
    process: int
    method: str | None
    route: str | None
    status: int | None
    outcome: Outcome
    response_time_ms: float | None
    connect_ms: float | None
    wait_ms: float | None
    request_bytes: int | None
    response_bytes: int | None
    cache: Cache | None
    error: str | None
    computed: bool | None = None
    """Whether the body says it was made for this very request; None where it does not say."""
    handshake_ms: float | None = None
    """Of a connect: from its start until the namespace was joined; what follows is authentication."""


CATEGORIES: Final = ("kind", "workflow", "step", "method", "route", "outcome", "cache", "error")
"""Columns stored as dictionary codes."""

_CATEGORY = pa.dictionary(pa.int16(), pa.string())
SAMPLE_SCHEMA: Final[pa.Schema] = pa.schema(
    [
        pa.field("kind", _CATEGORY, nullable=False),
        pa.field("sent_at_s", pa.float64(), nullable=False),
        pa.field("intended_at_s", pa.float64()),
        pa.field("workflow", _CATEGORY),
        pa.field("step", _CATEGORY),
        pa.field("seller", pa.int32(), nullable=False),
        pa.field("iteration", pa.int32(), nullable=False),
        pa.field("process", pa.int32(), nullable=False),
        pa.field("method", _CATEGORY),
        pa.field("route", _CATEGORY),
        pa.field("status", pa.int16()),
        pa.field("outcome", _CATEGORY, nullable=False),
        pa.field("response_time_ms", pa.float32()),
        pa.field("connect_ms", pa.float32()),
        pa.field("wait_ms", pa.float32()),
        pa.field("request_bytes", pa.int32()),
        pa.field("response_bytes", pa.int32()),
        pa.field("cache", _CATEGORY),
        pa.field("error", _CATEGORY),
        pa.field("computed", pa.bool_()),
        pa.field("handshake_ms", pa.float32()),
    ],
    metadata={b"sellergate_format": str(FORMAT).encode()},
)
"""The columns of samples.parquet, in this order."""
TIMES: Final = ("sent_at_s", "intended_at_s", "at_s")
"""Columns that hold a time of day, by the clock of the process that wrote them until a run is sealed."""
LATER_COLUMNS: Final = (
    *("computed", "handshake_ms"),
    *("gc_pause_ms", "gc_pause_max_ms", "files", "files_limit", "memory_free_ratio"),
    *("cpu_wait_ratio", "late_start_max_ms", "clock_step_ms"),
)
"""The columns at the end that format 1 did not begin with: a log without them is read as if nothing had been known."""

GENERATOR_SCHEMA: Final[pa.Schema] = pa.schema(
    [
        pa.field("at_s", pa.float64(), nullable=False),
        pa.field("process", pa.int32(), nullable=False),
        pa.field("cpu_ratio", pa.float64()),  # of one core, since the row before
        pa.field("lag_p99_ms", pa.float64()),  # lateness of a 5 ms sleeper, since the row before
        pa.field("lag_max_ms", pa.float64()),
        pa.field("sellers", pa.int32()),  # users alive in this process
        pa.field("memory_bytes", pa.int64()),  # resident
        pa.field("gc_pause_ms", pa.float64()),  # the interpreter stood still to collect garbage, since the row before
        pa.field("gc_pause_max_ms", pa.float64()),  # the longest of these pauses
        pa.field("files", pa.int32()),  # open: connections, and a few dozen besides
        pa.field("files_limit", pa.int32()),  # how many may be open
        pa.field("memory_free_ratio", pa.float64()),  # of the machine, what can be had without swapping
        pa.field("cpu_wait_ratio", pa.float64()),  # of the time, waiting for a core that others had
        pa.field("late_start_max_ms", pa.float64()),  # of passes, against their schedule; null in the closed model
        pa.field("clock_step_ms", pa.float64()),  # what the wall clock gained on the steady one, since the row before
    ]
)
"""The columns of generator.parquet: one row a process about every second."""

MONITOR_SCHEMA: Final[pa.Schema] = pa.schema(
    [
        pa.field("at_s", pa.float64(), nullable=False),
        pa.field("monitor", pa.string(), nullable=False),  # a name from the target file, or `health.<check>`
        pa.field("value", pa.float64()),  # null: asked, and no usable answer came. Ratios are 0..1
        pa.field("error", pa.string()),
    ]
)
"""The columns of monitors.parquet: the target's own figures, asked every few seconds."""
