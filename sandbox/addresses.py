"""Refuse to listen where strangers could reach the sandbox."""

import ipaddress
import os
from pathlib import Path

import psutil


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
    """Say whether some process above this one lives in another network namespace; not known counts as no.

    Ancestors are asked, and not process 1 alone: in a container its namespace may not be read.
    """
    own = _namespace_of(os.getpid())
    above = {_namespace_of(process.pid) for process in psutil.Process().parents()}
    return own is not None and bool(above - {own, None})


def _namespace_of(pid: int) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return None
