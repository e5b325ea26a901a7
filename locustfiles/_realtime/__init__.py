"""Hold a seller's real-time session, and know what the server owes it."""

from locustfiles._realtime._addressees import Addressees
from locustfiles._realtime._causes import Cause, event_of, owed_after
from locustfiles._realtime._ledger import Ledger, Owed
from locustfiles._realtime._line import Line
from locustfiles._realtime._lines import Lines
from locustfiles._realtime._rows import Rows
from locustfiles._realtime._server_clock import ServerClock, stamp_s, unix_s

__all__ = [
    "Addressees",
    "Cause",
    "Ledger",
    "Line",
    "Lines",
    "Owed",
    "Rows",
    "ServerClock",
    "event_of",
    "owed_after",
    "stamp_s",
    "unix_s",
]
