"""Take secrets and ids out of texts before they are kept: nothing secret leaves."""

import re
from typing import Final

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
ERROR_CHARACTERS: Final = 160
"""Longest error text of a sample."""


def redact(text: str) -> str:
    """Return `text` with tokens, keys, signatures, cookies and credentials hidden; ids and wallets stay."""
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
