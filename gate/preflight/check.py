"""Name what one look at the target showed."""

from dataclasses import dataclass
from enum import StrEnum

from gate.exit_codes import ExitCode


class State(StrEnum):
    """What a check came to, in the words people see."""

    OK = "ok"
    WARNING = "warning"  # worth knowing; nothing stops for it
    PROBLEM = "problem"
    NOT_MEASURED = "not measured"  # the target does not say
    NOT_NEEDED = "not needed"  # there is nothing to look at
    NOT_LOOKED_AT = "not looked at"  # an earlier problem is in the way


@dataclass(frozen=True, slots=True)
class Check:
    """One line of preflight."""

    name: str
    state: State
    words: str  # its figure, or what came instead
    code: ExitCode = ExitCode.PASS  # of a problem: who has to act, the caller (2) or the world (3)
    doubt: str = ""  # of a problem or warning: its name in a verdict
    rule: str = ""  # what should have been
    more: tuple[str, ...] = ()  # lines that explain it

    @property
    def is_problem(self) -> bool:
        """Whether no load may be sent because of it."""
        return self.state is State.PROBLEM


@dataclass(frozen=True, slots=True)
class Preflight:
    """Every check, in the order it is shown; and what the two clocks differ by."""

    checks: tuple[Check, ...]
    clock_offset_s: tuple[float, float] | None = None  # the server's clock minus ours is between these two
    took_s: float = 0.0

    @property
    def problems(self) -> tuple[Check, ...]:
        """The checks that stand in the way of a load."""
        return tuple(check for check in self.checks if check.is_problem)

    @property
    def code(self) -> ExitCode:
        """The exit code: a bug of ours first, then what the caller has to change, then what the world has to."""
        codes = {check.code for check in self.problems}
        return next((code for code in (ExitCode.BUG, ExitCode.USAGE, ExitCode.INVALID) if code in codes), ExitCode.PASS)


def ok(name: str, words: str) -> Check:
    """Return a check that found all well."""
    return Check(name, State.OK, words)


def problem(name: str, words: str, doubt: str, rule: str) -> Check:
    """Return a check that found the world not ready for a load: exit 3."""
    return Check(name, State.PROBLEM, words, ExitCode.INVALID, doubt, rule)


def refusal(name: str, words: str) -> Check:
    """Return a check that found something the caller has to change in files or flags: exit 2."""
    return Check(name, State.PROBLEM, words, ExitCode.USAGE)


def warning(name: str, words: str, doubt: str, rule: str) -> Check:
    """Return a check that found something worth knowing."""
    return Check(name, State.WARNING, words, doubt=doubt, rule=rule)


def not_needed(name: str, why: str) -> Check:
    """Return a check there is nothing to look at for."""
    return Check(name, State.NOT_NEEDED, why)


def not_looked_at(name: str, why: str) -> Check:
    """Return a check that an earlier problem is in the way of."""
    return Check(name, State.NOT_LOOKED_AT, why)
