"""Tell every exchange of a trial, whole and without its secrets, as one line of JSON."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from locust.env import Environment

from locustfiles._calls import Call
from locustfiles._checks import Answer
from locustfiles._load import Load
from locustfiles._seller import Seller
from runlog.redaction import redact
from runlog.schema import Kind, Outcome, Sample
from settings.target import Target

_HIDDEN: Final = "[hidden]"
_SCHEMES: Final = frozenset({"authorization", "proxy-authorization"})
"""Headers of which the scheme says something and the rest is a secret."""
_COOKIES: Final = frozenset({"cookie", "set-cookie"})
_SOCKETS: Final = frozenset({Kind.CONNECT, Kind.ACK, Kind.PUSH})
_READ_CHARACTERS: Final = 200_000
"""How much of a body is searched for secrets and shown; pages of the product are a tenth of that."""


class Teller:
    """Writes what happens, a line each; stands where a run has its recorder.

    Secrets are hidden by `redact`: the load told it those of the target and of its wallets.

    `process` decides which of a pool's sellers come: those of that process of a run.
    """

    def __init__(self, target: Target, process: int = 0) -> None:
        self.process = process
        self.unrecorded = 0
        self.problems: list[str] = []
        self.failures = self
        self.exchanges: list[Outcome] = []
        self.socket_rows = 0
        self._target = target

    def wants(self, *_: object) -> bool:
        """Return whether a failing exchange is to be kept apart: never, every one of them is told."""
        return False

    def add(self, sample: Sample) -> None:
        """Tell how long something took to be visible or told; requests are told whole by `exchange`."""
        if sample.kind is Kind.FRESHNESS or sample.kind in _SOCKETS:
            self.socket_rows += sample.kind in _SOCKETS
            self.say(
                sample.kind.value,
                step=sample.step,
                name=sample.route,
                outcome=sample.outcome,
                time_ms=sample.response_time_ms,
                error=sample.error,
            )

    def subject(self, *_: object) -> int:
        """Return a code for what requests are about: any will do."""
        return 0

    def put(self, *_: Any) -> None:
        """Take the sample of a request; `exchange` tells more of it."""

    def exchange(
        self,
        call: Call,
        answer: Answer | None,
        *,
        headers: Mapping[str, str],
        outcome: Outcome,
        time_ms: float | None,
        error: str | None,
    ) -> None:
        """Tell one request and what came back."""
        self.exchanges.append(outcome)
        self.say(
            "exchange",
            step=call.step,
            method=call.method,
            url=call.url,
            status=None if answer is None else answer.status,
            outcome=outcome,
            error=None if error is None else redact(error),
            expected=None if answer is None else answer.expected,
            connect_ms=call.connect_ms,
            wait_ms=call.wait_ms,
            total_ms=time_ms,
            request_bytes=call.request_bytes,
            response_bytes=None if answer is None else len(answer.body),
            request_headers=self._headers(headers.items()),
            request_body=None if call.body is None else self._body(orjson.dumps(call.body)),
            response_headers=None if answer is None else self._headers(answer.headers.items()),
            response_body=None if answer is None else self._body(answer.body),
        )

    def say(self, kind: str, **fields: Any) -> None:
        """Write one line of a kind."""
        self.write({"type": kind, **fields})

    def write(self, line: dict[str, Any]) -> None:
        """Write one line, at once: somebody is watching."""
        sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
        sys.stdout.buffer.flush()

    def _headers(self, headers: Iterable[tuple[str, str]]) -> dict[str, str]:
        return {name: self._header(name.lower(), str(value)) for name, value in headers}

    def _header(self, name: str, value: str) -> str:
        if name in _COOKIES:
            return _HIDDEN
        if name in _SCHEMES or name == self._target.basic_auth_header.lower():
            scheme, blank, _ = value.partition(" ")
            return f"{scheme} {_HIDDEN}" if blank else _HIDDEN
        return redact(value)

    def _body(self, body: bytes) -> str:
        """Return a body for people: JSON indented, text as it is, anything else by its size."""
        try:
            text = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
        except orjson.JSONDecodeError:
            try:
                text = body[:_READ_CHARACTERS].decode()
            except UnicodeDecodeError:
                return f"({len(body)} bytes that are no text)"
        return redact(text[:_READ_CHARACTERS])


def told(seller_class: type[Seller], teller: Teller) -> type[Seller]:
    """Return the workflow's own class, telling each request it makes; nothing else about it is changed."""

    class Told(seller_class):  # type: ignore[valid-type, misc]  # made for one trial from whatever class it is about
        _sent: Mapping[str, str]

        def _send(self, call: Call) -> Answer:
            self._sent = self.wire.headers(call)
            answer: Answer = super()._send(call)
            return answer

        def _record(
            self, call: Call, outcome: Outcome, time_ms: float | None, answer: Answer | None, error: str | None
        ) -> None:
            super()._record(call, outcome, time_ms, answer, error)
            teller.exchange(call, answer, headers=self._sent, outcome=outcome, time_ms=time_ms, error=error)

    return Told


def seat(seller_class: type[Seller], load: Load) -> Seller:
    """Return a seller of this load, without a runner that would set it to work."""
    environment: Any = Environment(host=load.target.url)
    environment.sellergate_load = load
    seller_class.host = load.target.url  # what a runner would do
    return seller_class(environment)
