"""Show people how far a run is, from the file that the load rewrites every second."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from gate.streams import mute

PROGRESS_FILE: Final = "progress.json"
PLAIN_EVERY_S: Final = 10.0
"""Where output is piped a line is kept, so there are few."""

_CLEAR_LINE: Final = "\r\x1b[2K"


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at a run that lasts; `planned_s` is None for a run ended by hand."""

    elapsed_s: float
    planned_s: float | None
    sellers: int
    requests: int
    failed: int
    rps: float


def read_progress(folder: Path) -> Progress | None:
    """Return what the load last wrote; None before its first word, or when that is not understood."""
    try:
        raw = json.loads((folder / PROGRESS_FILE).read_bytes())
        planned_s = raw["planned_s"]
        return Progress(
            elapsed_s=float(raw["elapsed_s"]),
            planned_s=None if planned_s is None else float(planned_s),
            sellers=int(raw["sellers"]),
            requests=int(raw["requests"]),
            failed=int(raw["failed"]),
            rps=float(raw["rps"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def line(progress: Progress) -> str:
    """Return progress in one line of at most 80 columns."""
    planned = "" if progress.planned_s is None else f" of {progress.planned_s:.0f}"
    return (
        f"{progress.elapsed_s:.0f}{planned} s, {progress.sellers} sellers, "
        f"{progress.rps:.0f} req/s, {progress.requests} requests, {progress.failed} failed"
    )


class ProgressPrinter:
    """Prints to a terminal one line that changes, elsewhere a line every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._shown = ""
        self._next_s = 0.0

    def show(self, folder: Path) -> None:
        """Print how far the run in `folder` is, if that is due."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        progress = read_progress(folder)
        if progress is None:
            return
        self._next_s = now_s + (1.0 if self._live else PLAIN_EVERY_S)
        self._line(line(progress))

    def waiting(self, words: str, so_far_s: float, longest_s: float) -> None:
        """Say that the target is not ready yet, if that is due; several threads may wait."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + (1.0 if self._live else PLAIN_EVERY_S)
            self._line(f"waiting, {so_far_s:.0f} of {longest_s:g} s: {words}")

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._write(f"{text}\n")

    def close(self) -> None:
        """Leave a terminal's line empty for what follows."""
        if self._live and self._shown:
            self._write(_CLEAR_LINE)
        self._shown, self._next_s = "", 0.0

    def _line(self, text: str) -> None:
        if self._live:
            self._write(_CLEAR_LINE + text[: shutil.get_terminal_size().columns - 1])
        else:
            self._write(f"{text}\n")
        self._shown = text

    def _write(self, text: str) -> None:
        """Write at once; a run does not end because nobody can see it."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            mute(self._stream)
