"""Speak Socket.IO to a server, for load: every phase timed, every event stamped, everything strange refused by name."""

from locustfiles._socketio._client import SocketIO
from locustfiles._socketio._told import Arrived, Ended, Opened, SocketFailed

__all__ = ["Arrived", "Ended", "Opened", "SocketFailed", "SocketIO"]
