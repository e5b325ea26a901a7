"""Be one seller for a moment, outside any run: try a step, look what preflight asks about, clean up."""

import locust  # isort: skip  # noqa: F401  # first: it patches the standard library, and ssl must not be loaded before

import argparse
import importlib
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, cast

from locustfiles._checks import StepFailed
from locustfiles._load import POOL, Load
from locustfiles._options import ROOT
from locustfiles._recording import Recorder
from locustfiles._seller import Seller
from locustfiles._session import BUG, USAGE
from locustfiles._trial_lines import Teller, seat, told
from locustfiles._trial_preflight import preflight
from runlog.redaction import redact
from runlog.schema import Outcome
from settings.document import did_you_mean
from settings.problem import UsageProblem
from settings.target import Target, check_host, load_target

FAILED: Final = 1
UNREACHED: Final = 3
"""Two more of the gate's exit codes; the others are `_session`'s."""


def main(argv: Sequence[str]) -> int:
    """Do what one command line asks for and return the gate's exit code for it; never raises."""
    try:
        options = _options(argv)
        return _MODES[options.mode](options, _target(options))
    except UsageProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return USAGE
    except KeyboardInterrupt:
        return UNREACHED
    except Exception as bug:  # noqa: BLE001  # whatever it is, it is ours, and code 1 would read as "the step failed"
        sys.stderr.write(redact("".join(traceback.format_exception(bug))))
        return BUG


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m locustfiles._trial", description=__doc__, allow_abbrev=False)
    parser.add_argument("--mode", choices=tuple(_MODES), required=True)
    parser.add_argument("--step", metavar="WORKFLOW.STEP", help="mode step: what to try")
    parser.add_argument("--target")
    parser.add_argument("--targets", type=Path, default=ROOT / "targets")
    parser.add_argument("--pool", help="default: the pool of every run, of mode clean the run's own")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--allow-production", action="store_true")
    parser.add_argument("--run-dir", type=Path, help="mode clean: whose listings to take down")
    parser.add_argument("--sellers", type=int, default=1, help="mode wallets: how many, of each process")
    parser.add_argument("--processes", type=int, default=1, help="mode wallets")
    parser.add_argument("--buyers", type=int, default=1, help="mode wallets")
    return parser.parse_args(argv)


def _target(options: argparse.Namespace) -> Target:
    target = load_target(options.target, folder=options.targets)
    if target.production and not options.allow_production:
        raise UsageProblem(f"target {target.name!r} is production; accepted: with --allow-production")
    check_host(target, target.url)
    return target


def _load(options: argparse.Namespace, teller: Teller, target: Target) -> Load:
    """Return a load of one seller that thinks nothing and is told, not recorded."""
    return Load(
        target=target,
        run_id=f"{options.mode}-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**9:09d}",
        seed=options.seed,
        think_ratio=0.0,
        recorder=cast("Recorder", teller),  # it answers what sellers ask of one, and keeps nothing
        pool=options.pool or POOL,
    )


def _try(options: argparse.Namespace, target: Target) -> int:
    """Do one step as one seller, after what it needs; the last line says how it went."""
    teller = Teller(target)
    load = _load(options, teller, target)
    seller_class, step = _chosen(options.step)
    seller = seat(told(seller_class, teller), load)
    name = f"{seller.workflow}.{step}"
    gap = next((gap for gap in load.target.gaps if (gap.workflow, gap.step) == (seller.workflow, step)), None)
    declared = None if gap is None else f"declared gap of {gap.owner} until {gap.expires}: {gap.reason}"

    def say(outcome: str, requests: int, time_ms: float | None, error: str | None) -> None:
        teller.say(
            "result", name=name, outcome=outcome, requests=requests, time_ms=time_ms, error=error, declared=declared
        )

    try:
        return _tried(seller, step, teller, say)
    finally:
        load.lines.stop()


def _tried(seller: Seller, step: str, teller: Teller, say: Callable[..., None]) -> int:
    """Do the step and say how it went; return the exit code for it."""
    try:
        _make_ready(seller, step)
    except StepFailed as failure:
        say("unreached" if _unreached(failure) else "not_run", 0, None, f"what it needs failed: {failure}")
        return UNREACHED if _unreached(failure) else FAILED
    before, socket_rows = len(teller.exchanges), teller.socket_rows
    began, seller.thought_s = time.perf_counter(), 0.0
    failed: StepFailed | None = None
    try:
        getattr(seller, step)()
    except StepFailed as failure:
        failed = failure
    requests = len(teller.exchanges) - before
    time_ms = (time.perf_counter() - began - seller.thought_s) * 1000
    if failed is not None:
        say("unreached" if _unreached(failed) else "failed", requests, time_ms, str(failed))
        return UNREACHED if _unreached(failed) else FAILED
    if not requests and teller.socket_rows == socket_rows:
        say("not_run", 0, None, "it sends nothing without the target's consent; see consents in its file")
        return FAILED
    say("ok", requests, time_ms, None)
    return 0


def _chosen(name: str | None) -> tuple[type[Seller], str]:
    """Return the class and step of `workflow.step`; UsageProblem with what was probably meant."""
    for path in sorted((ROOT / "locustfiles").glob("[!_]*.py")):
        importlib.import_module(f"locustfiles.{path.stem}")
    known = {f"{each.workflow}.{step}": (each, step) for each in Seller.__subclasses__() for step in each.steps}
    if name not in known:
        raise UsageProblem(f"try: no step {name!r}{did_you_mean(str(name), known)}")
    return known[name]


def _make_ready(seller: Seller, step: str) -> None:
    """Arrive once, and do the steps before that this one needs."""
    seller.arrive()
    seller.iteration = 0
    seller.make_ready()
    for earlier in seller.before(step):
        getattr(seller, earlier)()


def _unreached(failure: StepFailed) -> bool:
    return failure.outcome is Outcome.CONNECT_ERROR


def _preflight(options: argparse.Namespace, target: Target) -> int:
    """Answer in one object what preflight asks; 0 when it could look, whatever it saw."""
    from locustfiles.order_management import OrderSeller  # noqa: PLC0415  # every mode loads only its own workflows

    teller = Teller(target)
    teller.write(preflight(seat(OrderSeller, _load(options, teller, target))))
    return 0


def _wallets(options: argparse.Namespace, target: Target) -> int:
    """Answer in one object who the pool's order_management sellers and buyers are; nothing is sent."""
    addresses: dict[str, list[str]] = {"sellers": [], "buyers": []}
    for process in range(options.processes):
        load = _load(options, Teller(target, process), target)
        addresses["sellers"] += [load.pool_wallet("order_management").address for _ in range(options.sellers)]
        addresses["buyers"] += [load.pool_wallet("buyers").address for _ in range(options.buyers if not process else 0)]
    Teller(target).write(dict(addresses))
    return 0


def _clean(options: argparse.Namespace, target: Target) -> int:
    """Take down what a run left on its shelves; the last line says how much."""
    from locustfiles._trial_clean import clean_up  # noqa: PLC0415  # it brings a seller class that no step belongs to

    return clean_up(options.run_dir, target, options.pool)


_MODES: Final[dict[str, Callable[[argparse.Namespace, Target], int]]] = {
    "step": _try,
    "preflight": _preflight,
    "wallets": _wallets,
    "clean": _clean,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
