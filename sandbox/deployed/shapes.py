"""Wrap handlers in the checks and shapes the deployment has in place of the intended ones."""

from dataclasses import replace
from typing import Any

from sandbox.call import Call
from sandbox.envelopes import RefusalError, Reply
from sandbox.routing import Handler
from sandbox.shop import Shop

NOT_FOUND = 404
FORBIDDEN = 403


def csrf(handler: Handler) -> Handler:
    """Ask for nothing but an Authorization header that begins with Bearer, valid or not (contract 2.3)."""

    def guarded(shop: Shop, call: Call) -> Reply:
        if not call.authorization.startswith("Bearer "):
            raise RefusalError(401, "CSRF_VALIDATION_FAILED", "CSRF validation failed: no session")
        return _now(handler(shop, call))

    return guarded


def null_for_missing(handler: Handler) -> Handler:
    """Say 200 with no data where something is not found (contract 0.6)."""

    def forgiving(shop: Shop, call: Call) -> Reply:
        try:
            return _now(handler(shop, call))
        except RefusalError as refusal:
            if refusal.status != NOT_FOUND:
                raise
            return Reply(None)

    return forgiving


def broken_for_strangers(handler: Handler) -> Handler:
    """Break with 500 where somebody else's property should be refused (contract 6.6)."""

    def clumsy(shop: Shop, call: Call) -> Reply:
        try:
            return _now(handler(shop, call))
        except RefusalError as refusal:
            if refusal.status != FORBIDDEN:
                raise
            raise RefusalError(500, "ORDER_MESSAGES_ERROR", "Failed to access order messages") from refusal

    return clumsy


def hiding(handler: Handler, *names: str) -> Handler:
    """Leave out of the data what only the intended answer has, such as whose it is."""
    return lambda shop, call: without(_now(handler(shop, call)), *names)


def constant(data: object) -> Handler:
    """Say always the same."""
    return lambda _shop, _call: Reply(data)


def refusing(status: int, code: str, message: str) -> Handler:
    """Refuse always."""

    def refuse(_shop: Shop, _call: Call) -> Reply:
        raise RefusalError(status, code, message)

    return refuse


def without(reply: Reply, *names: str) -> Reply:
    """Return the answer without some keys of its data."""
    return replace(reply, data={name: value for name, value in data_of(reply).items() if name not in names})


def data_of(reply: Reply) -> dict[str, Any]:
    """Return the object an answer holds."""
    if not isinstance(reply.data, dict):
        raise TypeError("the answer holds no object")
    return reply.data


def _now(reply: object) -> Reply:
    if not isinstance(reply, Reply):
        raise TypeError("only handlers that answer at once can be wrapped")
    return reply
