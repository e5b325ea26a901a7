"""Send HTTP/1.1 requests, for load: once each, timed, over one connection a seller, in the loop of gevent."""

from locustfiles._http._connection import Connection
from locustfiles._http._fields import Fields
from locustfiles._http._origin import Origin
from locustfiles._http._told import Broken, Received, Trace, Unanswered

__all__ = ["Broken", "Connection", "Fields", "Origin", "Received", "Trace", "Unanswered"]
