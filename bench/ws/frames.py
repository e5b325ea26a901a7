"""Read and write the WebSocket frames (RFC 6455) the echo server needs: whole text frames below 64 kB, and close."""

import base64
from hashlib import sha1
from typing import Final

TEXT: Final = 0x1
CLOSE: Final = 0x8
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FINAL: Final = 0x80
_MASKED: Final = 0x80
_TWO_BYTES: Final = 126
_EIGHT_BYTES: Final = 127
_MASK_BYTES: Final = 4


class NotServed(Exception):  # noqa: N818  # a client that speaks more than the benchmark needs, not an error of ours
    """The frame is one that neither client of the benchmark sends."""


def accept_key(key: bytes) -> str:
    """Return Sec-WebSocket-Accept for a client's key."""
    return base64.b64encode(sha1(key + _GUID, usedforsecurity=False).digest()).decode()


def text_frame(text: bytes) -> bytes:
    """Return a text frame of a server."""
    size = len(text)
    if size < _TWO_BYTES:
        return bytes((_FINAL | TEXT, size)) + text
    return bytes((_FINAL | TEXT, _TWO_BYTES)) + size.to_bytes(2, "big") + text


def take_frames(received: bytearray) -> list[tuple[int, bytes]]:
    """Take the whole frames from what a client sent and return each as opcode and payload; NotServed for odd ones."""
    frames, at, end = [], 0, len(received)
    while end - at >= 2 + _MASK_BYTES:
        first, second = received[at], received[at + 1]
        if not first & _FINAL or not second & _MASKED or second & _EIGHT_BYTES == _EIGHT_BYTES:
            raise NotServed(f"frame beginning {first:#04x} {second:#04x}")
        size, start = second & _EIGHT_BYTES, at + 2 + _MASK_BYTES
        if size == _TWO_BYTES:
            size, start = int.from_bytes(received[at + 2 : at + 4], "big"), start + 2
        if start + size > end:
            break
        mask = received[start - _MASK_BYTES : start] * (size // _MASK_BYTES + 1)
        payload = int.from_bytes(received[start : start + size], "big") ^ int.from_bytes(mask[:size], "big")
        frames.append((first & ~_FINAL, payload.to_bytes(size, "big")))
        at = start + size
    del received[:at]
    return frames
