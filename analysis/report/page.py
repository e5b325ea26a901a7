"""Define what report.html shows: strings ready to be placed, nothing left to work out."""

from dataclasses import dataclass

from analysis.report.exchanges import Exchanges
from analysis.report.tally import ErrorRow, KindRow


@dataclass(frozen=True, slots=True)
class Mark:
    """An answer as colour, icon and word: no one of them alone."""

    style: str  # pass, fail, warn, unclear, invalid, idle
    word: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One limit."""

    mark: Mark
    scope: str
    stat: str
    severity: str
    limit: str
    observed: str
    interval: str
    margin: str
    samples: str
    why: str
    waived: str


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows behind a line one can open."""

    title: str
    rows: tuple[ResultRow, ...]


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step."""

    mark: Mark
    step: str
    samples: str
    ok: str
    failed: str
    error: str
    p50: str
    p95: str
    reason: str


@dataclass(frozen=True, slots=True)
class StepGroup:
    """The steps of one workflow."""

    workflow: str
    rows: tuple[StepRow, ...]


@dataclass(frozen=True, slots=True)
class WorkflowRow:
    """One workflow."""

    workflow: str
    iterations: str
    completed: str
    completion: str
    p95: str


@dataclass(frozen=True, slots=True)
class DoubtRow:
    """One doubt."""

    mark: Mark
    name: str
    figure: str
    rule: str


@dataclass(frozen=True, slots=True)
class GapRow:
    """One declared gap."""

    step: str
    reason: str
    owner: str
    expires: str


@dataclass(frozen=True, slots=True)
class WaiverRow:
    """One declared waiver."""

    waiver: str
    state: str
    reason: str
    owner: str
    expires: str


@dataclass(frozen=True, slots=True)
class CacheRow:
    """One side of a cache, or one phase of beginning a session: how many, how long."""

    side: str
    samples: str
    p50: str
    p95: str


@dataclass(frozen=True, slots=True)
class CachePart:
    """Hits and misses side by side."""

    rows: tuple[CacheRow, ...]
    note: str


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """Percentiles of one way to count."""

    name: str
    p50: str
    p95: str
    p99: str


@dataclass(frozen=True, slots=True)
class ArrivalPart:
    """What became of the arrivals, and latency counted in two ways."""

    rows: tuple[LatencyRow, ...]
    note: str


@dataclass(frozen=True, slots=True)
class EventCells:
    """The events of one name."""

    event: str
    expected: str
    lost: str
    duplicated: str
    out_of_order: str
    p50: str
    p95: str
    p99: str


@dataclass(frozen=True, slots=True)
class SessionPart:
    """Real-time sessions: what is to be said, events by name, phases of beginning one."""

    notes: tuple[str, ...]
    events: tuple[EventCells, ...]
    phases: tuple[CacheRow, ...]


@dataclass(frozen=True, slots=True)
class ThrottledRow:
    """One route that was answered 429."""

    route: str
    throttled: str
    requests: str


@dataclass(frozen=True, slots=True)
class ChartCard:
    """One picture, inline."""

    title: str
    note: str | None
    alt: str
    light_uri: str
    dark_uri: str


@dataclass(frozen=True, slots=True)
class Page:
    """The whole of report.html."""

    title: str
    mark: Mark
    headline: str
    exit_code: str
    grade: str
    facts: tuple[Fact, ...]
    totals: tuple[Fact, ...]
    cache: CachePart | None
    arrivals: ArrivalPart | None
    sessions: SessionPart | None
    throttled: tuple[ThrottledRow, ...]
    doubts: tuple[DoubtRow, ...]
    rollback: tuple[str, ...]
    results: tuple[ResultRow, ...]
    folds: tuple[Fold, ...]
    step_count: str
    steps: tuple[StepGroup, ...]
    workflows: tuple[WorkflowRow, ...]
    overrides: tuple[str, ...]
    gaps: tuple[GapRow, ...]
    waivers: tuple[WaiverRow, ...]
    charts: tuple[ChartCard, ...]
    chart_note: str
    kinds: tuple[KindRow, ...]
    errors: tuple[ErrorRow, ...]
    exchanges: Exchanges
    evidence: tuple[Fact, ...]
    files: tuple[Fact, ...]
    judge_again: str
