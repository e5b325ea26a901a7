"""Tell which exceptions a target declares have run out, and break a limit for each of them."""

from collections.abc import Iterator
from datetime import date, timedelta

from analysis.verdict import Outcome, Result, Scope, Severity
from runlog.run import Gap, TargetInfo, Waiver


def overdue_days(declared: Gap | Waiver, today: date) -> int | None:
    """Return for how many days an exception has expired, None while it holds.

    It holds up to and including its day; one without a readable date never held.
    """
    try:
        late = today - date.fromisoformat(declared.expires)
    except ValueError:
        return 1
    return late.days if late > timedelta(0) else None


def overdue_results(target: TargetInfo, today: date) -> Iterator[Result]:
    """Yield a broken limit for each expired gap and waiver: it fails the run, whatever the run shows by now."""
    declared: tuple[Gap | Waiver, ...] = (*target.gaps, *target.waivers)
    for exception in declared:
        days = overdue_days(exception, today)
        if days is None:
            continue
        stat, kind = ("gap_overdue_days", "gap of") if isinstance(exception, Gap) else _of_waiver(exception)
        yield Result(
            scope=Scope(exception.workflow, exception.step),
            stat=stat,
            severity=Severity.HIGH,
            limit="= 0",
            observed=days,
            interval=None,
            samples=0,
            outcome=Outcome.FAIL,
            margin_ratio=None,
            why=f"{kind} {exception.owner} until {exception.expires}: {exception.reason}",
            unit="count",
        )


def _of_waiver(waiver: Waiver) -> tuple[str, str]:
    return "waiver_overdue_days", f"waiver of {waiver.stat} by"
