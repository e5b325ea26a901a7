"""Wait until a write shows, and record how long it took, as a sample of kind freshness."""

import time
from collections.abc import Callable
from typing import Final

import gevent

from locustfiles._checks import Stale
from locustfiles._sending import Sender
from runlog.redaction import error_text
from runlog.schema import Kind, Outcome, Sample

_POLL_S: Final = 0.25
_POLL_RATIO: Final = 0.2
"""After so much of the time waited so far it looks again: a look every quarter of a second for minutes, because a cache
holds that long, would use up a rate limit and fill the server's memory with pages asked for once."""


class Waiter(Sender):
    """A sender that can look until it sees something."""

    abstract = True

    def until_visible(self, step: str, look: Callable[[], bool], *routes: str) -> None:
        """Look until a write just made is visible at `routes`; see `until_known`."""
        began_at_s = time.time()
        self.until_known(step, lambda: began_at_s if look() else None, self._budget_s(routes), *routes)

    def until_known(self, step: str, look: Callable[[], float | None], patience_s: float, *routes: str) -> None:
        """Look until something shows and record how long it took to become known, as a sample of kind freshness.

        `look` sends unique reads to `routes` and returns the moment to count from (Unix seconds) once it sees what is
        awaited. Nothing seen within `patience_s`, or seen later than the longest freshness budget of these routes:
        outcome stale. Nothing is known sooner than the answer that showed it took: see `_counted_from_s`. What was seen
        late only because this seller had to wait for room in a rate limit says nothing: outcome throttled, and the
        seller goes on.
        """
        began_at_s, budget_s, held_s = time.time(), self._budget_s(routes), self.thought_s
        unseen_at_s = began_at_s
        while True:
            asked_at_s = time.time()
            since_s = look()
            now_s = time.time()
            if since_s is not None or now_s - began_at_s - (self.thought_s - held_s) > patience_s:
                break
            unseen_at_s = asked_at_s
            gevent.sleep(max(_POLL_S, _POLL_RATIO * (now_s - began_at_s)))
        from_s = began_at_s if since_s is None else _counted_from_s(since_s, unseen_at_s, asked_at_s, now_s)
        took_ms = (now_s - from_s) * 1000
        if since_s is not None and took_ms <= budget_s * 1000:
            self._record_event(Kind.FRESHNESS, step, from_s, Outcome.OK, took_ms, None)
            return
        held_ms = (self.thought_s - held_s) * 1000
        if since_s is not None and took_ms - held_ms <= budget_s * 1000:
            text = "held back by rate limits while looking"
            self._record_event(Kind.FRESHNESS, step, from_s, Outcome.THROTTLED, took_ms, text)
            return
        text = f"not visible within {patience_s if since_s is None else budget_s:g} s"
        self._record_event(Kind.FRESHNESS, step, from_s, Outcome.STALE, took_ms, text)
        raise Stale(text)

    def _budget_s(self, routes: tuple[str, ...]) -> float:
        """Return how long a write may stay invisible at the slowest of these routes."""
        return max(self.load.freshness_budget_s(route) for route in routes)

    def _record_event(
        self, kind: Kind, step: str | None, at_s: float, outcome: Outcome, time_ms: float, error: str | None
    ) -> None:
        """Record something that is no request: an iteration, or how long a write took to be visible."""
        self.load.recorder.add(
            Sample(
                kind=kind,
                sent_at_s=at_s,
                intended_at_s=None if self.late_s is None else at_s - self.late_s,
                workflow=self.workflow,
                step=step,
                seller=self.number,
                iteration=self.iteration,
                process=self.load.recorder.process,
                method=None,
                route=None,
                status=None,
                outcome=outcome,
                response_time_ms=time_ms,
                connect_ms=None,
                wait_ms=None,
                request_bytes=None,
                response_bytes=None,
                cache=None,
                error=None if error is None else error_text(error),
            )
        )


def _counted_from_s(since_s: float, unseen_at_s: float, asked_at_s: float, now_s: float) -> float:
    """Return the moment to count from, never later than the request whose answer showed it.

    `since_s` may be the server's stamp. One that lies ahead of our clock is another clock's and says nothing; what is
    known then is that the look before, at `unseen_at_s`, did not show it. Counting from the beginning of all looking
    would make a seller's patience the server's slowness.
    """
    return unseen_at_s if since_s > now_s else min(since_s, asked_at_s)
