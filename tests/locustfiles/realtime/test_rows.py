"""Rows of sessions: no row of 0 ms, no secret, none in Locust's total."""

from collections import defaultdict
from types import SimpleNamespace
from typing import Any, cast

from locustfiles._realtime import Owed, Rows
from locustfiles._socketio import Opened, SocketFailed
from runlog.redaction import hide
from runlog.schema import Kind, Outcome, Sample


class Entry:
    """A row of Locust's statistics; that of the total is nobody's to give."""

    def __init__(self) -> None:
        self.logged: list[tuple[float, int]] = []
        self.failures: list[str] = []

    def log(self, time_ms: float, size: int) -> None:
        self.logged.append((time_ms, size))

    def log_error(self, text: str) -> None:
        self.failures.append(str(text))


class Log:
    """What was written, to the run log and to Locust's tables."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.shown: dict[tuple[str, str], Entry] = defaultdict(Entry)
        stats = SimpleNamespace(get=lambda name, method: self.shown[name, method])  # and no log_request, no total
        recorder = cast("Any", SimpleNamespace(process=2, add=self.samples.append))
        self.rows = Rows(recorder, stats, seller=9, workflow="dashboard")
        self.rows.iteration = 4

    @property
    def last(self) -> Sample:
        return self.samples[-1]


def owed(outcome: Outcome, came_at_s: float | None, **more: Any) -> Owed:
    made = Owed("notification", "realtime_updates", 3, 10.0, 10.1, outcome=outcome, came_at_s=came_at_s, **more)
    made.from_s = 10.0
    return made


def test_row_says_whose_it_is() -> None:
    log = Log()
    log.rows.ended(5.0, 100.0, Outcome.OK, None)
    assert (log.last.seller, log.last.workflow, log.last.iteration, log.last.process) == (9, "dashboard", 4, 2)
    assert (log.last.kind, log.last.route, log.last.method) == (Kind.SESSION, "session", None)
    log.rows.settled(owed(Outcome.OK, 10.25))
    assert (log.last.iteration, log.last.step) == (3, "realtime_updates")  # of the pass that caused it


def test_nothing_takes_no_time() -> None:
    log = Log()
    log.rows.opened(1.0, None, Opened(0.0, 0.0, 0.0, 101, "sid"), 0.0)
    log.rows.ended(1.0, 0.0, Outcome.OK, None)
    log.rows.settled(owed(Outcome.OK, 10.0))
    log.rows.answered("subscribe", 1.0, Outcome.OK, -0.5, step=None)
    assert [sample.response_time_ms for sample in log.samples] == [0.001] * 4


def test_event_that_never_came_has_no_time() -> None:
    log = Log()
    log.rows.settled(owed(Outcome.LOST, None, error="did not come"))
    assert (log.last.response_time_ms, log.last.sent_at_s, log.last.error) == (None, 10.0, "did not come")


def test_locust_shows_a_row_of_its_own() -> None:
    log = Log()
    log.rows.settled(owed(Outcome.OK, 10.25, bytes=80))
    log.rows.not_opened(1.0, None, SocketFailed(Outcome.CONNECT_ERROR, "refused"), 5.0)
    log.rows.settled(owed(Outcome.LOST, None))
    assert log.shown["notification", "PUSH"].logged == [(250.0, 80)]
    assert log.shown["notification", "PUSH"].failures == ["lost"]
    assert log.shown["connect", "CONNECT"].failures == ["refused"]


def test_what_the_stop_cut_is_in_no_table() -> None:
    log = Log()
    log.rows.given_up(1.0, 2.0)
    assert log.last.outcome is Outcome.ABORTED
    assert not log.shown


def test_words_of_a_server_hold_no_secret() -> None:
    hide(["very-secret-canary"])
    log = Log()
    log.rows.ended(1.0, 2.0, Outcome.LOST, "server: token very-secret-canary is not welcome")
    assert "very-secret-canary" not in (log.last.error or "")
