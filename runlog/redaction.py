"""Take secrets and ids out of texts before they are kept: nothing secret leaves."""

import re
from typing import Final, overload

_HIDDEN: Final = "[hidden]"
_SECRET_FIELD = re.compile(
    r"""(?ix)
    (["']?(?:[\w-]*token|authorization|signature|cookie|set-cookie|password|secret|private_?key|api_?key|nonce|x-session-id)["']?
    \s*[:=]\s*)
    (?: "(?:[^"\\]|\\.)*"? | '(?:[^'\\]|\\.)*'? | (?:bearer|basic)\s+[^\s,;"']+ | [^\s,;&"'{}\[\]]+ )
    """
)
_JWT = re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_LONG_HEX = re.compile(r"\b(?:0x)?[0-9a-fA-F]{64,}\b")  # keys, nonces, signatures; a wallet has 40 digits
_USERINFO = re.compile(r"(?i)(https?://)[^/\s@]+@")

_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_WALLET = re.compile(r"\b0x[0-9a-fA-F]{40}\b")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
ERROR_CHARACTERS: Final = 160
"""Longest error text of a sample."""


@overload
def redact(text: str) -> str: ...
@overload
def redact(text: None) -> None: ...
def redact(text: str | None) -> str | None:
    """Return `text` with tokens, keys, signatures, cookies and credentials hidden; ids and wallets stay."""
    if text is None:
        return None
    text = _SECRET_FIELD.sub(lambda match: f"{match[1]}{_HIDDEN}", text)
    text = _JWT.sub(_HIDDEN, text)
    text = _SCHEME.sub(rf"\1 {_HIDDEN}", text)
    text = _USERINFO.sub(rf"\1{_HIDDEN}@", text)
    return _LONG_HEX.sub(_HIDDEN, text)


def error_text(text: str) -> str:
    """Return a short error text without secrets and ids, so that equal causes have equal texts.

    Numbers become `N` except HTTP statuses after the word `status`, wallets and UUIDs a name; at most 160 characters.
    """
    text = _WALLET.sub("WALLET", _UUID.sub("ID", redact(" ".join(text.split()))))
    parts = re.split(r"(status \d{3}\b)", text)
    return "".join(part if part.startswith("status ") else _NUMBER.sub("N", part) for part in parts)[:ERROR_CHARACTERS]
