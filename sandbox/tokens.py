"""Issue and check the JSON web tokens of signed-in wallets."""

import secrets
import time

import jwt
from cachetools import TTLCache

from sandbox.call import Caller
from sandbox.envelopes import unauthorized

ACCESS_S = 24 * 3600
REFRESH_S = 7 * 24 * 3600
_ALGORITHM = "HS256"
_CHECKED_AT_MOST = 50_000
_CHECKED_FOR_S = 300


class Tokens:
    """HS256 tokens under a key that lives as long as the process; a checked token is remembered for five minutes."""

    def __init__(self) -> None:
        self._key = secrets.token_hex(32)
        self._checked: TTLCache[str, Caller] = TTLCache(_CHECKED_AT_MOST, _CHECKED_FOR_S)
        self._ended: set[str] = set()

    def access(self, caller: Caller) -> str:
        """Return an access token, good for 24 hours."""
        return self._sign(caller, ACCESS_S, {})

    def refresh(self, caller: Caller, refresh_id: str) -> str:
        """Return a refresh token, good for 7 days or until it is used."""
        return self._sign(caller, REFRESH_S, {"refreshId": refresh_id})

    def caller(self, authorization: str) -> Caller:
        """Return who an Authorization header belongs to; raises 401."""
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or not token:
            raise unauthorized()
        caller: Caller | None = self._checked.get(token)
        if caller is None:
            claims = self._claims(token)
            caller = Caller(str(claims["walletAddress"]), str(claims["userId"]), str(claims["sid"]))
            self._checked[token] = caller
        if caller.session in self._ended:
            raise unauthorized("Invalid token")
        return caller

    def refresh_claims(self, token: str) -> tuple[Caller, str] | None:
        """Return the caller and the refresh id of a refresh token, None if it is not a valid one."""
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
        except jwt.InvalidTokenError:
            return None
        if "refreshId" not in claims:
            return None
        return Caller(claims["walletAddress"], claims["userId"], claims["sid"]), str(claims["refreshId"])

    def end(self, session: str) -> None:
        """Refuse every token of a session from now on."""
        self._ended.add(session)

    def _claims(self, token: str) -> dict[str, object]:
        try:
            claims: dict[str, object] = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
        except jwt.ExpiredSignatureError as error:
            raise unauthorized("Token expired") from error
        except jwt.InvalidTokenError as error:
            raise unauthorized("Invalid token") from error
        return claims

    def _sign(self, caller: Caller, lives_s: int, extra: dict[str, object]) -> str:
        now_s = int(time.time())
        claims = {
            "userId": caller.uid,
            "walletAddress": caller.wallet,
            "sid": caller.session,
            "timestamp": now_s * 1000,
            "iat": now_s,
            "exp": now_s + lives_s,
            "jti": secrets.token_hex(8),  # two tokens of one second differ
        }
        return jwt.encode(claims | extra, self._key, algorithm=_ALGORITHM)
