"""Decide whether a profile may be sent to a target."""

from settings.problem import UsageProblem
from settings.profile import Profile
from settings.target import Target


def check_permission(target: Target, profile: Profile | None, *, allow_production: bool) -> tuple[str, ...]:
    """Return what had to be allowed, for the record; UsageProblem when it was not.

    Production gets only profiles marked safe, and only with `--allow-production`; a run without a profile (plain
    `locust -u -r -t`) is not marked safe.
    """
    if not target.production:
        return ()
    if not allow_production:
        raise UsageProblem(f"target {target.name!r} is production; accepted: with --allow-production")
    if profile is None or not profile.safe_for_production:
        name = "a run without a profile" if profile is None else f"profile {profile.name!r}"
        raise UsageProblem(f"{name} is not marked safe_for_production; target {target.name!r} is production")
    return ("--allow-production",)
