"""Give the gate's tests a target that listens, one that does not, and a run that reached nobody."""

import http.server
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gate.cli import main


@dataclass
class Site:
    """A tiny target: answers by path, and remembers what it was asked."""

    url: str = ""
    answers: dict[str, tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)  # their addresses
    skew_s: float = 0.0  # of its clock
    at_first: dict[str, list[int]] = field(default_factory=dict)  # statuses before the answer, by path

    def answer(self, path: str, status: int = 200, body: bytes = b"{}", **headers: str) -> None:
        self.answers[path] = (status, body, headers)

    def paths(self) -> list[str]:
        return [path for _method, path, _headers in self.asked]


def _handler(site: Site) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def _reply(self) -> None:
            site.asked.append((self.command, self.path, dict(self.headers)))
            site.callers.append(self.client_address[0])
            path = self.path.partition("?")[0]
            status, body, headers = site.answers.get(path, (404, b"", {}))
            status = site.at_first[path].pop(0) if site.at_first.get(path) else status
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _reply  # noqa: N815 - http.server's names

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(time.time() + site.skew_s if timestamp is None else timestamp)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    return Handler


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_arguments: object) -> None:
        """Say nothing of callers who refuse our certificate."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None, name: str = "127.0.0.1") -> Iterator[Site]:
    """A target on a free port of loopback while the block lasts, with TLS where a context is given."""
    found = Site()
    server = _Server(("127.0.0.1", 0), _handler(found))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    found.url = f"{'http' if tls is None else 'https'}://{name}:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    """A target on a free port, gone after the test."""
    with serving() as found:
        yield found


@pytest.fixture(scope="session")
def nobody() -> Iterator[str]:
    """An address where nobody listens, and nobody else can while the tests run."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


FOUND: dict[str, dict[str, Any]] = {
    "sign_in": {"ok": True, "detail": "signed in", "ms": 12.5},
    "categories": {"ok": True, "detail": "42 categories", "count": 42},
    "orders": {"ok": True, "detail": "7 paid orders", "count": 7},
}
"""What the process that plays a seller says when all is well."""


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a program in place of the process that plays a seller: it says what it is told to, or runs other code."""

    def stand_in(code: str | None = None, **parts: dict[str, Any]) -> None:
        said = f"print({json.dumps(json.dumps(FOUND | parts))})"
        monkeypatch.setattr("gate.preflight.trial.TRIAL", (sys.executable, "-c", code or said))

    return stand_in


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("DEPLOYMENT_ENV", "BACKEND_URL", "WS_URL", "FRONTEND_URL", "ROLLBACK_ENABLED", "HEALTH_CHECK_TIMEOUT")
    limits = ("RESPONSE_TIME_THRESHOLD", "ERROR_RATE_THRESHOLD", "THROUGHPUT_THRESHOLD")
    for name in (*names, *limits):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def unreached(tmp_path_factory: pytest.TempPathFactory, nobody: str) -> Path:
    """The directory of a judged run whose target did not answer."""
    reports = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKEND_URL", nobody)
        patch.setattr("gate.run.PATIENCE_S", 0.1)
        assert main(["run", "--reports", str(reports), "--stage", "post"]) == 3
    return (reports / "latest").resolve()
