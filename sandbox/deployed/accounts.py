"""Answer sign-in, profile, onboarding and verification routes as deployed."""

import re
from dataclasses import replace
from typing import Any

from sandbox import auth, images, profiles
from sandbox.call import Call, checked_wallet
from sandbox.deployed.state import Backstage
from sandbox.envelopes import RefusalError, Reply, iso
from sandbox.fields import Fields
from sandbox.sellers import create_seller, find_seller, profile_object, save_seller
from sandbox.shop import Shop

_HANDLE_CHARS = 8
_EIN = re.compile(r"\d{2}-\d{7}")
_ALWAYS_ZERO = ("totalSales", "activeListings", "completedOrders", "averageRating", "totalReviews", "reputationScore")


def nonce_by_get(shop: Shop, call: Call) -> Reply:
    """Hand out a nonce to a GET, which the outer layer then hands out again, used (contract 2.1)."""
    return auth.nonce(shop, replace(call, body=dict(call.query)))


def wallet_connect(shop: Shop, call: Call) -> Reply:
    """Sign in; a new wallet whose handle is taken cannot register: handles are the first characters of the address."""
    address = call.body.get("walletAddress")
    if isinstance(address, str):
        known = shop.db.row("SELECT uid FROM users WHERE wallet = ?", address.lower())
        taken = shop.db.row("SELECT uid FROM users WHERE handle = ?", f"user_{address[:_HANDLE_CHARS]}")
        if known is None and taken is not None:
            raise RefusalError(500, "DATABASE_ERROR", "Failed to create user")
    return auth.wallet_connect(shop, call)


def logout(shop: Shop, call: Call) -> Reply:
    """End the refresh token only; the access token works on until it ends by itself (contract 2.2)."""
    shop.db.write("UPDATE sessions SET active = 0 WHERE id = ?", call.signed_in.session)
    return Reply({"message": "Logged out successfully"})


def show(shop: Shop, call: Call) -> Reply:
    """Return a profile whose figures are constants; null for a wallet without one."""
    return _with_constant_stats(profiles.show(shop, call))


def create(shop: Shop, call: Call) -> Reply:
    """Create anybody's profile, or bring it up to date; no page is outdated by it."""
    wallet = call.body.get("walletAddress")
    if not isinstance(wallet, str):
        raise RefusalError(400, "VALIDATION_ERROR", "walletAddress is required")
    wallet = checked_wallet(wallet)
    _refuse_long(call.body, "PROFILE_CREATE_ERROR")
    fields = profiles.read_fields(call.body, profiles.TEXTS)
    existing = find_seller(shop, wallet)
    if existing is None:
        user = shop.db.row("SELECT uid FROM users WHERE wallet = ?", wallet)
        seller = create_seller(shop, wallet, user["uid"] if user is not None else "", fields, call.now_ms)
        return _with_constant_stats(Reply(profile_object(shop, seller), 201))
    seller = replace(existing, fields=existing.fields | fields, updated_ms=call.now_ms)
    save_seller(shop, existing, seller)
    return _with_constant_stats(Reply(profile_object(shop, seller)))


def update(backstage: Backstage, shop: Shop, call: Call) -> Reply:
    """Change anybody's profile: the one write that outdates its inner page and the inner public lists, no outer one."""
    _refuse_long(call.body, "PROFILE_UPDATE_ERROR")
    reply = profiles.update(shop, call)
    backstage.inner.drop(f"seller:profile:{call.wallet}")
    backstage.inner.drop_all("listings:")
    return _with_constant_stats(reply)


def verify(_shop: Shop, call: Call) -> Reply:
    """Say that whatever was asked for is completed; nothing is verified (contract 6.1)."""
    fields = Fields(call.body)
    kind = fields.one_of("verificationType", ("email", "phone", "kyc"), required=True)
    fields.check()
    return Reply({"verificationType": kind, "status": "completed"})


def ask_verification(backstage: Backstage, shop: Shop, call: Call) -> Reply:
    """Take in a request for verification (201, pending); 400 for what is missing, 500 for an id that is none."""
    texts = {name: call.body.get(name) for name in ("legalName", "businessAddress", "ein")}
    if not texts["legalName"] or not texts["businessAddress"]:
        return _failure(400, "Legal name and business address are required")
    if texts["ein"] is not None and not _EIN.fullmatch(str(texts["ein"])):
        return _failure(400, "Invalid EIN format")
    try:
        uid = call.uuid("uid")
    except RefusalError:
        return _failure(500, "Failed to submit verification")
    record = {"id": shop.new_id(), "userId": uid, "status": "pending", "createdAt": iso(call.now_ms)} | texts
    backstage.verifications[uid] = record
    return Reply({"success": True, "data": record}, 201)


def show_verification(backstage: Backstage, _shop: Shop, call: Call) -> Reply:
    """Return a verification that was asked for, 404 until then."""
    record = backstage.verifications.get(call.params["uid"])
    return _failure(404, "No verification found") if record is None else Reply({"success": True, "data": record})


async def upload(shop: Shop, call: Call) -> Reply:
    """Decode and shrink a picture, and then fail to store it (contract 6.2.1)."""
    await images.decode(shop, call)
    raise RefusalError(400, "IMAGE_UPLOAD_ERROR", "Must supply api_key")


def _failure(status: int, message: str) -> Reply:
    return Reply({"success": False, "message": message}, status)


def _refuse_long(body: dict[str, Any], code: str) -> None:
    """Break over a text that is too long, which the database notices and nobody before it."""
    for name, chars in (profiles.TEXTS | profiles.UPDATE_ONLY).items():
        if isinstance(body.get(name), str) and len(body[name]) > chars:
            raise RefusalError(500, code, "Failed to store profile")


def _with_constant_stats(reply: Reply) -> Reply:
    if not isinstance(reply.data, dict):
        return reply
    stats = reply.data["stats"] | dict.fromkeys(_ALWAYS_ZERO, 0)
    return replace(reply, data=reply.data | {"stats": stats})
