"""Understand one [[threshold]] of thresholds.toml, or say why not."""

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from analysis.limits import Better, Limit, Unit, parse_limit
from analysis.statistics import STATISTICS, Statistic
from analysis.threshold import Each, Threshold, check_order
from analysis.verdict import Scope, Severity
from runlog.schema import Kind
from runlog.workflows import SHIPPED
from settings.document import Document, did_you_mean
from settings.fields import Name, Words
from settings.profile import known_workflows

_KINDS: Final = tuple(kind.value for kind in Kind if kind is not Kind.SETUP)
"""Setup (sign-in, fixtures) is outside every threshold."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Limits = Annotated[list[str], BeforeValidator(_listed)]


class ThresholdTable(Document):
    """One [[threshold]] as written."""

    stat: str
    workflow: Words | None = None
    step: Words | None = None
    route: Words | None = None
    kind: str | None = None
    monitor: Words | None = None
    window: object = None  # refused below with its reason: as an unknown key it would be taken for a misspelt one
    each: Each | None = None
    profiles: list[Name] | None = None
    not_profiles: list[Name] | None = None
    critical: _Limits = Field(default_factory=list)
    high: _Limits = Field(default_factory=list)
    medium: _Limits = Field(default_factory=list)
    low: _Limits = Field(default_factory=list)
    rollback: _Limits = Field(default_factory=list)
    why: Words


def threshold_from(table: ThresholdTable) -> Threshold:
    """Return what a table means; ValueError says what was given and what is accepted."""
    statistic = STATISTICS.get(table.stat)
    if statistic is None:
        raise ValueError(f"stat: {table.stat!r} is not a statistic{did_you_mean(table.stat, STATISTICS)}")
    if table.window is not None:
        raise ValueError("window: thresholds on parts of a run come with a later release; drop it")
    _check_scope(table, statistic)
    limits = tuple(_limits(table, statistic))
    if not limits:
        raise ValueError(f"holds no limit; accepted: {', '.join(Severity)}")
    if len({limit.better for _, limit in limits}) > 1:
        raise ValueError("its limits look both ways: some want more, some less")
    check_order(limits)
    _check_profiles(table)
    return Threshold(
        statistic=statistic,
        scope=Scope(table.workflow, table.step, table.route, table.kind, table.monitor),
        each=table.each,
        profiles=None if table.profiles is None else tuple(table.profiles),
        not_profiles=tuple(table.not_profiles or ()),
        limits=limits,
        why=table.why,
    )


def _check_profiles(table: ThresholdTable) -> None:
    """Refuse (ValueError) lists of load profiles that say nothing, or two things."""
    if table.profiles == []:
        raise ValueError("profiles: an empty list is no run at all; leave it out for every run")
    if table.not_profiles == []:
        raise ValueError("not_profiles: an empty list leaves nothing out; drop it")
    if table.profiles is not None and table.not_profiles is not None:
        raise ValueError("not_profiles: profiles names the ones it is for already; drop one of the two")


def _limits(table: ThresholdTable, statistic: Statistic) -> Iterator[tuple[Severity, Limit]]:
    for severity in Severity:
        written: list[str] = getattr(table, severity)
        for text in written:
            try:
                yield severity, _limit(text, table, statistic)
            except ValueError as error:
                raise ValueError(f"{severity}: {error}") from error


def _limit(text: str, table: ThresholdTable, statistic: Statistic) -> Limit:
    if table.monitor is None:
        return parse_limit(text, statistic.unit, statistic.better)
    # A monitor's unit is its own: what is written as a percentage is a ratio, everything else a plain number.
    return parse_limit(text, Unit.RATIO if "%" in text else Unit.COUNT, Better.EITHER)


def _check_scope(table: ThresholdTable, statistic: Statistic) -> None:
    """Refuse (ValueError) a scope the statistic does not have, or one that contradicts itself."""
    if table.monitor is not None:
        others = [key for key in ("workflow", "step", "route", "kind", "each") if getattr(table, key) is not None]
        if others:
            raise ValueError(f"{others[0]}: a monitor is of the whole target; drop one of the two")
        if statistic.of_values is None:
            known = ", ".join(name for name, other in STATISTICS.items() if other.of_values is not None)
            raise ValueError(f"stat: {statistic.name!r} is not defined for a monitor; accepted: {known}")
        return
    _check_kind(table.kind, statistic)
    if table.each is not None and (getattr(table, table.each) is not None or (table.each == "workflow" and table.step)):
        raise ValueError(f"each: {table.each!r} contradicts the one that is named; drop one of the two")
    if not statistic.of_steps and (table.step or table.route or table.each in ("step", "route")):
        raise ValueError(f"stat: {statistic.name!r} is of whole workflows; drop step and route")
    if table.kind == Kind.ITERATION and (table.step or table.route or table.each in ("step", "route")):
        raise ValueError(f"kind: {table.kind!r} is of whole workflows; drop step and route")
    _check_names(table.workflow, table.step)


def _check_kind(kind: str | None, statistic: Statistic) -> None:
    if kind is None:
        return
    if statistic.fixed_kinds:
        raise ValueError(f"kind: {statistic.name!r} is always of {', '.join(statistic.kinds)}; drop kind")
    if kind not in _KINDS:
        raise ValueError(f"kind: {kind!r} has no thresholds{did_you_mean(kind, _KINDS)}")


def _check_names(workflow: str | None, step: str | None) -> None:
    """Refuse names nobody knows; the steps of a workflow that a team added are only known to its runs."""
    known = known_workflows()
    if workflow is not None and workflow not in known:
        raise ValueError(f"workflow: {workflow!r} is not known{did_you_mean(workflow, known)}")
    if step is None or workflow not in (None, *SHIPPED) or (workflow is None and len(known) > len(SHIPPED)):
        return
    steps = [name for names in SHIPPED.values() for name in names] if workflow is None else SHIPPED[workflow]
    if step not in steps:
        raise ValueError(f"step: {step!r} is not known{did_you_mean(step, steps)}")
