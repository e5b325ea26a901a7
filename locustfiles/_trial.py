"""Be one seller for a moment, outside any run: try a step, look what preflight asks about, clean up."""

import locust  # isort: skip  # noqa: F401  # first: it patches the standard library, and ssl must not be loaded before

import argparse
import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

from locust.env import Environment

from locustfiles._checks import StepFailed
from locustfiles._load import Load
from locustfiles._options import ROOT
from locustfiles._recording import Recorder
from locustfiles._seller import Seller
from locustfiles._session import BUG, USAGE
from locustfiles._trial_lines import Teller, told
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
        target = _target(options)
        teller = Teller(target)
        load = _load(options, target, teller)
        return _MODES[options.mode](options, load, teller)
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
    parser.add_argument("--pool", default="pool")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--allow-production", action="store_true")
    parser.add_argument("--dry-run", action="store_true", help="mode clean: say what would be done")
    return parser.parse_args(argv)


def _target(options: argparse.Namespace) -> Target:
    target = load_target(options.target, folder=options.targets)
    if target.production and not options.allow_production:
        raise UsageProblem(f"target {target.name!r} is production; accepted: with --allow-production")
    check_host(target, target.url)
    return target


def _load(options: argparse.Namespace, target: Target, teller: Teller) -> Load:
    """Return a load of one seller that thinks nothing and is told, not recorded."""
    return Load(
        target=target,
        run_id=f"{options.mode}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}",
        seed=options.seed,
        think_ratio=0.0,
        recorder=cast("Recorder", teller),  # it answers what sellers ask of one, and keeps nothing
    )


def _try(options: argparse.Namespace, load: Load, teller: Teller) -> int:
    """Do one step as one seller, after what it needs; the last line says how it went."""
    seller_class, step = _chosen(options.step)
    seller = _seat(told(seller_class, teller), load)
    name = f"{seller.workflow}.{step}"
    gap = next((gap for gap in load.target.gaps if (gap.workflow, gap.step) == (seller.workflow, step)), None)
    declared = None if gap is None else f"declared gap of {gap.owner} until {gap.expires}: {gap.reason}"

    def say(outcome: str, requests: int, time_ms: float | None, error: str | None) -> None:
        teller.say(
            "result", name=name, outcome=outcome, requests=requests, time_ms=time_ms, error=error, declared=declared
        )

    try:
        _make_ready(seller, step)
    except StepFailed as failure:
        say("unreached" if _unreached(failure) else "not_run", 0, None, f"what it needs failed: {failure}")
        return UNREACHED if _unreached(failure) else FAILED
    before = len(teller.exchanges)
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
    if not requests:
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


def _seat(seller_class: type[Seller], load: Load) -> Seller:
    """Return a seller of this load, without a runner that would set it to work."""
    environment: Any = Environment(host=load.target.url)
    seller_class.host = load.target.url  # what a runner would do
    environment.sellergate_load = load
    return seller_class(environment)


def _make_ready(seller: Seller, step: str) -> None:
    """Arrive once, and do the steps before that this one needs."""
    seller.arrive()
    seller.iteration = 0
    seller.begin()
    for earlier in seller.before(step):
        getattr(seller, earlier)()


def _unreached(failure: StepFailed) -> bool:
    return failure.outcome is Outcome.CONNECT_ERROR


def _preflight(_options: argparse.Namespace, load: Load, teller: Teller) -> int:
    """Answer in one object what preflight asks; 0 when it could look, whatever it saw."""
    from locustfiles.order_management import OrderSeller  # noqa: PLC0415  # every mode loads only its own workflows

    teller.write(preflight(_seat(OrderSeller, load)))
    return 0


_MODES: Final[dict[str, Callable[[argparse.Namespace, Load, Teller], int]]] = {
    "step": _try,
    "preflight": _preflight,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
