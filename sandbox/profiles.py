"""Answer the profile routes: the unified family, the token family and the public store page."""

import re
from dataclasses import replace
from typing import Any

from sandbox.call import Call, checked_wallet
from sandbox.envelopes import RefusalError, Reply, forbidden, iso
from sandbox.fields import Fields
from sandbox.sellers import (
    create_seller,
    find_seller,
    profile_object,
    require_seller,
    save_seller,
    seller_of_user,
)
from sandbox.shop import Shop

# Longest accepted text of each profile field, in characters (contract 6.1, 6.2).
TEXTS = {
    "storeName": 255,
    "bio": 5000,
    "description": 5000,
    "sellerStory": 5000,
    "location": 255,
    "ensHandle": 255,
    "websiteUrl": 500,
    "storeDescription": 5000,
    "coverImageUrl": 2000,
    "legalBusinessName": 255,
    "businessType": 50,
    "registeredAddressStreet": 500,
    "registeredAddressCity": 100,
    "registeredAddressState": 100,
    "registeredAddressPostalCode": 20,
    "registeredAddressCountry": 100,
    "taxId": 50,
    "taxIdType": 20,
}
UPDATE_ONLY = {"coverImageCdn": 500, "coverImageIpfs": 255, "profileImageCdn": 500, "profileImageIpfs": 255}
_MARKS_PROFILE_SETUP = frozenset({"displayName", "storeName", "bio", "storeDescription"})
_SOCIAL_NETWORKS = frozenset({"twitter", "discord", "telegram", "linkedin", "website", "facebook"})
_ENS = re.compile(r"[a-z0-9-]+\.eth")


def create(shop: Shop, call: Call) -> Reply:
    """Create the caller's profile (201), or bring an existing one up to date (200)."""
    wallet = call.body.get("walletAddress")
    if not isinstance(wallet, str):
        raise RefusalError(400, "VALIDATION_ERROR", "walletAddress is required")
    caller = call.signed_in
    if checked_wallet(wallet) != caller.wallet:
        raise forbidden()
    fields = read_fields(call.body, TEXTS)
    existing = find_seller(shop, caller.wallet)
    if existing is None:
        seller = create_seller(shop, caller.wallet, caller.uid, fields, call.now_ms)
        return Reply(profile_object(shop, seller), 201)
    seller = replace(existing, fields=existing.fields | fields, updated_ms=call.now_ms)
    save_seller(shop, existing, seller)
    return Reply(profile_object(shop, seller))


def show(shop: Shop, call: Call) -> Reply:
    """Return the profile of a wallet; data is null for a wallet without one."""
    seller = find_seller(shop, call.wallet)
    return Reply(profile_object(shop, seller) if seller else None)


def update(shop: Shop, call: Call) -> Reply:
    """Change the fields that were sent; social links are replaced as a whole. Data is null without a profile."""
    fields = read_fields(call.body, TEXTS | UPDATE_ONLY)
    payout = _payout_settings(call.body)
    if payout is not None:
        fields["payoutSettings"] = payout
    existing = find_seller(shop, call.wallet)
    if existing is None:
        return Reply(None)
    steps = existing.steps | ({"profile_setup": True} if _MARKS_PROFILE_SETUP & call.body.keys() else {})
    seller = replace(existing, fields=existing.fields | fields, steps=steps, updated_ms=call.now_ms)
    outdated = save_seller(shop, existing, seller)
    told = {"walletAddress": seller.wallet, "tags": list(outdated)}
    shop.publisher.publish("cache_invalidation", seller.wallet, told)
    return Reply(profile_object(shop, seller))


def show_own(shop: Shop, call: Call) -> Reply:
    """Return the caller's profile with its owner's details."""
    seller = require_seller(shop, call.signed_in.wallet)
    return Reply(profile_object(shop, seller) | {"id": seller.uid})


def show_public(shop: Shop, call: Call) -> Reply:
    """Return what a buyer sees of a seller; 404 for a wallet without a profile."""
    seller = require_seller(shop, call.wallet)
    shown = ("storeName", "bio", "description", "location", "coverImageUrl", "storeDescription", "sellerStory")
    return Reply(
        {
            "id": seller.uid,
            "walletAddress": seller.wallet,
            "displayName": seller.fields.get("storeName", ""),
            **{name: seller.fields[name] for name in shown if name in seller.fields},
            "tier": seller.tier,
            "createdAt": iso(seller.created_ms),
        },
    )


def verify(shop: Shop, call: Call) -> Reply:
    """Confirm an e-mail address, a telephone number or an identity of the caller."""
    fields = Fields(call.body)
    kind = fields.one_of("verificationType", ("email", "phone", "kyc"), required=True)
    fields.check()
    seller = require_seller(shop, call.signed_in.wallet)
    save_seller(shop, seller, replace(seller, verified=seller.verified | {kind: True}, updated_ms=call.now_ms))
    return Reply({"walletAddress": seller.wallet, "verificationType": kind, "status": "completed"})


def verification(shop: Shop, call: Call) -> Reply:
    """Return how far the verification of a seller is: verified once the e-mail address is, pending once asked for."""
    seller = seller_of_user(shop, call.uuid("uid"))
    status = "verified" if seller.verified["email"] else "pending" if seller.steps["verification"] else "unverified"
    return Reply(
        {
            "userId": seller.uid,
            "walletAddress": seller.wallet,
            "status": status,
            "verificationStatus": seller.verified,
            "tier": seller.tier,
            "updatedAt": iso(seller.updated_ms),
        },
    )


def read_fields(body: dict[str, Any], longest: dict[str, int]) -> dict[str, Any]:
    """Return the profile fields that were sent; raises 400 with every field that does not hold."""
    fields = Fields(body)
    found: dict[str, Any] = {}
    for name, chars in longest.items():
        if name in body:
            found[name] = fields.text(name, chars, shape=_ENS if name == "ensHandle" else None)
    links = fields.mapping("socialLinks")
    if links is not None:
        if not links.keys() <= _SOCIAL_NETWORKS or not all(isinstance(link, str) for link in links.values()):
            fields.refuse("socialLinks", f"socialLinks takes texts for {', '.join(sorted(_SOCIAL_NETWORKS))}")
        found["socialLinks"] = links
    fields.check()
    return found


def _payout_settings(body: dict[str, Any]) -> dict[str, Any] | None:
    fields = Fields(body)
    settings = fields.mapping("payoutSettings")
    fields.check()
    return settings
