"""Judge a server's certificate, and let a bad one speak for itself."""

import http.client
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, cast

from gate.dial import dial
from gate.preflight.check import Check, ok, problem, warning
from gate.probe import TIMEOUT_S
from runlog.redaction import redact
from settings.document import one_line
from settings.target import Target

SOON_DAYS: Final = 14.0
_NAME: Final = "certificate"
_RULE: Final = f"the certificate is trusted, for this host, and good for {SOON_DAYS:g} days"
_DAY_S: Final = 86_400
_NO_CHECK_TIME: Final = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which Python has no name: lets an expired certificate be read."""

Facts = Mapping[str, object]
"""A certificate as ssl.getpeercert tells it."""


def certificate_check(target: Target, found: Facts | ssl.SSLError) -> Check:
    """Return what is to be said about a certificate that was accepted, or about why it was not."""
    if isinstance(found, ssl.SSLCertVerificationError):
        words = f"{found.verify_message.rstrip('.')}; {_own_words(target)}"
        return problem(_NAME, one_line(words), "certificate", _RULE)
    if isinstance(found, ssl.SSLError):
        said = redact(found.reason or str(found)).lower().replace("_", " ")
        return problem(_NAME, one_line(f"no TLS connection: {said}"), "certificate", _RULE)
    ends = str(found.get("notAfter"))
    left_days = (ssl.cert_time_to_seconds(ends) - time.time()) / _DAY_S
    words = f"good for {left_days:.0f} more days, until {ends}"
    if left_days < SOON_DAYS:
        return warning(_NAME, words, "certificate_expiring", _RULE)
    return ok(_NAME, words)


def _own_words(target: Target) -> str:
    """Return whom a refused certificate is for, by whom and until when."""
    try:
        facts = _read(target)
    except (OSError, http.client.HTTPException, ValueError):
        return "it could not be read"
    names = [str(value) for _kind, value in _pairs(facts.get("subjectAltName"))] or [_common_name(facts, "subject")]
    return f"it is for {', '.join(names[:3])}, by {_common_name(facts, 'issuer')}, until {facts.get('notAfter')}"


def _read(target: Target) -> Facts:
    """Return the facts of a certificate nobody vouches for, by taking it as its own authority, whatever the date."""
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE  # nothing is sent on this connection: it is opened to read what is refused
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags = ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME)
    with _handshake(target, blind) as sock:
        trusting.load_verify_locations(cadata=sock.getpeercert(binary_form=True) or b"")
    with _handshake(target, trusting) as sock:
        return dict(sock.getpeercert() or {})


@contextmanager
def _handshake(target: Target, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    connection = dial(target, target.url, TIMEOUT_S, context)
    try:
        connection.connect()
        yield cast("ssl.SSLSocket", connection.sock)  # its context saw to that
    finally:
        connection.close()


def _pairs(value: object) -> list[tuple[object, object]]:
    return [pair for pair in value if len(pair) == 2] if isinstance(value, tuple) else []  # noqa: PLR2004 - kind, value


def _common_name(facts: Facts, whose: str) -> str:
    """Return the commonName of subject or issuer, else the last thing said of it."""
    parts = facts.get(whose)
    named = {str(key): str(value) for part in parts for key, value in part} if isinstance(parts, tuple) else {}
    return named.get("commonName") or named.get("organizationName") or "nobody in particular"
