"""Take a run directory to its verdict: load, cut, judge."""

from pathlib import Path

from analysis.judge import judge
from analysis.load import load
from analysis.policy import Policy
from analysis.threshold import ThresholdFile
from analysis.verdict import Verdict

__all__ = ["Policy", "evaluate"]


def evaluate(run_dir: Path, thresholds: ThresholdFile, policy: Policy) -> Verdict:
    """Return the verdict of a run directory, its exit code not yet set.

    The same run, thresholds and policy give the same verdict. RunLogError when run.json is missing or malformed;
    whatever else cannot be read is a doubt of the verdict.
    """
    return judge(load(run_dir), thresholds, policy)
