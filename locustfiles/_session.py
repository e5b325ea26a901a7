"""Carry one process through a run: settings read, directory and log opened, closed, handed to the judge."""

import gc
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import gevent
from gevent.lock import RLock
from locust import log
from locust.runners import STATE_INIT, MasterRunner, WorkerRunner

from locustfiles._arrivals import Arrivals
from locustfiles._clocks import Clocks, serve_clock
from locustfiles._created import CreatedLog
from locustfiles._data import warm_images
from locustfiles._drain import Drain, serve_drain
from locustfiles._invocation import apply_profile, choose_profile, choose_target, settle, unattended
from locustfiles._keeper import Keeper, describe
from locustfiles._load import Load, wallet_secret
from locustfiles._options import ROOT
from locustfiles._quiet_logs import quieten_logs
from locustfiles._recording import Recorder
from locustfiles._shipping import Inbox, Outbox, is_marked, mark_folder
from runlog.arrivals import write_arrived
from runlog.parcels import Packer
from runlog.redaction import hide
from runlog.run import LoadProfile, StepName
from runlog.spool import begin_spool
from settings.arrivals import schedule
from settings.permission import check_permission
from settings.problem import UsageProblem
from settings.profile import Profile
from settings.target import check_host

USAGE: Final = 2
INVALID: Final = 3
BUG: Final = 70
"""Three of the gate's exit codes; its table is gate/exit_codes.py, which the load may not import."""
_logger = logging.getLogger("sellergate")


class Session:
    """What one Locust process knows of sellergate: its settings, and the run it is in."""

    def __init__(self, environment: Any, runner: Any) -> None:
        self.environment = environment
        self.runner = runner
        self.options = environment.parsed_options
        settle(self.options)
        self.target = choose_target(environment, self.options)
        self.profile = choose_profile(self.options)
        allowed = check_permission(self.target, self.profile, allow_production=self.options.allow_production)
        unpaced = ("--allow-throttling",) if self.options.allow_throttling and self.target.rate_limits else ()
        self._overrides = (*self.target.overrides, *allowed, *unpaced)
        self.load: Load | None = None
        self.keeper: Keeper | None = None
        self._created: CreatedLog | None = None
        self._closed_run: str | None = None
        self._closing = RLock()
        self._terms = f"--target {self.target.name} --load-profile {self.options.load_profile}"
        self._reports = Path(self.options.reports)  # a worker's options become its master's
        self._inbox = Inbox(runner) if isinstance(runner, MasterRunner) else None
        self._drain = (
            None if self._inbox is None else Drain(runner, self.target.sockets.lost_after_s, self._inbox.heard)
        )
        self._clocks = Clocks(runner) if isinstance(runner, MasterRunner) else None
        self._outbox = Outbox(runner) if isinstance(runner, WorkerRunner) else None
        if self._outbox is not None:
            serve_drain(runner, self._outbox.finish)
            serve_clock(runner)
        elif unattended(self.options) and not self.options.no_gate:
            self._check_terms()
        wallet_secret(self.target)
        hide(self.target.secrets)  # a master has no sellers, but a log
        quieten_logs()
        _check_classes(environment)
        _leave_out_unnamed(environment, self.options)
        if self.profile is not None:
            self._overrides += apply_profile(environment, self.options, self.profile)
        # Locust counts the run time from the loop's cached clock, and what was done here held the loop for a while
        gevent.get_hub().loop.update_now()

    @property
    def is_worker(self) -> bool:
        """Whether another process is in charge of the run."""
        return isinstance(self.runner, WorkerRunner)

    def start(self) -> None:
        """Open a run: in charge, its directory; where sellers live, their recorder."""
        if self.is_worker:
            self._check_same_terms()
        else:
            check_host(self.target, self.environment.host)
            self.options.host = self.environment.host  # the web UI's form may have changed it
            self._open_run()
        if not isinstance(self.runner, MasterRunner):
            self._open_log()

    def _open_run(self) -> None:
        self.options.sellergate_run_id = run_id = self.options.run_id or _new_run_id(self.profile)
        self.options.run_id = None  # a second run of this process (web UI) gets a name of its own
        processes = self._worker_indexes() if isinstance(self.runner, MasterRunner) else {0}
        self.options.sellergate_processes = sorted(processes)  # goes to the workers: they share the arrivals
        planned = LoadProfile(
            name=None if self.profile is None else self.profile.name,
            sellers=self.options.num_users,
            spawn_per_s=self.options.spawn_rate,
            duration_s=self.options.run_time,
            ramp_s=None if self.profile is None else self.profile.ramp_s,
        )
        run = describe(
            run_id=run_id,
            options=self.options,
            target=self.target,
            profile=planned,
            arrivals=None if self.profile is None else self.profile.arrivals,
            scope=_scope(self.environment),
            processes=processes,
            overrides=self._overrides,
        )
        folder = Path(self.options.reports) / run_id
        stop = self.runner.quit if self.options.headless else self.runner.stop
        self.keeper = Keeper(
            self.environment,
            run,
            folder,
            targets=self.options.targets,
            leases=self.target.lease_folder,
            stop=stop,
        )
        _logger.info("run directory: %s", self.keeper.folder)
        if self._clocks is not None:
            self._clocks.forget()
        if self._inbox is not None:
            self.options.sellergate_terms = self._terms
            self.options.sellergate_mark = mark_folder(self.keeper.folder)
            self._inbox.open(run_id, self.keeper.folder, self.keeper.problem)

    def _check_same_terms(self) -> None:
        """Refuse to join a run with another target's secrets, or at another pace, than its master's."""
        if self.options.sellergate_terms != self._terms:
            raise UsageProblem(
                f"{self._terms}: not what the master has; accepted on a worker: {self.options.sellergate_terms}"
            )

    def _worker_indexes(self, *, without: str | None = None) -> set[int]:
        return {self.runner.get_worker_index(each.id) for each in self.runner.clients.all if each.state != without}

    def _open_log(self) -> None:
        if self.options.sellergate_run_id == self._closed_run:
            _logger.error("run %s was closed in this process and is not opened again", self._closed_run)
            return
        process = self.runner.worker_index if self.is_worker else 0
        folder = self._log_folder(process)
        warm_images()  # before the loop is watched: it holds it up
        gc.collect()
        gc.freeze()  # a collection walks over what is there for good, Locust's modules and all, and stops every seller
        self.load = Load(
            target=self.target,
            run_id=self.options.sellergate_run_id,
            seed=self.options.seed,
            think_ratio=1.0 if self.profile is None else self.profile.think_ratio,
            recorder=Recorder(folder, process, lambda: self.runner.user_count),
            arrivals=self._arrivals(process),
        )
        self._created = CreatedLog(folder, self.load)
        self.environment.sellergate_created = self._created
        self.environment.sellergate_load = self.load

    def _arrivals(self, process: int) -> Arrivals | None:
        """Return this process's share of the arrivals, counted from now; a worker that came later has none."""
        plan = None if self.profile is None else self.profile.arrivals
        if plan is None:
            return None
        everyone: list[int] = self.options.sellergate_processes
        if process not in everyone:
            _logger.warning("process %d came after the arrivals were shared out; its sellers stay idle", process)
            return Arrivals(iter(()), plan.drop_after_s)
        own = schedule(plan, self.options.seed, everyone.index(process), len(everyone))
        return Arrivals(own, plan.drop_after_s)

    def _log_folder(self, process: int) -> Path:
        """Return where this process writes: the run directory, or a spool where that is another machine's."""
        run_id: str = self.options.sellergate_run_id
        folder = self._reports / run_id
        if self._outbox is not None:
            shared = is_marked(folder, self.options.sellergate_mark)
            if not shared:
                begin_spool(folder, run_id, process)
            self._outbox.begin(run_id, None if shared else Packer(folder, process))
        return folder

    def ship(self) -> None:
        """See that the master has all of a closed log."""
        if self._outbox is not None:
            self._outbox.finish()

    def stopping(self) -> None:
        """Note that load ends now, and wait for the workers to close their logs."""
        if self.load is not None:
            self.load.stopping = True
        if self.keeper is None:
            return
        self.keeper.stopping()
        if self._drain is not None:
            # who is ready and no more came too late to be given sellers, and has no log to be missed
            self.keeper.joined(self._worker_indexes(without=STATE_INIT))
            # Locust forgets who is silent for a minute: nobody asks him, and his log may turn up whole on his disk
            for index in {*self._drain.run(), *self.keeper.unclosed()}:
                self.keeper.lost(index)

    def stop(self) -> None:
        """Close what this process opened; whoever calls it second waits until it is closed.

        Locust says `stopped` before it fires `test_stop`: a process told to quit from two sides at once (Ctrl-C, and
        its master) would else exit while the other side is still writing.
        """
        with self._closing:
            load, keeper = self.load, self.keeper
            if load is not None:
                load.stopping = True
                load.lines.stop()
                self.load = self.environment.sellergate_load = None
                if self._created is not None:
                    self._created.close()
                    self._created = self.environment.sellergate_created = None
                self._closed_run = load.run_id
                self._say_arrived(load)
                load.recorder.close()
                gc.unfreeze()
            if keeper is not None and not keeper.finished:
                if log.unhandled_greenlet_exception:
                    keeper.problems.append(
                        "listener_crashed: an event listener of the generator threw; its log has the traceback"
                    )
                keeper.finish(() if self._clocks is None else self._clocks.measured())
                if self._inbox is not None:
                    self._inbox.close()

    def _say_arrived(self, load: Load) -> None:
        """Write what became of this process's arrivals, before its log is closed: the master adds up closed ones."""
        if load.arrivals is None:
            return
        try:
            write_arrived(self._reports / load.run_id, load.recorder.process, load.arrivals.arrived())
        except OSError as error:
            load.recorder.problems.append(f"arrivals not written: {error.strerror or error}")

    def finish(self) -> None:
        """Close a run whose end Locust cut off.

        Ctrl-C reaches master and workers alike. When the last worker quits, the master begins to stop on its account;
        its own shutdown then kills that greenlet half-way, and `test_stop` is never fired.
        """
        if self.keeper is not None and not self.keeper.finished:
            self.keeper.stopping()
            self.keeper.await_logs()
            self.stop()

    def judge(self) -> tuple[int, str]:
        """Have the run judged by a process that never saw the load; return its exit code and what it printed."""
        if self.keeper is None:
            return INVALID, "verdict: INVALID (exit 3): no run was started\n"
        done = self._gate("judge", str(self.keeper.folder))
        return done.returncode, done.stdout

    def _check_terms(self) -> None:
        """Refuse what the run could not be judged by before anything is sent; the load itself never reads it."""
        done = self._gate("terms", "--profiles", self.options.profiles)
        if done.returncode != 0:
            raise UsageProblem(done.stdout.strip())

    def _gate(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the gate on this run's terms; both its outputs are one."""
        command = [sys.executable, "-m", "gate", *arguments, "--thresholds", self.options.thresholds]
        command += ["--strict"] if self.options.strict else []
        return subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )


def _new_run_id(profile: Profile | None) -> str:
    name = "locust" if profile is None else profile.name
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{name}-{os.getpid()}"


def _scope(environment: Any) -> tuple[StepName, ...]:
    """Return the steps of the user classes that take part, after class and tag selection."""
    return tuple(
        StepName(workflow=user_class.workflow, step=step)
        for user_class in sorted(environment.user_classes, key=lambda each: str(each.__name__))
        if user_class.tasks
        for step in user_class.steps
    )


def _leave_out_unnamed(environment: Any, options: Any) -> None:
    """Take out classes that only take part when the command line names them; what comes with a folder is not named."""
    environment.user_classes = [
        each for each in environment.user_classes if not each.only_when_named or each.__name__ in options.user_classes
    ]


def _check_classes(environment: Any) -> None:
    """Refuse user classes whose requests would go around the run log."""
    for user_class in environment.user_classes:
        if not getattr(user_class, "steps", ()):
            raise UsageProblem(
                f"{user_class.__name__}: is no Seller; accepted: subclasses of locustfiles._seller.Seller"
            )
