"""Open a WebSocket the target's way: its source address, proxy and trust; each phase timed, each refusal named."""

import contextlib
import re
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import gevent
import orjson
import websocket

from locustfiles._connections import Way, connected
from locustfiles._socketio._packets import excerpt
from locustfiles._socketio._told import SocketFailed
from locustfiles._socketio._wire import Wire, reason
from runlog.schema import Outcome

_SWITCHING: Final = 101
_BAD_REQUEST: Final = 400
_THROTTLED: Final = 429
_WORDS_S: Final = 1.0
"""How long the words of a refusal may take; without them it is a refusal all the same."""
_WORDS_BYTES: Final = 4_096
_PORTS: Final = {"ws": 80, "wss": 443}
_QUERY: Final = "EIO=4&transport=websocket"


def dial(url: str, way: Way, *, path: str, headers: Mapping[str, str]) -> Wire:
    """Return an open WebSocket to the Engine.IO endpoint of `url` (ws or wss); SocketFailed when there is none.

    Nothing here limits the time it takes; the caller does.
    """
    began = time.perf_counter()
    parts = urlsplit(url)
    secure, host = parts.scheme == "wss", parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    try:
        sock = connected(way, host, port, secure=secure)
    except OSError as error:
        raise SocketFailed(Outcome.CONNECT_ERROR, reason(error)) from error
    connect_ms = (time.perf_counter() - began) * 1000
    try:
        _upgrade(sock, f"{url.rstrip('/')}{path}?{_QUERY}", headers)
    except SocketFailed as failed:
        sock.close()
        failed.connect_ms = connect_ms
        raise
    except BaseException:
        sock.close()
        raise
    return Wire(sock, connect_ms, (time.perf_counter() - began) * 1000)


def _upgrade(sock: Any, url: str, headers: Mapping[str, str]) -> None:
    """Have the server speak WebSocket; SocketFailed when it does something else."""
    client = websocket.WebSocket(skip_utf8_validation=True)
    header = [f"{name}: {value}" for name, value in headers.items()]
    try:
        client.connect(  # type: ignore[no-untyped-call]  # the library has no types here
            url, socket=_Lent(sock), header=header, suppress_origin=True, redirect_limit=0
        )
    except websocket.WebSocketBadStatusException as refused:
        body = refused.resp_body or _chunk(sock, refused.resp_headers or {})
        raise _refused(refused.status_code, body) from refused
    except (OSError, websocket.WebSocketConnectionClosedException) as error:
        raise SocketFailed(Outcome.CONNECT_ERROR, f"closed without an answer: {reason(error)}") from error
    except (websocket.WebSocketException, ValueError) as error:
        raise SocketFailed(Outcome.CHECK_FAILED, f"no WebSocket: {reason(error)}") from error
    client.sock = None  # the wire's from now on


class _Lent:
    """A socket that the library cannot close: it would, with the words of a refusal unread."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def close(self) -> None:
        """Leave that to who opened it."""


def _chunk(sock: Any, headers: Mapping[str, str]) -> bytes:
    """Return the first chunk of a chunked answer, which the library leaves unread; Node's servers refuse in one."""
    raw = b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        with gevent.Timeout(_WORDS_S, exception=False), contextlib.suppress(OSError):
            while not raw.endswith(b"\r\n0\r\n\r\n") and len(raw) < _WORDS_BYTES:
                piece = sock.recv(_WORDS_BYTES)
                if not piece:
                    break
                raw += piece
    size, _, rest = raw.partition(b"\r\n")
    return rest[: int(size, 16)] if re.fullmatch(rb"[0-9a-fA-F]{1,8}", size) else b""


def _refused(status: int, body: bytes) -> SocketFailed:
    """Return what a server that does not switch protocols says."""
    said = _words(body)
    text = f"status {status}{f' {said}' if said else ''}, expected status {_SWITCHING}"
    if status == _THROTTLED:
        return SocketFailed(Outcome.THROTTLED, text, status=status)
    if status == _BAD_REQUEST and "transport" in said.lower():
        return SocketFailed(Outcome.CHECK_FAILED, f"the server offers no WebSocket: {text}", status=status)
    return SocketFailed(Outcome.HTTP_ERROR, text, status=status)


def _words(body: bytes) -> str:
    """Return the code or message of a refusal; the product and Engine.IO both send JSON."""
    try:
        said: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return excerpt(body) if body else ""
    if isinstance(said, str):
        return excerpt(said.encode())
    if isinstance(said, dict):
        nested = said.get("error")
        inner: dict[str, Any] = nested if isinstance(nested, dict) else said
        for name in ("code", "message", "error"):
            if isinstance(inner.get(name), str):
                return str(inner[name])[:80]
    return ""
