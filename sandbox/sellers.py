"""Read and write the profile of a seller."""

from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.envelopes import RefusalError, iso
from sandbox.shop import Shop

ONBOARDING_STEPS = ("profile_setup", "business_info", "verification", "payout_setup", "first_listing")
_NEEDED_TO_COMPLETE = ("profile_setup", "business_info", "payout_setup")
_COMPLETENESS_FIELDS = ("storeName", "bio", "description", "location", "coverImageUrl", "socialLinks", "sellerStory")
_PRIVATE_FIELDS = frozenset({"taxId", "payoutSettings"})  # stored, never shown


@dataclass(frozen=True, slots=True)
class Seller:
    """A seller as stored: ``fields`` are the profile's texts and objects, ``steps`` the five onboarding steps."""

    wallet: str
    uid: str
    tier: str
    fields: dict[str, Any]
    steps: dict[str, bool]
    verified: dict[str, bool]
    created_ms: int
    updated_ms: int

    @property
    def onboarding_completed(self) -> bool:
        """Verification and the first listing are not needed for it (contract 6.1)."""
        return all(self.steps[step] for step in _NEEDED_TO_COMPLETE)


def find_seller(shop: Shop, wallet: str) -> Seller | None:
    """Return the seller of a wallet in lower case."""
    return _seller(shop.db.row("SELECT * FROM sellers WHERE wallet = ?", wallet))


def require_seller(shop: Shop, wallet: str) -> Seller:
    """Return the seller of a wallet; raises 404 SELLER_NOT_FOUND."""
    seller = find_seller(shop, wallet)
    if seller is None:
        raise RefusalError(404, "SELLER_NOT_FOUND", "Seller not found")
    return seller


def seller_of_user(shop: Shop, uid: str) -> Seller:
    """Return the seller of a user; raises 404 SELLER_NOT_FOUND."""
    seller = _seller(shop.db.row("SELECT s.* FROM sellers s JOIN users u USING (wallet) WHERE u.uid = ?", uid))
    if seller is None:
        raise RefusalError(404, "SELLER_NOT_FOUND", "Seller not found")
    return seller


def create_seller(shop: Shop, wallet: str, uid: str, fields: dict[str, Any], now_ms: int) -> Seller:
    """Store a new seller of the lowest tier."""
    steps = dict.fromkeys(ONBOARDING_STEPS, False)
    verified = dict.fromkeys(("email", "phone", "kyc", "identity"), False)
    seller = Seller(wallet, uid, "bronze", fields, steps, verified, now_ms, now_ms)
    shop.db.write(
        "INSERT INTO sellers VALUES (?, ?, ?, ?, ?, ?)",
        wallet, uid, seller.tier, _document(seller), now_ms, now_ms,
        touch=(f"profile:{wallet}", f"steps:{wallet}", f"tier:{wallet}"),
    )  # fmt: skip
    return seller


def save_seller(shop: Shop, before: Seller, seller: Seller) -> tuple[str, ...]:
    """Store the fields, steps and verifications of a seller; the pages of the tier only show the steps.

    Returns the tags of the pages that are outdated now.
    """
    wallet = seller.wallet
    touch = (f"profile:{wallet}", f"steps:{wallet}") if seller.steps != before.steps else (f"profile:{wallet}",)
    shop.db.write(
        "UPDATE sellers SET document = ?, updated_ms = ? WHERE wallet = ?",
        _document(seller), seller.updated_ms, wallet, touch=touch,
    )  # fmt: skip
    return touch


def sold_count(shop: Shop, wallet: str) -> int:
    """Count the orders that reached the buyer."""
    return shop.db.number(
        "SELECT count(*) FROM orders WHERE wallet = ? AND status IN ('delivered', 'completed')", wallet
    )


def profile_object(shop: Shop, seller: Seller) -> dict[str, Any]:
    """Return the profile as the product shows it; missing values are left out, not null (contract 6.1)."""
    listings = shop.db.number("SELECT count(*) FROM listings WHERE wallet = ? AND status = 'active'", seller.wallet)
    sold = sold_count(shop, seller.wallet)
    missing = [name for name in _COMPLETENESS_FIELDS if not seller.fields.get(name)]
    return {
        "walletAddress": seller.wallet,
        **{name: value for name, value in seller.fields.items() if name not in _PRIVATE_FIELDS},
        "ensVerified": False,
        "tier": seller.tier,
        "verificationStatus": seller.verified,
        "applicationStatus": "approved",
        "onboardingCompleted": seller.onboarding_completed,
        "onboardingSteps": seller.steps,
        "profileCompleteness": {
            "score": round(100 * (1 - len(missing) / len(_COMPLETENESS_FIELDS))),
            "missingFields": missing,
            "recommendations": [
                {"action": f"Add {name}", "description": f"Buyers look for {name}", "impact": "medium"}
                for name in missing
            ],
            "lastCalculated": iso(seller.updated_ms),
        },
        "stats": {
            "totalSales": sold,
            "activeListings": listings,
            "completedOrders": sold,
            "averageRating": 0,
            "totalReviews": 0,
            "reputationScore": 0,
            "joinDate": iso(seller.created_ms),
            "lastActive": iso(seller.updated_ms),
        },
        "createdAt": iso(seller.created_ms),
        "updatedAt": iso(seller.updated_ms),
    }


def _document(seller: Seller) -> bytes:
    return orjson.dumps({"fields": seller.fields, "steps": seller.steps, "verified": seller.verified})


def _seller(row: Any) -> Seller | None:  # noqa: ANN401 - sqlite3.Row or None, read by column name
    if row is None:
        return None
    document = orjson.loads(row["document"])
    return Seller(
        row["wallet"],
        row["uid"],
        row["tier"],
        document["fields"],
        document["steps"],
        document["verified"],
        row["created_ms"],
        row["updated_ms"],
    )
