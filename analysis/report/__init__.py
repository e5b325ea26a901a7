"""Show a verdict: a page, a summary, test cases for CI and the lines of a terminal."""

from analysis.report.write import write_reports

__all__ = ["write_reports"]
