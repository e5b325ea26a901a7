"""Tell which settings a run would have, and where each came from; of a secret only whether it is set."""

import textwrap
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from analysis.expiry import overdue_days
from analysis.figures import schedule_words
from analysis.threshold import Threshold, ThresholdFile
from runlog.run import Gap, Waiver
from settings.document import shown
from settings.profile import Profile
from settings.target import Target
from settings.target_file import TargetTable

WIDTH: Final = 80
_NAME: Final = 20
_INDENT: Final = 2
_NONE: Final = "none"
_ADDRESSES: Final = {"url": "BACKEND_URL", "ws_url": "WS_URL", "frontend_url": "FRONTEND_URL"}
_REPLACED_BY: Final = {**_ADDRESSES, "health_timeout": "HEALTH_CHECK_TIMEOUT"}
"""Key of a target file → the environment variable that replaces it."""


def target_lines(target: Target, table: TargetTable, named_by: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Return the target: what its file says, what replaced it, what is left at its default."""
    yield f"target {target.name}: {shown(target.path)} [{named_by}]"
    absent: list[str] = []
    for key, value in _values(target, environ):
        if value is None:
            absent.append(key)
        else:
            yield from _entry(key, value, _origin(target, table, key))
    yield from _entry("not set", ", ".join(absent) or _NONE, None)
    yield from _entry("leases", str(target.lease_folder), None)
    yield from _exceptions(target)


def profile_lines(profile: Profile, file: str, named_by: str) -> Iterator[str]:
    """Return the load profile."""
    yield f"load profile {profile.name}: {file} [{named_by}]"
    yield from _entry("sellers", f"{profile.sellers}, {profile.spawn_per_s:g} more each second", None)
    if profile.arrivals is not None:
        wait = f"dropped after {_time(profile.arrivals.drop_after_s)}; the sellers are the most at a time"
        yield from _entry("arrivals", f"{schedule_words(profile.arrivals)}, {wait}", None)
    yield from _entry("duration", f"{_time(profile.duration_s)}, the first {_time(profile.ramp_s)} not judged", None)
    weights = ", ".join(f"{name} {weight:g}" for name, weight in profile.weights.items())
    yield from _entry("think_ratio", f"{profile.think_ratio:g}; weights: {weights or 'equal'}", None)


def threshold_lines(file: ThresholdFile, profile: str, sources: Mapping[str, str]) -> Iterator[str]:
    """Return the limits a run of a profile is held against; `sources` are the variables flags stand for."""
    yield f"thresholds: {shown(file.path)}"
    for threshold in file.thresholds:
        if threshold.applies_to(profile):
            limits = ", ".join(f"{severity.value} {limit.text}" for severity, limit in threshold.limits)
            yield from _entry(_subject(threshold), limits, None)
    for note in file.overrides:
        flag, _, rest = note.partition(" ")
        yield from _entry("moved", f"{sources.get(flag, flag)} {rest}", None)


def any_expired(target: Target) -> bool:
    """Return whether a gap or waiver is past its date: it fails every run."""
    today = date.today()  # noqa: DTZ011 - a date of the calendar, as the verdict's
    declared: tuple[Gap | Waiver, ...] = (*target.gaps, *target.waivers)
    return any(overdue_days(exception, today) is not None for exception in declared)


def _values(target: Target, environ: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Return each key of a target file with its value in words; None when there is none."""
    cache = target.cache
    statuses = f"{cache.status_header}: {'/'.join(cache.hit_values)}, {'/'.join(cache.miss_values)}; {cache.age_header}"
    yield from (("url", target.url), ("ws_url", target.ws_url), ("frontend_url", target.frontend_url))
    yield "allowed_hosts", _listed(target.allowed_hosts)
    yield "production", str(target.production).lower()
    yield "contact", target.contact
    yield "wallet_secret_env", _variable(target.wallet_secret_env, environ)
    yield "consents", _listed(target.consents)
    yield from (("timeout", _time(target.timeout_s)), ("keep_alive", _time(target.keep_alive_s)))
    yield "transport", None if target.transport == "own" else target.transport
    yield "proxy", None if target.proxy is None else "set"
    yield "ca_file", None if target.ca_file is None else shown(target.ca_file)
    yield "headers", _listed(tuple(f"{name} set" for name in target.headers))
    yield "basic_auth", None if target.basic_auth is None else f"set, in {target.basic_auth_header}"
    limits = (
        f"{target.limits_name}: {len(target.rate_limits)}; its cache answers again for {_time(target.cached_for_s)}"
    )
    yield "rate_limits", limits if target.limits_name else None
    yield "cache_keys_at_most", None if target.cache_keys_at_most is None else str(target.cache_keys_at_most)
    yield "client_addresses", _listed(target.client_addresses)
    yield "forwarded_for", "one X-Forwarded-For a seller" if target.forwarded_for else None
    yield "freshness_budget", _time(target.freshness_budget_s)
    yield "freshness_budgets", _longest(target.freshness_budgets_s)
    yield "step_header", "X-Load-Step" if target.step_header else None
    yield "cache", statuses
    yield "sockets", _sockets(target)
    yield "monitor", _listed(tuple(monitor.name for monitor in target.monitors))
    yield "health", _listed(tuple(target.health))
    yield "health_timeout", _time(target.health_timeout_s)


def _exceptions(target: Target) -> Iterator[str]:
    """Return gaps and waivers, those with one owner and date in one entry."""
    groups: dict[tuple[str, str], list[str]] = {}
    for gap in target.gaps:
        groups.setdefault(("gap", _expiry(gap)), []).append(f"{gap.workflow}.{gap.step}")
    for waiver in target.waivers:
        groups.setdefault(("waiver", _expiry(waiver)), []).append(_waived(waiver))
    for (kind, expiry), names in groups.items():
        yield from _entry(f"{kind}s" if len(names) > 1 else kind, f"{expiry}: {', '.join(names)}", None)


def _expiry(declared: Gap | Waiver) -> str:
    today = date.today()  # noqa: DTZ011 - a date of the calendar, as the verdict's
    late = overdue_days(declared, today)
    if late is not None:
        return f"EXPIRED {declared.expires}, fails the run, {declared.owner}"
    days = (date.fromisoformat(declared.expires) - today).days
    return f"{days} days left, {declared.owner}"


def _waived(waiver: Waiver) -> str:
    scope = ".".join(part for part in (waiver.workflow, waiver.step) if part is not None)
    return f"{waiver.stat}{f' of {scope}' if scope else ''}{f' {waiver.severity}' if waiver.severity else ''}"


def _origin(target: Target, table: TargetTable, key: str) -> str:
    variable = _REPLACED_BY.get(key)
    if variable is not None and any(note.startswith(f"{variable}: ") for note in target.overrides):
        return variable
    return "file" if key in table.model_fields_set else "default"


def _entry(name: str, value: str, origin: str | None) -> Iterator[str]:
    """Return one setting, wrapped: its name, its value, in brackets where it came from."""
    text = value if origin is None else f"{value} [{origin}]"
    first = f"{' ' * _INDENT}{name:<{_NAME}} "
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
    )


def _subject(threshold: Threshold) -> str:
    scope = threshold.scope
    inside = [part for part in (scope.workflow, scope.step, scope.route, scope.kind, scope.monitor) if part is not None]
    each = [] if threshold.each is None else [f"each {threshold.each}"]
    return " ".join((*each, *inside, threshold.statistic.name))


def _sockets(target: Target) -> str:
    sockets = target.sockets
    emits = f"; emits {', '.join(sockets.emits)}" if sockets.emits else ""
    most = [
        f"at most {most} {where}"
        for most, where in ((sockets.sessions_per_address, "per address"), (sockets.sessions_at_most, "in all"))
        if most is not None
    ]
    return "; ".join([f"{sockets.path}{emits}", f"an event is lost after {_time(sockets.lost_after_s)}", *most])


def _listed(items: tuple[str, ...]) -> str | None:
    return ", ".join(items) or None


def _variable(name: str | None, environ: Mapping[str, str]) -> str | None:
    return None if name is None else f"{name}, {'set' if environ.get(name) else 'not set'}"


def _longest(budgets_s: Mapping[str, float]) -> str | None:
    return f"{len(budgets_s)} routes, the longest {_time(max(budgets_s.values()))}" if budgets_s else None


def _time(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 or seconds % 60 else f"{seconds / 60:g} min"  # noqa: PLR2004 - two minutes
