"""Let all eight workflows work for a long time at no speed limit, against answers whose ids are traps.

Real user classes and the real `step`; only the wire is replaced, by the sandbox's application in this process. Prints
one JSON object: how many requests there were, and every method and path with ids cut out.

    python everything.py REQUESTS SEED TRAPPED_RATIO
"""

import json
import random
import re
import sys
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import gevent
from locust.env import Environment

from locustfiles import _seller, _sending, _waiting, order_management
from locustfiles._checks import Answer
from locustfiles._load import Load
from locustfiles._routes import UPLOAD
from locustfiles._seller import Seller
from locustfiles.analytics import AnalyticsSeller
from locustfiles.dashboard import DashboardSeller
from locustfiles.listing import ListingSeller
from locustfiles.onboarding import OnboardingSeller
from locustfiles.order_management import OrderSeller
from locustfiles.profile_management import ProfileSeller
from locustfiles.store import StoreSeller
from locustfiles.tier_upgrade import TierSeller
from sandbox.buyer import Buyers
from sandbox.options import Options
from sandbox.server import build
from settings.target import load_target

CLASSES: tuple[type[Seller], ...] = (
    AnalyticsSeller,
    DashboardSeller,
    ListingSeller,
    OnboardingSeller,
    OrderSeller,
    ProfileSeller,
    StoreSeller,
    TierSeller,
)
TRAPS = (
    "../../../orders/1",
    "..",
    "..%2f..%2fapi%2forders",
    "%2e%2e",
    "1/../../orders",
    "orders",
    "registration",
    "x?y=/api/orders",
    "x#/api/orders",
    "x;/api/orders",
    "\\..\\orders",
    "",
    " ",
    "a" * 81,
    "é",
    "\u2025/orders",
    "1\r\nGET /api/orders/1 HTTP/1.1",
)
PICTURE = {"id": "1", "cdnUrl": "https://img.example/1", "thumbnails": {"small": "s", "medium": "m", "large": "l"}}
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|0x[0-9a-fA-F]{40}|(?<=/)\d+(?=/)")


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = time.time()

    def time(self) -> float:
        return self.now_s

    def perf_counter(self) -> float:
        return self.now_s

    def sleep(self, seconds: float = 0.0) -> None:
        self.now_s += max(seconds, 0.001)


class Wire:
    """The sandbox's application in place of a socket; some ids it gives are traps."""

    def __init__(self, seed: int, trapped_ratio: float) -> None:
        self.trapped_ratio = 0.0  # until all have arrived: one whose own id is a trap would never get anywhere
        self._trapped_ratio_later = trapped_ratio
        self.control, self._app = build(Options(seed=seed))
        self._rng = random.Random(seed)
        self.buyers = Buyers(self.control.shop)
        self.sent: Counter[str] = Counter()

    def set_traps(self) -> None:
        self.trapped_ratio = self._trapped_ratio_later

    def ask(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        self.sent[f"{method} {_ID.sub('ID', url.partition('?')[0])}"] += 1
        path, _, query = url.partition("?")
        if path == UPLOAD:  # the sandbox decodes pictures in a thread, and here is nobody to wait for one
            return Answer(201, {}, json.dumps({"success": True, "data": PICTURE}).encode())
        names = {"host": "sandbox", "content-length": str(len(body)), "content-type": "application/json", **headers}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in names.items()],
            "client": ("127.0.0.1", 1),
        }
        inbox = [{"type": "http.request", "body": body, "more_body": False}]
        got: list[Any] = []

        async def receive() -> Any:
            return inbox.pop() if inbox else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            got.append(message)

        running = self._app(scope, receive, send)
        try:
            running.send(None)
        except StopIteration:
            pass
        else:
            raise RuntimeError("the sandbox waits for something, and nobody here lets time pass")
        content = got[1]["body"]
        if self._rng.random() < self.trapped_ratio and content.startswith(b"{"):
            content = json.dumps(self._trapped(json.loads(content))).encode()
        return Answer(got[0]["status"], {name.decode(): value.decode() for name, value in got[0]["headers"]}, content)

    def _trapped(self, value: Any) -> Any:
        """Return an answer with some of its ids replaced."""
        if isinstance(value, dict):
            return {
                name: self._rng.choice(TRAPS)
                if name in ("id", "orderId", "cdnUrl") and isinstance(each, str) and self._rng.random() < 0.5
                else self._trapped(each)
                for name, each in value.items()
            }
        return [self._trapped(each) for each in value] if isinstance(value, list) else value


class Recorder:
    """Forgets every sample; keeps what went wrong with our own code."""

    process = 0
    unrecorded = 0

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.failures = SimpleNamespace(wants=lambda *_: False)
        self.outcomes: Counter[str] = Counter()

    def subject(self, kind: str, *_about: Any) -> str:
        return kind

    def put(self, *row: Any) -> None:
        if row[0] == "http":
            self.outcomes[row[7]] += 1

    def __getattr__(self, _name: str) -> Any:
        return lambda *_arguments, **_named: None


def main() -> None:
    requests, seed = int(sys.argv[1]), int(sys.argv[2])
    wire, clock, recorder = Wire(seed, float(sys.argv[3])), Clock(), Recorder()
    for module in (_sending, _seller, _waiting, order_management):
        module.time = clock  # type: ignore[assignment]
    gevent.sleep = clock.sleep
    Seller.go_online = lambda _self: None  # type: ignore[method-assign]  # this is about routes; no socket is there
    Seller.told = lambda _self, _event: None  # type: ignore[assignment, method-assign, return-value]
    target = load_target("sandbox", environ={})
    environment = Environment(user_classes=list(CLASSES), host=target.url)
    for user_class in CLASSES:
        user_class.host = target.url
    environment.sellergate_load = Load(
        target=target,
        run_id=f"day{seed}",
        seed=seed,
        think_ratio=0.0,
        recorder=recorder,  # type: ignore[arg-type]
    )

    class Straight:
        """Asks the server in this process, and tells Locust's statistics nothing."""

        def __init__(self, user: Any, _way: Any) -> None:
            self.user = user

        def send(self, call: Any) -> Answer:
            call.sent, call.sent_at_s = True, clock.time()
            body = call.upload[0] if call.upload else b"" if call.body is None else json.dumps(call.body).encode()
            return wire.ask(call.method, call.url, self.user.headers(call), body)

        def tell(self, *_: Any) -> None:
            pass

    _sending.OwnWire = Straight  # type: ignore[assignment, misc]
    sellers = [user_class(environment) for user_class in CLASSES]
    for seller in sellers:
        seller.on_start()
    wire.set_traps()
    while sum(wire.sent.values()) < requests:
        for seller in sellers:
            wire.buyers.go_round()
            seller.iterate()
    result = {"sent": wire.sent, "problems": recorder.problems, "outcomes": recorder.outcomes}
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
