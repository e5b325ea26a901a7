"""Settle how Locust was called: whole paths, a run id that is a name, whether anybody watches."""

import re
from pathlib import Path
from typing import Any, Final

from runlog.run import LATEST, RUN_FILE
from settings.problem import UsageProblem

_RUN_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_NEVER: Final = -1
"""Locust's `--autoquit` when it was not given."""


def settle(options: Any) -> None:
    """Make paths absolute, for the processes of the gate start elsewhere; UsageProblem for a run id that is no name."""
    for name in ("targets", "profiles", "thresholds", "reports"):
        setattr(options, name, str(Path(getattr(options, name)).absolute()))
    run_id = options.run_id
    if run_id is None or options.worker:  # a worker joins the run its master has opened
        return
    if not _RUN_ID.fullmatch(run_id) or run_id == LATEST:
        raise UsageProblem(f"--run-id: {run_id!r} is no name; accepted: letters, digits, '.', '_', '-', not {LATEST!r}")
    if (Path(options.reports) / run_id / RUN_FILE).exists():
        raise UsageProblem(f"--run-id: {run_id!r} is in {options.reports} already; accepted: a name of its own")


def unattended(options: Any) -> bool:
    """Return whether nobody is there to look at the run: then Locust's exit code has to be the verdict's."""
    return bool(options.headless or (options.autostart and options.autoquit != _NEVER))
