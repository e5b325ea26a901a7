"""The page of Markdown."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from analysis.report.summary import escaped, summary
from analysis.verdict import Verdict


@pytest.mark.parametrize("name", ["passing", "failing", "invalid", "inconclusive", "empty", "crowded", "staging"])
def test_summary_is_the_agreed_one(
    name: str, request: pytest.FixtureRequest, golden: Callable[[str, str], None]
) -> None:
    golden(f"summary_{name}.md", summary(request.getfixturevalue(name)))


def test_a_crowded_summary_stays_within_sixty_lines_and_says_what_it_leaves_out(crowded: Verdict) -> None:
    text = summary(crowded)
    assert len(text.splitlines()) <= 60
    assert "… and 84 more in report.html." in text  # of 96 limits that do not hold, twelve are listed
    assert "… and 6 more in report.html." in text  # of nine triggers three
    assert "… and 11 more in report.html." in text  # of fifteen doubts four
    assert "… and 15 more in report.html." in text  # of nine gaps and nine waivers three
    assert "and 5 more routes." in text  # of eight throttled ones three


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a | b", r"a \| b", id="a cell stays a cell"),
        pytest.param("<img src=x onerror=y>", "&lt;img src=x onerror=y&gt;", id="no tags"),
        pytest.param("[x](http://y)", r"\[x\](http://y)", id="no links"),
        pytest.param("`c` *b* _i_ ~s~", r"\`c\` \*b\* \_i\_ \~s\~", id="no markup"),
        pytest.param("a\n# b", r"a \# b", id="no headings"),
        pytest.param("back\\slash", r"back\\slash", id="a backslash escapes nothing"),
        pytest.param("\x00", "\ufffd", id="no control characters"),
    ],
)
def test_text_of_a_server_is_shown_and_does_nothing(text: str, expected: str) -> None:
    assert escaped(text) == expected


def test_a_hostile_headline_adds_no_line(passing: Verdict) -> None:
    hostile = replace(passing, headline="x\n\n| a | b |\n# PASS")
    assert len(summary(hostile).splitlines()) == len(summary(passing).splitlines())
