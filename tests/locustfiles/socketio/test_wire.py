"""Frames that come in pieces: wherever a proxy cuts them, each text is handed on whole, once."""

from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent import socket

from locustfiles._socketio._wire import Wire


@pytest.fixture
def ends() -> Iterator[tuple[Any, Any]]:
    """Two ends of a connection: the server's, and what the wire takes over."""
    server, client = socket.socketpair()
    yield server, client
    server.close()
    client.close()


def frame(payload: bytes) -> bytes:
    size = len(payload)
    if size <= 125:
        return bytes((0x81, size)) + payload
    if size <= 65_535:
        return bytes((0x81, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x81, 127)) + size.to_bytes(8, "big") + payload


@pytest.mark.parametrize("size", [3, 125, 126, 200, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("cut", [1, 2, 3, 4, 9, 10, 127, 128, 129, 130, 131])
def test_text_is_whole_wherever_its_frame_is_cut(ends: tuple[Any, Any], size: int, cut: int) -> None:
    """A first piece of 129 bytes, as long as 127 and a short head, once passed for a whole frame."""
    server, client = ends
    taken: list[bytes] = []
    broken: list[BaseException] = []
    wire = Wire(client, 1.0, 1.0)
    wire.listen(taken.append, broken.append)
    sent = frame(b"x" * size)
    server.sendall(sent[:cut])
    gevent.sleep(0.002)
    server.sendall(sent[cut:] + frame(b"after"))
    with gevent.Timeout(5):
        while len(taken) < 2 and not broken:
            gevent.sleep(0.001)
    wire.close()
    assert broken == []
    assert taken == [b"x" * size, b"after"]
