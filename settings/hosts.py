"""Take the host out of an address, or refuse an address that two programs could read differently."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

LOOPBACK_NAME: Final = "localhost"
HTTP: Final = ("http", "https")
WEBSOCKET: Final = ("ws", "wss")

_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAX_NAME: Final = 253


def host_of(url: str, schemes: tuple[str, ...] = HTTP + WEBSOCKET) -> str:
    """Return the host of an address in one spelling: lower case, no final dot, IPv6 compressed and without brackets.

    ValueError, in the words of a message's end, for whatever is not plainly scheme://host[:port][/path]: a user name
    in it, another scheme, an IP address in an unusual spelling (127.1, 0x7f000001), blanks or backslashes.
    """
    parts = _split(url, schemes)
    host = parts.netloc.rpartition("@")[2]
    if host.startswith("["):
        return _ipv6(host)
    return normal_host(host.partition(":")[0])


def is_loopback(host: str) -> bool:
    """Return whether a host as `host_of` returns it is this machine: 127.0.0.0/8, ::1, localhost."""
    if host == LOOPBACK_NAME:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def base_address(url: str, schemes: tuple[str, ...]) -> str:
    """Return `scheme://host[:port]` of the address of a whole deployment; ValueError when it says more than that."""
    host_of(url, schemes)
    parts = urlsplit(url)
    if parts.path not in ("", "/") or parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError(f"{url!r} has a path; accepted: scheme://host[:port]")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def normal_host(host: str) -> str:
    """Return a host name or IP address in the spelling hosts are compared in; ValueError when it is neither."""
    name = host.lower()
    if ":" in name:
        return _ipv6(f"[{name.removeprefix('[').removesuffix(']')}]")
    labels = name.removesuffix(".").split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):  # resolvers read such a name as an IPv4 address, in several spellings
        return _ipv4(name)
    if len(name) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{host!r} is not a host name")
    return name.removesuffix(".")


def _split(url: str, schemes: tuple[str, ...]) -> SplitResult:
    if "@" in url.partition("://")[2].partition("/")[0]:  # first, because every other message quotes the address
        raise ValueError("an address with a user name or password in it; accepted: scheme://host[:port]")
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise ValueError(f"{url!r} has characters that do not belong in an address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is not an address: {error}") from error
    if parts.scheme not in schemes:
        raise ValueError(f"{url!r} has scheme {parts.scheme!r}; accepted: {', '.join(schemes)}")
    if not parts.hostname:
        raise ValueError(f"{url!r} has no host; accepted: scheme://host[:port]")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"{url!r} has no usable port; accepted: 1 to 65535")
    return parts


def _ipv4(name: str) -> str:
    try:
        address = ipaddress.IPv4Address(name)
    except ValueError as error:
        raise ValueError(f"{name!r} is not an IPv4 address in its usual spelling, as 127.0.0.1 is") from error
    return str(address)


def _ipv6(bracketed: str) -> str:
    """Return the address of `[address]` or `[address]:port`; one with a zone is refused."""
    inside = re.fullmatch(r"\[([0-9a-f:.]+)\](?::\d+)?", bracketed.lower())
    try:
        return str(ipaddress.IPv6Address(inside[1] if inside else ""))
    except ValueError as error:
        raise ValueError(f"{bracketed!r} is not an IPv6 address in its usual spelling, as [::1] is") from error
