"""Write the SQL that gives a run's sellers paid orders: no API can make one safely."""
# ruff: noqa: S608 - statements for a person to read and run; every value in them went through sql.text

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gate import sql
from runlog.workflows import WORKFLOWS
from settings.bill import BILL
from settings.profile import Profile

WORKFLOW: Final = "order_management"
_HANDLE: Final = 8
"""Characters of an address that sign-in makes a handle of (contract.md 2.1); here the same, or sign-in would fail."""
_WORK_S: Final = 0.5
"""What a pass takes without thinking, at least; a slower target fulfils fewer orders."""
_STARTED_WITH: Final = 1.5
"""Sellers are dealt out by weight as they come and go; one workflow may have somewhat more than its share."""

_CATEGORY: Final = (
    "INSERT INTO categories (name, slug, path) SELECT 'Art', 'art', '[\"Art\"]'"
    " WHERE NOT EXISTS (SELECT 1 FROM categories);"
)


@dataclass(frozen=True, slots=True)
class Seeding:
    """Whose orders are written, and how many."""

    target: str  # its name, for the record
    pool: str
    sellers: tuple[str, ...]  # EIP-55
    buyers: tuple[str, ...]
    count: int


def sellers_of(profile: Profile) -> int:
    """Return how many of a profile's sellers fulfil orders, at most."""
    weights = {workflow: profile.weights.get(workflow, 1.0) for workflow in (*WORKFLOWS, *profile.weights)}
    share = weights[WORKFLOW] / sum(weights.values())
    return min(profile.sellers, math.ceil(profile.sellers * share * _STARTED_WITH))


def orders_of(profile: Profile, sellers: int) -> int:
    """Return how many orders so many sellers can fulfil in a run of a profile: each pass takes one."""
    pass_s = len(WORKFLOWS[WORKFLOW]) * BILL[WORKFLOW].think_s * profile.think_ratio + _WORK_S
    return math.ceil(profile.duration_s / pass_s) * sellers


def seeding_sql(seeding: Seeding) -> str:
    """Return one transaction that makes users, profiles, a listing each where they are missing, and the orders.

    Run twice it adds orders, and nothing else. Times are the database's, so that a seller sees new orders as new.
    """
    head = [
        sql.comment(
            f"sellergate: {seeding.count} paid orders for {len(seeding.sellers)} {WORKFLOW} sellers of pool"
            f" {seeding.pool!r} on target {seeding.target!r}"
        ),
        sql.comment("Nothing has to exist before: users, profiles, a category and a listing are made where missing."),
        sql.comment("Each fulfilment takes one order; run this again for more."),
        "BEGIN;",
        _CATEGORY,
    ]
    body = [
        *(line for wallet in (*seeding.sellers, *seeding.buyers) for line in _user(wallet)),
        *(line for wallet in seeding.sellers for line in _shop(wallet)),
        *_orders(seeding),
    ]
    return "\n".join([*head, *body, "COMMIT;", ""])


def _user(wallet: str) -> Iterator[str]:
    known = sql.text(wallet.lower())
    yield (
        f"INSERT INTO users (wallet_address, handle) SELECT {known}, {sql.text(f'user_{wallet[:_HANDLE]}')}"
        f" WHERE NOT EXISTS (SELECT 1 FROM users WHERE wallet_address = {known});"
    )


def _shop(wallet: str) -> Iterator[str]:
    known = sql.text(wallet.lower())
    yield (
        f"INSERT INTO sellers (wallet_address, store_name) SELECT {known}, {sql.text(f'SG orders {wallet[2:8]}')}"
        f" WHERE NOT EXISTS (SELECT 1 FROM sellers WHERE wallet_address = {known});"
    )
    yield (
        "INSERT INTO products (seller_id, title, description, price_amount, price_currency, category_id, images,"
        " metadata, inventory, status, listing_status)"
        " SELECT u.id, 'SG item for orders', 'Made by hand in a small workshop.', 12.50, 'USD',"
        " (SELECT c.id FROM categories c ORDER BY c.slug LIMIT 1), '[]', '{}', 1000, 'active', 'published'"
        f" FROM users u WHERE u.wallet_address = {known}"
        " AND NOT EXISTS (SELECT 1 FROM products p WHERE p.seller_id = u.id AND p.status = 'active');"
    )


def _orders(seeding: Seeding) -> Iterator[str]:
    for number in range(seeding.count):
        seller, buyer = _turn(seeding.sellers, number), _turn(seeding.buyers, number)
        address = {"name": f"SG buyer {buyer[2:8]}", "street": "Test street 1", "city": "Berlin", "country": "DE"}
        yield (
            "INSERT INTO orders (seller_id, buyer_id, listing_id, amount, status, payment_token, buyer_address,"
            " shipping_address, created_at)"
            " SELECT s.id, b.id, (SELECT p.id FROM products p WHERE p.seller_id = s.id AND p.status = 'active'"
            f" ORDER BY p.id LIMIT 1), {12 + number % 80}.50, 'paid', 'USDC', {sql.text(buyer.lower())},"
            f" {sql.text(json.dumps(address))}, CURRENT_TIMESTAMP FROM users s, users b"
            f" WHERE s.wallet_address = {sql.text(seller.lower())} AND b.wallet_address = {sql.text(buyer.lower())};"
        )


def _turn(wallets: Sequence[str], number: int) -> str:
    """Return the next of the wallets in turn."""
    return wallets[number % len(wallets)]
