"""Look, as a seller of the pool, whether sign-in works and what a run needs is there."""

import time
from collections.abc import Callable
from typing import Any, Final

import gevent

from locustfiles._checks import StepFailed, Throttled, accepted, expect, expect_list
from locustfiles._routes import CATEGORIES, ORDERS
from locustfiles._seller import Seller
from locustfiles._sending import Account

_ATTEMPTS: Final = 5
_PAUSE_S: Final = 0.1
_LISTED: Final = 100
"""The most orders one answer lists (contract.md 6.6)."""


def preflight(seller: Seller) -> dict[str, dict[str, Any]]:
    """Return what was found: sign-in, categories and paid orders; each with ok, detail and its figure.

    `seller` is the pool's first of order_management. Only reads follow the sign-in: nothing is made.
    """
    seller.account = Account(seller.load.pool_wallet(seller.workflow))
    # a 429 is the answer, not to be sat out: whoever asks wants to know now
    seller._back_off = _give_up  # type: ignore[assignment,method-assign]  # noqa: SLF001  # of this seller only
    began = time.perf_counter()
    sign_in = _looked(lambda: seller.sign_in(None, seller.account))
    signed_in = sign_in is None
    return {
        "sign_in": {
            "ok": signed_in,
            "detail": "signed in" if sign_in is None else sign_in,
            "ms": (time.perf_counter() - began) * 1000 if signed_in else None,
        },
        "categories": _counted(lambda: _categories(seller), "categories"),
        "orders": _counted(lambda: _orders(seller), "paid orders")
        if signed_in
        else {"ok": False, "detail": "not looked: sign-in failed", "count": None},
    }


def _give_up(_seconds: float) -> None:
    """Say that the server refused, where a seller of a run would wait for room."""
    raise Throttled("status 429")


def _looked(look: Callable[[], None]) -> str | None:
    """Return why a look failed, the last of several times; None when one did not.

    A target that errs now and then is to be measured, not turned away; one that refuses for its rate is not pressed.
    """
    why: str | None = None
    for attempt in range(_ATTEMPTS):
        if attempt:
            gevent.sleep(_PAUSE_S)
        try:
            look()
        except Throttled as refusal:
            return str(refusal)
        except StepFailed as failure:
            why = str(failure)
        else:
            return None
    return why


def _counted(count: Callable[[], int], what: str) -> dict[str, Any]:
    found: list[int] = []
    error = _looked(lambda: found.append(count()))
    if error is not None:
        return {"ok": False, "detail": error, "count": None}
    return {"ok": found[0] > 0, "detail": f"{found[0]} {what}", "count": found[0]}


def _categories(seller: Seller) -> int:
    with seller.step(None, "GET", CATEGORIES, unique=True) as answer:
        return len(expect_list(answer))


def _orders(seller: Seller) -> int:
    query = f"status=paid&limit={_LISTED}"
    with seller.step(None, "GET", ORDERS, query=query, unique=True, w=seller.w) as answer:
        if accepted(answer)["data"] is None:  # of a seller who is not there yet (contract.md 0.6)
            return 0
        return sum(1 for order in expect(answer).objects("orders") if order["status"] == "paid")
