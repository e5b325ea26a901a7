"""Count the samples of a whole run by kind and by error."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from analysis.report import wording
from runlog.schema import Outcome

_MOST_ERRORS: Final = 15
_OWN_COLUMN: Final = (Outcome.OK, Outcome.THROTTLED, Outcome.ABORTED)
_ERROR_KEYS: Final = ("workflow", "step", "kind", "outcome", "error")


@dataclass(frozen=True, slots=True)
class KindRow:
    """The samples of one kind, as text."""

    kind: str
    samples: str
    ok: str
    throttled: str
    aborted: str
    bad: str


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One error text and how often it came, as text."""

    place: str
    outcome: str
    error: str
    samples: str


def by_kind(samples: pd.DataFrame) -> tuple[KindRow, ...]:
    """Return the counts of each kind that occurred, the most frequent first."""
    if not len(samples):
        return ()
    return tuple(
        _kind_row(str(kind), samples[samples["kind"] == kind]) for kind in samples["kind"].value_counts().index
    )


def _kind_row(kind: str, samples: pd.DataFrame) -> KindRow:
    ok, throttled, aborted = (int((samples["outcome"] == outcome).sum()) for outcome in _OWN_COLUMN)
    total = len(samples)
    return KindRow(
        kind=kind,
        samples=wording.count(total),
        ok=wording.count(ok),
        throttled=wording.count(throttled),
        aborted=wording.count(aborted),
        bad=wording.count(total - ok - throttled - aborted),
    )


def by_error(samples: pd.DataFrame) -> tuple[ErrorRow, ...]:
    """Return the most frequent errors of the whole run with their step, at most fifteen."""
    if not len(samples):
        return ()
    failed = samples[~samples["outcome"].isin([Outcome.OK, Outcome.ABORTED])]
    keys = [failed[name].astype(object).where(failed[name].notna(), "") for name in _ERROR_KEYS]
    counts = failed.groupby(keys, sort=True).size().sort_values(ascending=False, kind="stable").head(_MOST_ERRORS)
    return tuple(
        ErrorRow(
            place=".".join(part for part in (row["workflow"], row["step"]) if part) or row["kind"],
            outcome=row["outcome"],
            error=row["error"] or wording.MISSING,
            samples=wording.count(row["samples"]),
        )
        for row in counts.reset_index(name="samples").to_dict("records")
    )
