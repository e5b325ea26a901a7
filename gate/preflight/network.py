"""Look at the way to the target: its name, the connection, its certificate, and whether it sends us elsewhere."""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from typing import Final
from urllib.parse import urlsplit

from gate.dial import dial, proxy_of, tls_context
from gate.preflight.certificate import certificate_check
from gate.preflight.check import Check, not_looked_at, not_needed, ok, problem, refusal, warning
from gate.probe import TIMEOUT_S, Answer, ProbeError, ask_once, words_of
from runlog.redaction import redact
from settings.document import one_line
from settings.hosts import host_of, is_loopback
from settings.target import Target

NAME, CONNECTION, CERTIFICATE, ANSWER = "name", "connection", "certificate", "answer"
UNREACHABLE: Final = "target_unreachable"
PATIENCE_S: Final = 5.0
"""How long a target that refuses connections is asked again."""

_PAUSE_S: Final = 0.25
_MAX_WORDS: Final = 100  # of what a server said
_RESOLVE_S: Final = 5.0
_PROXY_REFUSES: Final = 407
_REACHED: Final = "the target answers before the load starts"


def name_check(target: Target) -> Check:
    """Return whether the host, or the proxy in front of it, has an address."""
    proxy = proxy_of(target)
    host = host_of(target.url) if proxy is None else proxy.host
    if _is_address(host) or (proxy is None and is_loopback(host)):
        return not_needed(NAME, f"{host} is {'this machine' if is_loopback(host) else 'an address'}")
    started_s = time.monotonic()
    found = _resolve(host)
    if isinstance(found, str):
        return problem(NAME, f"{host}: {found}", UNREACHABLE, "the target's name resolves")
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    through = "" if proxy is None else " (proxy)"
    return ok(NAME, f"{host}{through}: {found[0]}{more}, {_ms(started_s)}")


def connection_check(target: Target, patience_s: float) -> tuple[Check, Check]:
    """Return whether a connection can be opened, and whether its certificate is good; asks again for `patience_s`.

    A target that does not exist yet is waited for briefly; one whose certificate is bad is not.
    """
    try:
        tls_context(target.ca_file)
    except OSError as error:
        words = f"{target.ca_file} holds no certificates: {words_of(error)}"
        return not_looked_at(CONNECTION, "ca_file"), refusal(CERTIFICATE, words)
    until = time.monotonic() + patience_s
    while True:
        started_s = time.monotonic()
        try:
            left = _open(target)
        except ssl.SSLError as error:
            return ok(CONNECTION, f"opened in {_ms(started_s)}"), certificate_check(target, error)
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() + _PAUSE_S >= until:
                words = f"{target.url}: {words_of(error)}"
                return problem(CONNECTION, words, UNREACHABLE, _REACHED), not_needed(CERTIFICATE, "")
        else:
            return ok(CONNECTION, f"opened in {_ms(started_s)}"), _certificate(target, left)
        time.sleep(_PAUSE_S)


def answer_check(target: Target, patience_s: float) -> tuple[Check, Answer | None]:
    """Return whether the target answers, and does not send us to another origin: the load would never go there."""
    path = next((check.path for check in target.health.values() if check.method == "GET"), "/")
    until = time.monotonic() + patience_s
    while True:
        started_s = time.monotonic()
        try:
            answer = ask_once(target, path, purpose="preflight")
        except ProbeError as error:
            if time.monotonic() + _PAUSE_S >= until:
                return problem(ANSWER, f"{target.url}: {error}", UNREACHABLE, _REACHED), None
        else:
            break
        time.sleep(_PAUSE_S)
    if answer.status == _PROXY_REFUSES and target.proxy is not None:
        return problem(ANSWER, f"{answer.status}: the proxy wants other credentials", UNREACHABLE, _REACHED), None
    here, there = urlsplit(target.url), urlsplit(answer.sent_on_to or target.url)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        elsewhere = one_line(redact(f"{there.scheme}://{there.hostname or ''}"))[:_MAX_WORDS]
        words = f"sent on to {elsewhere}; if that is the target, make it its url"
        return problem(ANSWER, words, "redirected", "the target answers by itself"), None
    return ok(ANSWER, f"{answer.status} to {path}, {_ms(started_s)}"), answer


def _open(target: Target) -> "dict[str, object] | None":
    """Open a connection and return its certificate's facts; None without TLS."""
    connection = dial(target, target.url, TIMEOUT_S)
    try:
        connection.connect()
        sock = connection.sock
        return dict(sock.getpeercert() or {}) if isinstance(sock, ssl.SSLSocket) else None
    finally:
        connection.close()


def _certificate(target: Target, facts: "dict[str, object] | None") -> Check:
    if facts is not None:
        return certificate_check(target, facts)
    if is_loopback(host_of(target.url)):
        return not_needed(CERTIFICATE, "http on this machine")
    words = "no TLS: tokens travel readable"
    return warning(CERTIFICATE, words, "no_tls", "a target off this machine is reached by https")


def _resolve(host: str) -> list[str] | str:
    """Return the addresses of a name, or why there are none; the system's resolver knows no timeout."""
    found: list[list[str] | str] = []

    def resolve() -> None:
        try:
            infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            found.append((getattr(error, "strerror", None) or str(error)).lower())
        else:
            found.append(list(dict.fromkeys(str(info[4][0]) for info in infos)))

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(_RESOLVE_S)
    return found[0] if found else f"no answer within {_RESOLVE_S:g} s"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _ms(since_s: float) -> str:
    return f"{(time.monotonic() - since_s) * 1000:.0f} ms"
