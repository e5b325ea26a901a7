"""Say in every request who sends it and on whose behalf."""

import base64
import ipaddress
from importlib.metadata import version
from typing import Final

from settings.target import Target

_SELLERS: Final = ipaddress.ip_network("198.18.0.0/15")
"""Addresses set apart for measuring networks (RFC 2544): nobody real has one."""
_AUTHORIZATION: Final = "Authorization"


def own_headers(target: Target, run_id: str) -> dict[str, str]:
    """Return the headers all requests of a run carry.

    There is one Authorization: where a seller has a token, that takes its place (contract.md 2.1), and the basic
    credentials of a deployment have to travel under another name, which its file gives.
    """
    contact = "" if target.contact is None else f"; contact {target.contact}"
    headers = {"User-Agent": f"sellergate/{version('sellergate')} (load test; run {run_id}{contact})"}
    if target.basic_auth is not None:
        credentials = base64.b64encode(":".join(target.basic_auth).encode()).decode()
        headers[_spelt(target.basic_auth_header)] = f"Basic {credentials}"
    return headers | {_spelt(name): value for name, value in target.headers.items()}


def forwarded_address(seller: int) -> str:
    """Return the address X-Forwarded-For claims for a seller: 198.18.0.0/15 by number, the same in every run."""
    return str(_SELLERS[seller % _SELLERS.num_addresses])


def _spelt(name: str) -> str:
    """Return the name as a token's header is spelt, so that the one replaces the other."""
    return _AUTHORIZATION if name.lower() == _AUTHORIZATION.lower() else name
