"""Say where an answer pointed instead of answering; nobody ever goes there."""

from typing import Final
from urllib.parse import urlsplit

from locustfiles._checks import Answer
from settings.hosts import host_of

_FIRST: Final = 300
_NOT_MODIFIED: Final = 304
_LAST: Final = 399


def is_redirect(answer: Answer) -> bool:
    """Return whether an answer is a 3xx that no check asked for; 304 is a page, unchanged."""
    return _FIRST <= answer.status <= _LAST and answer.status != _NOT_MODIFIED and not answer.expected


def redirected(answer: Answer, sent_to: str) -> str:
    """Return the error text of a redirect: its status, and the host it pointed to when that is another one."""
    location = answer.headers.get("location")
    try:
        host = urlsplit(location).hostname if isinstance(location, str) else None
        elsewhere = host is not None and host != host_of(sent_to)
    except ValueError:
        return f"status {answer.status} to an unreadable address"
    return f"status {answer.status} to another host: {host}" if elsewhere else f"status {answer.status}"
