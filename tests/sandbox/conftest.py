"""Start real sandboxes as processes and talk to them as sellers do."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from sandbox.call import Caller
from sandbox.options import Options
from sandbox.server import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sandbox.socket_client import Socket

M = "/api/marketplace"
NOBODY = "00000000-0000-4000-8000-000000000000"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


class Client:
    """One keep-alive connection; requests may carry a token and a step."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        self.token = ""

    def __call__(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | bytes | None = None,
        **headers: str,
    ) -> Answer:
        sent = {"User-Agent": "sandbox-tests/1", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token}"
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        if isinstance(body, dict):
            sent.setdefault("Content-Type", "application/json")
        self._connection.request(method, path, content, sent)
        response = self._connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def get(self, path: str, **headers: str) -> Answer:
        return self("GET", path, **headers)

    def post(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> Answer:
        return self("POST", path, {} if body is None else body, **headers)

    def put(self, path: str, body: dict[str, Any], **headers: str) -> Answer:
        return self("PUT", path, body, **headers)

    def close(self) -> None:
        self._connection.close()


@dataclass(slots=True)
class Person:
    """A signed-in wallet with its client."""

    wallet: str
    uid: str
    client: Client
    tokens: dict[str, Any] = field(default_factory=dict)

    def listing(self, **fields: object) -> Answer:
        body = {
            "walletAddress": self.wallet,
            "title": "Oak stool",
            "description": "Three legs, hand made",
            "price": "0.05",
            "currency": "ETH",
            "categoryId": "home",
        }
        return self.client.post(f"{M}/seller/listings", body | fields)

    def onboard(self) -> None:
        for step in ("profile-setup", "business-info", "verification", "first-listing", "payout-setup"):
            answer = self.client.put(f"{M}/seller/onboarding/{self.wallet}/{step}", {"completed": True, "data": {}})
            assert answer.status == 200


def sign_in(client: Client) -> Person:
    account = Account.create()
    text = client.post("/api/auth/nonce", {"walletAddress": account.address}).data["message"]
    signature = "0x" + account.sign_message(encode_defunct(text=text)).signature.hex().removeprefix("0x")
    body = {"walletAddress": account.address, "signature": signature, "message": text}
    answer = client.post("/api/auth/wallet-connect", body)
    assert answer.status == 200, answer.body
    client.token = answer.data["token"]
    return Person(
        account.address.lower(), answer.data["user"]["id"], client, answer.data | {"address": account.address}
    )


def new_seller(address: str) -> Person:
    person = sign_in(Client(address))
    body = {"walletAddress": person.wallet, "storeName": "Oak and Ash"}
    assert person.client.post(f"{M}/seller/profile", body).status == 201
    return person


class Running:
    """A sandbox process; stopped by whoever started it."""

    def __init__(self, *arguments: str, wait: bool = True) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--stop-after", "5min", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "error"},
        )
        self.address = ""
        if wait:
            assert self.process.stdout is not None
            line = self.process.stdout.readline()
            assert line.startswith("sandbox listening on http://"), line or self.process.communicate()[1]
            self.address = line.split()[-1]
        self.started_s = time.monotonic()

    def client(self) -> Client:
        return Client(self.address)

    def truth(self) -> dict[str, Any]:
        client = self.client()
        try:
            truth: dict[str, Any] = client.get("/_sandbox/truth").json
        finally:
            client.close()
        return truth

    def events(self) -> list[dict[str, Any]]:
        """Return every record of the journal."""
        asked = self.client()
        found: list[dict[str, Any]] = []
        try:
            after: int | None = 0
            while after is not None:
                page = asked.get(f"/_sandbox/events?after={after}").json
                found += page["events"]
                after = page["next"]
        finally:
            asked.close()
        return found

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        return self.process.returncode


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    running = Running()
    yield running
    assert running.stop() == 0


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Start a sandbox of its own with the arguments given; all are stopped at the end of the test."""
    started: list[Running] = []

    def begin(*arguments: str, wait: bool = True) -> Running:
        started.append(Running(*arguments, wait=wait))
        return started[-1]

    yield begin
    for running in started:
        running.stop()


@pytest.fixture
def client(sandbox: Running) -> Iterator[Client]:
    made = sandbox.client()
    yield made
    made.close()


@pytest.fixture
def seller(sandbox: Running) -> Iterator[Person]:
    person = new_seller(sandbox.address)
    yield person
    person.client.close()


@pytest.fixture
def other(sandbox: Running) -> Iterator[Person]:
    person = new_seller(sandbox.address)
    yield person
    person.client.close()


class InProcess:
    """A sandbox without a socket: requests go straight into the ASGI application."""

    def __init__(self, options: Options | None = None, **settings: Any) -> None:
        self.control, self.app = build(options or Options(**settings))
        self._runner = asyncio.Runner()

    def __call__(
        self, method: str, path: str, body: object = None, *, token: str = "", headers: dict[str, str] | None = None
    ) -> Answer:
        return self._runner.run(self.ask(method, path, body, token=token, headers=headers))

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str = "", headers: dict[str, str] | None = None
    ) -> Answer:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"host": "sandbox", "content-length": str(len(content)), **(headers or {})}
        if token:
            sent["authorization"] = f"Bearer {token}"
        place, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": place,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "client": ("127.0.0.1", 1),
        }
        messages = [{"type": "http.request", "body": content, "more_body": False}]
        got: list[Any] = []

        async def receive() -> Any:
            return messages.pop() if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            got.append(message)

        await self.app(scope, receive, send)
        headers_got = {name.decode(): value.decode() for name, value in got[0]["headers"]}
        return Answer(got[0]["status"], headers_got, got[1]["body"])

    def user(self, number: int) -> tuple[str, str, str]:
        """Register a wallet without signing in; returns wallet, user id and token."""
        wallet, uid = f"0x{number:040x}", str(uuid.UUID(int=number, version=4))
        self.control.shop.db.write("INSERT INTO users VALUES (?, ?, ?, ?)", uid, wallet, f"user_{number}", 0)
        return wallet, uid, self.control.shop.tokens.access(Caller(wallet, uid, f"session-{number}"))

    def close(self) -> None:
        self._runner.close()
        self.control.shop.images.close()
        self.control.shop.db.close()


@pytest.fixture
def inside() -> Iterator[Callable[..., InProcess]]:
    """Build sandboxes without sockets; all are closed at the end of the test."""
    built: list[InProcess] = []

    def begin(**settings: Any) -> InProcess:
        built.append(InProcess(**settings))
        return built[-1]

    yield begin
    for sandbox in built:
        sandbox.close()


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Staging:
    """A sandbox as deployed with two sellers, each with a profile, and a clock for both layers."""

    def __init__(self, sandbox: InProcess) -> None:
        self.sandbox = sandbox
        self.people = [sandbox.user(number) for number in (1, 2)]
        self.clock, self.monitor_clock = Clock(), Clock()
        pipeline: Any = self.sandbox.app._pipeline
        for keep in (pipeline._layers.outer, pipeline._layers.inner):
            keep.__init__(self.clock)
        match: Any = self.sandbox.app._router.find("GET", "/api/monitoring/dashboard")
        match.route.handler.__self__._clock = self.monitor_clock
        for who in (0, 1):
            body = {"walletAddress": self.wallet(who), "storeName": f"Shop {who}"}
            assert self.ask("POST", f"{M}/seller/profile", body, who=who).status == 201

    def wallet(self, who: int) -> str:
        return self.people[who][0]

    def ask(self, method: str, path: str, body: object = None, *, who: int | None = 0, **headers: str) -> Answer:
        token = "" if who is None else self.people[who][2]
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.sandbox(method, path, body, token=token, headers=names)

    def get(self, path: str, *, who: int | None = 0, **headers: str) -> Answer:
        return self.ask("GET", path, who=who, **headers)

    def truth(self) -> dict[str, Any]:
        truth: dict[str, Any] = self.get("/_sandbox/truth", who=None).json
        return truth

    def listing(self, who: int = 0, **fields: object) -> str:
        body = {"walletAddress": self.wallet(who), "title": "Oak stool", "description": "Three legs", "price": "2"}
        answer = self.ask("POST", f"{M}/seller/listings", body | {"categoryId": "home"} | fields, who=who)
        assert answer.status == 201
        return str(answer.data["id"])

    def notify(self, who: int = 0, title: str = "Hi") -> None:
        body = {"title": title, "message": "There", "type": "mention"}
        assert self.ask("POST", "/api/user-notifications", body, who=who).status == 201


@pytest.fixture
def staging(inside: Callable[..., InProcess]) -> Staging:
    return Staging(inside(as_deployed=True))


@pytest.fixture
def online() -> Iterator[Callable[..., Socket]]:
    """Open sessions; those still open at the end of the test are closed."""
    from tests.sandbox.socket_client import Socket  # noqa: PLC0415 - the bench, which takes this file alone, has none

    opened: list[Socket] = []

    def begin(address: str, wallet: str | None = None, **how: Any) -> Socket:
        opened.append(Socket(address, **how))
        assert opened[-1].next()[0] == "server_info"
        if wallet is not None:
            opened[-1].authenticate(wallet)
        return opened[-1]

    yield begin
    for session in opened:
        session.close()
