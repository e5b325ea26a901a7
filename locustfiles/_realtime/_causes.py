"""Say which event a server owes a seller after an accepted request, and what it is known by."""

import re
from collections.abc import Callable, Mapping
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


_Known = tuple[tuple[bytes, ...], tuple[tuple[str, str], ...]]
_Rule = Callable[[Call, Mapping[str, Any]], _Known | None]
"""Says what an event is known by; None: by nothing, so that it could not be told whether it came."""


def event_of(call: Call) -> str | None:
    """Return the name of the event a request causes when it is accepted; None: it causes none."""
    caused = _CAUSED.get((call.method, call.route))
    return None if caused is None else caused[0]


def owed_after(call: Call, outcome: Outcome, data: Any) -> Cause | None:
    """Return what is owed after a request; `data` is what its answer is about, when that was parsed."""
    caused = _CAUSED.get((call.method, call.route))
    if caused is None or outcome is not Outcome.OK:
        return None
    event, rule = caused
    known = rule(call, data if isinstance(data, dict) else {})
    return None if known is None else Cause(event, *known)


def _mark(call: Call, _data: Mapping[str, Any]) -> _Known | None:
    mark = _MARK.search(str(call.body["message"]))
    return None if mark is None else ((mark[0].encode(),), ())


def _message(_call: Call, data: Mapping[str, Any]) -> _Known | None:
    return None if data.get("id") is None else ((str(data["id"]).encode(),), ())


def _only_one(_call: Call, _data: Mapping[str, Any]) -> _Known:
    return (), ()


def _created(_call: Call, data: Mapping[str, Any]) -> _Known | None:
    return None if data.get("id") is None else ((), (("listingId", str(data["id"])), ("action", "created")))


def _listing(action: str) -> _Rule:
    return lambda call, _data: ((), (("listingId", _last(call)), ("action", action)))


def _order(status: str) -> _Rule:
    return lambda call, _data: ((), (("orderId", _last(call, 2)), ("status", status)))


def _last(call: Call, place: int = 1) -> str:
    """Return the id in a request's path, counted from its end."""
    return call.url.partition("?")[0].split("/")[-place]


_CAUSED: Final[dict[tuple[str, str], tuple[str, _Rule]]] = {
    ("POST", routes.NOTIFY): ("notification", _mark),
    ("POST", routes.MESSAGES): ("new_message", _message),
    ("POST", routes.EVALUATE): ("tier_upgraded", _only_one),
    ("PUT", routes.SELLER): ("cache_invalidation", _only_one),
    ("POST", routes.SELLER_LISTINGS): ("listing_updated", _created),
    ("PUT", routes.SELLER_LISTING): ("listing_updated", _listing("updated")),
    ("DELETE", routes.SELLER_LISTING): ("listing_updated", _listing("deleted")),
    ("POST", routes.PROCESS): ("order_status_changed", _order("processing")),
    ("POST", routes.READY): ("order_status_changed", _order("ready_to_ship")),
    ("POST", routes.SHIP): ("order_status_changed", _order("shipped")),
}
"""Changing an order's status to what it is causes nothing, so BULK_STATUS, which repeats PROCESS, is not here."""
