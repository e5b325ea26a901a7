"""Drive one run from the first look at the target to the verdict."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final

from gate.errors import BrokenToolError
from gate.exit_codes import ExitCode
from gate.findings import Findings, write_findings
from gate.judging import Judged, judge_run
from gate.load_process import LoadEnd, load_environment, run_load
from gate.plan import Plan, load_command
from gate.preflight import (
    PATIENCE_S,
    Check,
    HeldLease,
    Subject,
    Trial,
    found,
    held_check,
    holding_lease,
    look,
    short_lines,
)
from gate.progress import ProgressPrinter
from gate.sandbox_process import running_sandbox
from runlog.errors import RunLogError
from runlog.run import (
    RUN_FILE,
    EndedBy,
    GeneratorInfo,
    LoadProfile,
    Run,
    StepName,
    point_latest,
    read_run,
    write_run,
)
from runlog.workflows import WORKFLOWS
from settings.leases import LeaseHeld
from settings.problem import UsageProblem
from settings.profile import Profile
from settings.target import load_target

_SANDBOX_HEALTH_S: Final = 5.0
"""A sandbox that was just started is up, or means not to be."""
_GRACE_S: Final = 90.0
"""What starting, the drain and closing the log may take on top of the planned time and one request's timeout."""


def execute(plan: Plan, printer: ProgressPrinter) -> Judged:
    """Return the verdict on one run.

    UsageProblem before any load is sent; RunLogError when there is no run that could be judged; BrokenToolError
    when our own processes crash.
    """
    folder = plan.reports / _run_id(plan.profile)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise RunLogError(f"{folder}: cannot be written: {error.strerror or error}") from error
    try:
        with _sigterm_like_ctrl_c(), ExitStack() as stack:
            plan, findings = _with_sandbox(plan, folder, stack)
            _go(plan, folder, findings, printer)
    except (UsageProblem, BrokenToolError):
        _forget(folder)
        raise
    return judge_run(folder, plan.terms)


def _with_sandbox(plan: Plan, folder: Path, stack: ExitStack) -> tuple[Plan, Findings]:
    """Return the plan with the address of a sandbox that lives as long as `stack`, if one was asked for."""
    if plan.sandbox is None:
        return plan, Findings(overrides=(*plan.target.overrides, *plan.allowed))
    address = stack.enter_context(running_sandbox(folder, plan.sandbox))
    environ = {**os.environ, "BACKEND_URL": address}
    target = load_target(plan.target.name, environ=environ, folder=plan.targets_folder)
    asked = tuple(f"sandbox: {argument}" for argument in (" ".join(plan.sandbox),) if argument)
    target = replace(target, health_timeout_s=min(target.health_timeout_s, _SANDBOX_HEALTH_S))
    return replace(plan, target=target), Findings(overrides=(*asked, *plan.allowed))


def _go(plan: Plan, folder: Path, findings: Findings, printer: ProgressPrinter) -> None:
    """Take the target for this run, look at it, load it if all is well, and leave a directory that can be judged."""
    with holding_lease(plan.target, folder.name) as lease:
        preflight = look(_subject(plan, lease), printer.waiting)
        printer.close()
        for line in short_lines(preflight):
            printer.say(line)
        if preflight.code is ExitCode.USAGE:
            first = next(check for check in preflight.problems if check.code is ExitCode.USAGE)
            raise UsageProblem(f"{first.name}: {first.words}")
        findings = found(preflight, findings)
        write_findings(folder, findings)
        if preflight.problems:
            first = preflight.problems[0]
            _write_run_without_load(plan, folder, f"preflight: {first.name}: {first.words}")
            return
        _load(plan, folder, findings, printer)


def _subject(plan: Plan, lease: HeldLease | LeaseHeld) -> Subject:
    def lease_line() -> Check:
        return held_check(lease) if isinstance(lease, LeaseHeld) else lease.check()

    trial = Trial.of(plan.target, plan.targets_folder, pool=plan.pool, allow_production=plan.allow_production)
    return Subject(plan.target, plan.profile, plan.reports, trial, lease_line, plan.allow_throttling, PATIENCE_S)


def _load(plan: Plan, folder: Path, findings: Findings, printer: ProgressPrinter) -> None:
    """Send the load, and note what of it went wrong around the run itself."""
    end = run_load(
        load_command(plan, folder.name),
        folder=folder,
        environ=load_environment(os.environ, BACKEND_URL=plan.target.url),
        longest_s=plan.profile.duration_s + plan.target.timeout_s + _GRACE_S,
        printer=printer,
    )
    if not (folder / RUN_FILE).exists():
        _answer_missing_run(end)
        figure = f"ended with code {end.code}: {end.last_words[-1] if end.last_words else 'said nothing'}"
        findings = findings.with_doubt("load_not_started", figure, "the load process starts", invalidates=True)
        write_findings(folder, findings)
        _write_run_without_load(plan, folder, f"the load process {figure}")
    elif end.overdue or end.code != 0:
        figure = f"ended with code {end.code}" + (", long after its planned time" if end.overdue else "")
        findings = findings.with_doubt("load_process", figure, "the load ends by itself, with code 0", invalidates=True)
        write_findings(folder, findings)
    else:
        _check_scope(folder, findings)


def _check_scope(folder: Path, findings: Findings) -> None:
    """Note workflows that took no part: a release run has all forty steps in scope, whatever the load found to load."""
    scope = {(name.workflow, name.step) for name in read_run(folder).scope}
    lost = [
        f"{workflow}.{step}" for workflow, steps in WORKFLOWS.items() for step in steps if (workflow, step) not in scope
    ]
    if lost:
        figure = f"{len(lost)} steps: {', '.join(lost)}"
        rule = "all forty steps in scope; locustfiles/ holds every workflow"
        write_findings(folder, findings.with_doubt("not_in_scope", figure, rule, invalidates=True))


def _answer_missing_run(end: LoadEnd) -> None:
    """Raise what the load process itself said, when it ended before there was a run and knew why."""
    words = end.last_words or ("the load process said nothing",)
    if end.code == ExitCode.USAGE:
        raise UsageProblem(words[-1])
    if end.code == ExitCode.BUG:
        raise BrokenToolError("\n".join(words))


def _run_id(profile: Profile) -> str:
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{profile.name}-{os.getpid()}"


def _write_run_without_load(plan: Plan, folder: Path, reason: str) -> None:
    """Write the run.json of a run that sent nothing, so that it is judged, and reported, like any other."""
    now_s = time.time()
    profile, target = plan.profile, plan.target
    run = Run(
        id=folder.name,
        stage=plan.terms.stage,
        load_profile=LoadProfile(
            name=profile.name,
            sellers=profile.sellers,
            spawn_per_s=profile.spawn_per_s,
            duration_s=profile.duration_s,
            ramp_s=profile.ramp_s,
        ),
        load_model="closed" if profile.arrivals is None else "open",
        arrivals=profile.arrivals,
        target=target.info(target.url),
        revision=plan.revision,
        seed=plan.seed,
        generator=GeneratorInfo.here(()),
        scope=tuple(StepName(workflow=workflow, step=step) for workflow, steps in WORKFLOWS.items() for step in steps),
        started_at_s=now_s,
        ended_at_s=now_s,
        ended_by=EndedBy.HARNESS,
        end_reason=reason,
    )
    try:
        write_run(folder, run)
        point_latest(folder.parent, run.id)
    except OSError as error:
        raise RunLogError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _forget(folder: Path) -> None:
    """Remove the directory of a run that never began, with what its processes said."""
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@contextmanager
def _sigterm_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM unwind as Ctrl-C does, so that what was started is stopped; the load answers both while it runs."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
