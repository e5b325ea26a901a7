"""Say what a run is to be, and how its load is called."""

import socket
from dataclasses import dataclass
from pathlib import Path

from gate.load_process import LOCUST
from gate.terms import Terms
from settings.profile import Profile
from settings.target import Target


@dataclass(frozen=True, slots=True)
class Plan:
    """One run as it was asked for; every settings file has been read."""

    profile: Profile
    target: Target
    terms: Terms
    reports: Path
    profiles_file: Path
    targets_folder: Path
    sandbox: tuple[str, ...] | None  # arguments of the sandbox to start; None: there is a target already
    revision: str | None
    seed: int
    processes: int | None
    pool: str  # which reusable sellers sign in
    allow_production: bool
    allow_throttling: bool
    allowed: tuple[str, ...]  # what had to be permitted, for the record


def load_command(plan: Plan, run_id: str) -> list[str]:
    """Return the command line of the load of a plan."""
    command = [*LOCUST, "--headless", "--no-gate", "--only-summary", "--run-id", run_id]
    command += ["--load-profile", plan.profile.name, "--profiles", str(plan.profiles_file.absolute())]
    command += ["--target", plan.target.name, "--targets", str(plan.targets_folder.absolute())]
    command += ["--host", plan.target.url, "--reports", str(plan.reports.absolute()), "--seed", str(plan.seed)]
    command += ["--pool", plan.pool]
    optional = {"--stage": plan.terms.stage, "--revision": plan.revision, "--processes": plan.processes}
    if plan.processes is not None:  # on Locust's usual port, workers of another run on this machine would join
        port = _free_port()
        optional |= {"--master-bind-host": "127.0.0.1", "--master-bind-port": port, "--master-port": port}
    for flag, value in optional.items():
        command += [] if value is None else [flag, str(value)]
    command += ["--allow-throttling"] if plan.allow_throttling else []
    return command + (["--allow-production"] if plan.allow_production else [])


def _free_port() -> int:
    """Return a port of loopback nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
