"""Judge a run directory: seal its log, weigh it, set the exit code, write the pages."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from analysis import verdict_file
from analysis.load import load
from analysis.pipeline import evaluate
from analysis.policy import Policy
from analysis.verdict import Doubt, Outcome, Verdict
from gate.exit_codes import exit_code
from gate.findings import Findings, read_findings
from gate.terms import Terms
from runlog.run import read_run


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with its exit code, and the page about it; no page when the disk refused it."""

    verdict: Verdict
    report_path: Path | None


def judge_run(folder: Path, terms: Terms) -> Judged:
    """Return the verdict on a run, written into its directory with its pages.

    The same run on the same terms gives the same bytes. RunLogError when the directory holds no readable run.
    A disk that refuses the pages makes the verdict invalid, but it is returned all the same.
    """
    run = read_run(folder)
    stage = terms.stage or run.stage
    policy = Policy(
        stage=None if terms.stage == run.stage else terms.stage,
        strict=terms.strict,
        inconclusive=terms.inconclusive,
    )
    verdict = with_findings(evaluate(folder, terms.thresholds, policy), read_findings(folder))
    verdict = settled(verdict, stage, rollback_enabled=terms.rollback_enabled)
    try:
        report_path = write_pages(folder, verdict)
        verdict_file.write(folder, verdict)
    except OSError as error:
        return Judged(_unwritten(folder, verdict, error, stage, terms), None)
    return Judged(verdict, report_path)


def write_pages(folder: Path, verdict: Verdict) -> Path:
    """Write report.html and what goes with it; return its path. OSError when the disk refuses."""
    from analysis.report import write_reports  # noqa: PLC0415 - loads matplotlib: 0.3 s no load has to wait for

    evidence = load(folder)
    return write_reports(folder, verdict, evidence.samples, evidence.generator, evidence.monitors)


def with_findings(verdict: Verdict, findings: Findings) -> Verdict:
    """Return the verdict with the gate's own doubts before the others: they happened first and explain them."""
    blocking = next((doubt for doubt in findings.doubts if doubt.invalidates), None)
    return replace(
        verdict,
        outcome=verdict.outcome if blocking is None else Outcome.INVALID,
        headline=verdict.headline if blocking is None else _headline(blocking),
        doubts=(*findings.doubts, *verdict.doubts),
        overrides=tuple(dict.fromkeys((*findings.overrides, *verdict.overrides))),  # gate and load note the same flags
        clock_offset_s=findings.clock_offset_s,
    )


def settled(verdict: Verdict, stage: str | None, *, rollback_enabled: bool) -> Verdict:
    """Return the verdict with its exit code; a fired rollback trigger is a failure whatever else passed."""
    fired = bool(verdict.rollback)
    code = exit_code(verdict.outcome, rollback_fired=fired, stage=stage, rollback_enabled=rollback_enabled)
    passed = verdict.outcome in (Outcome.PASS, Outcome.INCONCLUSIVE)
    overrides = verdict.overrides if rollback_enabled else (*verdict.overrides, "ROLLBACK_ENABLED=false")
    if fired and passed:
        headline = f"Fail: a rollback trigger fired: {verdict.rollback[0]}."
        verdict = replace(verdict, outcome=Outcome.FAIL, headline=headline)
    return replace(verdict, exit_code=int(code), overrides=overrides)


def _headline(doubt: Doubt) -> str:
    return f"Invalid: {doubt.name}, {doubt.figure}."


def _unwritten(folder: Path, verdict: Verdict, error: OSError, stage: str | None, terms: Terms) -> Verdict:
    """Return the verdict of a run whose pages the disk refused; what an earlier judging left there is removed."""
    from analysis.report.render import REPORT_FILE  # noqa: PLC0415 - as in write_pages

    figure = f"{error.strerror or error}: {folder}"
    findings = Findings().with_doubt(
        "report_not_written", figure, "verdict and report are on the disk", invalidates=True
    )
    invalid = with_findings(verdict, findings)
    code = exit_code(
        invalid.outcome, rollback_fired=bool(verdict.rollback), stage=stage, rollback_enabled=terms.rollback_enabled
    )
    invalid = replace(invalid, exit_code=int(code))
    with suppress(OSError):
        (folder / REPORT_FILE).unlink(missing_ok=True)
        verdict_file.write(folder, invalid)
    return invalid
