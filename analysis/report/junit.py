"""Write junit.xml: every limit, every doubt and the verdict as a test case a CI system can show."""

from collections import Counter
from typing import Final
from xml.etree import ElementTree as ET  # writes only; nothing is parsed here

from analysis.report import ranking, wording
from analysis.verdict import Doubt, Outcome, Result, Severity, Verdict

JUNIT_FILE: Final = "junit.xml"


def junit(verdict: Verdict) -> str:
    """Return junit.xml.

    A result that fails the run is a failure. One that only warns, is waived, or only fires a rollback trigger, must
    not turn a build red that the exit code lets through: it is skipped, as an undecided one is, and its message says
    why.
    """
    root = ET.Element("testsuites", name="sellergate")
    limits = ET.SubElement(root, "testsuite", name="thresholds")
    strict = verdict.outcome is Outcome.FAIL and not ranking.broken(verdict.results)
    seen: Counter[str] = Counter()
    for result in verdict.results:
        _add_result(limits, result, seen, fails_warnings=strict)
    doubts = ET.SubElement(root, "testsuite", name="doubts")
    for doubt in verdict.doubts:
        _add_doubt(doubts, doubt)
    _add_verdict(ET.SubElement(root, "testsuite", name="verdict"), verdict)
    for suite in root:
        _count(suite)
    ET.indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(root, encoding='unicode')}\n"


def _add_result(suite: ET.Element, result: Result, seen: Counter[str], *, fails_warnings: bool) -> None:
    name = f"{wording.scope_name(result.scope)} {result.stat} {result.limit}"
    seen[f"{result.severity} {name}"] += 1
    again = seen[f"{result.severity} {name}"]
    case = _case(suite, result.severity, name if again == 1 else f"{name} ({again})")
    message = (
        f"observed {wording.observed(result)}, limit {result.limit}, margin {wording.margin(result.margin_ratio)}, "
        f"{wording.count(result.samples)} samples"
    )
    if result.outcome is Outcome.PASS:
        return
    if result.outcome is not Outcome.FAIL:
        _note(case, "skipped", f"{result.outcome}: {message}", result.why)
    elif result.waived is not None:
        _note(case, "skipped", f"waived: {result.waived}; {message}", result.why)
    elif result.severity in wording.FAILING or (fails_warnings and result.severity is not Severity.ROLLBACK):
        _note(case, "failure", message, result.why)
    else:
        kind = "rollback trigger" if result.severity is Severity.ROLLBACK else "warning"
        _note(case, "skipped", f"{kind}: {message}", result.why)


def _add_doubt(suite: ET.Element, doubt: Doubt) -> None:
    case = _case(suite, "doubt", doubt.name)
    if doubt.invalidates:
        _note(case, "error", doubt.figure, f"expected: {doubt.rule}")
    else:
        ET.SubElement(case, "system-out").text = wording.printable(f"{doubt.figure}; expected: {doubt.rule}")


def _add_verdict(suite: ET.Element, verdict: Verdict) -> None:
    case = _case(suite, "sellergate", "verdict")
    if verdict.exit_code != 0:
        _note(case, "failure", f"{verdict.outcome} (exit {verdict.exit_code})", verdict.headline)


def _case(suite: ET.Element, classname: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=classname, name=wording.one_line(name))


def _note(case: ET.Element, tag: str, message: str, detail: str) -> None:
    note = ET.SubElement(case, tag, message=wording.one_line(message))
    if tag != "skipped":
        note.set("type", case.get("classname", ""))
    note.text = wording.printable(detail)


def _count(suite: ET.Element) -> None:
    cases = list(suite)
    suite.set("tests", str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
