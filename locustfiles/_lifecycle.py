"""Tie a session to Locust's events, and answer with the gate's exit codes."""

import logging
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import gevent
from gevent.event import Event
from locust import events, runners
from locust.runners import MasterRunner

from locustfiles._invocation import await_workers, refuse_held, unattended
from locustfiles._load import OURS
from locustfiles._options import add_arguments
from locustfiles._session import BUG, INVALID, USAGE, Session
from locustfiles._shipping import REPORT_S
from settings.leases import LeaseHeld
from settings.problem import UsageProblem
from settings.target import check_host

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
    except LeaseHeld as held:
        sys.stderr.write(f"{held}\n")
        sys.exit(INVALID)
    except Exception:  # noqa: BLE001  # whatever it is, it is ours, and code 1 would read as "the server failed"
        traceback.print_exc()
        sys.exit(BUG)


class Plugin:
    """The listeners; one object so that the once-only parts have somewhere to live."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._ready = Event()
        self._judging = False
        self._judged = Event()
        self._output = ""

    def on_init(self, environment: Any, runner: Any, web_ui: Any, **_kwargs: Any) -> None:
        """Read settings and refuse what is wrong with them; nothing has been sent yet."""
        with _one_line_or_bug():
            self._session = Session(environment, runner)
            if not self._session.is_worker and unattended(environment.parsed_options):
                refuse_held(self._session.target, environment.host, environment.parsed_options.run_id)
        self._ready.set()
        gevent.signal_handler(signal.SIGINT, _interrupt_main)
        if self._session.is_worker:
            # added after Locust's own, so run before it: of a worker that has quit a master awaits nothing more
            environment.events.quitting.add_listener(self.on_leaving)
            return
        if isinstance(runner, MasterRunner):
            await_workers(environment.parsed_options, runner, partial(_leave_main, runner))
        # until a verdict says otherwise: a run that was not judged is not a pass
        environment.process_exit_code = INVALID if unattended(environment.parsed_options) else 0
        if web_ui is not None:
            web_ui.app.before_request(partial(_refuse_start, self._session))

    def on_request(self, request_type: str, context: dict[str, Any] | None = None, **_kwargs: Any) -> None:
        """Count requests that were sent around `step`: they became no sample, and the verdict has to know."""
        session = self._session
        if (context and OURS.items() <= context.items()) or session is None or session.load is None:
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

    def on_leaving(self, **_kwargs: Any) -> None:
        """Close a worker's log and send all of it before its master hears that it quits."""
        if self._session is not None:
            self._session.runner.stop()
            self._session.stop()
            self._session.ship()

    def on_quit(self, **_kwargs: Any) -> None:
        """Print the verdict after Locust's own tables, so that it comes last."""
        sys.stdout.write(self._output)
        sys.stdout.flush()

    def on_start(self, environment: Any, **_kwargs: Any) -> None:
        """Open the run; one that cannot be opened ends here instead of idling until its planned time."""
        # who joins a run under way is told to start as soon as it has connected, and that is before `init`
        self._ready.wait()
        session = self._session
        if session is None:
            return
        try:
            session.start()
        except (OSError, UsageProblem, LeaseHeld) as error:
            _logger.error("the run cannot be opened: %s", error)  # noqa: TRY400  # a full disk needs no traceback
            if environment.parsed_options.headless or session.is_worker:
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


def _leave_main(runner: Any) -> None:
    """End a run whose workers did not come: Locust itself would leave with 1, which reads as "the server failed"."""
    runner.quit()
    gevent.get_hub().handle_system_error(SystemExit, SystemExit(INVALID))


def _interrupt_main() -> None:
    """Raise Ctrl-C in the main greenlet, where Locust expects it.

    Python raises it in whatever runs just then: a seller's check, or the recorder between taking a batch and writing.
    """
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())


def _refuse_start(session: Session) -> Any:
    """Answer the web UI's start form with a refusal when its host is not listed, or loaded by another run."""
    from flask import jsonify, request  # noqa: PLC0415  # only where there is a web UI

    if request.method != "POST" or not request.path.endswith("/swarm"):
        return None
    host = request.form.get("host") or session.environment.host
    running = getattr(session.options, "sellergate_run_id", None)  # known before the lease is taken under that name
    try:
        check_host(session.target, host)
        refuse_held(session.target, host, running)
    except (UsageProblem, LeaseHeld) as refused:
        return jsonify({"success": False, "message": str(refused)})
    return None


def register() -> None:
    """Listen to Locust's events."""
    plugin = Plugin()
    # before the runner is made: its first pause is as long as this says
    runners.WORKER_REPORT_INTERVAL = REPORT_S
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
