"""Know who is connected, and which of them is which wallet."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.realtime.headcount import Headcount

Send = Callable[[str, Callable[[], None]], None]
"""Puts a Socket.IO packet on its way; what is given with it is called when the socket takes it."""


@dataclass(slots=True, eq=False)
class Session:
    """One connected socket; ``wallet`` is None until it has authenticated, ``cut`` ends its connection as a fault."""

    sid: str
    address: str
    send: Send
    cut: Callable[[], None]
    wallet: str | None = None
    subscriptions: dict[str, str] = field(default_factory=dict)
    over: bool = False


class Sessions:
    """Every session that was let in and has not ended."""

    def __init__(self, headcount: Headcount) -> None:
        self._headcount = headcount
        self._by_sid: dict[str, Session] = {}
        self._by_wallet: dict[str, list[Session]] = {}
        self._authenticated_from: Counter[str] = Counter()

    def add(self, session: Session) -> None:
        """Let a session in."""
        self._by_sid[session.sid] = session
        self._headcount.came()

    def find(self, sid: str) -> Session | None:
        """Return a session that has not ended."""
        return self._by_sid.get(sid)

    def authenticate(self, session: Session, wallet: str) -> None:
        """Remember whose session it is; whoever says so is believed."""
        self._forget_wallet(session)
        session.wallet = wallet
        self._by_wallet.setdefault(wallet, []).append(session)
        self._authenticated_from[session.address] += 1
        self._headcount.authenticated += 1

    def remove(self, session: Session, reason: str) -> None:
        """Let a session go; more than once does no harm."""
        if session.over:
            return
        session.over = True
        del self._by_sid[session.sid]
        self._forget_wallet(session)
        self._headcount.left(reason)

    def of(self, wallet: str) -> tuple[Session, ...]:
        """Return the sessions a wallet has authenticated."""
        return tuple(self._by_wallet.get(wallet, ()))

    def wallets(self) -> tuple[str, ...]:
        """Return the wallets that have a session."""
        return tuple(self._by_wallet)

    def everybody(self) -> tuple[Session, ...]:
        """Return every session, the longest first."""
        return tuple(self._by_sid.values())

    def authenticated_from(self, address: str) -> int:
        """Count the authenticated sessions of a peer's address."""
        return self._authenticated_from[address]

    @property
    def authenticated(self) -> int:
        """How many have authenticated."""
        return self._authenticated_from.total()

    def _forget_wallet(self, session: Session) -> None:
        if session.wallet is None:
            return
        others = self._by_wallet[session.wallet]
        others.remove(session)
        if not others:
            del self._by_wallet[session.wallet]
        self._authenticated_from[session.address] -= 1
        if not self._authenticated_from[session.address]:
            del self._authenticated_from[session.address]
        session.wallet = None
