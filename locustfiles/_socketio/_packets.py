"""Read and write packets of Socket.IO v5 inside those of Engine.IO v4, as text; everything else is refused by name."""

import re
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

import orjson

ROOT: Final = "/"
_EXCERPT: Final = 60
_PACKET: Final = re.compile(
    rb"4(?P<kind>[0-6])(?:(?P<parts>\d+)-)?(?:(?P<namespace>/[^,]*),)?(?P<id>\d{1,15})?", re.DOTALL
)
CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = b"0123456"
OPEN: Final = b"0"[0]
CLOSE: Final = b"1"[0]
PING: Final = b"2"[0]
MESSAGE: Final = b"4"[0]
NOOP: Final = b"6"[0]
PONG: Final = b"3"


class NotUnderstood(Exception):
    """A server sent what this client does not speak."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One Socket.IO packet; `data` is its JSON, `raw` the same unparsed."""

    kind: int
    namespace: str
    id: int | None
    data: Any
    raw: bytes


@dataclass(frozen=True, slots=True)
class Greeting:
    """What an Engine.IO server says first; seconds."""

    sid: str
    ping_interval_s: float
    ping_timeout_s: float
    max_payload: int | None


def packet_of(text: bytes) -> Packet:
    """Return the packet of a message; NotUnderstood when it is none, or one with binary attachments."""
    head = _PACKET.match(text)
    if head is None:
        raise NotUnderstood(f"no Socket.IO packet: {excerpt(text)}")
    kind = head["kind"][0]
    if kind in (BINARY_EVENT, BINARY_ACK) or head["parts"] is not None:
        raise NotUnderstood("an event with binary attachments, which this client does not read")
    raw = text[head.end() :]
    try:
        data = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        raise NotUnderstood(f"a packet that is not JSON: {excerpt(text)}") from None
    namespace, number = head["namespace"], head["id"]
    packet = Packet(
        kind, ROOT if namespace is None else namespace.decode("utf-8", "replace").partition("?")[0],
        None if number is None else int(number), data, raw,
    )  # fmt: skip
    _check(packet, text)
    return packet


def _check(packet: Packet, text: bytes) -> None:
    data = packet.data
    if packet.kind == EVENT and not (isinstance(data, list) and data and isinstance(data[0], str)):
        raise NotUnderstood(f"an event without a name: {excerpt(text)}")
    if packet.kind == ACK and not (isinstance(data, list) and packet.id is not None):
        raise NotUnderstood(f"an answer to nothing: {excerpt(text)}")


def greeting_of(text: bytes) -> Greeting:
    """Return what the server says of itself; NotUnderstood when that is not Engine.IO v4 on a websocket."""
    try:
        said = orjson.loads(text[1:]) if text[:1] == b"0" else None
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("sid"), str):
        raise NotUnderstood(f"not the greeting of an Engine.IO server: {excerpt(text)}")
    interval, timeout, most = said.get("pingInterval"), said.get("pingTimeout"), said.get("maxPayload")
    if not _positive(interval) or not _positive(timeout):
        raise NotUnderstood("a greeting without pingInterval and pingTimeout: not Engine.IO v4")
    return Greeting(said["sid"], interval / 1000, timeout / 1000, int(most) if _positive(most) else None)


def _positive(number: Any) -> TypeGuard[float]:
    return type(number) in (int, float) and number > 0


def connect_text(namespace: str, auth: Any) -> bytes:
    """Return the packet that joins a namespace."""
    return _head(CONNECT, namespace) + (b"" if auth is None else orjson.dumps(auth))


def disconnect_text(namespace: str) -> bytes:
    """Return the packet that leaves a namespace."""
    return _head(DISCONNECT, namespace)


def event_text(namespace: str, event: str, args: tuple[Any, ...], number: int | None = None) -> bytes:
    """Return the packet of an event; `number` asks for an answer. TypeError when the arguments are no JSON."""
    asked = b"" if number is None else b"%d" % number
    return _head(EVENT, namespace) + asked + orjson.dumps([event, *args])


def ack_text(namespace: str, number: int) -> bytes:
    """Return the answer a server asked for: that the event arrived, and nothing more."""
    return _head(ACK, namespace) + b"%d[]" % number


def _head(kind: int, namespace: str) -> bytes:
    name = b"" if namespace == ROOT else namespace.encode() + b","
    return b"4%c%b" % (kind, name)


def excerpt(text: bytes) -> str:
    """Return the beginning of something a server sent, for people."""
    return repr(text[:_EXCERPT].decode("utf-8", "replace")) + ("…" if len(text) > _EXCERPT else "")


def list_of(text: bytes, start: int) -> list[Any]:
    """Return the list a message carries from there on; NotUnderstood when that is none."""
    try:
        data = orjson.loads(text[start:])
    except orjson.JSONDecodeError:
        data = None
    if type(data) is not list:
        raise NotUnderstood(f"a packet that carries no JSON list: {excerpt(text)}")
    return data
