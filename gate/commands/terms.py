"""Speak `sellergate terms`, which plain Locust asks before it sends anything."""

from pathlib import Path
from typing import Unpack

import click

from gate.commands.judging_flags import JudgingFlags, check_profiles, judging_options, read_terms
from gate.commands.options import path_option
from settings.profile import PROFILES_FILE


@click.command("terms", hidden=True)
@judging_options
@path_option("--profiles", PROFILES_FILE, "Load profiles the thresholds may name.")
def command(profiles: Path, **flags: Unpack[JudgingFlags]) -> int:
    """Read what a run would be judged by, and refuse what is wrong with it; says nothing when all is well."""
    check_profiles(read_terms(flags).thresholds, profiles)
    return 0
