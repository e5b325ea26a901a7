"""Where requests of one address go: straight to it, or to a proxy that is asked for the whole address."""

from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from locustfiles._connections import Way, proxy_authorization
from locustfiles._http._connection import Connection

_PORTS: Final = {"http": 80, "https": 443}


class Origin:
    """One address of the target, and a seller's connection to it."""

    __slots__ = ("_connection", "exchange", "fields", "prefix")

    def __init__(self, base: str, way: Way) -> None:
        """Send to `base` (scheme and host, port where it is another), the target's way."""
        parts = urlsplit(base)
        named = parts.netloc.rpartition("@")[2]
        secure, proxy = parts.scheme == "https", way.proxy
        address = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self.prefix = ""
        """What stands before the path in a request's first line."""
        self.fields = f"Host: {named}\r\n"
        """The lines this address asks for in every request."""
        if proxy is not None and not secure:  # through a tunnel goes only what a proxy must not read
            address, way = (proxy.host, proxy.port), replace(way, proxy=None)
            self.prefix = f"http://{named}"
            self.fields += proxy_authorization(proxy)
        self._connection = Connection(address, way, secure=secure)
        self.exchange = self._connection.exchange
        """Send one request, once, and return its answer; see `Connection.exchange`."""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
