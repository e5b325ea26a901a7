"""Decide how many active listings a seller may have and when the seller moves up."""

from dataclasses import dataclass

from sandbox.call import Call
from sandbox.envelopes import RefusalError, Reply
from sandbox.sellers import ONBOARDING_STEPS, Seller, require_seller, seller_of_user, sold_count
from sandbox.shop import Shop


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier: most active listings, and what a seller of the tier below must show to enter it."""

    name: str
    listings_at_most: int
    listings_needed: int
    sales_needed: int


TIERS = (
    Tier("bronze", 5, 0, 0),
    Tier("silver", 15, 3, 0),
    Tier("gold", 50, 10, 10),
    Tier("platinum", 100, 40, 50),
)
_BY_NAME = {tier.name: tier for tier in TIERS}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing the next tier asks for."""

    metric: str
    current: int
    required: int

    @property
    def met(self) -> bool:
        """Whether it is reached; the limit itself is enough."""
        return self.current >= self.required


def next_tier(name: str) -> Tier | None:
    """Return the tier above, None at the top."""
    above = TIERS.index(_BY_NAME[name]) + 1
    return TIERS[above] if above < len(TIERS) else None


def active_listings(shop: Shop, wallet: str) -> int:
    """Count the listings that use up the tier's limit."""
    return shop.db.number("SELECT count(*) FROM listings WHERE wallet = ? AND status = 'active'", wallet)


def refuse_past_limit(shop: Shop, seller: Seller) -> None:
    """Raise 403 TIER_LIMIT_EXCEEDED when one more active listing would be too many."""
    tier = _BY_NAME[seller.tier]
    if active_listings(shop, seller.wallet) >= tier.listings_at_most:
        message = f"The {tier.name} tier allows {tier.listings_at_most} active listings"
        raise RefusalError(403, "TIER_LIMIT_EXCEEDED", message)


def requirements(shop: Shop, seller: Seller, tier: Tier) -> tuple[Requirement, ...]:
    """Return what entering the tier asks of this seller, with where the seller stands."""
    return (
        Requirement("onboardingCompleted", int(seller.onboarding_completed), 1),
        Requirement("activeListings", active_listings(shop, seller.wallet), tier.listings_needed),
        Requirement("completedOrders", sold_count(shop, seller.wallet), tier.sales_needed),
    )


def current(shop: Shop, call: Call) -> Reply:
    """Return the tier of a seller."""
    seller = require_seller(shop, call.wallet)
    return Reply(
        {
            "walletAddress": seller.wallet,
            "tier": seller.tier,
            "tierDisplayName": seller.tier.capitalize(),
            "listingLimit": _BY_NAME[seller.tier].listings_at_most,
            "onboardingCompleted": seller.onboarding_completed,
        },
    )


def progress(shop: Shop, call: Call) -> Reply:
    """Return how far a seller is on the way to the next tier."""
    seller = require_seller(shop, call.wallet)
    above = next_tier(seller.tier)
    asked = requirements(shop, seller, above) if above else ()
    return Reply(
        {
            "walletAddress": seller.wallet,
            "currentTier": seller.tier,
            "nextTier": above.name if above else None,
            "onboardingCompleted": seller.onboarding_completed,
            "progressPercentage": _percentage(asked),
            "activeListings": active_listings(shop, seller.wallet),
            "listingLimit": _BY_NAME[seller.tier].listings_at_most,
            "requirements": {"completed": sum(item.met for item in asked), "total": len(asked)},
        },
    )


def progression(shop: Shop, call: Call) -> Reply:
    """Return the requirements of the next tier one by one."""
    seller = seller_of_user(shop, call.uuid("uid"))
    above = next_tier(seller.tier)
    asked = requirements(shop, seller, above) if above else ()
    return Reply(
        {
            "sellerId": seller.uid,
            "walletAddress": seller.wallet,
            "currentTier": seller.tier,
            "nextTier": above.name if above else None,
            "progressPercentage": _percentage(asked),
            "eligible": bool(asked) and all(item.met for item in asked),
            "requirements": [
                {"metric": item.metric, "current": item.current, "required": item.required, "met": item.met}
                for item in asked
            ],
        },
    )


def evaluate(shop: Shop, call: Call) -> Reply:
    """Move the caller up by one tier if everything the next one asks for is met."""
    seller = require_seller(shop, call.signed_in.wallet)
    above = next_tier(seller.tier)
    upgraded = above is not None and all(item.met for item in requirements(shop, seller, above))
    now = above.name if above is not None and upgraded else seller.tier
    if upgraded:
        shop.db.write(
            "UPDATE sellers SET tier = ?, updated_ms = ? WHERE wallet = ?",
            now, call.now_ms, seller.wallet, touch=(f"profile:{seller.wallet}", f"tier:{seller.wallet}"),
        )  # fmt: skip
        told = {"walletAddress": seller.wallet, "fromTier": seller.tier, "toTier": now}
        shop.publisher.publish("tier_upgraded", seller.wallet, told)
    data = {"walletAddress": seller.wallet, "upgraded": upgraded, "previousTier": seller.tier, "currentTier": now}
    return Reply(data, message="Tier evaluation completed")


def criteria(_shop: Shop, _call: Call) -> Reply:
    """Return what each tier offers and asks for."""
    return Reply(
        [
            {
                "tier": tier.name,
                "listingLimit": tier.listings_at_most,
                "requirements": {
                    "onboardingSteps": len(ONBOARDING_STEPS) if tier.listings_needed else 0,
                    "activeListings": tier.listings_needed,
                    "completedOrders": tier.sales_needed,
                },
            }
            for tier in TIERS
        ],
    )


def _percentage(asked: tuple[Requirement, ...]) -> int:
    if not asked:
        return 100
    reached = sum(min(item.current / item.required, 1) if item.required else 1 for item in asked)
    return int(100 * reached / len(asked))
