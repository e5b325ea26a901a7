"""The SQL for orders makes as many as asked for, of these sellers, on an empty database and on a used one."""

import json
import sqlite3
from typing import Any

import pytest

from gate.cli import main
from gate.seeding import Seeding, orders_of, seeding_sql, sellers_of
from settings.profile import Profile

SCHEMA = """
PRAGMA foreign_keys = ON;
CREATE TABLE users (id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))), wallet_address TEXT NOT NULL UNIQUE,
    handle TEXT UNIQUE);
CREATE TABLE sellers (id INTEGER PRIMARY KEY, wallet_address TEXT NOT NULL UNIQUE, store_name TEXT);
CREATE TABLE categories (id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))), name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE, path TEXT NOT NULL);
CREATE TABLE products (id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    seller_id TEXT NOT NULL REFERENCES users(id), title TEXT NOT NULL, description TEXT NOT NULL,
    price_amount NUMERIC NOT NULL, price_currency TEXT NOT NULL, category_id TEXT NOT NULL REFERENCES categories(id),
    images TEXT NOT NULL, metadata TEXT NOT NULL, inventory INTEGER NOT NULL, status TEXT, listing_status TEXT);
CREATE TABLE orders (id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))), listing_id TEXT REFERENCES products(id),
    buyer_id TEXT REFERENCES users(id), seller_id TEXT REFERENCES users(id), amount NUMERIC NOT NULL, status TEXT,
    payment_token TEXT, buyer_address TEXT, shipping_address TEXT, created_at TEXT);
"""
SELLERS = ("0xAa0000000000000000000000000000000000000A", "0xBb0000000000000000000000000000000000000B")
BUYERS = ("0xCc0000000000000000000000000000000000000C",)
ORDERS = """SELECT s.wallet_address, b.wallet_address, p.seller_id = o.seller_id, o.status, o.shipping_address,
    o.buyer_address, o.created_at, o.amount
    FROM orders o JOIN users s ON s.id = o.seller_id JOIN users b ON b.id = o.buyer_id
    JOIN products p ON p.id = o.listing_id"""


def seeding(count: int = 5) -> Seeding:
    return Seeding(target="staging", pool="pool", sellers=SELLERS, buyers=BUYERS, count=count)


@pytest.fixture
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    return connection


def test_orders_are_paid_and_refer_to_a_listing_of_their_seller(database: sqlite3.Connection) -> None:
    database.executescript(seeding_sql(seeding()))
    rows = database.execute(ORDERS).fetchall()
    assert len(rows) == 5
    assert {row[0] for row in rows} == {wallet.lower() for wallet in SELLERS}
    for _, buyer, own_listing, status, address, buyer_address, created_at, amount in rows:
        assert (buyer, own_listing, status, buyer_address) == (BUYERS[0].lower(), 1, "paid", BUYERS[0].lower())
        assert json.loads(address)["city"]
        assert created_at
        assert amount > 0


def test_second_time_adds_orders_and_nothing_else(database: sqlite3.Connection) -> None:
    for _ in range(2):
        database.executescript(seeding_sql(seeding()))
    counts = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in  # noqa: S608  # names here
              ("users", "sellers", "categories", "products", "orders")]  # fmt: skip
    assert counts == [3, 2, 1, 2, 10]


def test_what_is_there_already_is_used(database: sqlite3.Connection) -> None:
    known = SELLERS[0].lower()
    database.executescript(
        f"""INSERT INTO users (id, wallet_address, handle) VALUES ('u1', '{known}', 'known');
        INSERT INTO categories VALUES ('k1', 'Books', 'books', '[]');
        INSERT INTO products VALUES ('p0', 'u1', 'down', '', 1, 'USD', 'k1', '[]', '{{}}', 1, 'inactive', 'x'),
            ('p1', 'u1', 'own', '', 1, 'USD', 'k1', '[]', '{{}}', 1, 'active', 'published');"""  # noqa: S608  # our own wallet
    )
    database.executescript(seeding_sql(seeding()))
    listings = database.execute("SELECT DISTINCT listing_id FROM orders WHERE seller_id = 'u1'").fetchall()
    assert listings == [("p1",)]
    assert database.execute("SELECT count(*) FROM categories").fetchone() == (1,)


def test_handle_is_the_one_sign_in_makes(database: sqlite3.Connection) -> None:
    database.executescript(seeding_sql(seeding()))
    handles = {row[0] for row in database.execute("SELECT handle FROM users")}
    assert handles == {f"user_{wallet[:8]}" for wallet in (*SELLERS, *BUYERS)}


def profile(**changes: Any) -> Profile:
    given = {"name": "p", "sellers": 80, "spawn_per_s": 10.0, "duration_s": 85.0, "ramp_s": 10.0}
    return Profile(**given | changes)


@pytest.mark.parametrize(
    ("changes", "sellers"),
    [
        pytest.param({}, 15, id="an eighth of 80, and half more"),
        pytest.param({"sellers": 1}, 1, id="never more than there are"),
        pytest.param({"weights": {"order_management": 9.0}}, 68, id="9 of 16 of 80, and half more"),
        pytest.param({"weights": {"ninth": 8.0}}, 8, id="1 of 16 of 80, and half more, rounded up"),
    ],
)
def test_sellers_are_the_workflows_share_with_room(changes: dict[str, Any], sellers: int) -> None:
    assert sellers_of(profile(**changes)) == sellers


@pytest.mark.parametrize(
    ("changes", "orders"),
    [
        # a pass thinks five times a second, and works half of one: 5.5 s
        pytest.param({}, 2 * 16, id="85 s / 5.5 s, rounded up, for each seller"),
        pytest.param({"think_ratio": 0.0}, 2 * 170, id="85 s / 0.5 s"),
    ],
)
def test_orders_are_as_many_as_passes(changes: dict[str, Any], orders: int) -> None:
    assert orders_of(profile(**changes), 2) == orders


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["orders"], "accepted: with --sql", id="nothing but SQL"),
        pytest.param(
            ["orders", "--sql", "--sellers", "2", "--load-profile", "demo"], "accepted: one of them", id="both"
        ),
        pytest.param(["listings", "--sql"], "'listings' is not 'orders'", id="something else"),
        pytest.param(["orders", "--sql", "--load-profile", "dmo"], "'dmo'", id="unknown profile"),
        pytest.param(["orders", "--sql", "--target", "stagging"], "'stagging'", id="unknown target"),
        pytest.param(["orders", "--sql", "--count", "0"], "--count", id="none"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["seed", *arguments]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert words in said[0]


def test_command_writes_the_wallets_of_the_pool(
    database: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["seed", "orders", "--sql", "--sellers", "3", "--processes", "2", "--count", "4"]) == 0
    text = capsys.readouterr().out
    database.executescript(text)
    assert database.execute("SELECT count(*) FROM orders").fetchone() == (4,)
    assert database.execute("SELECT count(*) FROM sellers").fetchone() == (4,)  # two of each process
