"""Test cases for CI systems."""

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report.junit import junit
from analysis.verdict import Doubt, Outcome, Result, Severity, Verdict

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def parsed(verdict: Verdict) -> ET.Element:
    return ET.fromstring(junit(verdict).encode("utf-8"))  # noqa: S314 - parses what this package wrote


def case_of(verdict: Verdict, suite: str, at: int = 0) -> ET.Element:
    return parsed(verdict).findall(f"testsuite[@name='{suite}']/testcase")[at]


@pytest.mark.parametrize("name", ["passing", "failing", "invalid", "inconclusive", "empty", "staging"])
def test_junit_is_the_agreed_one(name: str, request: pytest.FixtureRequest, golden: Callable[[str, str], None]) -> None:
    golden(f"junit_{name}.xml", junit(request.getfixturevalue(name)))


def test_every_result_and_doubt_is_one_case_and_the_counts_agree(any_verdict: Verdict) -> None:
    suites = {suite.get("name"): suite for suite in parsed(any_verdict)}
    assert len(suites["thresholds"]) == len(any_verdict.results)
    assert len(suites["doubts"]) == len(any_verdict.doubts)
    assert len(suites["verdict"]) == 1
    for suite in suites.values():
        assert suite.get("tests") == str(len(suite))
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
        assert suite.get("errors") == str(len(suite.findall("testcase/error")))
        assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))


def test_case_names_are_distinct(passing: Verdict) -> None:
    twice = replace(passing, results=passing.results * 2)
    names = [(case.get("classname"), case.get("name")) for case in parsed(twice).iter("testcase")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("severity", "outcome", "strict", "tag"),
    [
        pytest.param(Severity.CRITICAL, Outcome.PASS, False, None, id="held"),
        pytest.param(Severity.CRITICAL, Outcome.FAIL, False, "failure", id="critical broken"),
        pytest.param(Severity.HIGH, Outcome.FAIL, False, "failure", id="high broken"),
        pytest.param(Severity.MEDIUM, Outcome.FAIL, False, "skipped", id="medium broken warns"),
        pytest.param(Severity.LOW, Outcome.FAIL, False, "skipped", id="low broken warns"),
        pytest.param(Severity.LOW, Outcome.FAIL, True, "failure", id="low broken fails a strict run"),
        pytest.param(Severity.ROLLBACK, Outcome.FAIL, False, "skipped", id="rollback only triggers"),
        pytest.param(Severity.ROLLBACK, Outcome.FAIL, True, "skipped", id="rollback only triggers, strict"),
        pytest.param(Severity.HIGH, Outcome.INCONCLUSIVE, False, "skipped", id="undecided"),
    ],
)
def test_a_result_becomes(
    passing: Verdict,
    make_result: Callable[..., Result],
    severity: Severity,
    outcome: Outcome,
    strict: bool,  # noqa: FBT001 - a table's column
    tag: str | None,
) -> None:
    result = make_result("p95", "< 2000 ms", 3041.2, -0.52, severity=severity, outcome=outcome)
    verdict = replace(passing, results=(result,), outcome=Outcome.FAIL if strict else Outcome.PASS)
    case = case_of(verdict, "thresholds")
    assert case.get("classname") == severity
    assert case.get("name") == "whole run p95 < 2000 ms"
    assert [child.tag for child in case] == ([] if tag is None else [tag])


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("severity", [severity for severity in Severity if severity is not Severity.ROLLBACK])
def test_a_waived_limit_turns_no_build_red_and_says_who_waived_it(
    passing: Verdict,
    make_result: Callable[..., Result],
    severity: Severity,
    strict: bool,  # noqa: FBT001 - a table's column
) -> None:
    result = make_result("p95", "< 2000 ms", 3041.2, -0.52, severity=severity, outcome=Outcome.FAIL)
    waived = replace(result, waived="known (team, until 2026-02-28)")
    verdict = replace(passing, results=(waived,), outcome=Outcome.FAIL if strict else Outcome.PASS)
    [note] = case_of(verdict, "thresholds")
    assert note.tag == "skipped"
    assert (note.get("message") or "").startswith("waived: known (team, until 2026-02-28); observed 3 040 ms")


def test_a_failure_says_observed_limit_margin_and_samples(failing: Verdict) -> None:
    [failure] = parsed(failing).findall("testsuite[@name='thresholds']/testcase/failure")
    assert failure.get("message") == "observed 3 040 ms, limit < 2000 ms, margin -52.1 %, 245 samples"


def test_an_invalidating_doubt_is_an_error_and_another_is_told(invalid: Verdict) -> None:
    [told], [error] = (case_of(invalid, "doubts", at) for at in (0, 1))
    assert (told.tag, told.text) == ("system-out", "0.4 % of requests; expected: at most 1 %")
    assert (error.tag, error.get("message")) == ("error", "97 % of a core in process 0")


@pytest.mark.parametrize(("exit_code", "failures"), [(0, 0), (1, 1), (3, 1), (4, 1), (5, 1), (70, 1)])
def test_the_verdict_case_fails_unless_the_exit_code_is_0(passing: Verdict, exit_code: int, failures: int) -> None:
    case = case_of(replace(passing, exit_code=exit_code), "verdict")
    assert (case.get("name"), len(case.findall("failure"))) == ("verdict", failures)


@given(text=ANY_TEXT)
def test_any_text_gives_well_formed_xml(passing: Verdict, make_result: Callable[..., Result], text: str) -> None:
    result = make_result(text, text, 1.0, -1.0, why=text, outcome=Outcome.FAIL)
    doubts = tuple(Doubt(text, text, text, invalidates=invalidates) for invalidates in (True, False))
    root = parsed(replace(passing, results=(result,), doubts=doubts, headline=text, exit_code=1))
    assert len(list(root.iter("testcase"))) == 4
