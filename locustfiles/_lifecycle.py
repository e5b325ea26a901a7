"""Tie a run to Locust's events: refuse early, open the log, close it, have it judged in a fresh process."""

import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import gevent
from gevent.event import Event
from gevent.lock import RLock
from locust import events, log
from locust.runners import MasterRunner, WorkerRunner

from locustfiles._data import warm_images
from locustfiles._drain import Drain, serve_drain
from locustfiles._invocation import settle, unattended
from locustfiles._keeper import Keeper, describe
from locustfiles._load import OURS, Load, wallet_secret
from locustfiles._options import ROOT, add_arguments
from locustfiles._recording import Recorder
from runlog.run import LoadProfile, StepName
from settings.permission import check_permission
from settings.problem import UsageProblem
from settings.profile import Profile, load_profile
from settings.target import Target, check_host, load_target, target_for_host

USAGE: Final = 2
INVALID: Final = 3
BUG: Final = 70
"""Three of the gate's exit codes; its table is gate/exit_codes.py, which the load may not import."""
_HTTP_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_logger = logging.getLogger("sellergate")


@contextmanager
def _one_line_or_bug() -> Iterator[None]:
    """Leave with the gate's codes when something is wrong before the first request."""
    try:
        yield
    except UsageProblem as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(USAGE)
    except Exception:  # noqa: BLE001  # whatever it is, it is ours, and code 1 would read as "the server failed"
        traceback.print_exc()
        sys.exit(BUG)


class Session:
    """What one Locust process knows of sellergate: its settings, and the run it is in."""

    def __init__(self, environment: Any, runner: Any) -> None:
        self.environment = environment
        self.runner = runner
        self.options = environment.parsed_options
        settle(self.options)
        self.target = _choose_target(environment, self.options)
        self.profile = _choose_profile(self.options)
        allowed = check_permission(self.target, self.profile, allow_production=self.options.allow_production)
        self._overrides = (*self.target.overrides, *allowed)
        self.load: Load | None = None
        self.keeper: Keeper | None = None
        self._closed_run: str | None = None
        self._closing = RLock()
        self._drain = Drain(runner) if isinstance(runner, MasterRunner) else None
        if isinstance(runner, WorkerRunner):
            serve_drain(runner)
        elif unattended(self.options) and not self.options.no_gate:
            self._check_terms()
        wallet_secret(self.target)
        if self.profile is not None:
            self._overrides += _apply_profile(environment, self.options, self.profile)

    @property
    def is_worker(self) -> bool:
        """Whether another process is in charge of the run."""
        return isinstance(self.runner, WorkerRunner)

    def start(self) -> None:
        """Open a run: in charge, its directory; where sellers live, their recorder."""
        if not self.is_worker:
            check_host(self.target, self.environment.host)
            self.options.host = self.environment.host  # the web UI's form may have changed it
            self._open_run()
        if not isinstance(self.runner, MasterRunner):
            self._open_log()

    def _open_run(self) -> None:
        self.options.sellergate_run_id = run_id = self.options.run_id or _new_run_id(self.profile)
        self.options.run_id = None  # a second run of this process (web UI) gets a name of its own
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
            scope=_scope(self.environment),
            processes=self._worker_indexes() if isinstance(self.runner, MasterRunner) else {0},
            overrides=self._overrides,
        )
        folder = Path(self.options.reports) / run_id
        stop = self.runner.quit if self.options.headless else self.runner.stop
        self.keeper = Keeper(self.environment, run, folder, targets=self.options.targets, stop=stop)
        _logger.info("run directory: %s", self.keeper.folder)

    def _worker_indexes(self) -> set[int]:
        return {self.runner.get_worker_index(client.id) for client in self.runner.clients.all}

    def _open_log(self) -> None:
        if self.options.sellergate_run_id == self._closed_run:
            _logger.error("run %s was closed in this process and is not opened again", self._closed_run)
            return
        folder = Path(self.options.reports) / self.options.sellergate_run_id
        folder.mkdir(parents=True, exist_ok=True)
        warm_images()  # before the loop is watched: it holds it up
        process = self.runner.worker_index if self.is_worker else 0
        self.load = Load(
            target=self.target,
            run_id=self.options.sellergate_run_id,
            seed=self.options.seed,
            think_ratio=1.0 if self.profile is None else self.profile.think_ratio,
            recorder=Recorder(folder, process, lambda: self.runner.user_count),
        )
        self.environment.sellergate_load = self.load

    def stopping(self) -> None:
        """Note that load ends now, and wait for the workers to close their logs."""
        if self.load is not None:
            self.load.stopping = True
        if self.keeper is None:
            return
        self.keeper.stopping()
        if self._drain is not None:
            self.keeper.joined(self._worker_indexes())
            for index in self._drain.run():
                self.keeper.lost(index)

    def stop(self) -> None:
        """Close what this process opened; whoever calls it second waits until it is closed.

        Locust says `stopped` before it fires `test_stop`: a process told to quit from two sides at once (Ctrl-C, and
        its master) would else exit while the other side is still writing.
        """
        with self._closing:
            load, keeper = self.load, self.keeper
            if load is not None:
                self.load = self.environment.sellergate_load = None
                self._closed_run = load.run_id
                load.recorder.close()
            if keeper is not None and not keeper.finished:
                if log.unhandled_greenlet_exception:
                    keeper.problems.append(
                        "listener_crashed: an event listener of the generator threw; its log has the traceback"
                    )
                keeper.finish()

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


def _choose_target(environment: Any, options: Any) -> Target:
    """Return the target of this run: the one named, or the listed one that `--host` belongs to."""
    if options.host and options.target is None:
        target = target_for_host(options.host, folder=Path(options.targets))
    else:
        target = load_target(options.target, folder=Path(options.targets))
    environment.host = options.host = options.host or target.url
    check_host(target, environment.host)
    return target


def _choose_profile(options: Any) -> Profile | None:
    return None if options.load_profile is None else load_profile(options.load_profile, Path(options.profiles))


def _apply_profile(environment: Any, options: Any, profile: Profile) -> tuple[str, ...]:
    """Let the profile fill in what the command line left open; return what the command line changed of it."""
    changed = []
    for option, planned in (
        ("num_users", profile.sellers),
        ("spawn_rate", profile.spawn_per_s),
        ("run_time", profile.duration_s),
    ):
        given = getattr(options, option)
        if given is None:
            setattr(options, option, planned)
        elif given != planned:
            changed.append(f"--{option.replace('_', '-')} {given:g} in place of {planned:g} of profile {profile.name}")
    for user_class in environment.user_classes:
        user_class.weight = profile.weights.get(user_class.workflow, user_class.weight)
    return tuple(changed)


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


# -- listeners, registered once when a workflow first imports this module ----------------------------------------------


class Plugin:
    """The listeners; one object so that the once-only parts have somewhere to live."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._judging = False
        self._judged = Event()
        self._output = ""

    def on_init(self, environment: Any, runner: Any, web_ui: Any, **_kwargs: Any) -> None:
        """Read settings and refuse what is wrong with them; nothing has been sent yet."""
        with _one_line_or_bug():
            self._session = Session(environment, runner)
        gevent.signal_handler(signal.SIGINT, _interrupt_main)
        if self._session.is_worker:
            return
        # until a verdict says otherwise: a run that was not judged is not a pass
        environment.process_exit_code = INVALID if unattended(environment.parsed_options) else 0
        if web_ui is not None:
            web_ui.app.before_request(partial(_refuse_unlisted, self._session.target))

    def on_request(self, request_type: str, context: dict[str, Any], **_kwargs: Any) -> None:
        """Count requests that were sent around `step`: they became no sample, and the verdict has to know."""
        session = self._session
        if OURS.items() <= context.items() or session is None or session.load is None:
            return
        if request_type in _HTTP_METHODS:
            session.load.recorder.unrecorded += 1

    def on_user_error(self, user_instance: Any, exception: Exception, **_kwargs: Any) -> None:
        """Note an exception that ended a seller."""
        if self._session is not None and self._session.load is not None:
            self._session.load.harness_bug(type(user_instance).__name__, exception)

    def on_quitting(self, environment: Any, **_kwargs: Any) -> None:
        """Stop what still runs, then judge, once: on SIGTERM Locust fires this twice, interleaved."""
        session = self._session
        if session is None:
            return
        if self._judging:
            self._judged.wait()
            return
        self._judging = True
        try:
            # Ctrl-C and SIGTERM come here with sellers still at work
            if isinstance(session.runner, MasterRunner):
                session.finish()
            else:
                session.runner.stop()
                session.stop()
            if session.is_worker or not unattended(environment.parsed_options):
                return
            if environment.parsed_options.no_gate:
                environment.process_exit_code = 0 if session.keeper is not None else INVALID
            else:
                environment.process_exit_code, self._output = session.judge()
        finally:
            self._judged.set()

    def on_quit(self, **_kwargs: Any) -> None:
        """Print the verdict after Locust's own tables, so that it comes last."""
        sys.stdout.write(self._output)
        sys.stdout.flush()

    def on_start(self, environment: Any, **_kwargs: Any) -> None:
        """Open the run; one that cannot be opened ends here instead of idling until its planned time."""
        session = self._session
        if session is None:
            return
        try:
            session.start()
        except (OSError, UsageProblem) as error:
            _logger.error("the run cannot be opened: %s", error)  # noqa: TRY400  # a full disk needs no traceback
            if environment.parsed_options.headless:
                gevent.spawn(session.runner.quit)

    def on(self, name: str) -> Callable[..., None]:
        """Return a listener that hands an event to the session's method of that name."""

        def listener(**_kwargs: Any) -> None:
            if self._session is not None:
                getattr(self._session, name)()

        return listener

    def on_spawned(self, **_kwargs: Any) -> None:
        """Note the end of the ramp."""
        if self._session is not None and self._session.keeper is not None:
            self._session.keeper.spawned()


def _interrupt_main() -> None:
    """Raise Ctrl-C in the main greenlet, where Locust expects it.

    Python raises it in whatever runs just then: a seller's check, or the recorder between taking a batch and writing.
    """
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())


def _refuse_unlisted(target: Target) -> Any:
    """Answer the web UI's start form with a refusal when its host is not listed."""
    from flask import jsonify, request  # noqa: PLC0415  # only where there is a web UI

    host = request.form.get("host") if request.method == "POST" and request.path.endswith("/swarm") else None
    if not host:
        return None
    try:
        check_host(target, host)
    except UsageProblem as problem:
        return jsonify({"success": False, "message": str(problem)})
    return None


def register() -> None:
    """Listen to Locust's events."""
    plugin = Plugin()
    events.init_command_line_parser.add_listener(add_arguments)
    events.init.add_listener(plugin.on_init)
    events.request.add_listener(plugin.on_request)
    events.user_error.add_listener(plugin.on_user_error)
    events.test_start.add_listener(plugin.on_start)
    events.spawning_complete.add_listener(plugin.on_spawned)
    events.test_stopping.add_listener(plugin.on("stopping"))
    events.test_stop.add_listener(plugin.on("stop"))
    events.quitting.add_listener(plugin.on_quitting)
    events.quit.add_listener(plugin.on_quit)
