"""Which event each accepted request causes, and by what it is known: from the request and from its answer."""

import re
from typing import Any

import pytest

from locustfiles import _routes as routes
from locustfiles._calls import Call, Plan
from locustfiles._realtime import Cause, event_of, owed_after
from runlog.schema import Outcome

ID = "5f0c"


def call(method: str, route: str, body: Any = None) -> Call:
    plan = Plan("workflow", "step", method, route, subject=lambda *_: 0, says_step=False)
    return Call(plan, re.sub(r"{\w+}", ID, route), seller=7, iteration=3, body=body)


def caused(
    method: str, route: str, data: Any = None, *, body: Any = None, outcome: Outcome = Outcome.OK
) -> Cause | None:
    return owed_after(call(method, route, body), outcome, data)


MARKED = {"title": "Mentioned", "message": "You were mentioned: sg-r-1-7-3."}


@pytest.mark.parametrize(
    ("method", "route", "body", "data", "expected"),
    [
        ("POST", routes.NOTIFY, MARKED, None, Cause("notification", needles=(b"sg-r-1-7-3.",))),
        ("POST", routes.MESSAGES, {"content": "hi"}, {"id": 77}, Cause("new_message", needles=(b"77",))),
        ("POST", routes.EVALUATE, {}, None, Cause("tier_upgraded")),
        ("PUT", routes.SELLER, {}, None, Cause("cache_invalidation")),
        (
            "POST", routes.SELLER_LISTINGS, {}, {"id": ID},
            Cause("listing_updated", fields=(("listingId", ID), ("action", "created"))),
        ),
        (
            "PUT", routes.SELLER_LISTING, {}, None,
            Cause("listing_updated", fields=(("listingId", ID), ("action", "updated"))),
        ),
        (
            "DELETE", routes.SELLER_LISTING, None, None,
            Cause("listing_updated", fields=(("listingId", ID), ("action", "deleted"))),
        ),
        (
            "POST", routes.PROCESS, {}, None,
            Cause("order_status_changed", fields=(("orderId", ID), ("status", "processing"))),
        ),
        (
            "POST", routes.READY, {}, None,
            Cause("order_status_changed", fields=(("orderId", ID), ("status", "ready_to_ship"))),
        ),
        (
            "POST", routes.SHIP, {}, None,
            Cause("order_status_changed", fields=(("orderId", ID), ("status", "shipped"))),
        ),
    ],
)  # fmt: skip
def test_accepted_request_causes_its_event(method: str, route: str, body: Any, data: Any, expected: Cause) -> None:
    assert caused(method, route, data, body=body) == expected
    assert caused(method, route, data, body=body, outcome=Outcome.HTTP_ERROR) is None
    assert event_of(call(method, route)) == expected.event


@pytest.mark.parametrize(
    ("method", "route", "body"),
    [
        ("POST", routes.NOTIFY, {"message": "no mark of ours"}),
        ("POST", routes.MESSAGES, {"content": "hi"}),
        ("POST", routes.SELLER_LISTINGS, {}),
        ("POST", routes.BULK_STATUS, {}),
        ("GET", routes.SELLER, None),
    ],
)
def test_nothing_is_owed_that_could_not_be_known_again(method: str, route: str, body: Any) -> None:
    assert caused(method, route, None, body=body) is None


def test_query_is_no_part_of_an_id() -> None:
    asked = call("DELETE", routes.SELLER_LISTING)
    asked.url += "?a=/b"
    assert owed_after(asked, Outcome.OK, None) == Cause(
        "listing_updated", fields=(("listingId", ID), ("action", "deleted"))
    )
    assert event_of(call("GET", routes.SELLER)) is None
