"""Count by route what was answered 429, so that a reader sees which limiter was met."""

import pandas as pd

from analysis.verdict import ThrottledRoute
from runlog.schema import Kind, Outcome


def throttled_routes(samples: pd.DataFrame) -> tuple[ThrottledRoute, ...]:
    """Return the routes of a whole run, sign-in included, that were throttled, the most throttled first."""
    sent = samples[samples["kind"].isin((Kind.HTTP, Kind.SETUP))]
    rows = [
        ThrottledRoute(str(method), str(route), throttled=int((own == Outcome.THROTTLED).sum()), requests=len(own))
        for (method, route), own in sent.groupby(["method", "route"], observed=True, sort=True)["outcome"]
    ]
    return tuple(sorted((row for row in rows if row.throttled), key=lambda row: -row.throttled))
