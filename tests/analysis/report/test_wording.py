"""Figures and words every report shares."""

import math
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report import wording
from analysis.verdict import Result, Scope, StepStatus, Verdict


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, "—", id="unknown is not zero"),
        pytest.param(0.0, "0", id="zero"),
        pytest.param(3041.2, "3 040", id="thousands apart"),
        pytest.param(1_234_567.0, "1 230 000", id="no exponent"),
        pytest.param(41.26, "41.3", id="rounds half up to three digits"),
        pytest.param(0.012345, "0.0123", id="small"),
        pytest.param(2.0, "2", id="no trailing zeros"),
        pytest.param(100.0, "100", id="zeros of a whole number stay"),
        pytest.param(-12.34, "-12.3", id="negative"),
        pytest.param(math.nan, "not finite", id="NaN"),
        pytest.param(math.inf, "not finite", id="infinite"),
    ],
)
def test_number_shows_three_significant_digits(value: float | None, expected: str) -> None:
    assert wording.number(value) == expected


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_number_is_never_off_by_more_than_half_a_digit(value: float) -> None:
    assert float(wording.number(value).replace(" ", "")) == pytest.approx(value, rel=0.00501)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        pytest.param(None, "ms", "—", id="unknown has no unit"),
        pytest.param(87.4, "ms", "87.4 ms", id="time"),
        pytest.param(0.00123, "ratio", "0.123 %", id="ratio as percent"),
        pytest.param(151.23, "rps", "151 rps", id="rate"),
        pytest.param(12345.0, "count", "12 345", id="count in full"),
        pytest.param(0.93, "score", "0.93", id="score"),
        pytest.param(7.0, "widgets", "7 widgets", id="unit of a later version"),
    ],
)
def test_quantity_has_the_unit_of_its_statistic(value: float | None, unit: str, expected: str) -> None:
    assert wording.quantity(value, unit) == expected


@pytest.mark.parametrize(
    ("observed", "margin", "expected"),
    [
        pytest.param(3041.2, -0.52, "3 040 ms", id="far: three digits"),
        pytest.param(1990.0, 0.005, "1 990 ms", id="three digits just suffice"),
        pytest.param(2000.4, -0.0002, "2 000.4 ms", id="barely broken"),
        pytest.param(1999.6, 0.0002, "1 999.6 ms", id="barely held"),
        pytest.param(1234.5678, 0.0, "1 234.5678 ms", id="on the limit"),
        pytest.param(41.26, None, "41.3 ms", id="no margin"),
        pytest.param(41.26, math.nan, "41.3 ms", id="margin not a number"),
        pytest.param(None, None, "—", id="not measured"),
    ],
)
def test_observed_shows_on_which_side_of_the_limit_it_is(
    make_result: Callable[..., Result], observed: float | None, margin: float | None, expected: str
) -> None:
    assert wording.observed(make_result("p95", "< 2000 ms", observed, margin)) == expected


@given(
    limit=st.floats(min_value=0.01, max_value=1e5),
    margin=st.floats(min_value=-0.9, max_value=0.9).filter(lambda ratio: abs(ratio) > 1e-9),
)
def test_rounding_never_moves_a_figure_across_its_limit(
    make_result: Callable[..., Result], limit: float, margin: float
) -> None:
    observed = limit * (1 - margin)
    shown = float(wording.observed(make_result("p95", "<", observed, margin)).removesuffix(" ms").replace(" ", ""))
    assert (shown < limit) == (margin > 0)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        pytest.param(None, "—", id="no limit to divide by"),
        pytest.param(0.9564, "+95.6 %", id="held"),
        pytest.param(-0.5206, "-52.1 %", id="broken"),
        pytest.param(0.0, "0 %", id="on the limit"),
    ],
)
def test_margin_is_signed_percent(ratio: float | None, expected: str) -> None:
    assert wording.margin(ratio) == expected


def test_interval_is_given_with_units_and_only_when_known(make_result: Callable[..., Result]) -> None:
    assert wording.interval(make_result("mean", "< 1 s", 41.0, 0.9, interval=(40.0, 42.5))) == "40 ms to 42.5 ms"
    assert wording.interval(make_result("mean", "< 1 s", 41.0, 0.9)) is None


@pytest.mark.parametrize(
    ("at_s", "expected"),
    [
        pytest.param(1_764_000_000.0, "2025-11-24 16:00:00 UTC", id="a time"),
        pytest.param(None, "—", id="unknown"),
        pytest.param(1e300, "—", id="out of every calendar"),
        pytest.param(math.nan, "—", id="not a number"),
    ],
)
def test_moment_is_utc(at_s: float | None, expected: str) -> None:
    assert wording.moment(at_s) == expected


@pytest.mark.parametrize(
    ("value_s", "expected"),
    [
        pytest.param(None, "—", id="unknown"),
        pytest.param(0.5, "0.5 s", id="fraction"),
        pytest.param(119.0, "119 s", id="below two minutes"),
        pytest.param(120.0, "2 min", id="two minutes"),
        pytest.param(3725.0, "1 h 2 min 5 s", id="all parts"),
        pytest.param(7200.0, "2 h", id="parts of zero are left out"),
        pytest.param(math.inf, "not finite s", id="infinite"),
    ],
)
def test_duration_is_as_people_say_it(value_s: float | None, expected: str) -> None:
    assert wording.duration(value_s) == expected


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param(Scope(), "whole run", id="whole run"),
        pytest.param(Scope(workflow="store"), "store", id="workflow"),
        pytest.param(Scope(workflow="store", step="store_page"), "store.store_page", id="step"),
        pytest.param(Scope(route="GET /api"), "GET /api", id="route"),
        pytest.param(Scope(kind="push"), "kind push", id="kind"),
        pytest.param(Scope(workflow="store", kind="push", route="r"), "store r kind push", id="several"),
        pytest.param(Scope(monitor="memory"), "monitor memory", id="monitor"),
    ],
)
def test_scope_name_says_what_a_result_is_about(scope: Scope, expected: str) -> None:
    assert wording.scope_name(scope) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain ñ 漢 ✓", "plain ñ 漢 ✓", id="letters of all people"),
        pytest.param("a\nb\tc", "a\nb\tc", id="line ends and tabs"),
        pytest.param("\x1b[2J\x00\x85", "\ufffd[2J\ufffd\ufffd", id="escape sequences"),
        pytest.param("\ud800", "\ufffd", id="half a surrogate pair"),
        pytest.param("a\u202eb", "a\ufffdb", id="direction marks"),
        pytest.param("\uffff\ufffe", "\ufffd\ufffd", id="not characters"),
    ],
)
def test_printable_replaces_what_would_act_instead_of_show(text: str, expected: str) -> None:
    assert wording.printable(text) == expected


@given(st.text(st.characters(exclude_categories=())))
def test_printable_text_is_always_valid_xml_and_utf8(text: str) -> None:
    shown = wording.printable(text)
    shown.encode("utf-8")
    ET.fromstring(f"<a>{escape(shown)}</a>")  # noqa: S314 - parses what this test wrote


def test_one_line_is_one_line() -> None:
    assert wording.one_line(" a\n b\t\u2028c ") == "a b \ufffdc"


def test_grade_of_a_release_names_the_steps_in_scope(passing: Verdict) -> None:
    assert wording.grade(passing) == "release-grade: all 40 steps in scope"


def test_grade_of_a_narrow_scope_counts_the_steps_that_ran(passing: Verdict) -> None:
    run = passing.run.model_copy(update={"scope": passing.run.scope[:5]})
    narrow = replace(passing, release_grade=False, run=run)
    assert wording.grade(narrow) == "5 of 5 steps in scope, not a release verdict"
    idle = replace(narrow, steps=(replace(narrow.steps[0], samples=0), *narrow.steps[1:]))
    assert wording.grade(idle) == "4 of 5 steps in scope, not a release verdict"


def test_step_count_leaves_out_what_did_not_occur(passing: Verdict, failing: Verdict, empty: Verdict) -> None:
    assert wording.step_count(passing) == "40 passed"
    assert wording.step_count(failing) == "38 passed, 1 failed, 1 gap"
    not_run = replace(passing, steps=(replace(passing.steps[0], status=StepStatus.NOT_RUN),))
    assert wording.step_count(not_run) == "1 not run"
    assert wording.step_count(empty) == "no step judged"


@pytest.mark.parametrize(("how_many", "expected"), [(0, "0 steps"), (1, "1 step"), (1000, "1 000 steps")])
def test_several_knows_one_from_many(how_many: int, expected: str) -> None:
    assert wording.several(how_many, "step", "steps") == expected


def test_count_of_nothing_known_is_not_zero() -> None:
    assert wording.count(None) == "—"
