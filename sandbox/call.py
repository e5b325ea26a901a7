"""Carry one request to its handler."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from sandbox.envelopes import RefusalError, invalid, unauthorized

_WALLET = re.compile(r"0x[0-9a-fA-F]{40}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a valid token belongs to."""

    wallet: str
    uid: str
    session: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request: placeholders, query, JSON body and the caller, None without a token."""

    params: dict[str, str]
    query_text: str
    body: dict[str, Any]
    caller: Caller | None
    now_ms: int
    host: str
    authorization: str
    content_type: str
    raw: bytes

    @property
    def wallet(self) -> str:
        """The wallet of the path, in lower case."""
        return checked_wallet(self.params["w"])

    @property
    def query(self) -> dict[str, str]:
        """The query string; the last value of a repeated name."""
        return dict(parse_qsl(self.query_text))

    @property
    def signed_in(self) -> Caller:
        """The caller; raises 401 if there is none."""
        if self.caller is None:
            raise unauthorized()
        return self.caller

    def uuid(self, name: str) -> str:
        """Return a placeholder that must be a UUID."""
        value = self.params[name]
        if _UUID.fullmatch(value) is None:
            raise invalid(name, f"{name} must be a UUID")
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number of the query within its limits; raises 400 otherwise."""
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdecimal() or not low <= int(text[:9]) <= high:
            raise invalid(name, f"{name} must be a whole number from {low} to {high}")
        return int(text)


def checked_wallet(text: str) -> str:
    """Lower-case a wallet address; raises 400 if it is none."""
    if _WALLET.fullmatch(text) is None:
        raise RefusalError(400, "VALIDATION_ERROR", "Invalid wallet address")
    return text.lower()
