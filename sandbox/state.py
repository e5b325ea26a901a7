"""Hold the sandbox's state in SQLite, and a lagging copy of it for stale reads."""

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

SCHEMA = """
CREATE TABLE users (uid TEXT PRIMARY KEY, wallet TEXT UNIQUE NOT NULL, handle TEXT NOT NULL,
    created_ms INTEGER NOT NULL);
CREATE TABLE nonces (nonce TEXT PRIMARY KEY, wallet TEXT NOT NULL, message TEXT NOT NULL, expires_ms INTEGER NOT NULL);
CREATE TABLE sessions (id TEXT PRIMARY KEY, uid TEXT NOT NULL, refresh_id TEXT NOT NULL, active INTEGER NOT NULL,
    created_ms INTEGER NOT NULL);
CREATE INDEX sessions_of ON sessions (uid, active, created_ms);
CREATE TABLE sellers (wallet TEXT PRIMARY KEY, uid TEXT NOT NULL, tier TEXT NOT NULL, document BLOB NOT NULL,
    created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL);
CREATE TABLE categories (id TEXT PRIMARY KEY, slug TEXT UNIQUE NOT NULL, name TEXT NOT NULL, listings INTEGER NOT NULL);
CREATE TABLE listings (id TEXT PRIMARY KEY, wallet TEXT NOT NULL, uid TEXT NOT NULL, title TEXT NOT NULL,
    price TEXT NOT NULL, price_sort REAL NOT NULL, currency TEXT NOT NULL, category TEXT NOT NULL, status TEXT NOT NULL,
    views INTEGER NOT NULL, document BLOB NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL);
CREATE INDEX listings_of ON listings (wallet, status);
CREATE INDEX listings_in ON listings (category, status);
CREATE TABLE orders (id TEXT PRIMARY KEY, wallet TEXT NOT NULL, buyer_uid TEXT NOT NULL, buyer_wallet TEXT NOT NULL,
    listing TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL, amount_cents INTEGER NOT NULL,
    fee_cents INTEGER NOT NULL, tax_cents INTEGER NOT NULL, shipping_cents INTEGER NOT NULL, notes TEXT NOT NULL,
    carrier TEXT NOT NULL, tracking TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL);
CREATE INDEX orders_of ON orders (wallet, created_ms);
CREATE INDEX orders_in ON orders (wallet, status, created_ms);
CREATE TABLE order_messages (id TEXT PRIMARY KEY, order_id TEXT NOT NULL, sender TEXT NOT NULL, message TEXT NOT NULL,
    created_ms INTEGER NOT NULL);
CREATE INDEX order_messages_of ON order_messages (order_id, created_ms);
CREATE TABLE notifications (id INTEGER PRIMARY KEY AUTOINCREMENT, wallet TEXT NOT NULL, type TEXT NOT NULL,
    title TEXT NOT NULL, message TEXT NOT NULL, metadata BLOB NOT NULL, read INTEGER NOT NULL,
    created_ms INTEGER NOT NULL);
CREATE INDEX notifications_of ON notifications (wallet, read, id);
CREATE TABLE conversations (id TEXT PRIMARY KEY, first TEXT NOT NULL, second TEXT NOT NULL, created_ms INTEGER NOT NULL,
    UNIQUE (first, second));
CREATE INDEX conversations_of ON conversations (second);
CREATE TABLE messages (id TEXT PRIMARY KEY, conversation TEXT NOT NULL, sender TEXT NOT NULL, content TEXT NOT NULL,
    encryption BLOB NOT NULL, created_ms INTEGER NOT NULL);
CREATE INDEX messages_of ON messages (conversation, created_ms);
CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL, type TEXT NOT NULL, value REAL NOT NULL,
    created_ms INTEGER NOT NULL);
CREATE INDEX metrics_of ON metrics (uid, type, created_ms);
"""

Value = str | int | float | bytes


@dataclass(frozen=True, slots=True)
class _Write:
    at_s: float
    sql: str
    values: tuple[Value, ...]
    touched: tuple[str, ...]


class Database:
    """One in-memory SQLite database on one thread; every write says which tags of cached pages it changes.

    While reads lag (``follow``), GETs read from a copy to which each write is applied late, as from a replica.
    """

    def __init__(self, touch: Callable[[Sequence[str]], None], clock: Callable[[], float] = monotonic) -> None:
        self._touch = touch
        self._clock = clock
        self._primary = _connect()
        self._primary.executescript(SCHEMA)
        self._replica: sqlite3.Connection | None = None
        self._pending: deque[_Write] = deque()
        self._reading = self._primary

    def row(self, sql: str, *values: Value) -> sqlite3.Row | None:
        """Return the first row, or None."""
        found: sqlite3.Row | None = self._reading.execute(sql, values).fetchone()
        return found

    def rows(self, sql: str, *values: Value) -> list[sqlite3.Row]:
        """Return every row."""
        return self._reading.execute(sql, values).fetchall()

    def number(self, sql: str, *values: Value) -> int:
        """Return the whole number a counting or summing query gives; 0 for no rows."""
        found = self._reading.execute(sql, values).fetchone()
        return int(found[0] or 0) if found is not None else 0

    def write(self, sql: str, *values: Value, touch: tuple[str, ...] = ()) -> sqlite3.Cursor:
        """Change something, and outdate the pages that show it."""
        cursor = self._primary.execute(sql, values)
        touch = touch if cursor.rowcount else ()  # a write that changed no row outdates nothing
        self._touch(touch)
        if self._replica is not None:
            self._pending.append(_Write(self._clock(), sql, values, touch))
        return cursor

    def follow(self, lag_s: float | None) -> None:
        """Bring the lagging copy to the state of ``lag_s`` ago, or drop it (None)."""
        if lag_s is None:
            if self._replica is not None:
                self._replica.close()
                self._replica = None
                for write in self._pending:
                    self._touch(write.touched)
                self._pending.clear()
            return
        if self._replica is None:
            self._replica = _connect()
            self._primary.backup(self._replica)
        due_s = self._clock() - lag_s
        while self._pending and self._pending[0].at_s <= due_s:
            write = self._pending.popleft()
            self._replica.execute(write.sql, write.values)
            self._touch(write.touched)  # pages computed from the copy in the meantime are outdated only now

    def read_late(self, *, late: bool) -> bool:
        """Choose where reads go until the next call; returns whether they will see less than was written."""
        self._reading = self._replica if late and self._replica is not None else self._primary
        return self._reading is not self._primary and bool(self._pending)

    def close(self) -> None:
        """Close the database and its copy."""
        self.follow(None)
        self._primary.close()


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=300)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = OFF")
    return connection
