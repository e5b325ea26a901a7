"""Find, create and list the categories of listings."""

import re
from uuid import UUID, uuid5

from sandbox.call import Call
from sandbox.envelopes import RefusalError, Reply, invalid
from sandbox.shop import Shop
from sandbox.state import Database

SLUGS = [
    "art",
    "music",
    "gaming",
    "photography",
    "domain",
    "utility",
    "memes",
    "nft",
    "metaverse",
    "virtual-land",
    "digital-fashion",
    "trading-cards",
    "tickets",
    "electronics",
    "fashion",
    "home",
    "books",
    "sports",
    "toys",
    "automotive",
    "health",
    "jewelry",
    "collectibles",
    "vintage",
    "crafts",
    "pet-supplies",
    "food",
    "office",
    "tools",
    "baby",
    "outdoor",
    "fitness",
    "services",
    "education",
    "consulting",
    "software",
    "design",
    "writing",
    "marketing",
    "legal",
    "wellness",
    "other",
]
_NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_NAMESPACE = UUID("6f1f0f6e-6a4e-4f0e-9d6b-0d6a1f0c5e11")  # any fixed one: a slug has the same id on every start


def plant(db: Database) -> None:
    """Write the product's categories into an empty database."""
    for slug in SLUGS:
        _insert(db, slug)


def category_id(shop: Shop, wanted: object) -> str:
    """Return the id for an id, slug or name; an unknown slug is created, an unknown id refused (contract 6.5)."""
    if not isinstance(wanted, str) or not wanted:
        raise invalid("categoryId", "categoryId must be a UUID, a slug or a name")
    if _UUID.fullmatch(wanted):
        row = shop.db.row("SELECT id FROM categories WHERE id = ?", wanted.lower())
        if row is None:
            raise RefusalError(500, "LISTING_CREATE_ERROR", "Unknown category")
        return str(row["id"])
    slug = _NOT_IN_SLUGS.sub("-", wanted.lower()).strip("-")
    if not slug:
        raise invalid("categoryId", "categoryId must be a UUID, a slug or a name")
    row = shop.db.row("SELECT id FROM categories WHERE slug = ?", slug)
    return str(row["id"]) if row is not None else _insert(shop.db, slug)


def show_all(shop: Shop, _call: Call) -> Reply:
    """Return every category with its active listings as of the last full minute."""
    rows = shop.db.rows("SELECT * FROM categories ORDER BY slug")
    return Reply(
        [{"id": row["id"], "name": row["name"], "slug": row["slug"], "count": row["listings"]} for row in rows],
    )


def _insert(db: Database, slug: str) -> str:
    category = str(uuid5(_NAMESPACE, slug))
    db.write(
        "INSERT INTO categories VALUES (?, ?, ?, 0)",
        category, slug, slug.replace("-", " ").title(), touch=("categories",),
    )  # fmt: skip
    return category
