"""Let one seller act outside any run, in a process of its own, and hand on what it tells."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from gate.errors import BrokenToolError
from gate.exit_codes import ExitCode
from gate.load_process import load_environment
from settings.document import CHECKOUT
from settings.problem import UsageProblem

_COMMAND: Final = (sys.executable, "-m", "locustfiles._trial")
_ANSWERS: Final = frozenset({ExitCode.PASS, ExitCode.FAIL, ExitCode.INVALID})
"""What a trial that could look ends with."""


def trial_arguments(target: str | None, targets: Path, pool: str | None, *, allow_production: bool) -> list[str]:
    """Return the arguments every kind of trial takes."""
    named = {"--target": target, "--targets": str(targets.absolute()), "--pool": pool}
    arguments = [part for flag, value in named.items() if value is not None for part in (flag, value)]
    return arguments + (["--allow-production"] if allow_production else [])


def run_trial(arguments: Sequence[str], tell: Callable[[dict[str, Any]], None], **environ: str) -> ExitCode:
    """Run a trial to its end, calling `tell` with every line as it comes, and return its exit code: 0, 1 or 3.

    UsageProblem with the trial's own line when it refuses its arguments; BrokenToolError when it breaks.
    """
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            [*_COMMAND, *arguments],
            cwd=CHECKOUT,
            env=load_environment(os.environ, **environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
        )
        told = 0
        try:
            with process:
                for line in process.stdout or ():
                    tell(json.loads(line))
                    told += 1
        except BaseException:  # Ctrl-C, or nobody reads what is told any more
            process.kill()
            process.wait()
            raise
        words.seek(0)
        said = words.read().decode(errors="replace").strip() or "the trial said nothing"
    if process.returncode == ExitCode.USAGE:
        raise UsageProblem(said.splitlines()[-1])
    if process.returncode not in _ANSWERS or not told:  # one that cannot even be imported ends with 1 too
        raise BrokenToolError(said)
    return ExitCode(process.returncode)
