"""Find what calls for going back to the release before: broken rollback limits, systems that went down."""

from collections.abc import Iterable, Iterator
from typing import Final

import pandas as pd

from analysis.figures import against, place
from analysis.verdict import Outcome, Result, Severity
from runlog.run import EndedBy, Run

_HEALTH: Final = "health."
_DATABASE: Final = "health.database"
_LAST: Final = 2
"""Last answers in a row that must be bad: one missed answer is no outage."""


def rollback_reasons(run: Run, results: Iterable[Result], monitors: pd.DataFrame) -> tuple[str, ...]:
    """Return every trigger that fired, in words; whether anything is rolled back is the gate's to say."""
    limits = [
        f"{place(result.scope)}: {against(result)}"
        for result in results
        if result.severity is Severity.ROLLBACK and result.outcome is Outcome.FAIL
    ]
    lost = [f"target lost: {run.end_reason or 'the fuse blew'}"] if run.ended_by is EndedBy.FUSE else []
    return (*limits, *_down(run, monitors), *lost)


def _down(run: Run, monitors: pd.DataFrame) -> Iterator[str]:
    """Yield the health checks that were up at first and down at the end of the load; a database just down at the end.

    A check that is asked and gives no usable answer counts as down: a dead system does not say 0.
    """
    if run.ended_at_s is not None:
        monitors = monitors[monitors["at_s"] <= run.ended_at_s]
    checks = monitors[monitors["monitor"].str.startswith(_HEALTH)].sort_values("at_s", kind="stable")
    for name, rows in checks.groupby("monitor", sort=True):
        values = rows["value"]
        known = values.dropna()
        down = len(values) >= _LAST and bool((values.iloc[-_LAST:] != 1).all())
        if down and (name == _DATABASE or (len(known) and known.iloc[0] == 1)):
            words = "database unreachable" if name == _DATABASE else f"{str(name).removeprefix(_HEALTH)} went down"
            yield f"{words}: {name} not up in its last {_LAST} answers"
