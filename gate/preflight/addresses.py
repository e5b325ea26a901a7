"""Say whether a profile fits the rate limits of the addresses it is sent from."""

from typing import Final

from gate.budget import Budget, headline, lines, reckon
from gate.exit_codes import ExitCode
from gate.preflight.check import Check, State, not_needed
from settings.profile import Profile
from settings.target import Target

_NAME: Final = "addresses"
_RULE: Final = "the profile fits the rate limits of this generator's addresses"


def addresses_check(target: Target, profile: Profile, *, allow_throttling: bool) -> Check:
    """Return whether a profile fits, or why it is refused and what would make it fit."""
    if not target.rate_limits and target.cache_keys_at_most is None:
        return not_needed(_NAME, "the target's file names no rate limits")
    budget = reckon(profile, target)
    if budget.fits:
        return Check(_NAME, State.OK, headline(budget), more=_not_counted(budget))
    if allow_throttling:
        return Check(_NAME, State.WARNING, f"{headline(budget)}; allowed", doubt="beyond_budget", rule=_RULE)
    return Check(_NAME, State.PROBLEM, headline(budget), ExitCode.USAGE, rule=_RULE, more=lines(budget)[1:])


def _not_counted(budget: Budget) -> tuple[str, ...]:
    return tuple(f"  not counted: {workflow}, nobody wrote down what it sends" for workflow in budget.not_counted)
