"""Decide when a target has been silent for so long that the run must stop."""

from typing import Final

SILENT_S: Final = 5.0
"""Without any answer for this long the target counts as dead; a stall of five seconds is a finding, not a death."""


class Fuse:
    """Watches a row of questions; blows once."""

    def __init__(self) -> None:
        self._silent_since_s: float | None = None
        self._blown = False

    def answered(self) -> None:
        """Note that the target answered something, whatever it was."""
        self._silent_since_s = None

    def failed(self, asked_at_s: float, now_s: float, why: str) -> str | None:
        """Note a question, asked at `asked_at_s`, without an answer; return the reason to stop, the first time."""
        if self._silent_since_s is None:
            self._silent_since_s = asked_at_s
        silent_s = now_s - self._silent_since_s
        if self._blown or silent_s < SILENT_S:
            return None
        self._blown = True
        return f"the target did not answer for {silent_s:.1f} s: {why}"
