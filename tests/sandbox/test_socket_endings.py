"""Leave out what a cut session said or did not get, and refuse handshakes that are none."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from sandbox.realtime.journal import Journal
from sandbox.realtime.sessions import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import InProcess, Running

A = f"0x{'a1' * 20}"


@pytest.mark.parametrize("event", ["authenticate", "subscribe", "unsubscribe", "typing:start"])
def test_what_a_cut_session_had_still_said_is_not_heard(inside: Callable[..., InProcess], event: str) -> None:
    sandbox = inside()
    handler = sandbox.control.realtime._desk.handlers()[event]
    sandbox._runner.run(handler("gone", {"walletAddress": A, "conversationId": "talk"}))
    assert sandbox.control.realtime.sessions.wallets() == ()
    assert sandbox.control.truth.sockets.authenticated == 0


def test_what_a_cut_session_did_not_get_is_not_delivered(inside: Callable[..., InProcess]) -> None:
    sandbox = inside()
    realtime = sandbox.control.realtime
    written: list[Callable[[], None]] = []
    sessions = [
        Session(str(number), "127.0.0.1", lambda _packet, taken: written.append(taken), list) for number in range(2)
    ]
    for session in sessions:
        realtime.sessions.add(session)
        realtime.sessions.authenticate(session, A)
    realtime.publisher.came(A)
    realtime.publisher.publish("x", A, {})
    realtime.sessions.remove(sessions[0], "dropped")
    realtime.sessions.remove(sessions[0], "transport close")  # the server notices what was done to it
    counts = []
    for taken in (*written, written[1]):
        taken()
        counts.append(sandbox.control.truth.events.counts()["x"]["delivered"])
    assert counts == [0, 1, 1]
    assert sandbox.control.truth.sockets.as_dict()["ended"] == {"dropped": 1}
    realtime._send("gone", "2[]", written[1])  # nothing to queue it in, nothing to fail


def test_a_copy_counts_once_however_many_sessions_get_it() -> None:
    journal = Journal()
    record = journal.caused("x", A, 1)
    journal.delivered(record)
    for _ in range(2):
        journal.delivered_again(record)
    assert journal.counts()["x"]["duplicated"] == 1


@pytest.mark.parametrize("path", ["/socket.io/?EIO=4&transport=websocket", "/seller/x/ws"])
def test_broken_handshake_is_refused(sandbox: Running, path: str) -> None:
    parts = urlsplit(sandbox.address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 3) as plain:
        plain.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".encode())
        assert plain.recv(100).startswith(b"HTTP/1.1 4")


def test_a_socket_that_cannot_be_cut_is_left_alone(inside: Callable[..., InProcess]) -> None:
    sandbox = inside()
    sent: list[object] = []

    async def never() -> Any:
        raise AssertionError("asked for more")

    async def send(message: object) -> None:
        sent.append(message)

    sandbox._runner.run(sandbox.app({"type": "websocket", "path": "/seller/x/ws"}, never, send))
    assert sent == []
