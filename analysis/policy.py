"""Say how a verdict is to be reached: what the person or pipeline asking for it decides."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from runlog.run import Run


@dataclass(frozen=True, slots=True)
class Policy:
    """Choices of whoever asks for the verdict; None where nobody chose."""

    stage: str | None = None  # in place of the run's own
    strict: bool = False  # medium and low fail too
    inconclusive: Literal["pass", "fail"] | None = None
    """What a straddling interval counts as. Too few samples stay inconclusive whatever this says."""
    today: date | None = None  # by which gaps have expired; None: the day the run started (UTC)

    def day(self, run: Run) -> date:
        """Return the day gaps are held against: never the clock's, so that judging again gives the same verdict."""
        if self.today is not None:
            return self.today
        try:
            return datetime.fromtimestamp(run.started_at_s, UTC).date()
        except (OverflowError, ValueError, OSError):
            return date.max  # a run without a readable date excuses nothing

    def overrides(self, run: Run) -> list[str]:
        """Return the choices that changed the verdict's rules, in words."""
        words = [f"--stage {self.stage}"] if self.stage not in (None, run.stage) else []
        words += ["--strict: medium and low fail too"] if self.strict else []
        words += [f"--inconclusive {self.inconclusive}"] if self.inconclusive is not None else []
        return words
