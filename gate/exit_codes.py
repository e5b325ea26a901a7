"""Turn a verdict's outcome into the exit code that CI sees; the only table of them."""

from enum import IntEnum

from analysis.verdict import Outcome

ROLLBACK_STAGES = ("post", "watch")
"""Stages in which the release is already out, so that a fired trigger means: take it back."""


class ExitCode(IntEnum):
    """A public contract; several at once are answered in the order 70, 2, 5, 3, 1, 4, 0."""

    PASS = 0
    FAIL = 1
    USAGE = 2  # arguments, thresholds, profile or target are wrong
    INVALID = 3  # the run cannot speak for the server
    INCONCLUSIVE = 4
    ROLLBACK = 5  # fail, and a rollback trigger fired after the release
    BUG = 70  # ours, with a traceback


_OF_OUTCOME = {
    Outcome.INVALID: ExitCode.INVALID,
    Outcome.FAIL: ExitCode.FAIL,
    Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Outcome.PASS: ExitCode.PASS,
}


def exit_code(outcome: Outcome, *, rollback_fired: bool, stage: str | None, rollback_enabled: bool = True) -> ExitCode:
    """Return the code of one verdict.

    A fired trigger is 5 in stage post or watch, whatever the rest says; elsewhere, and with ROLLBACK_ENABLED=false,
    the run fails (1) unless it is invalid anyway.
    """
    if not rollback_fired:
        return _OF_OUTCOME[outcome]
    if rollback_enabled and stage in ROLLBACK_STAGES:
        return ExitCode.ROLLBACK
    return ExitCode.INVALID if outcome is Outcome.INVALID else ExitCode.FAIL
