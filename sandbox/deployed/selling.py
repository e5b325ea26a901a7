"""Answer listing, dashboard, notification, message and tier routes as deployed."""

from dataclasses import replace

from sandbox import dashboards, listings, messaging, notifications
from sandbox.call import Call, checked_wallet
from sandbox.deployed.shapes import data_of, without
from sandbox.deployed.state import Backstage
from sandbox.envelopes import RefusalError, Reply
from sandbox.fields import Fields
from sandbox.sellers import find_seller, profile_object
from sandbox.shop import Shop

_TITLE_CHARS = 500
_CURRENCY_CHARS = 10
_PERIOD_DAYS = {f"{days}d" for days in range(1, 366)}
_TIER_ABOVE = {"basic": "bronze", "bronze": "silver"}
_PARTS_OF_PROGRESS = 4
_PUSHED_TYPES = frozenset({"mention", "community_announcement"})


def create_listing(shop: Shop, call: Call) -> Reply:
    """Publish a listing in anybody's name, however many there are: no tier has a limit."""
    fields = Fields(call.body)
    wallet = fields.text("walletAddress", 42, required=True)
    for name, chars in (("title", _TITLE_CHARS), ("currency", _CURRENCY_CHARS)):
        if len(str(call.body.get(name) or "")) > chars:
            raise RefusalError(500, "LISTING_CREATE_ERROR", f"{name} is too long")
    for name in ("title", "description", "categoryId"):
        fields.text(name, 20_000, required=True)
    fields.check()
    wallet = checked_wallet(wallet)
    draft = listings.read_draft(call.body)
    if shop.db.row("SELECT uid FROM users WHERE wallet = ?", wallet) is None:
        return Reply(None)
    seller = find_seller(shop, wallet)
    if seller is None:
        raise RefusalError(400, "SELLER_NOT_FOUND", "Create a seller profile first")
    return listings.publish(shop, call, seller, draft)


def update_listing(backstage: Backstage, shop: Shop, call: Call) -> Reply:
    """Change anybody's listing; outdates the inner public page, not the seller's detail page."""
    reply = listings.change(shop, call, listings.find(shop, call), tier_limits=False)
    backstage.inner.drop(f"listing:{call.params['lid']}")
    return reply


def delete_listing(shop: Shop, call: Call) -> Reply:
    """Take anybody's listing down; no page is outdated by it."""
    return listings.take_down(shop, call, listings.find(shop, call))


def browse(shop: Shop, call: Call) -> Reply:
    """Return the active listings of everybody, newest first unless asked otherwise; there is no most of a page."""
    query = call.query
    wanted = {"l.wallet = ?": query.get("sellerAddress", "").lower(), "c.slug = ?": query.get("category", "")}
    where = " AND ".join(["l.status = 'active'", *(clause for clause, value in wanted.items() if value)])
    values = [value for value in wanted.values() if value]
    limit, offset = call.number("limit", 20, 1, 1_000_000), call.number("offset", 0, 0, 1_000_000)
    order = {"price": "l.price_sort", "title": "l.title"}.get(query.get("sortBy", ""), "l.created_ms")
    way = "ASC" if query.get("sortOrder") == "asc" else "DESC"
    source = f"FROM listings l JOIN categories c ON c.id = l.category WHERE {where}"
    total = shop.db.number(f"SELECT count(*) {source}", *values)
    sql = f"SELECT l.* {source} ORDER BY {order} {way}, l.rowid {way} LIMIT ? OFFSET ?"
    page, pages = offset // limit + 1, -(-total // limit)
    pagination = {"page": page, "limit": limit, "total": total, "totalPages": pages}
    shown = [listings.listing_object(row) for row in shop.db.rows(sql, *values, limit, offset)]
    return Reply({"listings": shown, "pagination": pagination | {"hasNext": page < pages, "hasPrev": page > 1}})


def categories(shop: Shop, _call: Call) -> Reply:
    """Return the categories that have listings; an empty list before there are any."""
    rows = shop.db.rows(
        "SELECT c.id, c.name, c.slug, count(*) AS n FROM categories c JOIN listings l ON l.category = c.id"
        " AND l.status = 'active' GROUP BY c.id ORDER BY c.slug"
    )
    return Reply([{"id": row["id"], "name": row["name"], "slug": row["slug"], "count": row["n"]} for row in rows])


def dashboard(shop: Shop, call: Call) -> Reply:
    """Return a seller's figures to anybody; shipped and disputed are constants (contract 6.3)."""
    figures = data_of(without(dashboards.stats(shop, call), "walletAddress"))
    return Reply(figures | {"orders": figures["orders"] | {"shipped": 0, "disputed": 0}})


def analytics(shop: Shop, call: Call) -> Reply:
    """Return a seller's sums to anybody; a period that is none counts as one day."""
    if call.query.get("period", "30d") not in _PERIOD_DAYS:
        call = replace(call, query_text="period=1d")
    return dashboards.analytics(shop, call)


def notifications_of(shop: Shop, call: Call) -> Reply:
    """Return a wallet's notifications to anybody, titles only in the metadata."""
    return _untitled(notifications.list_of_wallet(shop, call))


def own_notifications(shop: Shop, call: Call) -> Reply:
    """Return the caller's notifications."""
    return _untitled(notifications.list_of_caller(shop, call))


def post_notification(shop: Shop, call: Call) -> Reply:
    """Write a notification for the caller; only those of a community are pushed (contract 8.5)."""
    posted = notifications.write(shop, call)
    if posted["type"] in _PUSHED_TYPES:
        notifications.push(shop, call.signed_in.wallet, posted)
    return notifications.written(posted)


def read_notification(backstage: Backstage, shop: Shop, call: Call) -> Reply:
    """Mark anybody's notification as read; outdates the inner dashboard of its owner and not the list it is in."""
    row = notifications.find(shop, call)
    if row is None:
        return Reply(None)
    notifications.mark_read(shop, row)
    backstage.inner.drop(f"seller:dashboard:{row['wallet']}")
    return Reply({"message": "Notification marked as read"})


def open_conversation(shop: Shop, call: Call) -> Reply:
    """Open a conversation; one with a first message fails as plain messages do (contract 0.14)."""
    if call.body.get("initialMessage"):
        raise RefusalError(500, "INTERNAL_ERROR", "Failed to start conversation")
    return messaging.open_conversation(shop, call)


def send_message(shop: Shop, call: Call) -> Reply:
    """Store an encrypted message; plain text fails (contract 0.14)."""
    if call.body.get("encryptionMetadata") is None:
        raise RefusalError(500, "INTERNAL_ERROR", "Failed to send message")
    sent = messaging.store(shop, call)
    for event in ("notification", "notification:new"):
        told = {"type": "new_message", "data": {"title": "New message", "message": sent.message}}
        shop.publisher.publish(event, sent.recipient, told)
    messaging.push(shop, sent)
    return Reply(sent.message, 201)


def tier(shop: Shop, call: Call) -> Reply:
    """Return the tier of a seller; null for a wallet without a profile."""
    seller = find_seller(shop, call.wallet)
    if seller is None:
        return Reply(None)
    shown = {"tier": seller.tier, "tierDisplayName": seller.tier.capitalize()}
    return Reply({"walletAddress": seller.wallet, **shown, "onboardingCompleted": seller.onboarding_completed})


def tier_progress(shop: Shop, call: Call) -> Reply:
    """Return how complete the profile is, which is called progress here; 100 once onboarding is done."""
    seller = find_seller(shop, call.wallet)
    if seller is None:
        return Reply(None)
    done = seller.onboarding_completed
    score = 100 if done else int(profile_object(shop, seller)["profileCompleteness"]["score"])
    return Reply(
        {
            "walletAddress": seller.wallet,
            "currentTier": seller.tier,
            "onboardingCompleted": done,
            "progressPercentage": score,
            "nextTier": _TIER_ABOVE.get(seller.tier, "gold"),
            "requirements": {"completed": score * _PARTS_OF_PROGRESS // 100, "total": _PARTS_OF_PROGRESS},
        },
    )


def _untitled(reply: Reply) -> Reply:
    page = {name: value for name, value in data_of(reply).items() if name != "walletAddress"}
    page["notifications"] = [
        {name: value for name, value in each.items() if name != "title"} for each in page["notifications"]
    ]
    return Reply(page)
