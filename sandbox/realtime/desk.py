"""Answer what clients say over their sockets (contract 8.3)."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from sandbox.chaos import Chaos
from sandbox.envelopes import iso
from sandbox.realtime.publisher import Publisher
from sandbox.realtime.sessions import Session, Sessions
from sandbox.realtime.terms import Terms

Handler = Callable[..., Awaitable[None]]

_WALLET = re.compile(r"0x[0-9a-fA-F]{40}")
_WITHOUT_TARGET = frozenset({"feed", "global"})
_WITH_TARGET = frozenset({"community", "conversation", "user"})
_TARGET_CHARS = 200
_SUBSCRIPTIONS_AT_MOST = 100


class Desk:
    """Hears one client after the other; nothing is known of a client but what it says."""

    def __init__(
        self,
        server: Any,  # noqa: ANN401 - python-socketio ships no types
        sessions: Sessions,
        publisher: Publisher,
        chaos: Chaos,
        terms: Terms,
    ) -> None:
        self._server = server
        self._sessions = sessions
        self._publisher = publisher
        self._chaos = chaos
        self._terms = terms

    def handlers(self) -> dict[str, Handler]:
        """Return what answers each event; the others (``ping``, ``heartbeat``) have no handler and no answer."""
        return {
            "authenticate": self._authenticate,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "register": self._register,
            "typing:start": self._relay("typing:start"),
            "typing:stop": self._relay("typing:stop"),
        }

    async def greet(self, session: Session) -> None:
        """Say what this server is."""
        features = {"realTimeUpdates": True, "presence": self._terms.presence}
        await self._say(session, "server_info", {"resourceConstrained": self._terms.constrained, "features": features})

    async def farewell(self, wallet: str) -> None:
        """Tell everybody who left."""
        await self._presence("user_offline", wallet)

    async def _authenticate(self, sid: str, *said: object) -> None:
        """Believe a wallet, put the session into its room, and send what it missed; no token is asked for."""
        session, body = self._sessions.find(sid), _object(said)
        if session is None:
            return
        wallet = body.get("walletAddress")
        if not isinstance(wallet, str) or _WALLET.fullmatch(wallet) is None:
            await self._say(session, "auth_error", {"message": "Valid wallet address required"})
            return
        await self._server.enter_room(sid, f"user:{wallet}")
        self._sessions.authenticate(session, wallet)
        answer = {
            "message": "Successfully authenticated",
            "connectedUsers": self._sessions.authenticated,
            "reconnecting": body.get("reconnecting") is True,
            "subscriptions": [],
        }
        await self._say(session, "authenticated", answer)
        self._publisher.came(wallet)
        await self._presence("user_online", wallet)

    async def _subscribe(self, sid: str, *said: object) -> None:
        session, body = self._sessions.find(sid), _object(said)
        if session is None:
            return
        kind, target = str(body.get("type")), body.get("target")
        wanted = kind in _WITHOUT_TARGET or (
            kind in _WITH_TARGET and isinstance(target, str) and 0 < len(target) <= _TARGET_CHARS
        )
        if session.wallet is None:
            await self._refuse(session, "Authentication required")
        elif not wanted:
            await self._refuse(session, "Invalid subscription")
        elif len(session.subscriptions) >= _SUBSCRIPTIONS_AT_MOST:
            await self._refuse(session, "Too many subscriptions")
        else:
            number, room = f"sub_{uuid4().hex}", kind if kind in _WITHOUT_TARGET else f"{kind}:{target}"
            session.subscriptions[number] = room
            await self._server.enter_room(sid, room)
            await self._say(session, "subscribed", {"subscriptionId": number, "type": kind, "target": target})

    async def _unsubscribe(self, sid: str, *said: object) -> None:
        session = self._sessions.find(sid)
        if session is None:
            return
        number = said[0] if said and isinstance(said[0], str) else _object(said).get("subscriptionId")
        room = session.subscriptions.pop(number, None) if isinstance(number, str) else None
        if room is None:
            await self._refuse(session, "Subscription not found")
            return
        if room not in session.subscriptions.values() and room != f"user:{session.wallet}":
            await self._server.leave_room(sid, room)
        await self._say(session, "unsubscribed", {"subscriptionId": number})

    async def _register(self, sid: str, *said: object) -> None:
        """Take an address and say nothing."""

    def _relay(self, event: str) -> Handler:
        async def relay(sid: str, *said: object) -> None:
            body = _object(said)
            conversation = body.get("conversationId")
            if self._sessions.find(sid) is not None and isinstance(conversation, str):
                told = {"conversationId": conversation, "userAddress": body.get("userAddress")}
                await self._server.emit(event, told, room=f"conversation:{conversation}", skip_sid=sid)

        return relay

    async def _presence(self, event: str, wallet: str) -> None:
        if self._terms.presence:
            told = {"userAddress": wallet, "timestamp": iso(self._chaos.now_ms())}
            await self._server.emit(event, told)

    async def _refuse(self, session: Session, why: str) -> None:
        await self._say(session, "subscription_error", {"message": why})

    async def _say(self, session: Session, event: str, body: dict[str, Any]) -> None:
        await self._server.emit(event, body, to=session.sid)


def _object(said: tuple[object, ...]) -> dict[str, Any]:
    """Return the object an event carries, an empty one when it carries none."""
    return said[0] if said and isinstance(said[0], dict) else {}
