"""Read the command line and run the sandbox."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from sandbox.addresses import RefusedAddressError, checked_host
from sandbox.amounts import BadAmountError, duration_s
from sandbox.faults import BadFaultError, parse_fault
from sandbox.options import Options
from sandbox.server import serve

OTHERS = 6
"""Shops of people no load plays that a deployment starts with: its categories are those that have listings."""
EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


class _UsageError(Exception):
    """An argument that cannot be used; the text is the one line to show."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(message)


def main(argv: Sequence[str]) -> int:
    """Run until stopped; 0 after a clean stop, 1 if the port cannot be had, 2 for a wrong argument."""
    try:
        options = _options(_parser().parse_args(argv))
    except _UsageError as error:
        print(f"sandbox: {error}", file=sys.stderr)  # noqa: T201 - the line of a refusal
        return EXIT_USAGE
    except (BadFaultError, RefusedAddressError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - likewise
        return EXIT_USAGE
    try:
        serve(options)
    except OSError as error:
        print(f"sandbox: {options.host}:{options.port}: {error.strerror}", file=sys.stderr)  # noqa: T201 - likewise
        return EXIT_FAILED
    return EXIT_OK


def _options(arguments: argparse.Namespace) -> Options:
    try:
        host = checked_host(arguments.host)
    except RefusedAddressError as error:
        raise RefusedAddressError(f"--host {error}") from error
    for name in ("ready_file", "truth_file"):
        path: Path | None = getattr(arguments, name)
        if path is not None and not path.parent.is_dir():
            raise _UsageError(f"--{name.replace('_', '-')} {path}: no such folder; accepted: a file in one that exists")
    if arguments.seed_orders and not arguments.as_deployed:
        raise _UsageError("--seed-orders needs --as-deployed: the ordinary sandbox has buyers")
    return Options(
        host=host,
        port=arguments.port,
        faults=tuple(parse_fault(text) for text in arguments.fault),
        service_time_s=arguments.service_time,
        rate_limits=arguments.rate_limits,
        cache=not arguments.no_cache,
        ready_file=arguments.ready_file,
        truth_file=arguments.truth_file,
        seed=arguments.seed,
        stop_after_s=arguments.stop_after,
        as_deployed=arguments.as_deployed,
        seed_orders=arguments.seed_orders,
        others=OTHERS if arguments.as_deployed else 0,
        ping_interval_s=arguments.ping_interval,
        ping_timeout_s=arguments.ping_timeout,
        socket_cap_per_address=arguments.socket_cap_per_address,
        socket_cap=arguments.socket_cap,
        presence=arguments.presence,
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="sandbox", description="The embedded stand-in for staging.", allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (127.0.0.1)")
    parser.add_argument("--port", default=0, type=_whole(0, 65535), help="port; 0 takes a free one (0)")
    parser.add_argument("--fault", default=[], action="append", metavar="F", help="misbehave so; may be repeated")
    parser.add_argument("--service-time", default=0.0, type=_duration, help="time each computed answer takes (2ms)")
    parser.add_argument("--rate-limits", action="store_true", help="enforce the product's rate limits")
    parser.add_argument("--no-cache", action="store_true", help="compute every page")
    parser.add_argument("--ready-file", type=Path, help="file to write the address to when listening")
    parser.add_argument("--truth-file", type=Path, help="file to write the counters to at the end")
    parser.add_argument("--seed", default=0, type=_whole(0, 2**63 - 1), help="seed of ids, buyers and faults (0)")
    parser.add_argument("--stop-after", default=3600.0, type=_duration, help="stop by itself after this long (1h)")
    parser.add_argument("--as-deployed", action="store_true", help="answer as LinkDAO really does, defects included")
    parser.add_argument(
        "--seed-orders", default=0, type=_whole(0, 10_000), help="paid orders every seller with a listing has (0)"
    )
    _add_sockets(parser)
    return parser


def _add_sockets(parser: argparse.ArgumentParser) -> None:
    sockets = parser.add_argument_group("sockets", "Defaults are the product's; in brackets those of --as-deployed.")
    cap = _whole(0, 1_000_000)
    sockets.add_argument("--ping-interval", type=_seconds, help="ask every session so often if it lives (45s, [1min])")
    sockets.add_argument("--ping-timeout", type=_duration, help="end those that do not answer in this (90s, [2min])")
    sockets.add_argument(
        "--socket-cap-per-address", type=cap, metavar="N", help="at most from one address; 0: any ([21])"
    )
    sockets.add_argument("--socket-cap", type=cap, metavar="N", help="at most in all; 0: any ([100])")
    sockets.add_argument(
        "--presence",
        action=argparse.BooleanOptionalAction,
        help="tell everybody of everybody who comes and goes ([on])",
    )


def _duration(text: str) -> float:
    try:
        return duration_s(text)
    except BadAmountError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _seconds(text: str) -> float:
    """Read a duration of whole seconds: a server announces its interval in them."""
    read_s = _duration(text)
    if not read_s.is_integer():
        raise argparse.ArgumentTypeError(f"{text!r} is not in whole seconds; accepted: 1s, 45s, 1min")
    return read_s


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number; accepted: {low} to {high}")
        return int(text)

    return read
