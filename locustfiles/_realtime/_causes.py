"""Say which event a server owes a seller after an accepted request, and what it is known by."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from locustfiles import _routes as routes
from locustfiles._calls import Call
from runlog.schema import Outcome

_MARK: Final = re.compile(r"sg-\S+")
"""What our notifications carry to be found again."""


@dataclass(frozen=True, slots=True)
class Cause:
    """An event one request causes."""

    event: str
    needles: tuple[bytes, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


_Rule = Callable[[Call, Mapping[str, Any]], Iterator[Cause]]


def owed_after(call: Call, outcome: Outcome, data: Any) -> Iterator[Cause]:
    """Return what is owed after a request; `data` is what its answer is about, when that was parsed."""
    rule = _RULES.get((call.method, call.route))
    if rule is not None and outcome is Outcome.OK:
        yield from rule(call, data if isinstance(data, dict) else {})


def _notification(call: Call, _data: Mapping[str, Any]) -> Iterator[Cause]:
    mark = _MARK.search(str(call.body["message"]))
    if mark is not None:
        yield Cause("notification", needles=(mark[0].encode(),))


def _message(_call: Call, data: Mapping[str, Any]) -> Iterator[Cause]:
    if data.get("id") is not None:
        yield Cause("new_message", needles=(str(data["id"]).encode(),))


def _tier(_call: Call, _data: Mapping[str, Any]) -> Iterator[Cause]:
    yield Cause("tier_upgraded")


def _profile(_call: Call, _data: Mapping[str, Any]) -> Iterator[Cause]:
    yield Cause("cache_invalidation")


def _created(_call: Call, data: Mapping[str, Any]) -> Iterator[Cause]:
    if data.get("id") is not None:
        yield Cause("listing_updated", fields=(("listingId", str(data["id"])), ("action", "created")))


def _listing(action: str) -> _Rule:
    def rule(call: Call, _data: Mapping[str, Any]) -> Iterator[Cause]:
        yield Cause("listing_updated", fields=(("listingId", _last(call)), ("action", action)))

    return rule


def _order(status: str) -> _Rule:
    def rule(call: Call, _data: Mapping[str, Any]) -> Iterator[Cause]:
        yield Cause("order_status_changed", fields=(("orderId", _last(call, 2)), ("status", status)))

    return rule


def _last(call: Call, place: int = 1) -> str:
    """Return the id in a request's path, counted from its end."""
    return call.url.partition("?")[0].split("/")[-place]


_RULES: Final[dict[tuple[str, str], _Rule]] = {
    ("POST", routes.NOTIFY): _notification,
    ("POST", routes.MESSAGES): _message,
    ("POST", routes.EVALUATE): _tier,
    ("PUT", routes.SELLER): _profile,
    ("POST", routes.SELLER_LISTINGS): _created,
    ("PUT", routes.SELLER_LISTING): _listing("updated"),
    ("DELETE", routes.SELLER_LISTING): _listing("deleted"),
    ("POST", routes.PROCESS): _order("processing"),
    ("POST", routes.READY): _order("ready_to_ship"),
    ("POST", routes.SHIP): _order("shipped"),
}
"""Changing an order's status to what it is causes nothing, so BULK_STATUS, which repeats PROCESS, is not here."""
