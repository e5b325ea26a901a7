"""Refuse to listen where strangers could reach the sandbox."""

import ipaddress
from pathlib import Path


class RefusedAddressError(ValueError):
    """An address the sandbox does not bind to; the text is the line to show."""


def checked_host(host: str) -> str:
    """Return a loopback address, or a private one of a network namespace that is not the machine's."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError as error:
        raise RefusedAddressError(f"{host!r} is not an address; accepted: 127.0.0.1, ::1, localhost") from error
    if address.is_loopback:
        return str(address)
    if address.is_private and not address.is_unspecified and in_own_namespace():
        return str(address)
    raise RefusedAddressError(
        f"{host!r} is not loopback;"
        " accepted: 127.0.0.1, ::1, localhost, or a private address inside a network namespace",
    )


def in_own_namespace() -> bool:
    """Say whether this process's network is another than the first process's; not known counts as no."""
    try:
        return Path("/proc/self/ns/net").readlink() != Path("/proc/1/ns/net").readlink()
    except OSError:
        return False
