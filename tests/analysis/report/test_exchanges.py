"""Failing exchanges on the page."""

import json
from pathlib import Path

import pytest

from analysis.report.exchanges import read_exchanges

ROW = {
    "at_s": 1_764_000_000.0,
    "workflow": "store",
    "step": "store_page",
    "outcome": "http_error",
    "error": "status 500",
    "method": "GET",
    "url": "http://127.0.0.1/api",
    "request_body": '{"a": 1}',
    "status": 500,
    "response_body": "<h1>no</h1>",
    "server_request_id": "r-1",
    "seller": 3,
    "iteration": 4,
}


def write(folder: Path, *lines: object) -> None:
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    (folder / "failures.jsonl").write_text(text, encoding="utf-8")


def test_an_exchange_is_shown_whole(tmp_path: Path) -> None:
    write(tmp_path, ROW)
    exchanges = read_exchanges(tmp_path)
    [card] = exchanges.cards
    assert exchanges.note is None
    assert (card.title, card.error) == ("store.store_page: http_error", "status 500")
    assert card.facts == "status 500 · server's request id r-1 · seller 3, iteration 4 · 2025-11-24 16:00:00 UTC"
    assert (card.request, card.request_body) == ("GET http://127.0.0.1/api", '{"a": 1}')
    assert card.response_body == "<h1>no</h1>"


def test_what_is_not_known_is_a_dash_and_not_none(tmp_path: Path) -> None:
    unknown = dict.fromkeys(("workflow", "step", "error", "request_body", "response_body", "status"), None)
    write(tmp_path, ROW | unknown | {"server_request_id": None})
    [card] = read_exchanges(tmp_path).cards
    assert card.title == "setup: http_error"
    assert card.facts.startswith("status — · server's request id — · ")
    assert (card.error, card.request_body, card.response_body) == ("", "", "")


def test_one_exchange_of_each_step_and_outcome_is_shown(tmp_path: Path) -> None:
    write(tmp_path, ROW, ROW | {"error": "second"}, ROW | {"outcome": "timeout"})
    assert [(card.title, card.error) for card in read_exchanges(tmp_path).cards] == [
        ("store.store_page: http_error", "status 500"),
        ("store.store_page: timeout", "status 500"),
    ]


def test_more_than_twenty_kinds_are_counted_and_not_shown(tmp_path: Path) -> None:
    write(tmp_path, *(ROW | {"step": f"step_{number}"} for number in range(23)))
    exchanges = read_exchanges(tmp_path)
    assert len(exchanges.cards) == 20
    assert exchanges.note == "3 more kinds of failure: see failures.jsonl."


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("not json\n", id="not JSON"),
        pytest.param('{"at_s": 17640\n', id="cut off"),
        pytest.param("[]\n", id="not an object"),
        pytest.param("{}\n", id="keys missing"),
        pytest.param("null\n", id="null"),
        pytest.param(json.dumps(ROW | {"at_s": None}) + "\n", id="no time"),
    ],
)
def test_an_unreadable_line_is_said_and_hides_nothing(tmp_path: Path, line: str) -> None:
    write(tmp_path, line, ROW)
    exchanges = read_exchanges(tmp_path)
    assert len(exchanges.cards) == 1
    assert exchanges.note == "Not readable: 1 line of failures.jsonl."


def test_two_unreadable_lines_are_plural(tmp_path: Path) -> None:
    write(tmp_path, "x\n", "y\n")
    assert read_exchanges(tmp_path).note == "Not readable: 2 lines of failures.jsonl."


def test_a_long_body_is_cut(tmp_path: Path) -> None:
    write(tmp_path, ROW | {"response_body": "x" * 5_000})
    assert len(read_exchanges(tmp_path).cards[0].response_body) == 2_000


def test_no_file_is_no_failure(tmp_path: Path) -> None:
    exchanges = read_exchanges(tmp_path)
    assert (exchanges.cards, exchanges.note) == ((), None)


def test_a_file_the_disk_does_not_give_is_said(tmp_path: Path) -> None:
    (tmp_path / "failures.jsonl").mkdir()
    assert read_exchanges(tmp_path).note == "failures.jsonl: Is a directory"


def test_bytes_that_are_not_utf8_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "failures.jsonl").write_bytes(json.dumps(ROW | {"error": "zz"}).encode().replace(b"zz", b"\xff\xfe"))
    assert read_exchanges(tmp_path).cards[0].error == "\ufffd\ufffd"
