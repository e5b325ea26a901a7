"""The first failing exchanges of each step and outcome are kept, short and without secrets."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runlog import failures
from runlog.failures import EACH, Exchange, FailureLog, failure_parts, failures_path
from runlog.schema import Outcome

EXCHANGE = Exchange(
    at_s=1.5,
    workflow="listing",
    step="creation",
    outcome=Outcome.HTTP_ERROR,
    error="status 500",
    method="POST",
    url="http://127.0.0.1:1/api/x?u=1",
    request_body='{"title": "SG lamp"}',
    status=500,
    response_body='{"success": false}',
    server_request_id="req-1",
    seller=4,
    iteration=2,
)


def _kept(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in failures_path(folder, 0).read_text().splitlines()]


def _keep(log: FailureLog, exchange: Exchange) -> None:
    if log.wants(exchange.workflow, exchange.step, exchange.outcome):
        log.add(exchange)


def test_exchange_is_kept_whole(tmp_path: Path) -> None:
    _keep(FailureLog(tmp_path, 0), EXCHANGE)
    assert _kept(tmp_path) == [
        {
            "at_s": 1.5,
            "workflow": "listing",
            "step": "creation",
            "outcome": "http_error",
            "error": "status 500",
            "method": "POST",
            "url": "http://127.0.0.1:1/api/x?u=1",
            "request_body": '{"title": "SG lamp"}',
            "status": 500,
            "response_body": '{"success": false}',
            "server_request_id": "req-1",
            "seller": 4,
            "iteration": 2,
        }
    ]


def test_first_three_of_each_step_and_outcome_are_kept(tmp_path: Path) -> None:
    log = FailureLog(tmp_path, 0)
    assert EACH == 3
    for number in range(5):
        _keep(log, replace(EXCHANGE, iteration=number))
        _keep(log, replace(EXCHANGE, iteration=number, outcome=Outcome.TIMEOUT))
        _keep(log, replace(EXCHANGE, iteration=number, step="category"))
        _keep(log, replace(EXCHANGE, iteration=number, workflow=None, step=None))
    kept = [(line["workflow"], line["step"], line["outcome"], line["iteration"]) for line in _kept(tmp_path)]
    assert sorted(kept, key=str) == sorted(
        (
            (workflow, step, outcome, number)
            for workflow, step, outcome in [
                ("listing", "creation", "http_error"),
                ("listing", "creation", "timeout"),
                ("listing", "category", "http_error"),
                (None, None, "http_error"),
            ]
            for number in range(3)
        ),
        key=str,
    )


TEXTS = ("error", "url", "request_body", "response_body", "server_request_id")


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize(
    ("text", "length_bytes"),
    [("x " * 999 + "xx", 2_000), ("x " * 1_000 + "x", 2_000), ("x " * 400_000, 2_000), ("€" * 1_000, 1_998), ("", 0)],
    ids=["2000 bytes", "2001 bytes", "800 kB", "characters of three bytes", "empty"],
)
def test_each_text_is_cut_to_2_kilobytes(field: str, text: str, length_bytes: int, tmp_path: Path) -> None:
    FailureLog(tmp_path, 0).add(replace(EXCHANGE, **{field: text}))
    kept = _kept(tmp_path)[0][field]
    assert isinstance(kept, str)
    assert len(kept.encode()) == length_bytes
    assert text.startswith(kept)


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("before", [0, 1_980, 1_995, 7_990, 7_999], ids=lambda before: f"at {before}")
def test_no_text_holds_a_secret_not_even_where_it_is_cut(field: str, before: int, tmp_path: Path) -> None:
    token = "Canary-" + "q7" * 40
    FailureLog(tmp_path, 0).add(replace(EXCHANGE, **{field: "," * before + f'"token":"{token}","id":7'}))
    kept = failures_path(tmp_path, 0).read_text()
    assert "Canary" not in kept
    assert "q7q7" not in kept


def test_giant_answer_is_cut_before_it_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = list[int]()
    monkeypatch.setattr(failures, "redact", lambda text: searched.append(len(text)) or text)
    FailureLog(tmp_path, 0).add(replace(EXCHANGE, response_body="x" * 10_000_000))
    assert max(searched) == 8_000  # searching all of it would hold up every seller


def test_hidden_giant_does_not_drag_a_cut_secret_into_the_excerpt(tmp_path: Path) -> None:
    # the first value is hidden, so that the place where reading stops moves into the excerpt
    body = '{"signature":"' + "s" * 7_900 + '","token":"' + "Canary" * 40 + '"}'
    FailureLog(tmp_path, 0).add(replace(EXCHANGE, response_body=body))
    assert "Canary" not in failures_path(tmp_path, 0).read_text()


def test_what_is_not_known_stays_null(tmp_path: Path) -> None:
    unknown = dict.fromkeys(("error", "request_body", "status", "response_body", "server_request_id"))
    FailureLog(tmp_path, 0).add(replace(EXCHANGE, **unknown))
    assert _kept(tmp_path)[0].items() >= unknown.items()


def test_answer_in_broken_unicode_is_kept(tmp_path: Path) -> None:
    FailureLog(tmp_path, 0).add(replace(EXCHANGE, response_body="half \ud83d a pair"))
    assert _kept(tmp_path)[0]["response_body"] == "half ? a pair"


def test_full_disk_does_not_throw_into_the_load(tmp_path: Path) -> None:
    failures_path(tmp_path, 0).symlink_to("/dev/full")
    log = FailureLog(tmp_path, 0)
    for _ in range(5):
        _keep(log, EXCHANGE)
    assert not log.wants("listing", "creation", Outcome.HTTP_ERROR)


def test_files_of_processes_come_in_order_of_process(tmp_path: Path) -> None:
    for process in (10, 9, 0):
        failures_path(tmp_path, process).touch()
    assert failure_parts(tmp_path) == [failures_path(tmp_path, process) for process in (0, 9, 10)]
