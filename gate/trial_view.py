"""Show the exchanges of a trial to a person: whole for the step, a line each for what went before."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import click

WIDTH: Final = 80
BODY_LINES: Final = 20
_GOOD: Final = "ok"
_SHOWN_HEADERS: Final = frozenset(
    {
        "age",
        "cache-control",
        "content-type",
        "location",
        "retry-after",
        "set-cookie",
        "x-cache",
        "x-cache-key",
        "x-correlation-id",
        "x-error-code",
        "x-request-id",
        "x-response-time",
    }
)
"""Headers of an answer that say who answered and why; those of rate limits are shown too."""
_LIMITS: Final = ("ratelimit", "x-ratelimit")


class TrialView:
    """Prints the lines of one trial as they come; `step` is the one tried."""

    def __init__(self, say: Callable[[str], None], step: str, *, full: bool, colour: bool) -> None:
        self._say = say
        self._step = step
        self._full = full
        self._colour = colour
        self._width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)

    def show(self, line: Mapping[str, Any]) -> None:
        """Print one line of the trial."""
        match line["type"]:
            case "exchange":
                self._exchange(line)
            case "freshness":
                self._print(f"  visible: {outcome_text(line)} after {_ms(line['time_ms'])}")
            case "connect" | "ack" | "push":
                self._print(f"  {line['type']}: {line['name']} {outcome_text(line)}{_after(line['time_ms'])}")
            case "result":
                self._result(line)

    def _exchange(self, line: Mapping[str, Any]) -> None:
        if line["step"] != self._step and line["outcome"] == _GOOD:
            name = line["step"] or "setup"
            self._print(f"before  {name}: {line['status']}, {_ms(line['total_ms'])}  {line['method']} {line['url']}")
            return
        for text in exchange_lines(line, BODY_LINES if not self._full else None):
            self._print(text)

    def _result(self, line: Mapping[str, Any]) -> None:
        text = result_text(line)
        if line["declared"] is not None:
            self._print(line["declared"])
        good = line["outcome"] == _GOOD
        self._say(click.style(text, fg="green" if good else "red", bold=True) if self._colour else text)

    def _print(self, text: str) -> None:
        self._say(text if self._full or len(text) <= self._width else f"{text[: self._width - 1]}…")


def exchange_lines(line: Mapping[str, Any], most: int | None) -> Iterator[str]:
    """Yield everything about one exchange; bodies of at most so many lines, or whole."""
    yield ""
    yield f"{line['method']} {line['url']}"
    yield from _part(line["request_headers"], line["request_body"], "> ", most)
    if line["request_body"] is None and line["method"] != "GET" and line["request_bytes"]:
        yield f"> ({line['request_bytes']} bytes in all)"
    if line["status"] is not None:
        headers = {name: value for name, value in line["response_headers"].items() if _matters(name)}
        yield f"< status {line['status']}, {line['response_bytes']} bytes"
        yield from _part(headers, line["response_body"], "< ", most)
    times = (("connect", "connect_ms"), ("wait", "wait_ms"), ("total", "total_ms"))
    yield "  times: " + ", ".join(f"{name} {_ms(line[key])}" for name, key in times if line[key] is not None)
    expected = f" (status {line['status']} was expected)" if line["expected"] and line["outcome"] == _GOOD else ""
    yield f"  check: {outcome_text(line)}{expected}"


def result_text(line: Mapping[str, Any]) -> str:
    """Return the last line of a trial: `listing.creation: ok, 3 requests, 12.4 ms`, or what went wrong."""
    word = str(line["outcome"]).replace("unreached", "target not reachable").replace("_", " ")
    if line["outcome"] == _GOOD:
        count = line["requests"]
        return f"{line['name']}: ok, {count} request{'' if count == 1 else 's'}, {_ms(line['time_ms'])}"
    return f"{line['name']}: {word}: {line['error']}"


def outcome_text(line: Mapping[str, Any]) -> str:
    """Return how a request ended, in the words of samples, and why."""
    return str(line["outcome"]) if line["error"] is None else f"{line['outcome']}: {line['error']}"


def _part(headers: Mapping[str, str], body: str | None, mark: str, most: int | None) -> Iterator[str]:
    for name, value in headers.items():
        yield f"{mark}{name}: {value}"
    if not body:
        return
    lines = body.splitlines()
    for text in lines[:most]:
        yield f"{mark}{text}"
    if most is not None and len(lines) > most:
        yield f"{mark}… {len(lines) - most} more lines; --full shows them"


def _matters(name: str) -> bool:
    return name.lower() in _SHOWN_HEADERS or name.lower().startswith(_LIMITS)


def _after(time_ms: float | None) -> str:
    return "" if time_ms is None else f" after {_ms(time_ms)}"


def _ms(time_ms: float | None) -> str:
    return "no time" if time_ms is None else f"{time_ms:.1f} ms"
