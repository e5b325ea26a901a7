"""Read which deployment is meant: a file of targets/, with addresses that may be replaced but never leave its list."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from settings.deployment import CacheHeaders, HealthCheck, Monitor, Sockets, Target
from settings.document import CHECKOUT, did_you_mean, one_line, read_document, shown
from settings.hosts import HTTP, WEBSOCKET, base_address, host_of, is_loopback
from settings.problem import UsageProblem
from settings.target_file import TargetTable
from settings.target_filling import filled_target

__all__ = [
    "CacheHeaders",
    "HealthCheck",
    "Monitor",
    "Sockets",
    "Target",
    "check_host",
    "load_target",
    "target_for_host",
]

TARGETS_DIR: Final = CHECKOUT / "targets"
DEFAULT_TARGET: Final = "sandbox"

_ADDRESSES: Final = (
    ("BACKEND_URL", "url", HTTP),
    ("WS_URL", "ws_url", WEBSOCKET),
    ("FRONTEND_URL", "frontend_url", HTTP),
)
"""Environment variable, the address it replaces, its schemes."""


def load_target(
    name: str | None = None, *, environ: Mapping[str, str] = os.environ, folder: Path = TARGETS_DIR
) -> Target:
    """Return the target called `name`, else the one DEPLOYMENT_ENV names, else the sandbox.

    BACKEND_URL, WS_URL and FRONTEND_URL replace its addresses, HEALTH_CHECK_TIMEOUT its patience in milliseconds.
    UsageProblem in one line when there is no such file, it is not accepted, a host is neither loopback nor on its
    list, a variable it asks for is not set, or nobody is named whom the operator of another machine may ask.
    """
    chosen = name or environ.get("DEPLOYMENT_ENV") or DEFAULT_TARGET
    known = _names(folder)
    if chosen not in known:
        source = "" if name else " (from DEPLOYMENT_ENV)" if environ.get("DEPLOYMENT_ENV") else ""
        raise UsageProblem(one_line(f"{shown(folder)}: no target {chosen!r}{source}{did_you_mean(chosen, known)}"))
    path = folder / f"{chosen}.toml"
    target = filled_target(chosen, path, read_document(path, TargetTable), environ)
    for place, address in _own_addresses(target):
        try:
            _check(target, address)
        except ValueError as error:
            raise UsageProblem(one_line(f"{shown(path)}: {place}: {error}")) from error
    target = _replaced(target, environ)
    if target.contact is None and not is_loopback(host_of(target.url)):
        raise UsageProblem(one_line(f"{shown(path)}: missing key 'contact': whom the operator may ask about the load"))
    return target


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
    """Return the target with the addresses of the environment, each on its list.

    The file's ws_url belongs to the file's url: where only the latter is replaced, the sockets are there too.
    """
    addresses = {"url": target.url, "ws_url": target.ws_url, "frontend_url": target.frontend_url}
    notes = list(target.overrides)
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
    moved = addresses["url"] != target.url and not environ.get("WS_URL")
    return replace(
        target,
        url=addresses["url"] or target.url,
        ws_url=None if moved else addresses["ws_url"],
        ws_url_given=bool(environ.get("WS_URL")),
        frontend_url=addresses["frontend_url"],
        overrides=tuple(notes),
    )
