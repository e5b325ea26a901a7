"""Name what happened to a request that got no whole answer."""

import gevent
from geventhttpclient.response import HTTPConnectionClosed
from geventhttpclient.useragent import RetriesExceeded

from locustfiles._http import Broken, Unanswered
from runlog.schema import Outcome


def unreached(broken: BaseException, *, sent: bool, timeout_s: float) -> tuple[Outcome, str]:
    """Return the outcome and why; `sent`: the server may have acted on it, and that is no failure to connect."""
    if isinstance(broken, RetriesExceeded):  # what the client wraps time-outs and broken pipes in; it sent once
        broken = broken.original
    if isinstance(broken, (TimeoutError, gevent.Timeout)):
        return Outcome.TIMEOUT, f"no answer within {timeout_s:g} s"
    if isinstance(broken, Unanswered):
        return Outcome.HTTP_ERROR, f"closed without an answer: {broken}"
    if isinstance(broken, Broken):
        return Outcome.HTTP_ERROR, f"unreadable answer: {broken}"
    if isinstance(broken, (OSError, HTTPConnectionClosed)):
        why = f"{type(broken).__name__}: {getattr(broken, 'strerror', None) or broken}"
        if sent:
            return Outcome.HTTP_ERROR, f"closed without an answer: {why}"
        return Outcome.CONNECT_ERROR, why
    return Outcome.HTTP_ERROR, f"unreadable answer: {type(broken).__name__}: {broken}"
