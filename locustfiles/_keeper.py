"""Keep a run's directory from its first second to its last: run.json, progress, monitors, the request to stop."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import gevent

from locustfiles._options import ROOT
from runlog.arrivals import read_arrived
from runlog.run import (
    RUN_FILE,
    ArrivalPlan,
    EndedBy,
    GeneratorInfo,
    LoadProfile,
    Run,
    StepName,
    WorkerClock,
    point_latest,
    write_atomically,
    write_run,
)
from runlog.writer import closing_path
from settings.leases import RENEW_S, LeaseHeld, release_lease, renew_lease, take_lease
from settings.target import Target

PROGRESS_FILE: Final = "progress.json"
STOP_FILE: Final = "stop.json"
_TICK_S: Final = 1.0
_LOGS_S: Final = 10.0
_TIME_SLACK_S: Final = 0.5
"""A run ended this much before its planned time still ended by time: timers are not exact."""


class Keeper:
    """The run directory as the process in charge (local runner or master) keeps it."""

    def __init__(
        self, environment: Any, run: Run, folder: Path, *, targets: str, leases: Path, stop: Callable[[], None]
    ) -> None:
        """Take the target's lease and open the directory; LeaseHeld when another run loads the target."""
        self._leases = leases
        self._lease = take_lease(leases, run.target.url, run.id)
        replaced = self._lease.replaced
        taken_over = () if replaced is None else (f"lease taken over from {replaced}",)
        self.run = run = run.model_copy(update={"overrides": (*run.overrides, *taken_over)})
        self.folder = folder
        self.problems: list[str] = []
        self._environment = environment
        self._stop = stop
        self._lost: set[int] = set()
        self._fuse_reason: str | None = None
        self._ended_at_s: float | None = None
        self.finished = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / RUN_FILE).touch(exist_ok=False)  # of two runs of one name only one begins
            write_run(folder, run)
            point_latest(folder.parent, run.id)
            self._monitor = self._start_monitor(targets)
        except BaseException:
            release_lease(leases, self._lease)
            raise
        self._ticker = gevent.spawn(self._tick_for_ever)

    def _start_monitor(self, targets: str) -> "subprocess.Popen[bytes]":
        """Start the process that asks the target about itself; it is not this one, which has sellers to serve."""
        command = [sys.executable, "-m", "gate", "monitor", str(self.folder), "--parent", str(os.getpid())]
        command += ["--targets", targets]
        with (self.folder / "monitor.log").open("wb") as log:
            return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def spawned(self) -> None:
        """Note when the last seller had been spawned; the first time counts."""
        if self.run.spawned_at_s is None:
            self._update(spawned_at_s=time.time())

    def stopping(self) -> None:
        """Note when the load was told to stop."""
        self._ended_at_s = self._ended_at_s or time.time()

    def lost(self, process: int) -> None:
        """Note a worker that went away without saying so."""
        self._lost.add(process)

    def unclosed(self) -> set[int]:
        """Return the processes of this run that have not closed their logs, or not where this one can see it."""
        return {each for each in self.run.generator.processes if not closing_path(self.folder, each).exists()}

    def joined(self, processes: set[int]) -> None:
        """Note workers that came later than the start."""
        known = set(self.run.generator.processes)
        if not processes <= known:
            everyone = tuple(sorted(known | processes))
            self._update(generator=self.run.generator.model_copy(update={"processes": everyone}))

    def await_logs(self) -> None:
        """Wait a while until every process has closed its log, where the end of the load was not waited for."""
        until = time.monotonic() + _LOGS_S
        closed = [closing_path(self.folder, process) for process in self.run.generator.processes]
        while time.monotonic() < until and not all(path.exists() for path in closed):
            gevent.sleep(0.05)

    def finish(self, clocks: tuple[WorkerClock, ...] = ()) -> None:
        """Write the end into run.json; called when every process has closed its log or was given up."""
        if self.finished:
            return
        self.finished = True
        gevent.kill(self._ticker)
        self._end_monitor()
        ended_at_s = self._ended_at_s or time.time()
        self._update(
            ended_at_s=ended_at_s,
            ended_by=self._ended_by(ended_at_s),
            end_reason=self._fuse_reason,
            arrived=None if self.run.arrivals is None else read_arrived(self.folder, self.run.generator.processes),
            lost_processes=tuple(sorted(self._lost)),
            problems=tuple(self.problems),
            clocks=clocks,
        )
        with suppress(OSError):  # it expires by itself
            release_lease(self._leases, self._lease)

    def _ended_by(self, ended_at_s: float) -> EndedBy:
        planned_s = self.run.load_profile.duration_s
        if self._fuse_reason is not None:
            return EndedBy.FUSE
        if planned_s is None:
            return EndedBy.HAND
        return EndedBy.TIME if ended_at_s - self.run.started_at_s >= planned_s - _TIME_SLACK_S else EndedBy.SIGNAL

    def _update(self, **changes: Any) -> None:
        self.run = self.run.model_copy(update=changes)
        try:
            write_run(self.folder, self.run)
        except OSError as error:  # the reader then finds a run without an end, which is what it must not call a pass
            self.problems.append(f"run.json not written: {error.strerror or error}")

    def _end_monitor(self) -> None:
        code = self._monitor.poll()
        if code is not None:  # it stays until it is told, and without it nobody watches for a dying target
            self.problems.append(f"the monitors process ended early, with code {code}; see monitor.log")
            return
        self._monitor.terminate()
        try:
            self._monitor.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._monitor.kill()
            self._monitor.wait()
            self.problems.append("the monitors process did not end when told to; it may have been stopped for long")

    def _tick_for_ever(self) -> None:
        while True:
            gevent.sleep(_TICK_S)
            self._write_progress()
            self._renew_lease()
            reason = self._asked_to_stop()
            if reason is not None:
                self._fuse_reason = reason
                gevent.spawn(self._stop)
                return

    def _renew_lease(self) -> None:
        """Say every so often that the run is alive; one whose target another run loads too is no measurement."""
        if time.time() - self._lease.renewed_at_s < RENEW_S:
            return
        try:
            self._lease = renew_lease(self._leases, self._lease)
        except OSError as error:
            self.problem(f"lease not renewed: {error.strerror or error}")
        except LeaseHeld as held:
            self.problem(f"lease lost: {held}")

    def problem(self, text: str) -> None:
        """Note what the verdict has to know, once."""
        if text not in self.problems:
            self.problems.append(text)

    def _asked_to_stop(self) -> str | None:
        path = self.folder / STOP_FILE
        if not path.exists():
            return None
        try:
            return str(json.loads(path.read_text("utf-8"))["reason"])
        except (OSError, ValueError, KeyError, TypeError):
            return f"{STOP_FILE} asked for it without a readable reason"

    def _write_progress(self) -> None:
        total, runner = self._environment.stats.total, self._environment.runner
        now = time.time()
        progress = {
            "at_s": now,
            "elapsed_s": now - self.run.started_at_s,
            "planned_s": self.run.load_profile.duration_s,
            "sellers": runner.user_count,
            "requests": total.num_requests,
            "failed": total.num_failures,
            "rps": total.current_rps,
        }
        try:
            write_atomically(self.folder / PROGRESS_FILE, json.dumps(progress))
        except OSError:
            return  # a full disk is reported by the recorder; progress is for people


def describe(
    *,
    run_id: str,
    options: Any,
    target: Target,
    profile: LoadProfile,
    arrivals: ArrivalPlan | None,
    scope: tuple[StepName, ...],
    processes: set[int],
    overrides: tuple[str, ...],
) -> Run:
    """Return run.json as it stands at the start; `options.host` is where the load goes."""
    return Run(
        id=run_id,
        stage=options.stage,
        load_profile=profile,
        load_model="closed" if arrivals is None else "open",
        arrivals=arrivals,
        target=target.info(options.host),
        revision=options.revision,
        seed=options.seed,
        generator=GeneratorInfo.here(processes),
        scope=scope,
        overrides=overrides,
        started_at_s=time.time(),
    )
