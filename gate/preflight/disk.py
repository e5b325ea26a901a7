"""Estimate what a run writes and see whether the disk has room for it."""

import shutil
from pathlib import Path
from typing import Final

from gate.preflight.check import Check, ok, problem
from settings.profile import Profile

_NAME: Final = "disk space"
SECONDS_A_SAMPLE: Final = 0.3
"""Measured: 80 sellers of the demo, thinking as people do, made 22,326 samples in 85 s: 0.305 s each."""

RESPONSE_S: Final = 0.01  # without a pause a seller still waits for answers
BYTES_A_SAMPLE: Final = 200
"""Measured: 68 bytes while it is written, 21 more when it is merged; twice that, for what was not foreseen."""

FIXED_BYTES: Final = 8_000_000
"""Measured: 1.9 MB of report, charts, logs and time series of the demo; four times that."""


def bytes_needed(profile: Profile) -> int:
    """Return what a run of a profile writes at most."""
    samples = profile.sellers * profile.duration_s / (SECONDS_A_SAMPLE * profile.think_ratio + RESPONSE_S)
    return FIXED_BYTES + round(samples * BYTES_A_SAMPLE)


def disk_check(reports: Path, profile: Profile) -> Check:
    """Return whether the disk the run directory will be on has room for it."""
    needed = bytes_needed(profile)
    free = free_bytes(reports)
    words = f"{_megabytes(free)} free, about {_megabytes(needed)} needed"
    if free < needed:
        return problem(_NAME, f"{words} in {reports}", "disk_space", "the disk has room for the whole run")
    return ok(_NAME, words)


def free_bytes(folder: Path) -> int:
    """Return the room on the disk of a folder that may not be there yet."""
    at = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(at).free


def _megabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"  # noqa: PLR2004 - a billion
