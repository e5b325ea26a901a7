"""Refuse bodies that look like an attack, as the product's content screen does, innocent ones included."""

import re
from typing import Any

import orjson

from sandbox.envelopes import RefusalError

BODY_AT_MOST_BYTES = 1024 * 1024
EXEMPT = frozenset({"content", "id", "userId", "cid", "ipfsHash", "media", "signature", "message_signature"})
_ACCEPTED_TYPES = ("json", "multipart/form-data", "application/x-www-form-urlencoded", "text/plain")
_SUSPICIOUS = re.compile(
    r"\b(?:select|insert|update|delete|drop|create|alter|exec|union)\b.*\b(?:from|into|where|table|database)\b"
    r"|\b(?:or|and)\s+1\s*=\s*1\b"
    r"|(?:;|--)\s*(?:select|insert|update|delete|drop|create|alter|exec|union)\b"
    r"|`|\$\(|\.\./\.\./|<\s*/?\s*(?:script|iframe)|javascript:|\bon(?:load|error|click|focus|mouseover)\s*="
    r"|(?:\||;|&&)\s*(?:rm|cat|ls|curl|wget)\b",
    re.IGNORECASE | re.DOTALL,
)


def refuse_content_type(content_type: str) -> None:
    """Raise 500 for a type no body parser takes; none at all is accepted (contract 1.2)."""
    if content_type and not any(accepted in content_type for accepted in _ACCEPTED_TYPES):
        raise RefusalError(500, "INTERNAL_ERROR", "Invalid Content-Type")


def read_json(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a body, empty for none; raises 400."""
    if not raw:
        return {}
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RefusalError(400, "INVALID_JSON", "Request body is not valid JSON") from error
    if not isinstance(document, dict):
        raise RefusalError(400, "INVALID_JSON", "Request body must be a JSON object")
    return document


def looks_hostile(document: dict[str, Any]) -> bool:
    """Search the whole serialised body but its exempt fields; words of different fields combine (contract 10.4)."""
    screened = {name: value for name, value in document.items() if name not in EXEMPT}
    return _SUSPICIOUS.search(orjson.dumps(screened).decode()) is not None


def hostile_body() -> bytes:
    """Return what the screen answers: no envelope, no code."""
    return orjson.dumps({"error": "Invalid Input", "message": "Request contains potentially dangerous content"})
