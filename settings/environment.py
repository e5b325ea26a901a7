"""Put the environment's values where a target file says `${NAME}`, and remember which of them are secret."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from settings.document import shown
from settings.problem import UsageProblem

_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PROXY: Final = re.compile(r"http://(?:[^\s/@]+@)?[^\s/@?#]+/?")


def environment_names(value: str) -> list[str]:
    """Return the names of the `${NAME}` in a value."""
    return _PLACEHOLDER.findall(value)


def environment_name(value: str) -> str:
    """Return the name of an environment variable; ValueError when it is none."""
    if _NAME.fullmatch(value) is None:
        raise ValueError(f"{value!r} is not the name of an environment variable")
    return value


class Filler:
    """Fills the values of one target file; what is filled in is never in a message."""

    def __init__(self, file: Path, environ: Mapping[str, str]) -> None:
        self.file = file
        self.environ = environ
        self._secrets: set[str] = set()

    def text(self, place: str, value: str, *, secret: bool = True) -> str:
        """Return the value with `${NAME}` filled in; UsageProblem when a variable is not set or breaks the line."""
        names = environment_names(value)
        for name in names:
            if not self.environ.get(name):
                raise UsageProblem(f"{shown(self.file)}: {place}: environment variable {name!r} is not set")
            if secret:
                self._secrets.add(self.environ[name])
        filled = _PLACEHOLDER.sub(lambda found: self.environ[found[1]], value)
        if not filled.isascii() or not filled.isprintable():
            raise UsageProblem(f"{shown(self.file)}: {place}: its variable has characters not allowed there")
        return filled

    def proxy(self, value: str) -> str:
        """Return the proxy's address; its password, plain and as it is sent, is a secret."""
        filled = self.text("proxy", value)
        if _PROXY.fullmatch(filled) is None or urlsplit(filled).hostname is None:
            raise UsageProblem(
                f"{shown(self.file)}: proxy: not an address of a proxy; accepted: http://[user:password@]host:port"
            )
        parts = urlsplit(filled)
        if parts.password:
            self._secrets |= {parts.password, unquote(parts.password)}
            self._hide_pair(unquote(parts.username or ""), unquote(parts.password))
        return filled

    def basic_auth(self, user: str, password: str) -> tuple[str, str]:
        """Return user and password; the password is a secret, and so is what both become in a header."""
        pair = (self.text("basic_auth: user", user, secret=False), self.text("basic_auth: password", password))
        if ":" in pair[0]:
            raise UsageProblem(f"{shown(self.file)}: basic_auth: user: a user name with a colon cannot be sent")
        self._hide_pair(*pair)
        return pair

    def secrets(self) -> tuple[str, ...]:
        """Return every secret filled in so far, longest first: one may be a part of another."""
        return tuple(sorted(self._secrets, key=lambda secret: (-len(secret), secret)))

    def _hide_pair(self, user: str, password: str) -> None:
        self._secrets.add(base64.b64encode(f"{user}:{password}".encode()).decode())
