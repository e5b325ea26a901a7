"""Drive the pipeline and speak its answer: preflight, load, verdict, report, exit code."""
