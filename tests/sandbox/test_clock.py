"""Show a wrong clock everywhere the server tells the time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from sandbox.amounts import Window
from sandbox.faults import Fault
from tests.sandbox.conftest import M, new_seller

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import InProcess, Running


def _behind_s(told: datetime) -> float:
    return (told - datetime.now(UTC)).total_seconds()


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_date_header_is_sent_once_and_is_right_without_the_fault(start: Callable[..., Running]) -> None:
    client = start().client()
    client._connection.request("GET", "/health")
    answer = client._connection.getresponse()
    answer.read()
    dates = answer.headers.get_all("Date")
    client.close()
    assert len(dates) == 1
    assert abs(_behind_s(parsedate_to_datetime(dates[0]))) < 5


@pytest.mark.parametrize("deployed", [(), ("--as-deployed",)], ids=["ordinary", "as deployed"])
@pytest.mark.parametrize(("fault", "wrong_s"), [("clock=+10min", 600), ("clock=-90s", -90)])
def test_wrong_clock_shows_in_header_body_and_404(
    start: Callable[..., Running], deployed: tuple[str, ...], fault: str, wrong_s: int
) -> None:
    client = start("--fault", fault, *deployed).client()
    for path in ("/health", "/nothing"):
        client._connection.request("GET", path)
        answer = client._connection.getresponse()
        body = answer.read()
        (date,) = answer.headers.get_all("Date")
        assert abs(_behind_s(parsedate_to_datetime(date)) - wrong_s) < 5
        if answer.headers["Content-Type"].startswith("application/json"):
            document = json.loads(body)
            told = document.get("timestamp") or document["metadata"]["timestamp"]
            assert abs(_behind_s(_at(told)) - wrong_s) < 5
    client.close()


def test_wrong_clock_shows_in_envelopes_stamps_refusals_and_sign_in(inside: Callable[..., InProcess]) -> None:
    sandbox = inside(faults=(Fault("clock", duration_s=3600.0),))
    wallet, _, token = sandbox.user(1)
    made = sandbox("POST", f"{M}/seller/profile", {"walletAddress": wallet}, token=token).json
    refused = sandbox("POST", f"{M}/seller/profile", {}).json
    message = sandbox("POST", "/api/auth/nonce", {"walletAddress": "0x" + "0" * 40}).data["message"]
    issued = message.partition("Issued At: ")[2].partition("\n")[0]
    told = [made["metadata"]["timestamp"], made["data"]["createdAt"], refused["metadata"]["timestamp"], issued]
    assert all(abs(_behind_s(_at(text)) - 3600) < 5 for text in told)


def test_clock_is_wrong_only_in_its_window(inside: Callable[..., InProcess]) -> None:
    sandbox = inside(faults=(Fault("clock", Window(10, 20), duration_s=60.0),))
    chaos = sandbox.control.chaos
    told = {}
    for elapsed_s in (9.9, 10.0, 19.9, 20.0):
        chaos._clock = lambda at_s=elapsed_s: chaos._started_s + at_s
        date = sandbox("GET", f"{M}/listings/categories").headers["date"]
        told[elapsed_s] = round(_behind_s(parsedate_to_datetime(date)) / 60)
    assert told == {9.9: 0, 10.0: 1, 19.9: 1, 20.0: 0}


def test_orders_of_buyers_carry_the_wrong_clock(start: Callable[..., Running]) -> None:
    person = new_seller(start("--fault", "clock=+1h").address)
    person.listing()
    path = f"{M}/seller/orders/{person.wallet}"
    until = datetime.now(UTC) + timedelta(seconds=10)
    number = 0
    orders: list[dict[str, str]] = []
    while not orders and datetime.now(UTC) < until:
        number += 1
        orders = person.client.get(f"{path}?u={number}").data["orders"]
    person.client.close()
    assert abs(_behind_s(_at(orders[0]["createdAt"])) - 3600) < 15
