"""Where requests of one address go: straight to it, or to a proxy that is asked for the whole address."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from locustfiles._connections import Way, proxy_authorization
from locustfiles._http._connection import Connection
from locustfiles._http._told import Received, Trace

_PORTS: Final = {"http": 80, "https": 443}
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
"""Methods whose requests say nothing of a body when they have none."""


class Origin:
    """One address of the target, and a seller's connection to it."""

    __slots__ = ("_connection", "_fields", "_prefix")

    def __init__(self, base: str, way: Way, trace: Trace) -> None:
        """Send to `base` (scheme and host, port where it is another), the target's way."""
        parts = urlsplit(base)
        secure, proxy = parts.scheme == "https", way.proxy
        address = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._prefix, self._fields = "", f"Host: {parts.netloc}\r\n"
        if proxy is not None and not secure:  # through a tunnel goes only what a proxy must not read
            address, way = (proxy.host, proxy.port), replace(way, proxy=None)
            self._prefix = f"http://{parts.netloc}"
            self._fields += proxy_authorization(proxy)
        self._connection = Connection(address, way, trace, secure=secure)

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Received:
        """Send one request, once, and return its answer; see `Connection.exchange` for what it throws."""
        lines = [f"{method} {self._prefix}{url} HTTP/1.1\r\n{self._fields}"]
        lines += [f"{name}: {value}\r\n" for name, value in headers.items()]
        if body or method not in _BODILESS:
            lines.append(f"Content-Length: {len(body)}\r\n")
        lines.append("\r\n")
        return self._connection.exchange("".join(lines).encode("latin-1") + body, to_head=method == "HEAD")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
