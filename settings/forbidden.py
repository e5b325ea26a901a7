"""Refuse paths that must never be asked for, whoever wrote them: some end the server's process, some cost others."""

import posixpath
import re
from typing import Final
from urllib.parse import unquote, urlsplit

_NEVER: Final = re.compile(
    r"/api/(?:orders|marketplace/registration|enhanced-escrow|enhanced-fiat-payment|stripe|automation|auth/2fa"
    r"|auth/status|auth/wallet-connect/verify-2fa|performance/(?:metrics|stream)|monitoring/metrics/realtime)(?:/|$)"
)
"""contract.md 0.1 and 4.5, "Never send"; in lower case, as Express does not mind."""
_NEVER_WRITTEN: Final = re.compile(r"/api/cache(?:/|$)")
_UNWRAPPED: Final = 5
"""How often a path may be percent-encoded over and over and still be read."""


def refuse_forbidden(address: str, method: str = "GET") -> None:
    """Raise ValueError when a path or address, in whatever spelling, must never be asked for with this method."""
    path = urlsplit(address).path
    for _ in range(_UNWRAPPED):
        path = unquote(path)
    path = posixpath.normpath("/" + path.replace("\\", "/").lstrip("/")).lower()
    if _NEVER.match(path) or (method != "GET" and _NEVER_WRITTEN.match(path)):
        raise ValueError(f"'{method} {address}' must never be sent: it can end the server's process, or costs others")
