"""Sign wallets in: nonce, EIP-4361 message, EIP-191 signature, session."""

import re
import secrets

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.address import is_checksum_address
from eth_utils.exceptions import ValidationError

from sandbox.call import Call, Caller
from sandbox.envelopes import RefusalError, Reply, iso
from sandbox.fields import Fields
from sandbox.shop import Shop
from sandbox.tokens import ACCESS_S

NONCE_LIVES_S = 600
SESSIONS_AT_MOST = 5
SIGNATURE_BYTES = 65
FIRST_V = 27  # Ethereum writes the recovery bit as 27 or 28; 0 and 1 are understood as well
_ZERO_ADDRESS = "0x" + "0" * 40
_WALLET = re.compile(r"0x[0-9a-fA-F]{40}")
_MESSAGE = re.compile(
    r"(?P<domain>\S+) wants you to sign in with your Ethereum account:\n(?P<address>0x[0-9a-fA-F]{40})\n\n"
    r".*\n\nURI: \S+\nVersion: 1\nChain ID: 1\nNonce: (?P<nonce>[0-9a-f]{64})\n"
    r"Issued At: \S+\nExpiration Time: \S+",
)


def nonce(shop: Shop, call: Call) -> Reply:
    """Return the text to sign; a wallet not written as EIP-55 ends in 500, as on the real thing."""
    address = call.body.get("walletAddress", _ZERO_ADDRESS)
    if not isinstance(address, str) or not is_checksum_address(address):
        raise RefusalError(500, "NONCE_ERROR", "Failed to generate nonce")
    domain = call.host.partition(":")[0]
    value = secrets.token_hex(32)
    expires_ms = call.now_ms + NONCE_LIVES_S * 1000
    message = (
        f"{domain} wants you to sign in with your Ethereum account:\n{address}\n\n"
        f"Sign in with Ethereum to LinkDAO\n\nURI: http://{call.host}\nVersion: 1\nChain ID: 1\nNonce: {value}\n"
        f"Issued At: {iso(call.now_ms)}\nExpiration Time: {iso(expires_ms)}"
    )
    shop.db.write("DELETE FROM nonces WHERE expires_ms < ?", call.now_ms)
    shop.db.write("INSERT INTO nonces VALUES (?, ?, ?, ?)", value, address.lower(), message, expires_ms)
    return Reply({"nonce": value, "message": message, "expiresIn": NONCE_LIVES_S, "domain": domain, "chainId": 1})


def wallet_connect(shop: Shop, call: Call) -> Reply:
    """Check the signed text and open a session; a wallet never seen is registered."""
    fields = Fields(call.body)
    address = fields.text("walletAddress", 42, required=True, shape=_WALLET)
    signature = fields.text("signature", 134, required=True, shape=re.compile(r".{128,134}"))
    message = fields.text("message", 4000, required=True)
    fields.check()
    _check_message(shop, call, address, message, signature)
    user, is_new = _user(shop, call, address)
    caller = Caller(address.lower(), str(user["id"]), shop.new_id())
    refresh_id = shop.new_id()
    _open_session(shop, call, caller, refresh_id)
    return Reply(_tokens(shop, caller, refresh_id) | {"user": user, "isNewUser": is_new})


def refresh(shop: Shop, call: Call) -> Reply:
    """Exchange a refresh token for new tokens; the old one stops working."""
    token = call.body.get("refreshToken")
    if not isinstance(token, str) or not token:
        raise RefusalError(400, "MISSING_REFRESH_TOKEN", "Refresh token is required")
    claims = shop.tokens.refresh_claims(token)
    if claims is None:
        raise RefusalError(401, "INVALID_REFRESH_TOKEN", "Invalid refresh token")
    caller, refresh_id = claims
    row = shop.db.row("SELECT refresh_id, active FROM sessions WHERE id = ?", caller.session)
    if row is None or not row["active"] or row["refresh_id"] != refresh_id:
        raise RefusalError(401, "INVALID_SESSION", "Session is no longer active")
    new_id = shop.new_id()
    shop.db.write("UPDATE sessions SET refresh_id = ? WHERE id = ?", new_id, caller.session)
    return Reply(_tokens(shop, caller, new_id))


def logout(shop: Shop, call: Call) -> Reply:
    """End the caller's session; its tokens are refused from now on, which the real thing forgets."""
    caller = call.signed_in
    shop.db.write("UPDATE sessions SET active = 0 WHERE id = ?", caller.session)
    shop.tokens.end(caller.session)
    return Reply({"message": "Logged out successfully"})


def profile(shop: Shop, call: Call) -> Reply:
    """Return the account of the caller."""
    row = shop.db.row("SELECT * FROM users WHERE uid = ?", call.signed_in.uid)
    if row is None:
        raise RefusalError(404, "USER_NOT_FOUND", "User not found")
    return Reply(_user_object(row["uid"], row["wallet"], row["handle"]))


def _check_message(shop: Shop, call: Call, address: str, message: str, signature: str) -> None:
    match = _MESSAGE.fullmatch(message)
    if match is None:
        raise RefusalError(401, "SIWE_VALIDATION_ERROR", "Message is not a valid sign-in message")
    if match["address"].lower() != address.lower():
        raise RefusalError(401, "ADDRESS_MISMATCH", "Message was made for another address")
    row = shop.db.row("SELECT * FROM nonces WHERE nonce = ?", match["nonce"])
    if row is not None and row["expires_ms"] < call.now_ms:
        raise RefusalError(400, "MESSAGE_EXPIRED", "Message has expired")
    if row is None or row["wallet"] != address.lower() or row["message"] != message:
        raise RefusalError(400, "INVALID_NONCE", "Nonce is unknown, used or expired")
    if _signer(message, signature) != address.lower():
        raise RefusalError(401, "INVALID_SIGNATURE", "Signature does not match the wallet")
    shop.db.write("DELETE FROM nonces WHERE nonce = ?", match["nonce"])


def _signer(message: str, signature: str) -> str | None:
    """Return the wallet that signed `message` (EIP-191) in lower case; None for what is no signature."""
    said = message.encode()
    try:
        raw = bytes.fromhex(signature.removeprefix("0x")) if signature.startswith("0x") else b""
        if len(raw) != SIGNATURE_BYTES:
            return None
        recovery = raw[-1] - FIRST_V if raw[-1] >= FIRST_V else raw[-1]
        whole = Signature(raw[:-1] + bytes([recovery]))
        signer = whole.recover_public_key_from_msg(b"\x19Ethereum Signed Message:\n%d%b" % (len(said), said))
    except (ValueError, BadSignature, ValidationError):
        return None
    return str(signer.to_address())


def _user(shop: Shop, call: Call, address: str) -> tuple[dict[str, object], bool]:
    wallet = address.lower()
    row = shop.db.row("SELECT * FROM users WHERE wallet = ?", wallet)
    if row is not None:
        return _user_object(row["uid"], wallet, row["handle"]), False
    uid, handle = shop.new_id(), f"user_{address[:8]}"
    shop.db.write("INSERT INTO users VALUES (?, ?, ?, ?)", uid, wallet, handle, call.now_ms)
    return _user_object(uid, wallet, handle), True


def _user_object(uid: str, wallet: str, handle: str) -> dict[str, object]:
    return {
        "id": uid,
        "walletAddress": wallet,
        "handle": handle,
        "profileCid": None,
        "role": "user",
        "email": None,
        "permissions": [],
    }


def _open_session(shop: Shop, call: Call, caller: Caller, refresh_id: str) -> None:
    shop.db.write("INSERT INTO sessions VALUES (?, ?, ?, 1, ?)", caller.session, caller.uid, refresh_id, call.now_ms)
    shop.db.write(
        "UPDATE sessions SET active = 0 WHERE uid = ? AND active = 1 AND id NOT IN"
        " (SELECT id FROM sessions WHERE uid = ? AND active = 1 ORDER BY created_ms DESC, rowid DESC LIMIT ?)",
        caller.uid,
        caller.uid,
        SESSIONS_AT_MOST,
    )


def _tokens(shop: Shop, caller: Caller, refresh_id: str) -> dict[str, object]:
    return {
        "token": shop.tokens.access(caller),
        "refreshToken": shop.tokens.refresh(caller, refresh_id),
        "expiresIn": f"{ACCESS_S // 3600}h",
    }
