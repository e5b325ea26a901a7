"""Answer a command line with an exit code, and every problem with the words it deserves."""

import importlib
import traceback
from collections.abc import Sequence
from typing import Final

import click

from gate.errors import BrokenToolError
from gate.exit_codes import ExitCode
from gate.streams import open_closed_streams, say
from runlog.errors import RunLogError
from settings.document import did_you_mean, one_line
from settings.problem import UsageProblem

_COMMANDS: Final = ("check", "preflight", "run", "judge", "report", "sandbox", "try", "clean", "seed", "collect")
_HIDDEN: Final = ("monitor", "terms")
_MODULES: Final = {"try": "try_step"}
"""Commands whose name cannot be a module's: Python has that word."""


class _Commands(click.Group):
    """The commands, each imported when it is typed: the side process of a run has no use for pandas."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS + _HIDDEN:
            raise UsageProblem(f"sellergate: no command {cmd_name!r}{did_you_mean(cmd_name, _COMMANDS)}")
        module = _MODULES.get(cmd_name, cmd_name)
        command: click.Command = importlib.import_module(f"gate.commands.{module}").command
        return command


_EPILOG: Final = """\b
Examples:
  sellergate run --with-sandbox
  sellergate run --target staging --load-profile load --stage post
  sellergate judge reports/latest --strict

\b
Exit codes: 0 pass, 1 fail, 2 usage, 3 invalid run, 4 inconclusive,
5 fail with a rollback trigger after the release, 70 a bug of ours.
"""


@click.group(cls=_Commands, no_args_is_help=False, epilog=_EPILOG, context_settings={"max_content_width": 80})
@click.version_option(package_name="sellergate", message="%(prog)s %(version)s")
def sellergate() -> None:
    """Load a LinkDAO deployment as its sellers would, and say whether the release may ship."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises."""
    open_closed_streams()
    try:
        code = sellergate.main(args=argv, prog_name="sellergate", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - left to Python, a bug of ours would exit 1: a FAIL
        words, exit_code = _answer(error)
        say(words, err=True)
        return int(exit_code)
    return int(code or 0)


def _answer(error: BaseException) -> tuple[str, ExitCode]:
    """Return what to say about an error, one line unless it is a bug of ours, and its exit code."""
    match error:
        case UsageProblem():
            return one_line(str(error)), ExitCode.USAGE
        case click.ClickException():
            return one_line(_words(error)), ExitCode.USAGE
        case RunLogError():
            return one_line(str(error)), ExitCode.INVALID
        case click.Abort() | KeyboardInterrupt():
            return "interrupted: there is no verdict", ExitCode.INVALID
        case BrokenToolError():
            return str(error), ExitCode.BUG
        case _:
            return "".join(traceback.format_exception(error)).rstrip(), ExitCode.BUG


def _words(error: click.ClickException) -> str:
    """Return click's own refusal in our form: command, place, what was given, what is accepted."""
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "sellergate"
    if isinstance(error, click.NoSuchOption):
        accepted = [] if error.ctx is None else [name for each in error.ctx.command.params for name in each.opts]
        return f"{command}: no such option {error.option_name!r}{did_you_mean(error.option_name, accepted)}"
    message = error.format_message().removeprefix("Invalid value for ").rstrip(".")
    return f"{command}: {message[:1].lower()}{message[1:]}"
