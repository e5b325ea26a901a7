"""Keep state, a copy that lags behind, tokens and counts."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

import jwt
import pytest

from sandbox.call import Caller
from sandbox.envelopes import RefusalError
from sandbox.gauges import Gauges
from sandbox.routing import Route, Router
from sandbox.state import Database
from sandbox.tokens import Tokens
from sandbox.watchers import Watchers
from tests.sandbox.conftest import M

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.sandbox.conftest import InProcess


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def touched() -> list[str]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def db(touched: list[str], clock: Clock) -> Iterator[Database]:
    def touch(tags: Sequence[str]) -> None:
        touched.extend(tags)

    database = Database(touch, clock)
    yield database
    database.close()


def add(db: Database, name: str) -> None:
    db.write("INSERT INTO users VALUES (?, ?, 'h', 0)", name, name, touch=(name,))


def users(db: Database, *, late: bool) -> int:
    db.read_late(late=late)
    return db.number("SELECT count(*) FROM users")


def test_copy_shows_a_write_exactly_when_the_lag_is_over(db: Database, clock: Clock, touched: list[str]) -> None:
    db.follow(10)
    add(db, "a")
    assert touched == ["a"]
    for at_s, seen in ((0.0, 0), (9.99, 0), (10.0, 1)):
        clock.now_s = at_s
        db.follow(10)
        assert (users(db, late=True), users(db, late=False)) == (seen, 1), at_s
    assert touched == ["a", "a"]  # pages computed from the copy are outdated when the copy catches up


def test_reading_late_says_whether_writes_are_missing(db: Database, clock: Clock) -> None:
    assert db.read_late(late=True) is False  # there is no copy
    db.follow(10)
    assert db.read_late(late=True) is False
    add(db, "a")
    assert db.read_late(late=True) is True
    assert db.read_late(late=False) is False
    clock.now_s = 10
    db.follow(10)
    assert db.read_late(late=True) is False


def test_copy_starts_with_what_was_there_and_is_dropped_at_the_end(db: Database, touched: list[str]) -> None:
    add(db, "a")
    db.follow(10)
    add(db, "b")
    assert users(db, late=True) == 1
    db.follow(None)
    assert touched == ["a", "b", "b"]
    assert users(db, late=True) == 2


def test_write_that_changes_no_row_outdates_nothing(db: Database, touched: list[str]) -> None:
    db.write("UPDATE users SET handle = 'x' WHERE uid = 'nobody'", touch=("nobody",))
    assert touched == []


def test_database_refuses_a_second_row_of_the_same_wallet(db: Database) -> None:
    add(db, "a")
    with pytest.raises(sqlite3.IntegrityError):
        add(db, "a")


def test_expired_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, caller = Tokens(), Caller("0x1", "u", "s")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 24 * 3600 - 1)
    old = tokens.access(caller)
    monkeypatch.undo()
    with pytest.raises(RefusalError, match="Token expired"):
        tokens.caller(f"Bearer {old}")
    assert tokens.caller(f"Bearer {tokens.access(caller)}") == caller


def test_remembered_token_is_refused_once_its_session_ended() -> None:
    tokens, caller = Tokens(), Caller("0x1", "u", "s")
    token = tokens.access(caller)
    assert tokens.caller(f"Bearer {token}") == caller
    tokens.end("s")
    with pytest.raises(RefusalError, match="Invalid token"):
        tokens.caller(f"Bearer {token}")


def test_two_tokens_of_one_second_differ_and_keys_are_per_process() -> None:
    tokens, caller = Tokens(), Caller("0x1", "u", "s")
    assert tokens.access(caller) != tokens.access(caller)
    with pytest.raises(RefusalError):
        Tokens().caller(f"Bearer {tokens.access(caller)}")
    assert jwt.get_unverified_header(tokens.access(caller))["alg"] == "HS256"


@pytest.mark.parametrize(("after_s", "present"), [(30.0, ["a"]), (30.1, [])])
def test_watcher_is_present_for_thirty_seconds(clock: Clock, after_s: float, present: list[str]) -> None:
    watchers = Watchers(clock)
    watchers.saw("a")
    clock.now_s = after_s
    assert watchers.present() == present


def _route(template: str, method: str = "GET") -> Route:
    return Route(method, template, lambda _shop, _call: pytest.fail("never called"))


def test_literal_goes_before_placeholder_whatever_the_order() -> None:
    table = [_route("/a/{w}"), _route("/a/b"), _route("/a/{w}/c"), _route("/a/b/{id}")]
    for routes in (table, table[::-1]):
        router = Router(routes)
        for path, template, params in (
            ("/a/b", "/a/b", {}),
            ("/a/X", "/a/{w}", {"w": "x"}),
            ("/a/X/", "/a/{w}", {"w": "x"}),
            ("/a/b/X", "/a/b/{id}", {"id": "X"}),
            ("/a/z/c", "/a/{w}/c", {"w": "z"}),
        ):
            match = router.find("GET", path)
            assert match is not None
            assert (match.route.template, match.params) == (template, params)


@pytest.mark.parametrize("path", ["/a", "/a//c", "/", "", "/a/b/c/d", "/A/b"])
def test_path_that_is_no_route_is_not_found(path: str) -> None:
    assert Router([_route("/a/{w}"), _route("/a/{w}/c")]).find("GET", path) is None


def test_dead_end_of_a_literal_falls_back_to_the_placeholder() -> None:
    match = Router([_route("/a/b/x"), _route("/a/{w}/y")]).find("GET", "/a/b/y")
    assert match is not None
    assert match.params == {"w": "b"}
    assert Router([_route("/a/{w}")]).find("POST", "/a/b") is None


def test_route_listed_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="in the table twice"):
        Router([_route("/a/{w}"), _route("/a/{uid}")])


def test_cpu_gauge_is_the_share_of_one_core_over_the_last_seconds() -> None:
    gauges = Gauges()
    ends_s = time.process_time() + 0.3
    started_s = time.monotonic()
    while time.process_time() < ends_s:
        pass
    wall_s = time.monotonic() - started_s
    assert gauges.cpu_percent == pytest.approx(30 / wall_s, rel=0.3)
    for _ in range(3):
        gauges.tick()
    assert 0 < gauges.memory_percent < 100


def test_views_are_folded_into_the_pages_with_the_tallies(inside: Callable[..., InProcess]) -> None:
    sandbox = inside()
    wallet, _, token = sandbox.user(1)
    sandbox("POST", f"{M}/seller/profile", {"walletAddress": wallet}, token=token)
    body = {"walletAddress": wallet, "title": "t", "description": "d", "price": 5, "categoryId": "art"}
    lid = sandbox("POST", f"{M}/seller/listings", body, token=token).data["id"]
    for _ in range(3):
        sandbox("POST", f"{M}/listings/{lid}/view", {})

    def figures() -> tuple[int, int]:
        categories = sandbox("GET", f"{M}/listings/categories").data
        count = next(category["count"] for category in categories if category["slug"] == "art")
        return sandbox("GET", f"{M}/listings/{lid}").data["views"], count

    assert figures() == (0, 0)
    sandbox.control.shop.tallies.fold(sandbox.control.shop.db)
    assert figures() == (3, 1)
    sandbox.control.shop.tallies.fold(sandbox.control.shop.db)
    assert figures() == (3, 1)


def test_same_seed_gives_the_same_ids(inside: Callable[..., InProcess]) -> None:
    first, second, third = (inside(seed=seed).control.shop.new_id() for seed in (7, 7, 8))
    assert first == second != third
