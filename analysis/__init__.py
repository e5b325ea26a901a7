"""Turn a run directory into a verdict: load, window, judge, report."""
