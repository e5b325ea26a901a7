"""Have one seller sign in and look around, in a process of the load, and say whether the target is ready for more."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gate.errors import BrokenToolError
from gate.exit_codes import ExitCode
from gate.load_process import load_environment
from gate.preflight.check import Check, not_looked_at, not_needed, ok, problem, refusal
from runlog.workflows import WORKFLOWS
from settings.document import CHECKOUT, one_line
from settings.target import Target

TRIAL: Final = (sys.executable, "-m", "locustfiles._trial")
SIGN_IN, CATEGORIES, ORDERS = "sign-in", "categories", "orders"
_ATTEMPTS: Final = 5
"""A server that errs now and then is what a load is to measure; one that never lets anybody in is not."""

_PAUSE_S: Final = 0.2
_LONGEST_S: Final = 60.0
_POLL_S: Final = 0.02
_SEED_CATEGORIES: Final = "none has a listing yet: create one in each, one after the other"
_SEED_ORDERS: Final = "orders must be seeded: sellergate seed orders --sql"


@dataclass(frozen=True, slots=True)
class Trial:
    """How to start the process that plays the seller."""

    arguments: tuple[str, ...]
    environ: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, target: Target, targets: Path, *, pool: str, allow_production: bool) -> "Trial":
        """Return the trial of a target's file in the folder `targets`, with a seller of a reusable pool."""
        arguments = ["--mode", "preflight", "--target", target.name, "--targets", str(targets.absolute())]
        arguments += ["--pool", pool] + (["--allow-production"] if allow_production else [])
        return cls(tuple(arguments), load_environment(os.environ, BACKEND_URL=target.url))


@dataclass(frozen=True, slots=True)
class _Part:
    """What the trial found of one thing."""

    is_ok: bool
    detail: str
    ms: float | None = None
    count: int | None = None  # None: it could not be told


def seller_checks(trial: Trial, target: Target, stop: threading.Event) -> list[Check]:
    """Return whether a seller can sign in, finds categories to sell in and orders to fulfil.

    BrokenToolError when the trial itself crashes.
    """
    parts: dict[str, _Part] = {}
    for attempt in range(_ATTEMPTS):
        if attempt and stop.wait(_PAUSE_S):
            break
        said = _run(trial, stop)
        if isinstance(said, Check):
            return [said, not_looked_at(CATEGORIES, SIGN_IN), not_looked_at(ORDERS, SIGN_IN)]
        parts |= {name: part for name, part in said.items() if name not in parts or not parts[name].is_ok}
        if all(part.is_ok or part.count == 0 for part in parts.values()) or any(map(_throttled, parts.values())):
            break
    return [_sign_in(parts["sign_in"]), _categories(parts), _orders(parts, target)]


def _sign_in(part: _Part) -> Check:
    if part.is_ok:
        return ok(SIGN_IN, "a seller was let in" + ("" if part.ms is None else f", {part.ms:.0f} ms"))
    return problem(SIGN_IN, part.detail, _doubt(part, "sign_in_failed"), "a seller can sign in before the load starts")


def _categories(parts: dict[str, _Part]) -> Check:
    part = parts["categories"]
    if part.is_ok:
        return ok(CATEGORIES, f"{part.count} categories")
    if part.count is None and not parts["sign_in"].is_ok:
        return not_looked_at(CATEGORIES, f"{SIGN_IN} failed")
    words = _SEED_CATEGORIES if part.count == 0 else part.detail
    return problem(CATEGORIES, words, _doubt(part, "seeds_missing"), "there are categories to list in")


def _orders(parts: dict[str, _Part], target: Target) -> Check:
    part = parts["orders"]
    if part.is_ok:
        return ok(ORDERS, f"{part.count} to fulfil")
    if target.step_header and part.count == 0:  # only the sandbox gets that header, and its buyers order by themselves
        return not_needed(ORDERS, "the sandbox's buyers place them")
    declared = {(gap.workflow, gap.step) for gap in target.gaps}
    if all(("order_management", step) in declared for step in WORKFLOWS["order_management"]):
        return not_needed(ORDERS, "order_management is a declared gap")
    if part.count is None and not parts["sign_in"].is_ok:
        return not_looked_at(ORDERS, f"{SIGN_IN} failed")
    words = _SEED_ORDERS if part.count == 0 else part.detail
    return problem(ORDERS, words, _doubt(part, "seeds_missing"), "sellers of order_management have orders to fulfil")


def _doubt(part: _Part, otherwise: str) -> str:
    """Return the doubt's name: a refusal for its rate says nothing about what was asked for."""
    return "throttled" if _throttled(part) else otherwise


def _throttled(part: _Part) -> bool:
    return not part.is_ok and "status 429" in part.detail


def _run(trial: Trial, stop: threading.Event) -> "dict[str, _Part] | Check":
    """Return what one trial found, or the check that says why there is nothing."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            [*TRIAL, *trial.arguments],
            cwd=CHECKOUT, env=trial.environ, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            start_new_session=True,  # Ctrl-C is ours to answer
        )  # fmt: skip
        try:
            code = _wait(process, stop)
        finally:
            process.kill()
            process.wait()
        out.seek(0)
        err.seek(0)
        said = out.read().decode("utf-8", "replace").strip().splitlines()
        words = err.read().decode("utf-8", "replace").strip()
    if code is None:
        late = f"no answer within {_LONGEST_S:g} s"
        return problem(SIGN_IN, late, "sign_in_failed", "a seller can sign in before the load starts")
    if code == ExitCode.USAGE:
        return refusal(SIGN_IN, one_line(words.splitlines()[-1] if words else "refused without a word"))
    if code != 0:
        raise BrokenToolError(words or f"the trial ended with code {code} and said nothing")
    try:
        found: dict[str, Any] = json.loads(said[-1])
        return {name: _part(found[name]) for name in ("sign_in", "categories", "orders")}
    except (IndexError, ValueError, KeyError, TypeError) as error:
        raise BrokenToolError(f"the trial said nothing that is understood: {words[-500:]}") from error


def _part(said: dict[str, Any]) -> _Part:
    detail = one_line(str(said["detail"]))
    return _Part(is_ok=bool(said["ok"]), detail=detail, ms=said.get("ms"), count=said.get("count"))


def _wait(process: "subprocess.Popen[bytes]", stop: threading.Event) -> int | None:
    """Return the exit code; None when time was over, or nobody wants to know any more."""
    until = time.monotonic() + _LONGEST_S
    while time.monotonic() < until and not stop.is_set():
        if process.poll() is not None:
            return process.returncode
        time.sleep(_POLL_S)
    return None
