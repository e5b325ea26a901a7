import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gate.probe import Answer, ProbeError, ask
from gate.reading import Reading, health_value, monitor_value
from settings.target import HealthCheck, Monitor, Target, load_target

from .conftest import Site


@pytest.fixture
def target(site: Site, tmp_path: Path) -> Target:
    (tmp_path / "here.toml").write_text(f'format = 1\nurl = "{site.url}"\n')
    return load_target("here", environ={}, folder=tmp_path)


def test_answer_is_status_and_body(site: Site, target: Target) -> None:
    site.answer("/health", 503, b"down")
    assert ask(target, "/health") == Answer(503, b"down")


def test_every_question_is_unique_so_that_no_cache_answers(site: Site, target: Target) -> None:
    site.answer("/health")
    ask(target, "/health")
    ask(target, "/health?x=1")
    first, second = site.paths()
    assert first.startswith("/health?u=")
    assert second.startswith("/health?x=1&u=")
    assert first.rpartition("=")[2] != second.rpartition("=")[2]


def test_headers_of_the_target_are_sent(site: Site, target: Target) -> None:
    ask(replace(target, headers={"X-Env": "staging"}), "/", "POST")
    method, _path, headers = site.asked[0]
    assert (method, headers["X-Env"], headers["Content-Length"]) == ("POST", "staging", "0")


def test_redirect_on_a_listed_host_is_followed(site: Site, target: Target) -> None:
    site.answer("/old", 302, Location="/new")
    site.answer("/new", 200, b"here")
    assert ask(target, "/old") == Answer(200, b"here")


def test_redirect_to_an_unlisted_host_is_not_followed(site: Site, target: Target) -> None:
    site.answer("/old", 302, Location="http://evil.example/")
    with pytest.raises(ProbeError, match=r"not asked: host 'evil\.example' is not listed"):
        ask(target, "/old")


def test_redirect_to_what_ends_the_server_is_not_followed(site: Site, target: Target) -> None:
    site.answer("/old", 302, Location="/api/orders/1")
    with pytest.raises(ProbeError, match="must never be sent"):
        ask(target, "/old")
    assert [path.partition("?")[0] for path in site.paths()] == ["/old"]


def test_redirect_to_another_origin_leaves_the_headers_behind(site: Site, target: Target) -> None:
    site.answer("/old", 302, Location=site.url.replace("127.0.0.1", "localhost") + "/new")
    site.answer("/new", 200, b"here")
    assert ask(replace(target, headers={"Authorization": "Basic abc"}), "/old") == Answer(200, b"here")
    assert ["Authorization" in headers for _method, _path, headers in site.asked] == [True, False]


def test_redirect_on_the_same_origin_keeps_the_headers(site: Site, target: Target) -> None:
    site.answer("/old", 302, Location="/new")
    site.answer("/new", 200, b"here")
    ask(replace(target, headers={"Authorization": "Basic abc"}), "/old")
    assert ["Authorization" in headers for _method, _path, headers in site.asked] == [True, True]


def test_redirect_to_what_is_no_address_is_no_answer(site: Site, target: Target) -> None:
    site.answer("/old", 302, Location="http://[")
    with pytest.raises(ProbeError, match="redirected to what is no address"):
        ask(target, "/old")


def test_redirects_in_a_circle_end(site: Site, target: Target) -> None:
    site.answer("/a", 307, Location="/a")
    with pytest.raises(ProbeError, match="more than 3 redirects"):
        ask(target, "/a")
    assert len(site.asked) == 4


def test_huge_answer_is_refused(site: Site, target: Target) -> None:
    site.answer("/big", 200, b"x" * (1 << 20) + b"y")
    with pytest.raises(ProbeError, match="answer of more than 1048576 bytes"):
        ask(target, "/big")
    site.answer("/big", 200, b"x" * (1 << 20))
    assert len(ask(target, "/big").body) == 1 << 20


def test_nobody_listening_is_said(target: Target, nobody: str) -> None:
    with pytest.raises(ProbeError, match=r"^connection refused$"):
        ask(target, nobody)


@contextmanager
def speaking(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that says to one caller what `speak` says."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _address = server.accept()
            with connection:
                connection.recv(65536)
                speak(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def trickle(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(20):
        time.sleep(0.05)
        try:
            connection.sendall(b"x")
        except OSError:
            return


def trickle_head(connection: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10:
        time.sleep(0.05)
        try:
            connection.sendall(bytes([byte]))
        except OSError:
            return


def paint(connection: socket.socket) -> None:
    connection.sendall(b"\x1b[2Jverdict: PASS token=hunter2secret " + b"x" * 500 + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("speak", "error"),
    [
        pytest.param(trickle_head, "^no answer in time$", id="trickling-head"),
        pytest.param(paint, r"^BadStatusLine:  \[2Jverdict: PASS token=\[hidden\] x{1,99}$", id="paints-terminal"),
        pytest.param(lambda _connection: time.sleep(0.5), "no answer in time", id="silent"),
        pytest.param(trickle, "no answer in time", id="trickling"),
        pytest.param(lambda connection: connection.sendall(b"hello\r\n\r\n"), "BadStatusLine: hello", id="not-http"),
        pytest.param(lambda _connection: None, "Remote end closed connection without response", id="hangs-up"),
    ],
)
def test_server_that_does_not_answer_properly(
    target: Target, speak: Callable[[socket.socket], None], error: str
) -> None:
    with speaking(speak) as url:
        started_s = time.monotonic()
        with pytest.raises(ProbeError, match=error):
            ask(target, url, timeout_s=0.3)
        assert time.monotonic() - started_s < 0.9


def test_tls_is_verified(target: Target) -> None:
    with (
        speaking(lambda connection: connection.sendall(b"not TLS")) as url,
        pytest.raises(ProbeError, match=r"record layer failure|wrong version number|WRONG_VERSION_NUMBER|SSL"),
    ):
        ask(target, url.replace("http:", "https:"), timeout_s=1.0)


JSON = Monitor("memory", "/m", "json", ("data.current.0.usage",), None, scale=0.01)
TEXT = Monitor("cpu", "/m", "prometheus", (), "cpu_percent", scale=0.01)
LABELLED = Monitor("cpu", "/m", "prometheus", (), "cpu_percent", {"job": "api"})


@pytest.mark.parametrize(
    ("monitor", "body", "value"),
    [
        pytest.param(JSON, b'{"data": {"current": [{"usage": 84.5}]}}', 0.845, id="json"),
        pytest.param(JSON, b'{"data": {"current": [{"usage": 0}]}}', 0.0, id="json-zero"),
        pytest.param(TEXT, b"# TYPE cpu_percent gauge\ncpu_percent 50\n", 0.5, id="prometheus"),
        pytest.param(
            LABELLED, b'cpu_percent{job="web"} 1\ncpu_percent{job="api",pod="a"} 2\n', 2.0, id="prometheus-labels"
        ),
        pytest.param(replace(TEXT, metric="seen_total"), b"# TYPE seen counter\nseen_total 3\n", 0.03, id="counter"),
    ],
)
def test_figure_is_found_and_scaled(monitor: Monitor, body: bytes, value: float) -> None:
    assert monitor_value(monitor, Answer(200, body)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("monitor", "answer", "error"),
    [
        pytest.param(JSON, Answer(503, b"{}"), "answered 503", id="status"),
        pytest.param(JSON, Answer(200, b"<html>"), "answer is not JSON", id="not-json"),
        pytest.param(JSON, Answer(200, b"\xff"), "answer is not JSON", id="not-text"),
        pytest.param(JSON, Answer(200, b'{"data": {}}'), "answer has no data.current.0.usage", id="no-key"),
        pytest.param(
            JSON, Answer(200, b'{"data": {"current": []}}'), "answer has no data.current.0.usage", id="no-item"
        ),
        pytest.param(JSON, Answer(200, b"3"), "answer has no data.current.0.usage", id="not-a-table"),
        pytest.param(
            JSON, Answer(200, b'{"data": {"current": [{"usage": "84"}]}}'), "usage is not a number", id="text-number"
        ),
        pytest.param(JSON, Answer(200, b'{"data": {"current": [{"usage": true}]}}'), "is not a number", id="bool"),
        pytest.param(JSON, Answer(200, b'{"data": {"current": [{"usage": NaN}]}}'), "answer is not JSON", id="nan"),
        pytest.param(JSON, Answer(200, b"[" * 100_000), "answer is not JSON", id="too-deep"),
        pytest.param(
            JSON,
            Answer(200, b'{"data": {"current": [{"usage": 1%s}]}}' % (b"0" * 400)),
            "answer is not JSON",
            id="too-large",
        ),
        pytest.param(TEXT, Answer(200, b"memory 1\n"), "answer has no cpu_percent", id="no-metric"),
        pytest.param(TEXT, Answer(200, b"cpu_percent NaN\n"), "cpu_percent is nan", id="prometheus-nan"),
        pytest.param(TEXT, Answer(200, b"cpu_percent +Inf\n"), "cpu_percent is inf", id="prometheus-inf"),
        pytest.param(TEXT, Answer(200, b"<html> x y z\n"), "answer is not Prometheus text", id="not-prometheus"),
        pytest.param(TEXT, Answer(200, b"\xff\n"), "answer is not Prometheus text", id="not-utf-8"),
        pytest.param(
            TEXT,
            Answer(200, b'cpu_percent{a="1"} 1\ncpu_percent{a="2"} 2\n'),
            "2 series are called cpu_percent; name labels",
            id="ambiguous",
        ),
    ],
)
def test_answer_without_the_figure_says_why(monitor: Monitor, answer: Answer, error: str) -> None:
    with pytest.raises(ProbeError, match=error):
        monitor_value(monitor, answer)


COUNTERS = Monitor("cpu", "/m", "json", ("cpu.user", "cpu.system"), None, scale=1e-6, counters=True)


def counted(at_s: float, user_us: int, system_us: int) -> Answer:
    body = f'{{"cpu": {{"user": {user_us}, "system": {system_us}}}}}'
    return Answer(200, body.encode(), at_s, at_s)


def test_figures_of_several_paths_are_added() -> None:
    assert monitor_value(COUNTERS, counted(0, 1_500_000, 500_000)) == pytest.approx(2.0)
    with pytest.raises(ProbeError, match=r"answer has no cpu\.system"):
        monitor_value(COUNTERS, Answer(200, b'{"cpu": {"user": 1}}'))


def test_counters_are_what_they_grew_by_a_second() -> None:
    reading = Reading(COUNTERS)
    assert reading.value(counted(100.0, 1_000_000, 0)) is None  # one answer alone tells nothing
    # 1.5 s of user and 0.5 s of system time in 4 s: half a core
    assert reading.value(counted(104.0, 2_500_000, 500_000)) == pytest.approx(0.5)


def test_counters_that_the_server_looks_at_once_a_minute_are_not_0_and_then_double() -> None:
    reading = Reading(COUNTERS)
    reading.value(counted(0.0, 0, 0))
    assert reading.value(counted(60.0, 0, 0)) is None  # the same look as before
    # 96 s of work in the 120 s since the look that was different
    assert reading.value(counted(120.0, 96_000_000, 0)) == pytest.approx(0.8)


def test_server_that_began_again_has_no_figure_until_it_can_be_told() -> None:
    reading = Reading(COUNTERS)
    reading.value(counted(100.0, 9_000_000, 0))
    with pytest.raises(ProbeError, match="counters went back: the server began again"):
        reading.value(counted(102.0, 1_000_000, 0))
    assert reading.value(counted(104.0, 3_000_000, 0)) == pytest.approx(1.0)


def test_answer_that_failed_is_left_out_of_the_difference() -> None:
    reading = Reading(COUNTERS)
    reading.value(counted(100.0, 0, 0))
    with pytest.raises(ProbeError, match="answered 503"):
        reading.value(Answer(503, b"", 102.0, 102.0))
    assert reading.value(counted(104.0, 4_000_000, 0)) == pytest.approx(1.0)


def test_two_answers_at_one_moment_have_no_difference() -> None:
    reading = Reading(COUNTERS)
    reading.value(counted(100.0, 0, 0))
    with pytest.raises(ProbeError, match="two answers at one moment"):
        reading.value(counted(100.0, 4_000_000, 0))


CONNECTED = HealthCheck("/health", field="database.connected", value=True)


@pytest.mark.parametrize(
    ("check", "body", "error"),
    [
        pytest.param(CONNECTED, b'{"database": {"connected": true}}', None, id="up"),
        pytest.param(
            CONNECTED,
            b'{"status": "ok", "database": {"connected": false}}',
            "^database.connected is false, expected true$",
            id="down with 200",
        ),
        pytest.param(CONNECTED, b'{"database": {"connected": 1}}', "is 1, expected true", id="one is not true"),
        pytest.param(CONNECTED, b'{"database": {"connected": "true"}}', 'is "true", expected true', id="text"),
        pytest.param(CONNECTED, b'{"database": null}', "answer has no database.connected", id="missing"),
        pytest.param(CONNECTED, b"<html>", "answer is not JSON", id="page"),
        pytest.param(CONNECTED, b'{"database": {"connected": "' + b"x" * 99 + b'"}}', 'is "x{39}, exp', id="long"),
        pytest.param(replace(CONNECTED, value=1.0), b'{"database": {"connected": true}}', "is true, exp", id="not one"),
        pytest.param(replace(CONNECTED, value=1.0), b'{"database": {"connected": 1}}', None, id="number"),
        pytest.param(replace(CONNECTED, value=None), b'{"database": {"connected": null}}', None, id="null"),
        pytest.param(replace(CONNECTED, value="yes"), b'{"database": {"connected": "yes"}}', None, id="word"),
    ],
)
def test_part_is_up_when_its_body_says_so(check: HealthCheck, body: bytes, error: str | None) -> None:
    if error is None:
        assert health_value(check, Answer(200, body)) == 1.0
        return
    with pytest.raises(ProbeError, match=error):
        health_value(check, Answer(200, body))


@pytest.mark.parametrize(
    ("check", "status", "error"),
    [
        pytest.param(HealthCheck("/h"), 200, None, id="up"),
        pytest.param(HealthCheck("/h"), 299, None, id="any-2xx"),
        pytest.param(HealthCheck("/h"), 300, "answered 300, expected 2xx", id="just-above-2xx"),
        pytest.param(HealthCheck("/h"), 199, "answered 199, expected 2xx", id="just-below-2xx"),
        pytest.param(HealthCheck("/h"), 503, "answered 503, expected 2xx", id="down"),
        pytest.param(HealthCheck("/h", "POST", 400), 400, None, id="wanted-refusal"),
        pytest.param(HealthCheck("/h", "POST", 400), 200, "answered 200, expected 400", id="unwanted-success"),
    ],
)
def test_part_is_up_when_it_answers_as_it_should(check: HealthCheck, status: int, error: str | None) -> None:
    if error is None:
        assert health_value(check, Answer(status, b"")) == 1.0
        return
    with pytest.raises(ProbeError, match=error):
        health_value(check, Answer(status, b""))
