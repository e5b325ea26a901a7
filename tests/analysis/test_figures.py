import pytest

from analysis.figures import counted, place, spelled
from analysis.verdict import Scope


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (3041.4, "ms", "3 041 ms"),
        (99.94, "ms", "99.9 ms"),
        (100.6, "ms", "101 ms"),
        (0.125, "ratio", "12.5 %"),
        (0.0, "ratio", "0 %"),
        (132.44, "rps", "132.4 rps"),
        (3.0, "count", "3"),
        (12_345.0, "count", "12 345"),
        (0.94, "score", "0.94"),
        (None, "ms", "not measured"),
    ],
)
def test_figures_are_spelled_with_their_unit(value: float | None, unit: str, words: str) -> None:
    assert spelled(value, unit) == words


def test_counts_keep_their_thousands_apart() -> None:
    assert counted(1_234_567) == "1 234 567"


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (Scope(), "the whole run"),
        (Scope("listing", "creation"), "listing.creation"),
        (Scope("listing", None, "/api/x", "push"), "listing /api/x push"),
        (Scope(step="creation"), "creation"),
        (Scope(monitor="cpu"), "monitor cpu"),
    ],
)
def test_places_are_named_as_people_say_them(scope: Scope, words: str) -> None:
    assert place(scope) == words
