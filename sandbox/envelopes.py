"""Wrap answers and refusals in the envelopes the product's families of routes use."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import orjson

VERSION = "1.0.0"


class Family(Enum):
    """Who answers: decides the shape around the data and around a refusal (contract 1.4)."""

    UNIFIED = "unified"  # success, data, metadata · error{code, message, details}
    TOKEN = "token"  # noqa: S105 - a family of routes, not a secret: success, data · error text
    IMAGES = "images"  # success, data, message · error text, code
    ANALYTICS = "analytics"  # success, data, timestamp · error text, details
    BARE = "bare"  # no envelope at all · error text


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler wants to say; the pipeline wraps it for the route's family."""

    data: object
    status: int = 200
    message: str | None = None
    content_type: str = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a body that does not hold."""

    field: str
    message: str


@dataclass(eq=False)  # not frozen: raising sets attributes of the exception
class RefusalError(Exception):
    """A request that is answered with an error; raised by whoever notices first."""

    status: int
    code: str
    message: str
    errors: tuple[FieldError, ...] = field(default=())


def unauthorized(message: str = "Access token required") -> RefusalError:
    """Refuse a missing token, or one that does not hold."""
    return RefusalError(401, "UNAUTHORIZED", message)


def forbidden(message: str = "You can only access your own data") -> RefusalError:
    """Refuse access to somebody else's property."""
    return RefusalError(403, "FORBIDDEN", message)


def invalid(field_name: str, message: str) -> RefusalError:
    """Refuse a single field."""
    return RefusalError(400, "VALIDATION_ERROR", message, (FieldError(field_name, message),))


def iso(at_ms: int) -> str:
    """Unix milliseconds as ISO 8601 with milliseconds, UTC, ending in Z."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wrap(family: Family, reply: Reply, request_id: str, at_ms: int) -> bytes:
    """Encode a handler's answer as its family does; bytes are sent as they are."""
    if isinstance(reply.data, bytes):
        return reply.data
    if family is Family.BARE:
        return orjson.dumps(reply.data)
    document: dict[str, Any] = {"success": True, "data": reply.data}
    if reply.message is not None:
        document["message"] = reply.message
    if family is Family.UNIFIED:
        document["metadata"] = {"timestamp": iso(at_ms), "requestId": request_id, "version": VERSION}
    elif family is Family.ANALYTICS:
        document["timestamp"] = iso(at_ms)
    return orjson.dumps(document)


def wrap_refusal(family: Family, refusal: RefusalError, request_id: str, at_ms: int) -> bytes:
    """Encode a refusal as its family does."""
    if family is Family.UNIFIED:
        error: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
        if refusal.errors:
            error["details"] = {"errors": [{"field": e.field, "message": e.message} for e in refusal.errors]}
        metadata = {"timestamp": iso(at_ms), "requestId": request_id, "version": VERSION}
        return orjson.dumps({"success": False, "error": error, "metadata": metadata})
    if family is Family.BARE:
        return orjson.dumps({"error": refusal.message})
    document: dict[str, Any] = {"success": False, "error": refusal.message, "code": refusal.code}
    if refusal.errors:
        document["details"] = [f"{e.field}: {e.message}" for e in refusal.errors]
    return orjson.dumps(document)


def status_in_family(family: Family, refusal: RefusalError) -> int:
    """Return the status a family gives a refusal: schema violations are 422 in the token family, 400 elsewhere."""
    if family is Family.TOKEN and refusal.code == "VALIDATION_ERROR":
        return 422
    return refusal.status
