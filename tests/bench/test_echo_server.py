"""The server both clients are measured on is one that python-socketio takes for real."""

import json
import queue
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import socketio

from bench.ws.frames import NotServed, accept_key, take_frames, text_frame

CHECKOUT = Path(__file__).parents[2]
WALLET = "0x" + "a" * 40


def masked(payload: bytes, mask: bytes = b"\x01\x02\x03\x04") -> bytes:
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


@pytest.mark.parametrize("size", [0, 1, 4, 125, 126, 127, 5_000])
def test_frames_are_taken_whole_however_they_arrive(size: int) -> None:
    first, second = bytes(range(256)) * 20, b"3"
    sent, received, taken = masked(first[:size]) + masked(second), bytearray(), []
    for byte in sent:
        received.append(byte)
        taken += take_frames(received)

    assert taken == [(1, first[:size]), (1, second)]
    assert not received


@pytest.mark.parametrize(
    "frame",
    [b"\x01\x81\0\0\0\0a", b"\x81\x01a\0\0\0\0", b"\x81\xff\0\0\0\0\0\1\0\0"],
    ids=["in parts", "not masked", "64 kB and more"],
)
def test_frame_nobody_here_sends_is_refused(frame: bytes) -> None:
    with pytest.raises(NotServed):
        take_frames(bytearray(frame))


def test_frame_and_key_are_those_of_the_standard() -> None:
    assert text_frame(b"Hello") == bytes.fromhex("810548656c6c6f")  # RFC 6455, 5.7
    assert text_frame(b"x" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert accept_key(b"dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3


@pytest.fixture
def port() -> Iterator[int]:
    arguments = [sys.executable, "-m", "bench.ws.echo_server"]
    with subprocess.Popen(arguments, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(10) == 0


@pytest.mark.e2e
def test_python_socketio_is_echoed_and_gets_its_events(port: int) -> None:
    client, arrived = socketio.Client(reconnection=False, handle_sigint=False), queue.Queue()
    for event in ("authenticated", "subscribed", "notification"):
        client.on(event, lambda content, event=event: arrived.put((event, content)))
    client.connect(f"http://127.0.0.1:{port}", transports=["websocket"])
    try:
        client.emit("authenticate", {"walletAddress": WALLET, "reconnecting": False})
        assert arrived.get(timeout=10)[0] == "authenticated"
        client.emit("subscribe", {"type": "user", "target": WALLET})
        assert arrived.get(timeout=10)[1]["target"] == WALLET
        assert client.call("echo", 'a "quoted" ä', timeout=10) == 'a "quoted" ä'

        with urlopen(f"http://127.0.0.1:{port}/bench/emit?for_s=2", timeout=10) as answer:
            assert json.load(answer)["subscribed"] == 1
        events = [arrived.get(timeout=10) for _ in range(2)]
    finally:
        client.disconnect()

    assert [(event, content["seq"], content["eventId"]) for event, content in events] == [
        ("notification", 1, f"{WALLET}-1"),
        ("notification", 2, f"{WALLET}-2"),
    ]
    with urlopen(f"http://127.0.0.1:{port}/bench/stats", timeout=10) as answer:
        stats = json.load(answer)
    assert (stats["acks"], stats["emitted"], stats["strange"]) == (1, 2, 0)
