"""One request, one sample, whatever happens: real Locust processes against a server that answers by script."""

import gzip
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runlog.failures import FAILURES_FILE
from runlog.reader import read_samples
from runlog.run import EndedBy, Run, read_run
from runlog.schema import Kind, Outcome, Sample
from runlog.seal import SealReport, seal
from runlog.workflows import WORKFLOWS

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
DRIVER = str(Path(__file__).parent / "drivers" / "scripted.py")
LOCUST = Path(sys.executable).with_name("locust")
PATIENCE_S = 60


def http(status: int, body: str, *headers: str) -> bytes:
    """Return an answer as it goes over the wire."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body.encode())}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


OK = http(200, '{"success": true, "data": {}}', "Content-Type: application/json")
Reply = Callable[[socket.socket, int], bool | None]
"""Answer one request, the n-th of its step (from 0), on a connection; False closes it."""


@dataclass(slots=True)
class ScriptedServer:
    """Answers each request by the step it belongs to; what belongs to none gets 200 and is not counted."""

    replies: dict[str, Reply]
    heads: list[str] = field(default_factory=list)
    received: list[tuple[str, str, float]] = field(default_factory=list)
    """Step, request line, Unix seconds of every request that belongs to a step, or was sent around it."""
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def counted(self) -> Counter[str]:
        return Counter(step for step, _, _ in self.received)

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while True:
                try:
                    head = b"".join(iter(stream.readline, b"\r\n")) if stream.peek(1) else b""
                    length = re.search(rb"(?im)^content-length: *(\d+)", head)
                    stream.read(int(length[1]) if length else 0)
                    if not head or self._answer(connection, head.decode("latin-1")) is False:
                        return
                except OSError:  # the client went away
                    return

    def _answer(self, connection: socket.socket, head: str) -> bool | None:
        self.heads.append(head)
        line = head.partition("\r\n")[0].removesuffix(" HTTP/1.1")
        named = re.search(r"(?im)^x-load-step: *\w+\.(\w+)", head)
        step = named[1] if named else "around" if "/api/around" in line else None
        if step is None:
            connection.sendall(OK)
            return None
        nth = self.counted[step]
        self.received.append((step, line, time.time()))
        return self.replies.get(step, _ok)(connection, nth)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()


def _ok(connection: socket.socket, _nth: int) -> None:
    connection.sendall(OK)


@contextmanager
def scripted_server(replies: dict[str, Reply]) -> Iterator[ScriptedServer]:
    """Serve by a script for a while."""
    server = ScriptedServer(replies)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(5)


@contextmanager
def refused_port() -> Iterator[int]:
    """Hold a port nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


TRANSPORTS = ("fasthttp", "own")
"""What requests are sent with; what is recorded of them does not depend on it."""


@contextmanager
def hanging_port() -> Iterator[int]:
    """Hold a port whose queue of connections is full: connecting to it takes for ever."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(listener.getsockname())
        time.sleep(0.2)
        yield listener.getsockname()[1]
        for each in waiting:
            each.close()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run left behind."""

    run: Run
    sealed: SealReport
    samples: list[Sample]
    failures: str
    output: str

    def of(self, step: str, kind: str = "http") -> list[Sample]:
        return [sample for sample in self.samples if sample.step == step and sample.kind == kind]


def start_locust(
    place: Path,
    port: int,
    locustfile: str,
    arguments: list[str],
    *,
    timeout: str = "500 ms",
    transport: str = "own",
    **environment: str,
) -> subprocess.Popen[str]:
    """Start Locust headless on a target of our own; its run directory is `place`/run, its output `place`/output."""
    targets = place / "targets"
    targets.mkdir()
    (targets / "sandbox.toml").write_text(
        f'format = 1\nurl = "http://127.0.0.1:{port}"\ntimeout = "{timeout}"\nstep_header = true\n'
        f'transport = "{transport}"\n'
        'consents = ["image_upload"]\nfreshness_budget = "5 s"\ncontact = "qa@sellergate.test"\n'
    )
    command = [str(LOCUST), "--headless", "-f", locustfile, "--no-gate", "--only-summary", "--run-id", "run"]
    command += ["--host", f"http://127.0.0.1:{port}", "--targets", str(targets), "--reports", str(place)]
    with (place / "output").open("w") as output:
        return subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )


def finish_locust(process: subprocess.Popen[str], place: Path) -> Recorded:
    """Wait for the end of a run and return what it left."""
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        pytest.fail((place / "output").read_text())
    output, folder = (place / "output").read_text(), place / "run"
    assert (folder / "run.json").exists(), output
    sealed = seal(folder)
    samples = [Sample(**row) for row in read_samples(folder).to_pylist()]
    return Recorded(read_run(folder), sealed, samples, (folder / FAILURES_FILE).read_text(), output)


# -- what the server answers -------------------------------------------------------------------------------------------


def _send(*parts: bytes, then_close: bool = False, pause_s: float = 0) -> Reply:
    def reply(connection: socket.socket, _nth: int) -> bool:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_s)
        return not then_close

    return reply


def _silent(connection: socket.socket, _nth: int) -> bool:
    connection.settimeout(PATIENCE_S)
    connection.recv(1)  # until the client gives up
    return False


def _throttle(times: int, refusal: bytes) -> Reply:
    return lambda connection, nth: connection.sendall(refusal if nth < times else OK)


BOMB = gzip.compress(b'{"success": true}' + b" " * 17 * 2**20)
LENGTH = f"Content-Length: {len(BOMB)}".encode()
ELSEWHERE = "/api/around?redirected"
REPLIES: dict[str, Reply] = {
    "error": _send(http(500, '{"success": false, "error": {"code": "BOOM", "message": "secret"}}')),
    "unchecked_error": _send(http(404, "<html>not here</html>")),
    "success_false": _send(http(200, '{"success": false}')),
    "not_json": _send(http(200, "<html>")),
    "not_success": _send(http(204, "")),
    "redirect": _send(http(302, "", f"Location: {ELSEWHERE}")),
    "large": _send(http(200, "x" * (16 * 2**20 + 1))),
    "bomb": _send(
        http(200, "", "Content-Encoding: gzip")[:-4].replace(b"Content-Length: 0", LENGTH) + b"\r\n\r\n" + BOMB
    ),
    "cookie": _send(http(200, '{"success": true}', "Set-Cookie: sid=keep-me; Path=/", "Set-Cookie: b=2")),
    "redirect_away": _send(http(302, "", "Location: https://elsewhere.example/login")),
    "throttled_once": _throttle(1, http(429, '{"error": "Rate limit exceeded", "retryAfter": 0.4}')),
    "throttled": _throttle(9, http(429, "Too many requests", "Retry-After: 0.1")),
    "timeout": _silent,
    "body_timeout": lambda connection, nth: _send(OK[:-5])(connection, nth) and _silent(connection, nth),
    "trickle": _send(OK[:20], OK[20:40], OK[40:-9], OK[-9:-5], OK[-5:], pause_s=0.2),
    "closed": _send(then_close=True),
    "posted_then_closed": _send(then_close=True),
    "half_head": _send(OK[:20], then_close=True),
    "half_body": _send(OK[:-5], then_close=True),
    "garbage": _send(b"HELLO WORLD\r\n\r\n"),
    "short_length": _send(OK.replace(b"Content-Length: 29", b"Content-Length: 12")),
    "unknown_coding": _send(http(200, '{"success": true}', "Content-Encoding: rot13")),
    "bad_coding": _send(http(200, '{"success": true}', "Content-Encoding: gzip")),
    "wanted_refusal": _send(http(403, '{"success": false, "error": {"code": "TIER_LIMIT_EXCEEDED"}}')),
    "wrong_body": _send(http(200, '{"success": true, "data": {"walletAddress": "0x' + "b" * 40 + '"}}')),
    "cached": _send(http(200, '{"success": true}', "X-Cache: HIT", "X-Request-Id: r-1")),
    "unique": _send(http(200, '{"success": true}', "X-Cache: HIT")),
    "stall": _silent,
    "think_long": _throttle(9, http(429, '{"retryAfter": 50}')),
}


@dataclass(frozen=True, slots=True)
class Walked:
    """A run through every step, with what the server saw of it."""

    recorded: Recorded
    server: ScriptedServer


@pytest.fixture(scope="module", params=TRANSPORTS)
def walked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    place = tmp_path_factory.mktemp("walked")
    classes = ["AnsweredSeller", "BuggySeller", "StrayingSeller", "MistakenSeller", "InjectedSeller"]
    classes += ["AroundSeller", "StoppedSeller"]
    with scripted_server(REPLIES) as server, refused_port() as refused:
        process = start_locust(
            place,
            server.port,
            DRIVER,
            ["-u", "7", "-r", "7", "-t", "50s", *classes],
            transport=request.param,
            REFUSED_PORT=str(refused),
            HANGING_PORT="1",
        )
        yield Walked(finish_locust(process, place), server)


# step: (outcome, status, how the error begins) of each of its samples, in order
EXPECTED: dict[str, list[tuple[Outcome, int | None, str | None]]] = {
    "ok": [(Outcome.OK, 200, None)],
    "error": [(Outcome.HTTP_ERROR, 500, "status 500 BOOM, expected status 200")],
    "unchecked_error": [(Outcome.HTTP_ERROR, 404, "status 404")],
    "success_false": [(Outcome.CHECK_FAILED, 200, "success is not true")],
    "not_json": [(Outcome.CHECK_FAILED, 200, "body is not JSON (status 200)")],
    "not_success": [(Outcome.CHECK_FAILED, 204, "status 204, expected status 200")],
    "redirect": [(Outcome.HTTP_ERROR, 302, "status 302")],
    "large": [(Outcome.HTTP_ERROR, None, "answer of more than N MiB")],
    "after_large": [(Outcome.OK, 200, None)],
    "bomb": [(Outcome.HTTP_ERROR, None, "answer of more than N MiB")],
    "after_bomb": [(Outcome.OK, 200, None)],
    "cookie": [(Outcome.OK, 200, None)],
    "redirect_away": [(Outcome.HTTP_ERROR, 302, "status 302 to another host: elsewhere.example")],
    "throttled_once": [(Outcome.THROTTLED, 429, "status 429"), (Outcome.OK, 200, None)],
    "throttled": [(Outcome.THROTTLED, 429, "status 429")] * 3,
    "timeout": [(Outcome.TIMEOUT, None, "no answer within N s")],
    "after_timeout": [(Outcome.OK, 200, None)],
    "body_timeout": [(Outcome.TIMEOUT, None, "no answer within N s")],
    "after_body_timeout": [(Outcome.OK, 200, None)],
    "trickle": [(Outcome.TIMEOUT, None, "no answer within N s")],
    "after_trickle": [(Outcome.OK, 200, None)],
    "closed": [(Outcome.HTTP_ERROR, None, "closed without an answer: ")],
    "posted_then_closed": [(Outcome.HTTP_ERROR, None, "closed without an answer: ")],
    "half_head": [(Outcome.HTTP_ERROR, None, "unreadable answer: ")],
    "half_body": [(Outcome.HTTP_ERROR, None, "unreadable answer: ")],
    "after_half_body": [(Outcome.OK, 200, None)],
    "garbage": [(Outcome.HTTP_ERROR, None, "unreadable answer: ")],
    "after_garbage": [(Outcome.OK, 200, None)],
    "short_length": [(Outcome.HTTP_ERROR, None, "unreadable answer: ")],
    "after_short_length": [(Outcome.OK, 200, None)],
    "unknown_coding": [(Outcome.HTTP_ERROR, None, "unreadable answer: ")],
    "after_unknown_coding": [(Outcome.OK, 200, None)],
    "bad_coding": [(Outcome.HTTP_ERROR, None, "unreadable answer: ")],
    "after_bad_coding": [(Outcome.OK, 200, None)],
    "wanted_refusal": [(Outcome.OK, 403, None)],
    "wrong_body": [(Outcome.WRONG_BODY, 200, "'walletAddress' is another seller's")],
    "cached": [(Outcome.OK, 200, None)],
    "unique": [(Outcome.OK, 200, None)] * 2,
    "refused": [(Outcome.CONNECT_ERROR, None, "ConnectionRefusedError: Connection refused")],
    "bug": [(Outcome.HARNESS_ERROR, 200, "KeyError: 'order N'")],
    "around": [(Outcome.OK, 200, None)],
    "told": [(Outcome.OK, 200, None)],  # and the seller was stopped while somebody heard of it
}


@pytest.mark.parametrize(("step", "expected"), EXPECTED.items(), ids=EXPECTED.keys())
def test_each_request_is_one_sample_that_says_what_happened(
    step: str, expected: list[tuple[Outcome, int | None, str | None]], walked: Walked
) -> None:
    found = walked.recorded.of(step)
    assert [(sample.outcome, sample.status) for sample in found] == [
        (outcome, status) for outcome, status, _ in expected
    ]
    for sample, (_, _, text) in zip(found, expected, strict=True):
        assert (sample.error is None) == (text is None)
        assert (sample.error or "").startswith(text or "")
        assert sample.response_time_ms is not None
        assert sample.request_bytes is None if step == "refused" else (sample.request_bytes or 0) > 0


def test_server_received_exactly_what_was_sent(walked: Walked) -> None:
    sent = Counter(sample.step for sample in walked.recorded.samples if sample.kind == Kind.HTTP)
    del sent["refused"]  # no connection, nothing to receive
    sent["around"] += 1  # sent outside step: counted as unrecorded instead
    assert sent == walked.server.counted


def test_nothing_else_was_recorded_than_one_iteration_a_seller(walked: Walked) -> None:
    others = [sample for sample in walked.recorded.samples if sample.kind != Kind.HTTP]
    assert {sample.kind for sample in others} == {Kind.ITERATION}
    assert Counter((sample.workflow, sample.outcome) for sample in others) == {
        ("answered", Outcome.ABANDONED): 1,
        ("around", Outcome.OK): 1,
        ("stopped", Outcome.ABORTED): 1,
        ("buggy", Outcome.HARNESS_ERROR): 1,
        ("straying", Outcome.HARNESS_ERROR): 1,
        ("mistaken", Outcome.HARNESS_ERROR): 1,
        ("injected", Outcome.ABANDONED): 1,  # the id came from the server: its failure
    }


def test_redirect_is_not_followed(walked: Walked) -> None:
    assert ELSEWHERE not in [line.partition(" ")[2] for _, line, _ in walked.server.received]


def test_who_sends_and_why_is_in_every_request_and_no_cookie_ever(walked: Walked) -> None:
    heads = [head for head in walked.server.heads if "X-Load-Step" in head]  # the monitors ask too
    assert len(heads) == len(walked.server.received) - 1  # one was sent around `step`
    for head in heads:
        assert re.search(
            r"(?m)^User-Agent: sellergate/\d[\w.]* \(load test; run run; contact qa@sellergate.test\)\r$", head
        )
        assert not re.search(r"(?im)^cookie", head)


@pytest.mark.parametrize(("step", "pauses_s"), [("throttled_once", [0.4]), ("throttled", [0.1, 0.1])])
def test_seller_backs_off_as_long_as_the_429_asks(step: str, pauses_s: list[float], walked: Walked) -> None:
    times = [at_s for name, _, at_s in walked.server.received if name == step]
    for (earlier, later), pause_s in zip(itertools.pairwise(times), pauses_s, strict=True):
        assert pause_s <= later - earlier < pause_s + 1


def test_back_off_is_no_time_of_the_iteration(walked: Walked) -> None:
    answered = [sample for sample in walked.recorded.samples if sample.workflow == "answered"]
    (iteration_ms,) = [sample.response_time_ms for sample in answered if sample.kind == Kind.ITERATION]
    requests_ms = sum(sample.response_time_ms or 0 for sample in answered if sample.kind == Kind.HTTP)
    assert iteration_ms is not None
    assert requests_ms <= iteration_ms < requests_ms + 500  # with the 600 ms of back-off it would be over that


@pytest.mark.parametrize("step", ["timeout", "body_timeout", "trickle"])
def test_timeout_took_the_time_of_the_target(step: str, walked: Walked) -> None:
    (sample,) = walked.recorded.of(step)
    assert sample.response_time_ms is not None
    assert 500 <= sample.response_time_ms < 1_500
    assert (sample.wait_ms is None) == (step == "timeout")  # the head had come where only the body was missing


def test_connection_is_timed_when_it_is_opened_and_only_then(walked: Walked) -> None:
    # a connection survives an ordinary answer; after each of these breaks the next request opens another
    breaks = ("timeout", "body_timeout", "half_body", "garbage", "large")
    for step in ("ok", *(f"after_{each}" for each in breaks)):
        assert walked.recorded.of(step)[0].connect_ms is not None, step
    for step in ("error", "success_false", "not_json", "wrong_body", "cached"):
        assert walked.recorded.of(step)[0].connect_ms is None, step


def test_unique_reads_bypass_the_cache_and_differ(walked: Walked) -> None:
    assert [sample.cache for sample in walked.recorded.of("unique")] == ["bypass", "bypass"]
    assert [sample.cache for sample in walked.recorded.of("cached")] == ["hit"]
    lines = [line for step, line, _ in walked.server.received if step == "unique"]
    assert len(set(lines)) == 2
    for line in lines:
        assert re.fullmatch(r"GET /api/marketplace/listings/categories\?page=1&u=run-\d+-\d", line)


def test_samples_hold_the_route_template_and_never_an_id(walked: Walked) -> None:
    (sample,) = walked.recorded.of("wrong_body")
    assert (sample.method, sample.route) == ("GET", "/api/marketplace/seller/{w}")
    assert not [each for each in walked.recorded.samples if re.search(r"0x[0-9a-f]{40}", f"{each.route}{each.error}")]


def test_what_the_verdict_must_know_is_in_the_log(walked: Walked) -> None:
    problems = [(problem.name, problem.detail) for problem in walked.recorded.sealed.problems]
    assert sorted(problems) == [
        ("bug", "buggy.bug: KeyError: 'order 55'"),
        ("bug", "mistaken.mistake: ValueError: 'another_step' is not a step of mistaken; its steps are mistake"),
        (
            "bug",
            "straying.stray: ValueError: GET /api/orders/1 is not on the allow-list (locustfiles/_routes.py)",
        ),
        ("unrecorded", "1 requests were sent outside step(...)"),
    ]


def test_failing_exchanges_are_kept_and_hold_no_secret(walked: Walked) -> None:
    lines = walked.recorded.failures.splitlines()
    failed = {
        sample.step for sample in walked.recorded.samples if sample.kind == "http" and sample.outcome != Outcome.OK
    }
    assert {json.loads(line)["step"] for line in lines} == failed
    (error,) = [kept for kept in map(json.loads, lines) if kept["step"] == "error"]
    assert (error["status"], error["method"], error["url"]) == (500, "GET", "/api/sellers/tier/criteria")
    assert "BOOM" in error["response_body"]


# -- stopped in the middle of it ---------------------------------------------------------------------------------------


@pytest.fixture(
    scope="module",
    params=[(number, transport) for number in (signal.SIGINT, signal.SIGTERM) for transport in TRANSPORTS],
    ids=lambda both: f"{both[0].name}-{both[1]}",
)
def stopped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    place = tmp_path_factory.mktemp("stopped")
    classes = ["StalledSeller", "ConnectingSeller", "ThinkingSeller"]
    with scripted_server(REPLIES) as server, hanging_port() as hanging:
        process = start_locust(
            place,
            server.port,
            DRIVER,
            ["-u", "3", "-r", "3", "-t", "50s", *classes],
            timeout="30 s",
            transport=request.param[1],
            REFUSED_PORT="1",
            HANGING_PORT=str(hanging),
        )
        until = time.monotonic() + PATIENCE_S
        while not {"stall", "think_long"} <= set(server.counted) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.3)  # the third one sends nothing the server could see
        process.send_signal(request.param[0])
        yield Walked(finish_locust(process, place), server)


def test_request_in_flight_at_the_stop_is_one_aborted_sample(stopped: Walked) -> None:
    (sample,) = stopped.recorded.of("stall")
    assert (sample.outcome, sample.status, sample.error) == (Outcome.ABORTED, None, None)
    assert sample.response_time_ms is not None
    assert 200 < sample.response_time_ms < 20_000
    assert (sample.request_bytes or 0) > 0
    assert stopped.server.counted["stall"] == 1


def test_request_never_sent_before_the_stop_is_no_sample(stopped: Walked) -> None:
    assert stopped.recorded.of("connect") == []
    assert stopped.server.counted["connect"] == 0


def test_request_answered_before_the_stop_is_not_recorded_twice(stopped: Walked) -> None:
    assert [sample.outcome for sample in stopped.recorded.of("think_long")] == [Outcome.THROTTLED]
    assert stopped.server.counted["think_long"] == 1


def test_every_seller_at_work_leaves_an_aborted_iteration(stopped: Walked) -> None:
    iterations = [sample for sample in stopped.recorded.samples if sample.kind == Kind.ITERATION]
    assert sorted((sample.workflow, sample.outcome) for sample in iterations) == [
        ("connecting", Outcome.ABORTED),
        ("stalled", Outcome.ABORTED),
        ("thinking", Outcome.ABORTED),
    ]


def test_log_of_a_stopped_run_is_complete_and_says_who_stopped_it(stopped: Walked) -> None:
    assert stopped.recorded.sealed.problems == ()
    assert stopped.recorded.run.ended_by == EndedBy.SIGNAL


# -- anyone can add a ninth workflow by adding one file ----------------------------------------------------------------

NINTH = '''"""Workflow: a seller looks at the shop window of the whole market."""

from locust import constant, task

from locustfiles._checks import payload
from locustfiles._routes import CATEGORIES, CRITERIA
from locustfiles._seller import Seller


class WindowSeller(Seller):
    """Looks around."""

    workflow = "window_shopping"
    steps = ("categories", "criteria")
    wait_time = constant(0.1)

    @task
    def look(self) -> None:
        """Look around once."""
        self.iterate()

    def categories(self) -> None:
        """See what there is."""
        with self.step("categories", "GET", CATEGORIES) as answer:
            payload(answer)

    def criteria(self) -> None:
        """See what tiers ask for."""
        with self.step("criteria", "GET", CRITERIA) as answer:
            payload(answer)
'''
CLASSES = {
    *("AnalyticsSeller", "DashboardSeller", "ListingSeller", "OnboardingSeller", "OrderSeller", "ProfileSeller"),
    *("StoreSeller", "TierSeller"),
}


@pytest.fixture(scope="module")
def folder_with_ninth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the load with one file more."""
    folder = tmp_path_factory.mktemp("copy") / "locustfiles"
    shutil.copytree(ROOT / "locustfiles", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "window.py").write_text(NINTH)
    return folder


def _listed(folder: Path) -> set[str]:
    command = [LOCUST, "--list", "-f", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    return set(re.findall(r"^ +(\w+)$", done.stdout, re.MULTILINE))


def test_eight_workflows_are_eight_user_classes_and_there_is_one_to_be_named() -> None:
    assert _listed(ROOT / "locustfiles") == CLASSES | {"SessionHolder"}


def test_one_file_more_is_a_ninth_user_class(folder_with_ninth: Path) -> None:
    assert _listed(folder_with_ninth) == CLASSES | {"SessionHolder", "WindowSeller"}


@pytest.fixture
def sandbox_port(tmp_path: Path) -> Iterator[int]:
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--ready-file", str(ready), "--stop-after", "120s"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    until = time.monotonic() + PATIENCE_S
    while not (ready.exists() and ready.read_text().strip()) and time.monotonic() < until:
        time.sleep(0.05)
    yield int(re.findall(r"\d+", ready.read_text())[-1])
    process.terminate()
    process.wait(20)


def test_ninth_workflow_runs_beside_the_eight_and_is_recorded(
    folder_with_ninth: Path, sandbox_port: int, tmp_path: Path
) -> None:
    process = start_locust(
        tmp_path,
        sandbox_port,
        str(folder_with_ninth),
        ["-u", "9", "-r", "9", "-t", "4s", "--equal-weights"],
        timeout="10 s",
    )
    recorded = finish_locust(process, tmp_path)
    scope = {(each.workflow, each.step) for each in recorded.run.scope}
    assert len(scope) == 42
    assert {("window_shopping", "categories"), ("window_shopping", "criteria")} <= scope
    workflows = {sample.workflow for sample in recorded.samples if sample.kind == Kind.HTTP}
    assert workflows == {*WORKFLOWS, "window_shopping"}
    for step in ("categories", "criteria"):
        outcomes = {sample.outcome for sample in recorded.of(step)}
        assert Outcome.OK in outcomes
        assert outcomes <= {Outcome.OK, Outcome.ABORTED}  # the last one may be cut by the end
    done = [each for each in recorded.samples if each.kind == Kind.ITERATION and each.workflow == "window_shopping"]
    assert Outcome.OK in {each.outcome for each in done}
    assert recorded.sealed.problems == ()
