"""Open a connection to the target as the load does: through its proxy, trusting its CA, from its source address."""

import base64
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from settings.target import Target

PROXY_AUTHORIZATION: Final = "Proxy-Authorization"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where to connect instead, and what to say there."""

    host: str
    port: int
    headers: dict[str, str] = field(repr=False)


def dial(
    target: Target, address: str, timeout_s: float, context: ssl.SSLContext | None = None
) -> http.client.HTTPConnection:
    """Return a connection to the host of `address`, not opened yet; without a `context` the certificate must be good.

    OSError or ssl.SSLError when the CA bundle cannot be read.
    """
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port
    source = (target.client_addresses[0], 0) if target.client_addresses else None
    proxy = proxy_of(target)
    if parts.scheme == "https":
        context = context or tls_context(target.ca_file)
        at = (host, port) if proxy is None else (proxy.host, proxy.port)
        connection = http.client.HTTPSConnection(*at, timeout=timeout_s, source_address=source, context=context)
        if proxy is not None:
            connection.set_tunnel(host, port, proxy.headers)
        return connection
    at = (host, port) if proxy is None else (proxy.host, proxy.port)
    return http.client.HTTPConnection(*at, timeout=timeout_s, source_address=source)


def request_line(target: Target, address: str, path: str) -> tuple[str, Mapping[str, str]]:
    """Return what a request names as its path, and its proxy's headers: one of plain HTTP gets the whole address."""
    proxy, parts = proxy_of(target), urlsplit(address)
    if proxy is None or parts.scheme == "https":
        return path, {}
    return f"http://{parts.netloc}{path}", proxy.headers


def own_headers(target: Target, purpose: str) -> dict[str, str]:
    """Return the target's headers, its basic auth and a User-Agent that says who asks, for what, and whom to ask."""
    contact = "" if target.contact is None else f"; contact {target.contact}"
    headers = {"User-Agent": f"sellergate/{version('sellergate')} ({purpose}{contact})", **target.headers}
    if target.basic_auth is not None:
        headers[target.basic_auth_header] = _basic(*target.basic_auth)
    return headers


def proxy_of(target: Target) -> Proxy | None:
    """Return the target's proxy; None without one."""
    if target.proxy is None:
        return None
    parts = urlsplit(target.proxy)
    headers = {}
    if parts.username is not None:
        headers[PROXY_AUTHORIZATION] = _basic(unquote(parts.username), unquote(parts.password or ""))
    return Proxy(parts.hostname or "", parts.port or 80, headers)


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return the context that trusts a bundle in place of the system's; OSError (an SSLError too) when it is none."""
    return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
