"""Carry text over a WebSocket, framed by hand in the loop of gevent: a greenlet that reads costs as much as all else.

What comes is taken in a callback of the loop and handed on at once. What cannot be sent at once is kept and sent when
there is room; a greenlet that sends waits for that, a callback does not.
"""

import random
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Literal

import gevent
from gevent.event import Event

from locustfiles._socketio._packets import NotUnderstood

_READ_BYTES: Final = 8_192
_TEXT, _BINARY, _CLOSE, _PING, _PONG, _MORE = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0
_WHOLE_TEXT: Final = 0x81
_SHORT, _MEDIUM = 125, 65_535
_MASKED: Final = 0x80
_MOST_PARTS: Final = 1_000
"""Frames of one message; some may be empty, and their number has no other limit."""
_NORMAL: Final = 1000
_WITHOUT_A_WORD: Final = "the connection was closed without a word"
_WORDS: Final = 120
_READ, _WRITE = 1, 2  # as libev has them
_CODE: Final = struct.Struct("!H")
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_mask_bits = random.Random().getrandbits  # masks keep proxies from misreading a stream; they hide nothing


_units: dict[int, int] = {}
"""For a number of 32-bit words the integer with a 1 in each: times a mask it is the mask, repeated. Short ones only."""
_heads: dict[tuple[int, int], bytes] = {}
"""Heads of short frames, by kind and size."""
_KEPT: Final = 1_024
"""Bytes up to which both are kept: at most so many of them."""


def _unit(words: int) -> int:
    unit = int.from_bytes(b"\1\0\0\0" * words, "little")
    if words <= _KEPT // 4:
        _units[words] = unit
    return unit


def _head(opcode: int, size: int) -> bytes:
    """Return the head of a client's frame, up to the mask."""
    if size <= _SHORT:
        head = bytes((0x80 | opcode, _MASKED | size))
    elif size <= _MEDIUM:
        head = bytes((0x80 | opcode, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, _MASKED | 127)) + size.to_bytes(8, "big")
    if size <= _KEPT:
        _heads[opcode, size] = head
    return head


class Closed(Exception):
    """The connection is over: the server closed it (`by` server), it broke (network), or it takes nothing (silence)."""

    def __init__(self, by: Literal["server", "network", "silence"], why: str) -> None:
        super().__init__(why)
        self.by = by
        self.why = why


class Wire:
    """One WebSocket; `connect_ms` and `wait_ms` say how long opening it took."""

    __slots__ = (
        "_buffer", "_hub", "_over", "_parts", "_read", "_reading", "_room", "_secured", "_sock", "_take", "_unsent",
        "_write", "_writing", "connect_ms", "longest", "send_s", "wait_ms",
    )  # fmt: skip

    def __init__(self, sock: Any, connect_ms: float, wait_ms: float) -> None:
        """Take over a socket whose WebSocket is agreed upon."""
        self._hub = gevent.get_hub()
        self._sock = sock
        secured = getattr(sock, "_sslobj", None)
        self._secured = secured is not None
        if secured is None:
            plain = sock._sock  # noqa: SLF001  # the system's: gevent's would wait, and this is told when there is more
            self._read, self._write = plain.recv, plain.send
        else:
            self._read, self._write = secured.read, secured.write
        self._buffer = b""
        self._parts: list[bytes] | None = None
        self._unsent = b""
        self._room: Event | None = None
        self._reading: Any = None
        self._writing: Any = None
        self._take: Callable[[bytes], None] = _nobody
        self._over: Callable[[BaseException], None] = _nobody
        self.connect_ms = connect_ms
        self.wait_ms = wait_ms
        self.send_s = 30.0
        """How long sending may take."""
        self.longest = 1_000_000
        """Bytes of the longest message taken in; a longer one is refused before it is read."""

    def listen(self, take: Callable[[bytes], None], over: Callable[[BaseException], None]) -> None:
        """Have each text handed to `take` and the end to `over`, both in the loop: neither may wait for anything."""
        self._take, self._over = take, over
        self._reading = self._hub.loop.io(self._sock.fileno(), _READ)
        if self._secured:
            self._reading.start(self._readable_tls)
            self._hub.loop.run_callback(self._readable_tls)  # it may have been read with the answer to the upgrade
        else:
            self._reading.start(self._readable)

    # -- sending -----------------------------------------------------------------------------------------------------

    def send(self, payload: bytes, opcode: int = _TEXT) -> None:
        """Send one message; Closed when the connection is broken, or takes nothing for too long."""
        if not self.put(payload, opcode):
            self.wait_for_room()

    def put(self, payload: bytes, opcode: int = _TEXT) -> bool:
        """Send one message without waiting, and keep what finds no room; whether all went. Closed when it is broken."""
        size = len(payload)
        words = (size + 3) // 4
        unit = _units.get(words) or _unit(words)
        bits = _mask_bits(32)
        masked = (int.from_bytes(payload, "little") ^ bits * unit).to_bytes(words * 4, "little")
        frame = b"%b%b%b" % (_heads.get((opcode, size)) or _head(opcode, size), bits.to_bytes(4, "little"), masked)
        if words * 4 != size:
            frame = frame[: size - words * 4]
        if not self._unsent:
            try:
                sent = self._write(frame)
            except _NOT_NOW:
                sent = 0
            except (OSError, AttributeError) as error:  # AttributeError: closed meanwhile
                raise Closed("network", reason(error)) from error
            if sent == len(frame):
                return True
            frame = frame[sent:]
        self._unsent += frame
        if self._writing is None:
            self._room = Event()
            self._writing = self._hub.loop.io(self._sock.fileno(), _WRITE)
            self._writing.start(self._writable)
        return False

    def wait_for_room(self) -> None:
        """Wait until what was kept is sent, unless this is the loop itself."""
        room = self._room
        if gevent.getcurrent() is self._hub:
            if len(self._unsent) > self.longest:
                raise Closed("silence", "the server takes nothing")
            return
        if room is not None and not room.wait(self.send_s):
            raise Closed("silence", f"the server took nothing for {self.send_s:g} s")
        if self._unsent:
            raise Closed("network", "closed while sending")

    def _writable(self) -> None:
        try:
            self._unsent = self._unsent[self._write(self._unsent) :]
        except _NOT_NOW:
            return
        except OSError as error:
            self._end(Closed("network", reason(error)))
            return
        if not self._unsent:
            self._stop_writing()

    def _stop_writing(self) -> None:
        writing, self._writing = self._writing, None
        room, self._room = self._room, None
        if writing is not None:
            writing.stop()
            writing.close()
        if room is not None:
            room.set()

    # -- reading -----------------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        """Take what has come, once: the loop says when there is more."""
        try:
            piece = self._read(_READ_BYTES)
            if self._buffer:
                piece = self._buffer + piece if piece else b""
            elif len(piece) > 1 and piece[0] == _WHOLE_TEXT and self._parts is None:  # what comes most is exactly one
                size, start = piece[1], 2
                if size == 126:  # noqa: PLR2004  # two bytes more
                    size, start = int.from_bytes(piece[2:4], "big"), 4
                if start + size == len(piece) and size <= self.longest and piece[1] <= 126:  # noqa: PLR2004
                    self._take(piece[start:])
                    return
            if not piece:
                raise Closed("network", _WITHOUT_A_WORD)  # noqa: TRY301  # one place ends the session
            self._frames(piece)
        except BlockingIOError:
            return
        except BaseException as error:  # noqa: BLE001  # a bug of a handler is among them: the session ends over it
            self._broken(error)

    def _readable_tls(self) -> None:
        """Take what has come until there is no more: the loop does not know what TLS has read and not given yet."""
        try:
            while self._reading is not None:
                piece = self._read(_READ_BYTES)
                if not piece:
                    raise Closed("network", _WITHOUT_A_WORD)  # noqa: TRY301  # likewise
                self._frames(self._buffer + piece)
        except _NOT_NOW:
            return
        except BaseException as error:  # noqa: BLE001  # a bug of a handler is among them: the session ends over it
            self._broken(error)

    def _broken(self, error: BaseException) -> None:
        """End for what was thrown while reading; a bug is thrown on, for gevent to show."""
        if isinstance(error, Closed | NotUnderstood):
            self._end(error)
        elif isinstance(error, OSError):
            self._end(Closed("network", reason(error)))
        else:
            self._end(error)
            raise error

    def _frames(self, data: bytes) -> None:  # noqa: C901  # each branch is one line of RFC 6455, and this is the hot path
        """Hand on the whole frames of `data`, and keep the rest."""
        at, have = 0, len(data)
        if self._buffer:
            self._buffer = b""
        while have - at >= 2:  # noqa: PLR2004  # the head of a frame
            first, size = data[at], data[at + 1]
            start = at + 2
            if size > _SHORT:
                if size & _MASKED:
                    raise NotUnderstood("a WebSocket frame this client did not agree to (masked)")
                start += 2 if size == 126 else 8  # noqa: PLR2004  # the two longer heads
                if have < start:
                    break
                size = int.from_bytes(data[at + 2 : start], "big")
                if size > self.longest:
                    raise NotUnderstood(f"a message of {size} bytes; at most {self.longest} are taken")
            end = start + size
            if have < end:
                break
            at = end
            if first == _WHOLE_TEXT and self._parts is None:
                self._take(data[start:end])
            else:
                self._odd(first, data[start:end])
            if self._reading is None:  # whoever took it closed the connection
                return
        if at < have:
            self._buffer = data[at:] if at else data

    def _odd(self, first: int, payload: bytes) -> None:
        """Answer, join or refuse what is not a text in one frame."""
        opcode, last, parts = first & 0x0F, first >= 0x80, self._parts  # noqa: PLR2004  # FIN, the highest bit
        if first & 0x70:
            raise NotUnderstood("a WebSocket frame this client did not agree to (compressed)")
        if (opcode == _TEXT and parts is None) or (opcode == _MORE and parts is not None):
            parts = [*(parts or ()), payload]
            if sum(map(len, parts)) > self.longest or len(parts) > _MOST_PARTS:
                raise NotUnderstood(f"a message of more than {self.longest} bytes or {_MOST_PARTS} frames")
            self._parts = None if last else parts
            if last:
                self._take(b"".join(parts))
        elif opcode == _PING:
            self.send(payload, _PONG)
        elif opcode == _CLOSE:
            raise Closed("server", _close_words(payload))
        elif opcode == _BINARY:
            raise NotUnderstood("a binary message: attachments, or another parser than JSON's")
        elif opcode != _PONG:
            raise NotUnderstood(f"a WebSocket frame of kind {opcode}")

    # -- ending ------------------------------------------------------------------------------------------------------

    def say_goodbye(self) -> None:
        """Send the closing frame, if that goes without waiting."""
        self.send_s = 0.0
        with suppress(Closed):
            self.send(_CODE.pack(_NORMAL), _CLOSE)

    def close(self) -> None:
        """Close the connection."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.stop()
            reading.close()
        self._stop_writing()
        self._take = self._over = _nobody
        self._sock.close()

    def _end(self, error: BaseException) -> None:
        over = self._over
        self.close()
        over(error)


def _nobody(_: Any) -> None:
    """Be told nothing, before and after listening."""


def _close_words(payload: bytes) -> str:
    """Return the code and reason of a closing frame."""
    if len(payload) < _CODE.size:
        return "closed without a code"
    said = payload[_CODE.size :].decode("utf-8", "replace")[:_WORDS]
    return f"closed with code {_CODE.unpack_from(payload)[0]}{f': {said}' if said else ''}"


def reason(error: BaseException) -> str:
    """Return why a connection failed, in the system's words."""
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"[:_WORDS]
