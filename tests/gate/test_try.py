"""A trial is shown whole where it matters, in 80 columns, and in a line where it does not."""

from typing import Any

import pytest

from gate.cli import main
from gate.trial_view import BODY_LINES, WIDTH, TrialView, result_text

EXCHANGE: dict[str, Any] = {
    "type": "exchange",
    "step": "creation",
    "method": "POST",
    "url": "/api/marketplace/seller/listings",
    "status": 201,
    "outcome": "ok",
    "error": None,
    "expected": True,
    "connect_ms": 0.25,
    "wait_ms": 2.0,
    "total_ms": 2.5,
    "request_bytes": 400,
    "response_bytes": 822,
    "request_headers": {"Authorization": "Bearer [hidden]"},
    "request_body": '{\n  "title": "SG"\n}',
    "response_headers": {"Content-Type": "application/json", "X-RateLimit-Remaining": "7", "Server": "x"},
    "response_body": '{\n  "success": true\n}',
}
RESULT: dict[str, Any] = {
    "type": "result",
    "name": "listing.creation",
    "outcome": "ok",
    "requests": 3,
    "time_ms": 12.44,
    "error": None,
    "declared": None,
}


def shown(*lines: dict[str, Any], full: bool = False, colour: bool = False) -> list[str]:
    said: list[str] = []
    view = TrialView(said.append, "creation", full=full, colour=colour)
    for line in lines:
        view.show(line)
    return said


def test_exchange_of_the_step_is_shown_whole() -> None:
    assert shown(EXCHANGE) == [
        "",
        "POST /api/marketplace/seller/listings",
        "> Authorization: Bearer [hidden]",
        "> {",
        '>   "title": "SG"',
        "> }",
        "< status 201, 822 bytes",
        "< Content-Type: application/json",
        "< X-RateLimit-Remaining: 7",
        "< {",
        '<   "success": true',
        "< }",
        "  times: connect 0.2 ms, wait 2.0 ms, total 2.5 ms",
        "  check: ok (status 201 was expected)",
    ]


def test_what_went_before_is_one_line() -> None:
    setup = EXCHANGE | {"step": None, "url": "/api/auth/nonce", "status": 200}
    assert shown(setup) == ["before  setup: 200, 2.5 ms  POST /api/auth/nonce"]


def test_what_went_wrong_before_is_shown_whole() -> None:
    said = shown(EXCHANGE | {"step": None, "outcome": "http_error", "error": "status 500", "status": 500})
    assert "  check: http_error: status 500" in said
    assert "< status 500, 822 bytes" in said


def test_request_without_an_answer_says_so() -> None:
    nothing = dict.fromkeys(("status", "expected", "wait_ms", "connect_ms", "response_bytes", "response_body"))
    said = shown(
        EXCHANGE | nothing | {"outcome": "timeout", "error": "no answer within 30 s", "response_headers": None}
    )
    assert said[-2:] == ["  times: total 2.5 ms", "  check: timeout: no answer within 30 s"]
    assert not any(line.startswith("<") for line in said)


def test_upload_is_shown_by_its_size() -> None:
    assert "> (400 bytes in all)" in shown(EXCHANGE | {"request_body": None})


@pytest.mark.parametrize(
    ("lines", "more"), [pytest.param(BODY_LINES, None, id="just fits"), pytest.param(BODY_LINES + 1, 1, id="one more")]
)
def test_body_of_more_than_twenty_lines_is_cut_and_says_so(lines: int, more: int | None) -> None:
    body = "\n".join(f"line {number}" for number in range(lines))
    said = shown(EXCHANGE | {"response_body": body})
    assert sum(line.startswith("< line") for line in said) == BODY_LINES
    assert [line for line in said if "more lines" in line] == (
        [] if more is None else [f"< … {more} more lines; --full shows them"]
    )
    whole = shown(EXCHANGE | {"response_body": body}, full=True)
    assert sum(line.startswith("< line") for line in whole) == lines


@pytest.mark.parametrize("extra", [0, 1])
def test_line_is_never_wider_than_eighty_columns(extra: int) -> None:
    url = "/" + "x" * (WIDTH - len("POST /") + extra)
    line = shown(EXCHANGE | {"url": url})[1]
    assert len(line) == WIDTH
    assert line.endswith("…") == bool(extra)
    assert shown(EXCHANGE | {"url": url}, full=True)[1] == f"POST {url}"


def test_visibility_is_shown_with_its_time() -> None:
    line = {"type": "freshness", "step": "x", "outcome": "ok", "time_ms": 31.0, "error": None}
    assert shown(line) == ["  visible: ok after 31.0 ms"]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        pytest.param({}, "listing.creation: ok, 3 requests, 12.4 ms", id="ok"),
        pytest.param({"requests": 1}, "listing.creation: ok, 1 request, 12.4 ms", id="one request"),
        pytest.param({"outcome": "failed", "error": "status 500"}, "listing.creation: failed: status 500", id="failed"),
        pytest.param({"outcome": "not_run", "error": "x"}, "listing.creation: not run: x", id="not run"),
        pytest.param({"outcome": "unreached", "error": "x"}, "listing.creation: target not reachable: x", id="nobody"),
    ],
)
def test_last_line_says_how_it_went(changed: dict[str, Any], text: str) -> None:
    assert result_text(RESULT | changed) == text
    assert shown(RESULT | changed) == [text]


def test_declared_gap_is_named_before_the_result() -> None:
    assert shown(RESULT | {"declared": "declared gap of us"})[0] == "declared gap of us"


@pytest.mark.parametrize(("outcome", "code"), [("ok", "\x1b[32m"), ("failed", "\x1b[31m")])
def test_result_is_coloured_on_a_terminal_only(outcome: str, code: str) -> None:
    line = RESULT | {"outcome": outcome, "error": "x"}
    assert code in shown(line, colour=True)[0]
    assert "\x1b" not in shown(line)[0]


def test_command_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "--help"]) == 0
    assert "WORKFLOW.STEP" in capsys.readouterr().out
