"""Take secrets and ids out of texts before they are kept: nothing secret leaves."""

import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

_HIDDEN: Final = "[hidden]"
# Every pattern here begins at a fixed word or right after a boundary, so that a megabyte of one letter costs no more
# than a megabyte of prose: this runs beside sellers who wait.
_SECRET_FIELD = re.compile(
    r"""(?ix)
    (
        (?: token | signature | password | passwd | passphrase | secret | private[_-]?key | api[_-]?key | nonce | jwt
          | mnemonic | session[_-]?id | (?P<line> authorization | cookie ) ) s?
        \\*["']? \s* (?: [:=] | %3[ad] ) \s*
    )
    (?: b? (?: "(?:[^"\\]|\\.)*"? | '(?:[^'\\]|\\.)*'? )  # a string, perhaps cut off
      | \\+["'] [^"'\\]*                                  # a string inside a string
      | [\[{] [\[{\s]* [^\[\]{}]* [\]}]?                  # a list or an object
      | (?(line) [^\r\n"']+ | [^\s,;&"'{}\[\]]+ )         # plain; of a header the whole line
    )
    """
)
_JWT = re.compile(r"(?:(?<![\w-])|(?<=%[0-9a-fA-F]{2}))eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)(\s+|%20)[\w.~+/=-]{8,}")
_LONG_HEX = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{64,}")  # keys, nonces, signatures; a wallet has 40 digits
_USERINFO = re.compile(r"""://[^/\s@"']+@""")

_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_WALLET = re.compile(r"\b0x[0-9a-fA-F]{40}\b")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SHORT: Final = 4
"""A secret with fewer characters is hidden where it stands alone; inside other words nothing would be readable."""
ERROR_CHARACTERS: Final = 160
"""Longest error text of a sample."""


class _Literals:
    """The secrets this process was given, which have no shape to know them by."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self.pattern: re.Pattern[str] | None = None

    def add(self, values: Iterable[str]) -> None:
        for value in values:
            spellings = (
                value,
                " ".join(value.split()),
                quote(value, safe=""),
                quote_plus(value),
                json.dumps(value)[1:-1],
            )
            self._values.update(each for each in spellings if each and each not in _HIDDEN)
        ordered = sorted(self._values, key=lambda each: (-len(each), each))  # the longest of several that begin alike
        self.pattern = re.compile("|".join(map(_literal, ordered))) if ordered else None


def _literal(value: str) -> str:
    return re.escape(value) if len(value) >= _SHORT else rf"(?<!\w){re.escape(value)}(?!\w)"


_literals = _Literals()


def hide(values: Iterable[str]) -> None:
    """Have `redact` hide these from now on in this process, also as they stand in URLs and in JSON."""
    _literals.add(values)


def redact(text: str) -> str:
    """Return `text` with tokens, keys, signatures, cookies and credentials hidden; ids and wallets stay."""
    if _literals.pattern is not None:
        text = _literals.pattern.sub(_HIDDEN, text)
    text = _SECRET_FIELD.sub(lambda match: f"{match[1]}{_HIDDEN}", text)
    text = _JWT.sub(_HIDDEN, text)
    text = _SCHEME.sub(rf"\1\2{_HIDDEN}", text)
    text = _USERINFO.sub(f"://{_HIDDEN}@", text)
    return _LONG_HEX.sub(_HIDDEN, text)


def error_text(text: str) -> str:
    """Return a short error text without secrets and ids, so that equal causes have equal texts.

    Numbers become `N` except HTTP statuses after the word `status`, wallets and UUIDs a name; at most 160 characters.
    """
    text = _WALLET.sub("WALLET", _UUID.sub("ID", redact(" ".join(text.split()))))
    parts = re.split(r"(status \d{3}\b)", text)  # every second part is a status
    parts[::2] = [_NUMBER.sub("N", part) for part in parts[::2]]
    return "".join(parts)[:ERROR_CHARACTERS]
