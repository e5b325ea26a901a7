"""Carry WebSockets as uvicorn does, and cut a connection without a word where that is asked for."""

from collections.abc import Callable, MutableMapping
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_CUT = "sandbox.cut"


class CuttableProtocol(WebSocketsSansIOProtocol):
    """A WebSocket whose application is given the means to cut it, as a broken network does."""

    def handle_connect(self, event: Any) -> None:  # noqa: ANN401 - the handshake as websockets parsed it
        """Take a handshake; the application that is started for an accepted one runs later."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][_CUT] = {"abort": self.transport.abort}


def cut_of(scope: MutableMapping[str, Any]) -> Callable[[], None] | None:
    """Return what ends a connection without a close frame; None where it is no WebSocket."""
    means = scope.get("extensions", {}).get(_CUT)
    return None if means is None else means["abort"]
