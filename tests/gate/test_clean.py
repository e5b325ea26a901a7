"""The SQL for what a run left removes that and nothing else, children before parents, or nothing at all."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate import sql
from gate.cleaning import Remains, cleaning_sql
from gate.cli import main
from runlog.created import Created, CreatedWriter, Kind
from runlog.run import GeneratorInfo, LoadProfile, Run, TargetInfo, write_run

SCHEMA = """
PRAGMA foreign_keys = ON;
CREATE TABLE users (id TEXT PRIMARY KEY, wallet_address TEXT NOT NULL UNIQUE);
CREATE TABLE sellers (id INTEGER PRIMARY KEY, wallet_address TEXT NOT NULL UNIQUE);
CREATE TABLE products (id TEXT PRIMARY KEY, seller_id TEXT NOT NULL REFERENCES users(id), title TEXT NOT NULL);
CREATE TABLE product_tags (id INTEGER PRIMARY KEY, product_id TEXT NOT NULL REFERENCES products(id));
CREATE TABLE orders (id TEXT PRIMARY KEY, listing_id TEXT REFERENCES products(id),
    seller_id TEXT REFERENCES users(id), buyer_id TEXT REFERENCES users(id));
CREATE TABLE conversations (id TEXT PRIMARY KEY);
CREATE TABLE chat_messages (id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL REFERENCES conversations(id));
CREATE TABLE notifications (id INTEGER PRIMARY KEY, user_address TEXT NOT NULL, message TEXT NOT NULL);
INSERT INTO users VALUES ('u1', '0xaa'), ('u2', '0xbb'), ('u9', '0x99');
INSERT INTO sellers VALUES (1, '0xaa'), (9, '0x99');
INSERT INTO products VALUES ('l1', 'u1', 'SG lamp'), ('l2', 'u1', 'SG bowl'), ('l9', 'u9', 'SG mug');
INSERT INTO product_tags VALUES (1, 'l1'), (9, 'l9');
INSERT INTO conversations VALUES ('c1'), ('c9');
INSERT INTO chat_messages VALUES ('m1', 'c1'), ('m9', 'c9');
INSERT INTO notifications VALUES (1, '0xaa', 'mentioned: sg-run1-7-0'), (9, '0xaa', 'somebody else');
"""
TABLES = ("users", "sellers", "products", "product_tags", "orders", "conversations", "chat_messages", "notifications")


def made(kind: Kind, name: str | None, wallet: str = "0xaa") -> Created:
    return Created(kind, name, wallet, 1.0, "listing")


EVERYTHING = (
    made(Kind.USER, "u1"),
    made(Kind.USER, "u2", "0xbb"),
    made(Kind.PROFILE, "0xaa"),
    made(Kind.LISTING, "l1"),
    made(Kind.LISTING, "l2"),
    made(Kind.CONVERSATION, "c1"),
    made(Kind.MESSAGE, "m1"),
    made(Kind.NOTIFICATION, "17"),
    made(Kind.ORDER_MESSAGE, "om1"),
    made(Kind.IMAGE, "i1"),
)


def remains(*created: Created, run_id: str = "run1") -> Remains:
    return Remains(run_id, "staging https://staging.example", created)


@pytest.fixture
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    return connection


def left(database: sqlite3.Connection) -> dict[str, list[str]]:
    rows = {table: database.execute(f"SELECT id FROM {table} ORDER BY id").fetchall() for table in TABLES}  # noqa: S608  # names from above
    return {table: [str(row[0]) for row in found] for table, found in rows.items() if found}


def test_what_the_run_made_is_gone_and_nothing_else(database: sqlite3.Connection) -> None:
    database.executescript(cleaning_sql([remains(*EVERYTHING)]))
    assert left(database) == {
        "users": ["u9"],
        "sellers": ["9"],
        "products": ["l9"],
        "product_tags": ["9"],
        "conversations": ["c9"],
        "chat_messages": ["m9"],
        "notifications": ["9"],
    }


def test_running_it_twice_changes_nothing_more(database: sqlite3.Connection) -> None:
    text = cleaning_sql([remains(*EVERYTHING)])
    database.executescript(text)
    before = left(database)
    database.executescript(text)
    assert left(database) == before


def test_listing_an_order_refers_to_stops_the_whole(database: sqlite3.Connection) -> None:
    database.execute("INSERT INTO orders VALUES ('o1', 'l1', 'u1', 'u9')")
    database.commit()
    before = left(database)
    with pytest.raises(sqlite3.IntegrityError):
        database.executescript(cleaning_sql([remains(*EVERYTHING)]))
    database.rollback()
    assert left(database) == before


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("INSERT INTO products VALUES ('later', 'u2', 'of a later run')", id="listing of a later run"),
        pytest.param("INSERT INTO orders VALUES ('o1', 'l9', 'u9', 'u2')", id="order they placed"),
        pytest.param("INSERT INTO orders VALUES ('o1', 'l9', 'u2', 'u9')", id="order they got"),
    ],
)
def test_user_somebody_still_refers_to_stays(statement: str, database: sqlite3.Connection) -> None:
    database.execute(statement)
    database.commit()
    database.executescript(cleaning_sql([remains(*EVERYTHING)]))
    assert left(database)["users"] == ["u2", "u9"]


def test_listing_without_an_id_goes_by_prefix_and_seller(database: sqlite3.Connection) -> None:
    database.execute("INSERT INTO products VALUES ('own', 'u1', 'Real lamp')")
    database.commit()
    database.executescript(cleaning_sql([remains(made(Kind.LISTING, None))]))
    assert left(database)["products"] == ["l9", "own"]


def test_several_runs_are_one_transaction_in_the_order_keys_need(database: sqlite3.Connection) -> None:
    runs = [remains(made(Kind.USER, "u1"), made(Kind.NOTIFICATION, "1"))]
    runs.append(remains(made(Kind.LISTING, "l1"), made(Kind.LISTING, "l2"), run_id="run2"))
    text = cleaning_sql(runs)
    assert (text.count("BEGIN;"), text.count("COMMIT;")) == (1, 1)
    database.executescript(text)
    assert left(database)["users"] == ["u2", "u9"]
    assert left(database)["notifications"] == ["9"]


def test_images_are_only_named(database: sqlite3.Connection) -> None:
    text = cleaning_sql([remains(made(Kind.IMAGE, "i1"))])
    assert "-- ('i1')" in text
    assert "DELETE" not in text
    database.executescript(text)


@pytest.mark.parametrize("evil", ["x'); DROP TABLE users; --", "a b", "", "é", "x" * 81, "x\nDROP"])
def test_id_a_server_made_up_never_reaches_a_statement(evil: str, database: sqlite3.Connection) -> None:
    text = cleaning_sql([remains(made(Kind.LISTING, evil), made(Kind.IMAGE, evil))])
    assert "DELETE" not in text
    database.executescript(text)


def test_run_id_and_wallet_cannot_end_their_comment_or_literal(database: sqlite3.Connection) -> None:
    evil = replace(remains(made(Kind.NOTIFICATION, "1", "0x'; DROP TABLE users;")), run_id="x'\nDROP TABLE users;")
    database.executescript(cleaning_sql([evil]))
    assert "users" in left(database)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))))
def test_any_text_is_one_literal(value: str) -> None:
    assert sqlite3.connect(":memory:").execute(f"SELECT {sql.text(value)}").fetchone() == (value,)


def test_text_with_a_zero_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="zero byte"):
        sql.text("a\0b")


@pytest.mark.parametrize(("count", "lists"), [(0, 0), (1, 1), (sql.AT_ONCE, 1), (sql.AT_ONCE + 1, 2)])
def test_lists_hold_five_hundred_values_at_most(count: int, lists: int) -> None:
    written = list(sql.lists(str(number) for number in range(count)))
    assert len(written) == lists
    assert sum(text.count(",") + 1 for text in written) == count


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "run1"
    folder.mkdir()
    run = Run(
        id="run1",
        stage=None,
        load_profile=LoadProfile(name=None, sellers=1, spawn_per_s=1, duration_s=None, ramp_s=None),
        target=TargetInfo(name="sandbox", url="http://127.0.0.1:9"),
        revision=None,
        seed=1,
        generator=GeneratorInfo.here([0]),
        scope=(),
        started_at_s=1.0,
    )
    write_run(folder, run)
    CreatedWriter(folder, 0).write("pool", [*EVERYTHING, made(Kind.LISTING, None)])
    return folder


def test_dry_run_sends_nothing_and_writes_the_sql(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clean", str(run_dir), "--dry-run"]) == 0
    said = capsys.readouterr()
    assert said.out.rstrip().endswith("COMMIT;")
    assert "run1: created 2 users, 1 profile, 2 listings," in said.err
    assert "1 more requests got no readable answer" in said.err


def test_sql_goes_to_a_file_when_one_is_named(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clean", str(run_dir), "--dry-run", "--sql", str(tmp_path / "clean.sql")]) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "clean.sql").read_text().rstrip().endswith("COMMIT;")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param([], 2, "missing argument 'RUN_DIR", id="no run"),
        pytest.param(["gone"], 3, "run.json", id="no such run"),
        pytest.param(["RUN", "--dry-run", "--sql", "/no/such/folder/x"], 2, "--sql: /no/such/folder/x", id="no folder"),
        pytest.param(["RUN", "--target", "stagging"], 2, "no target 'stagging'", id="unknown target"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str], code: int, words: str, run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clean", *(str(run_dir) if word == "RUN" else word for word in arguments)]) == code
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_run_without_a_registry_is_refused(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run_dir / "created-0.jsonl").unlink()
    assert main(["clean", str(run_dir), "--dry-run"]) == 3
    assert "what the run created is not known" in capsys.readouterr().err
