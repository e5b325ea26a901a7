"""Read which deployment is meant: a file of targets/, with addresses that may be replaced but never leave its list."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from runlog.run import Gap, TargetInfo
from settings.document import CHECKOUT, did_you_mean, one_line, read_document, shown
from settings.hosts import HTTP, WEBSOCKET, base_address, host_of, is_loopback
from settings.problem import UsageProblem
from settings.target_file import MonitorTable, TargetTable, environment_names, split_health_check

TARGETS_DIR: Final = CHECKOUT / "targets"
DEFAULT_TARGET: Final = "sandbox"

_ADDRESSES: Final = (
    ("BACKEND_URL", "url", HTTP),
    ("WS_URL", "ws_url", WEBSOCKET),
    ("FRONTEND_URL", "frontend_url", HTTP),
)
"""Environment variable, the address it replaces, its schemes."""


@dataclass(frozen=True, slots=True)
class CacheHeaders:
    """Which of the target's headers say whether a cache answered."""

    status_header: str = "X-Cache"
    hit_values: tuple[str, ...] = ("HIT",)
    miss_values: tuple[str, ...] = ("MISS",)
    age_header: str = "Age"


@dataclass(frozen=True, slots=True)
class Monitor:
    """One figure the target tells about itself; the value times `scale` is a ratio, 0..1."""

    name: str
    url: str  # a path on the backend, or a whole address on an allowed host
    format: Literal["json", "prometheus"]
    path: str | None  # json: data.current.resources.memory.usage
    metric: str | None  # prometheus: the sample's name
    labels: dict[str, str] = field(default_factory=dict)  # prometheus: those the sample must have
    scale: float = 1.0
    every_s: float = 2.0


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A request whose answer says that a part of the target is up."""

    path: str
    method: str = "GET"
    status: int | None = None  # the status of a part that is up; None: any 2xx


@dataclass(frozen=True, slots=True)
class Target:
    """One deployment: where it is, what may be sent to it, what it tells about itself. Headers may hold secrets."""

    name: str
    path: Path
    url: str
    ws_url: str | None
    frontend_url: str | None
    allowed_hosts: tuple[str, ...]
    production: bool
    timeout_s: float
    step_header: bool
    consents: tuple[str, ...]
    cache: CacheHeaders
    freshness_budget_s: float
    freshness_budgets_s: dict[str, float]  # route → seconds, in place of the budget of all routes
    wallet_secret_env: str | None
    gaps: tuple[Gap, ...]
    monitors: tuple[Monitor, ...]
    health: dict[str, HealthCheck]
    headers: dict[str, str] = field(repr=False)  # not in a traceback: values come from the environment
    overrides: tuple[str, ...] = ()  # what the environment replaced, for the record

    def info(self, url: str) -> TargetInfo:
        """Return what run.json keeps of it when the load goes to `url`; no secret."""
        monitors = tuple(monitor.name for monitor in self.monitors)
        return TargetInfo(name=self.name, url=url, gaps=self.gaps, monitors=monitors)


def load_target(
    name: str | None = None, *, environ: Mapping[str, str] = os.environ, folder: Path = TARGETS_DIR
) -> Target:
    """Return the target called `name`, else the one DEPLOYMENT_ENV names, else the sandbox.

    BACKEND_URL, WS_URL and FRONTEND_URL replace its addresses. UsageProblem in one line when there is no such file,
    it is not accepted, a host is neither loopback nor on its list, or a header's variable is not set.
    """
    chosen = name or environ.get("DEPLOYMENT_ENV") or DEFAULT_TARGET
    known = _names(folder)
    if chosen not in known:
        source = "" if name else " (from DEPLOYMENT_ENV)" if environ.get("DEPLOYMENT_ENV") else ""
        raise UsageProblem(one_line(f"{shown(folder)}: no target {chosen!r}{source}{did_you_mean(chosen, known)}"))
    path = folder / f"{chosen}.toml"
    target = _target(chosen, path, read_document(path, TargetTable), environ)
    for place, address in _own_addresses(target):
        try:
            _check(target, address)
        except ValueError as error:
            raise UsageProblem(one_line(f"{shown(path)}: {place}: {error}")) from error
    return _replaced(target, environ)


def check_host(target: Target, url: str) -> None:
    """Raise UsageProblem when the host of `url` is neither loopback nor listed in the target, or cannot be told."""
    try:
        _check(target, url)
    except ValueError as error:
        raise UsageProblem(one_line(str(error))) from error


def target_for_host(url: str, *, environ: Mapping[str, str] = os.environ, folder: Path = TARGETS_DIR) -> Target:
    """Return the listed target an address belongs to, with that address; loopback belongs to the sandbox.

    UsageProblem when no file of `folder` lists the host.
    """
    try:
        address = base_address(url, HTTP)
    except ValueError as error:
        raise UsageProblem(one_line(f"--host: {error}")) from error
    host = host_of(address)
    environ = {**environ, "BACKEND_URL": address}
    named = environ.get("DEPLOYMENT_ENV")
    if named or is_loopback(host):
        return load_target(named or DEFAULT_TARGET, environ=environ, folder=folder)
    for name in _names(folder):
        if host in read_document(folder / f"{name}.toml", TargetTable).allowed_hosts:
            return load_target(name, environ=environ, folder=folder)
    raise UsageProblem(
        f"--host: {host!r} is not listed in {shown(folder)}; add it to allowed_hosts of the target's file there, "
        f"such as {shown(folder / 'staging.toml')}"
    )


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.toml"))


def _check(target: Target, url: str) -> None:
    host = host_of(url)
    if not is_loopback(host) and host not in target.allowed_hosts:
        listed = ", ".join(target.allowed_hosts) or "loopback only"
        raise ValueError(f"host {host!r} is not listed in {shown(target.path)}; accepted: {listed}")


def _own_addresses(target: Target) -> list[tuple[str, str]]:
    """Return every address the file itself names, with its place."""
    addresses = [("url", target.url), ("ws_url", target.ws_url), ("frontend_url", target.frontend_url)]
    monitors = [(f"monitor {index}: url", monitor.url) for index, monitor in enumerate(target.monitors, 1)]
    return [(place, url) for place, url in (*addresses, *monitors) if url is not None and not url.startswith("/")]


def _replaced(target: Target, environ: Mapping[str, str]) -> Target:
    """Return the target with the addresses of the environment, each on its list."""
    addresses = {"url": target.url, "ws_url": target.ws_url, "frontend_url": target.frontend_url}
    notes: list[str] = []
    for variable, key, schemes in _ADDRESSES:
        given = environ.get(variable)
        if not given:
            continue
        try:
            address = base_address(given, schemes)
            _check(target, address)
        except ValueError as error:
            raise UsageProblem(one_line(f"{variable}: {error}")) from error
        if address != addresses[key]:
            notes.append(f"{variable}: {key} {address} in place of {addresses[key] or 'none'}")
            addresses[key] = address
    return replace(
        target,
        url=addresses["url"] or target.url,
        ws_url=addresses["ws_url"],
        frontend_url=addresses["frontend_url"],
        overrides=tuple(notes),
    )


def _target(name: str, path: Path, table: TargetTable, environ: Mapping[str, str]) -> Target:
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
        health={check: _health_check(check, text) for check, text in table.health.items()},
        headers={header: _resolved(path, header, value, environ) for header, value in table.headers.items()},
    )


def _monitor(table: MonitorTable) -> Monitor:
    return Monitor(
        name=table.name,
        url=table.url,
        format=table.format,
        path=table.path,
        metric=table.metric,
        labels=dict(table.labels),
        scale=table.scale,
        every_s=table.every,
    )


def _health_check(name: str, text: str) -> HealthCheck:
    method, path, status = split_health_check(name, text)
    return HealthCheck(path=path, method=method, status=status)


def _resolved(path: Path, header: str, value: str, environ: Mapping[str, str]) -> str:
    """Return a header's value with `${NAME}` replaced from the environment; the value is never in a message."""
    for variable in environment_names(value):
        if not environ.get(variable):
            raise UsageProblem(f"{shown(path)}: headers: {header}: environment variable {variable!r} is not set")
        value = value.replace(f"${{{variable}}}", environ[variable])
    if not value.isascii() or not value.isprintable():
        raise UsageProblem(f"{shown(path)}: headers: {header}: its variable has characters not allowed in a header")
    return value
