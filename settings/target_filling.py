"""Turn a target file and the environment into a Target."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runlog.run import Gap, Waiver
from settings.deployment import CacheHeaders, Monitor, Sockets, Target
from settings.document import shown
from settings.environment import Filler
from settings.leases import lease_folder
from settings.limits import Limits, load_limits
from settings.problem import UsageProblem
from settings.target_file import MonitorTable, TargetTable, split_health_check

_HEALTH_VARIABLE: Final = "HEALTH_CHECK_TIMEOUT"
_MS: Final = 1000.0


def filled_target(name: str, path: Path, table: TargetTable, environ: Mapping[str, str]) -> Target:
    """Return the target of a file read from `path`; UsageProblem when a variable, limits or a CA file are missing."""
    filler = Filler(path, environ)
    limits = Limits((), 0.0) if table.rate_limits is None else load_limits(table.rate_limits, path.parent)
    headers = {header: filler.text(f"headers: {header}", value) for header, value in table.headers.items()}
    proxy = None if table.proxy is None else filler.proxy(table.proxy)
    auth = table.basic_auth
    basic_auth = None if auth is None else filler.basic_auth(auth.user, auth.password)
    health_timeout_s, notes = _health_timeout(table.health_timeout, environ)
    return Target(
        name=name,
        path=path,
        url=table.url,
        ws_url=table.ws_url,
        frontend_url=table.frontend_url,
        allowed_hosts=tuple(table.allowed_hosts),
        production=table.production,
        timeout_s=table.timeout,
        step_header=table.step_header,
        consents=tuple(table.consents),
        cache=CacheHeaders(
            status_header=table.cache.status_header,
            hit_values=tuple(table.cache.hit_values),
            miss_values=tuple(table.cache.miss_values),
            age_header=table.cache.age_header,
        ),
        freshness_budget_s=table.freshness_budget,
        freshness_budgets_s=dict(table.freshness_budgets),
        wallet_secret_env=table.wallet_secret_env,
        gaps=tuple(Gap(**gap.model_dump()) for gap in table.gap),
        monitors=tuple(_monitor(monitor) for monitor in table.monitor),
        health={check: split_health_check(check, text) for check, text in table.health.items()},
        headers=headers,
        overrides=notes,
        contact=table.contact,
        proxy=proxy,
        ca_file=None if table.ca_file is None else _ca_file(path, filler.text("ca_file", table.ca_file, secret=False)),
        basic_auth=basic_auth,
        basic_auth_header="Authorization" if auth is None else auth.header,
        limits_name=table.rate_limits,
        rate_limits=limits.rate_limits,
        cached_for_s=limits.cached_for_s,
        client_addresses=tuple(table.client_addresses),
        forwarded_for=table.forwarded_for,
        keep_alive_s=table.keep_alive,
        transport=table.transport,
        cache_keys_at_most=table.cache_keys_at_most,
        health_timeout_s=health_timeout_s,
        waivers=tuple(Waiver(**waiver.model_dump()) for waiver in table.waiver),
        lease_folder=lease_folder(environ),
        secrets=filler.secrets(),
        sockets=Sockets(
            path=table.sockets.path,
            emits=tuple(table.sockets.emits),
            lost_after_s=table.sockets.lost_after,
            sessions_per_address=table.sockets.sessions_per_address,
            sessions_at_most=table.sockets.sessions_at_most,
        ),
    )


def _ca_file(target_file: Path, name: str) -> Path:
    """Return a file of certificates, relative to the target file; whether it holds any is seen when it is used."""
    ca_file = target_file.parent / Path(name).expanduser()
    if not ca_file.is_file():
        raise UsageProblem(f"{shown(target_file)}: ca_file: no such file {shown(ca_file)}")
    return ca_file


def _health_timeout(file_s: float, environ: Mapping[str, str]) -> tuple[float, tuple[str, ...]]:
    """Return the seconds health checks may take, and what replaced the file's; the variable is in milliseconds."""
    text = environ.get(_HEALTH_VARIABLE, "").strip()
    if not text:
        return file_s, ()
    try:
        given_s = float(text) / _MS
    except ValueError:
        given_s = 0.0
    if not 0 < given_s < float("inf"):
        raise UsageProblem(f"{_HEALTH_VARIABLE}: {text!r} is not accepted; accepted: milliseconds above 0")
    if given_s == file_s:
        return file_s, ()
    return given_s, (f"{_HEALTH_VARIABLE}: health_timeout {given_s:g} s in place of {file_s:g} s",)


def _monitor(table: MonitorTable) -> Monitor:
    return Monitor(
        name=table.name,
        url=table.url,
        format=table.format,
        paths=(table.path,) if isinstance(table.path, str) else tuple(table.path or ()),
        metric=table.metric,
        labels=dict(table.labels),
        scale=table.scale,
        every_s=table.every,
        counters=table.counters,
    )
