"""Our client against Socket.IO's own server on Node and python-socketio's: both are understood, or refused by name."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import gevent.ssl
import pytest
import trustme
from gevent.event import AsyncResult

from locustfiles._connections import Way
from locustfiles._socketio import Arrived, Ended, SocketFailed, SocketIO
from runlog.schema import Outcome

pytestmark = pytest.mark.e2e
LIMIT_S = 10.0


def trusting(ca_file: str | None) -> Any:
    """Return a context as Locust's process makes it: there the standard library's is gevent's, here it is not."""
    context = gevent.ssl.SSLContext(gevent.ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


class Server:
    """A server of its own process."""

    def __init__(self, language: str, process: "subprocess.Popen[bytes]", url: str, ca_file: str | None) -> None:
        self.language = language
        self.process = process
        self.url = url
        self.way = Way(timeout_s=LIMIT_S, keep_alive_s=60, source=None, proxy=None, tls=trusting(ca_file))

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """Files of a server's certificate and key, and of the authority to trust."""
    folder, ca = tmp_path_factory.mktemp("certificate"), trustme.CA()
    own = ca.issue_cert("127.0.0.1")
    own.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    own.private_key_pem.write_to_path(folder / "key.pem")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    return str(folder / "cert.pem"), str(folder / "key.pem"), str(folder / "ca.pem")


@pytest.fixture(scope="module", params=["python", "node"])
def start(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    certificate: tuple[str, str, str],
    server_command: Callable[[str], list[str]],
) -> Iterator[Callable[..., Server]]:
    """Start servers; ended with the module."""
    language, command = request.param, server_command(request.param)
    started: list[Server] = []

    def begin(*arguments: str, tls: bool = False) -> Server:
        ready = tmp_path_factory.mktemp("server") / "port"
        secure = ("--certificate", certificate[0], "--key", certificate[1]) if tls else ()
        process = subprocess.Popen([*command, ready, *arguments, *secure])
        until = time.monotonic() + 20
        while not ready.exists():
            assert process.poll() is None, "the server did not start"
            assert time.monotonic() < until, "the server is not ready after 20 s"
            time.sleep(0.05)
        url = f"{'wss' if tls else 'ws'}://127.0.0.1:{ready.read_text('utf-8')}"
        started.append(Server(language, process, url, certificate[2] if tls else None))
        return started[-1]

    yield begin
    for server in started:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module", params=["plain", "tls"])
def server(request: pytest.FixtureRequest, start: Callable[..., Server]) -> Server:
    return start(tls=request.param == "tls")


class Session:
    """A client and everything it was told."""

    def __init__(self, server: Server, timeout_s: float = LIMIT_S) -> None:
        self.events: list[Arrived] = []
        self.ended: AsyncResult = AsyncResult()
        self._came: dict[str, AsyncResult] = {}
        self.client = SocketIO(server.url, server.way, on_event=self._event, on_end=self.ended.set, timeout_s=timeout_s)

    def _event(self, arrived: Arrived) -> None:
        self.events.append(arrived)
        self._came.setdefault(arrived.event, AsyncResult()).set(arrived)

    def event(self, name: str) -> Arrived:
        arrived: Arrived = self._came.setdefault(name, AsyncResult()).get(timeout=LIMIT_S)
        return arrived

    def end(self) -> Ended:
        ended: Ended = self.ended.get(timeout=LIMIT_S)
        return ended


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    session = Session(server)
    session.client.open()
    yield session
    session.client.close()


def refused(session: Session, *arguments: Any) -> SocketFailed:
    with pytest.raises(SocketFailed) as caught:
        session.client.open(*arguments)
    assert not session.client.live
    return caught.value


# -- what both understand ----------------------------------------------------------------------------------------------


def test_phases_of_opening_are_told_in_their_order(server: Server) -> None:
    client = Session(server).client
    began = time.perf_counter()
    opened = client.open({"token": "x"})
    took_ms = (time.perf_counter() - began) * 1000
    assert 0 < opened.connect_ms < opened.wait_ms < opened.handshake_ms <= took_ms
    assert opened.status == 101
    assert opened.sid
    assert client.live
    client.close()
    assert not client.live


@pytest.mark.parametrize("args", [[], [1], ["ä€𝄞", None, {"a": [1.5, True]}], ['[],{}"\\'], ["x" * 100_000]])
def test_answers_bring_back_what_was_sent(session: Session, args: list[Any]) -> None:
    assert session.client.call("echo", *args) == args


def test_answers_come_to_whoever_asked(session: Session) -> None:
    asking = [gevent.spawn(session.client.call, "echo", number) for number in range(50)]
    gevent.joinall(asking, timeout=LIMIT_S)
    assert [each.value for each in asking] == [[number] for number in range(50)]


def test_events_come_with_their_text_and_the_moment(session: Session) -> None:
    before_s = time.time()
    session.client.emit("say", "news", {"id": 7})
    arrived = session.event("news")
    assert (arrived.args, arrived.namespace) == ([{"id": 7}], "/")
    assert arrived.raw.startswith(b'["news",')
    assert before_s <= arrived.at_s <= time.time()
    assert arrived.bytes == len(arrived.raw) + 2


def test_a_payload_of_a_hundred_kilobytes_comes_whole(session: Session) -> None:
    session.client.emit("big")
    assert len(session.event("big").args[0]["text"]) == 100_000


def test_a_question_of_the_server_is_answered(session: Session) -> None:
    session.client.emit("ask")
    assert session.event("answered").args == [{"answer": None}]


def test_namespaces_have_answers_of_their_own(session: Session) -> None:
    assert session.client.join("/other")
    both = [gevent.spawn(session.client.call, "echo", name, namespace=name) for name in ("/", "/other")]
    gevent.joinall(both, timeout=LIMIT_S)
    assert [each.value for each in both] == [["/"], ["/other"]]
    session.client.leave("/other")
    assert session.client.call("echo", 1) == [1]


def test_a_namespace_may_turn_away(session: Session) -> None:
    with pytest.raises(SocketFailed, match="members only") as caught:
        session.client.join("/closed")
    assert caught.value.outcome is Outcome.REFUSED
    assert session.client.call("echo", 1) == [1]


# -- ends --------------------------------------------------------------------------------------------------------------


def test_a_server_that_turns_away_is_quoted(server: Server) -> None:
    failed = refused(Session(server), {"refuse": True})
    assert (failed.outcome, failed.text, failed.status) == (Outcome.REFUSED, "not today", 101)
    assert failed.connect_ms is not None


@pytest.mark.parametrize(("how", "why"), [("end", "ended the session"), ("hang up", "closed")])
def test_an_end_by_the_server_is_the_server_s(session: Session, how: str, why: str) -> None:
    session.client.emit(how)
    ended = session.end()
    assert (ended.by, why in ended.why) == ("server", True), ended.why
    with pytest.raises(SocketFailed, match="over"):
        session.client.emit("echo")


def test_an_end_by_us_is_ours_and_told_once(session: Session) -> None:
    session.client.close()
    session.client.close()
    assert session.end().by == "us"


def test_closing_wakes_whoever_waits(server: Server) -> None:
    session = Session(server)
    session.client.open()
    asking = gevent.spawn(session.client.call, "nobody answers this")
    gevent.sleep(0.05)
    session.client.close()
    with pytest.raises(SocketFailed) as caught:
        asking.get(timeout=LIMIT_S)
    assert caught.value.outcome is Outcome.ABORTED


def test_no_answer_in_time_is_a_timeout_and_the_session_goes_on(session: Session) -> None:
    with pytest.raises(SocketFailed) as caught:
        session.client.call("nobody answers this", timeout_s=0.1)
    assert caught.value.outcome is Outcome.TIMEOUT
    assert session.client.call("echo", 1) == [1]


def test_a_handler_that_throws_ends_the_session_and_is_seen(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(server)
    ended: AsyncResult = AsyncResult()

    def throw(_arrived: Arrived) -> None:
        raise LookupError("a bug of ours")

    client = SocketIO(server.url, server.way, on_event=throw, on_end=ended.set, timeout_s=LIMIT_S)
    client.open()
    client.emit("say", "news")
    assert ended.get(timeout=LIMIT_S).by == "bug"
    gevent.sleep(0)
    assert "a bug of ours" in capsys.readouterr().err
    assert not session.client.live


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_server_that_is_killed_ends_every_session_at_once(start: Callable[..., Server], tls: bool) -> None:  # noqa: FBT001
    server = start(tls=tls)
    sessions = [Session(server) for _ in range(5)]
    for session in sessions:
        session.client.open()
    server.signal(signal.SIGKILL)
    assert {session.end().by for session in sessions} == {"network"}
    assert refused(Session(server)).outcome is Outcome.CONNECT_ERROR


def test_a_server_that_falls_silent_is_noticed_after_its_own_ping_timeout(start: Callable[..., Server]) -> None:
    server = start("--ping", "1")
    session = Session(server)
    session.client.open()
    gevent.sleep(2.5)
    assert session.client.live  # its pings were answered
    server.signal(signal.SIGSTOP)
    began = time.perf_counter()
    try:
        assert session.end().by == "silence"
        assert 0.5 < time.perf_counter() - began < 5
        assert refused(Session(server, timeout_s=0.5)).outcome is Outcome.TIMEOUT
    finally:
        server.signal(signal.SIGCONT)


# -- what is not understood --------------------------------------------------------------------------------------------


def test_a_binary_event_is_refused_by_name(session: Session) -> None:
    session.client.emit("bytes")
    ended = session.end()
    assert ended.by == "protocol"
    assert "binary" in ended.why


def test_a_server_with_another_parser_is_no_session(start: Callable[..., Server]) -> None:
    """Neither can read our request to join: python-socketio drops it and says nothing, Node's closes the connection."""
    server = start("--msgpack")
    failed = refused(Session(server, timeout_s=1.0))
    assert failed.outcome is (Outcome.TIMEOUT if server.language == "python" else Outcome.CONNECT_ERROR)
    assert "joining namespace /" in failed.text
    assert "another parser" in failed.text


def test_a_server_without_websockets_is_no_session(start: Callable[..., Server]) -> None:
    """Node's says which transport is unknown, python-socketio forbids and says nothing."""
    server = start("--polling-only")
    failed = refused(Session(server))
    if server.language == "python":
        assert (failed.outcome, failed.status) == (Outcome.HTTP_ERROR, 403)
    else:
        assert (failed.outcome, failed.status) == (Outcome.CHECK_FAILED, 400)
        assert "offers no WebSocket" in failed.text


def test_a_path_nobody_serves_is_no_session(server: Server) -> None:
    """python-socketio answers, Node's closes the connection after a second."""
    client = SocketIO(
        server.url, server.way, path="/nothing/", on_event=lambda _: None, on_end=lambda _: None, timeout_s=LIMIT_S
    )
    with pytest.raises(SocketFailed) as caught:
        client.open()
    failed = caught.value
    if server.language == "python":
        assert failed.outcome is Outcome.HTTP_ERROR
        assert (failed.status or 0) >= 400
    else:
        assert (failed.outcome, failed.status) == (Outcome.CONNECT_ERROR, None)
        assert "without an answer" in failed.text


def test_a_message_longer_than_the_server_takes_is_not_sent(session: Session) -> None:
    for send in (session.client.emit, session.client.call):
        with pytest.raises(SocketFailed, match="the server takes 1000000") as caught:
            send("echo", "x" * 1_000_000)
        assert caught.value.outcome is Outcome.CHECK_FAILED
    assert session.client.call("echo", 1) == [1]
