import pytest

from analysis.limits import Better, Limit, Unit, parse_limit

PARSED = {
    "milliseconds": ("< 2000 ms", Unit.MS, Better.LOWER, ("<", 2000.0, "< 2000 ms")),
    "seconds are milliseconds": ("<= 1 s", Unit.MS, Better.LOWER, ("<=", 1000.0, "<= 1 s")),
    "minutes": ("<1.5min", Unit.MS, Better.LOWER, ("<", 90_000.0, "<1.5min")),
    "milliseconds that are no exact seconds": ("< 570 ms", Unit.MS, Better.LOWER, ("<", 570.0, "< 570 ms")),
    "percent": ("> 70 %", Unit.RATIO, Better.HIGHER, (">", 0.7, "> 70 %")),
    "percent that is no exact ratio": ("< 7 %", Unit.RATIO, Better.LOWER, ("<", 0.07, "< 7 %")),
    "plain ratio": (">= 0.95", Unit.RATIO, Better.HIGHER, (">=", 0.95, ">= 0.95")),
    "rate": ("> 100 rps", Unit.RPS, Better.HIGHER, (">", 100.0, "> 100 rps")),
    "rate as the guide writes it": (">100 req/s", Unit.RPS, Better.HIGHER, (">", 100.0, ">100 req/s")),
    "count": ("= 0", Unit.COUNT, Better.LOWER, ("=", 0.0, "= 0")),
    "count at most": ("<= 0", Unit.COUNT, Better.LOWER, ("<=", 0.0, "<= 0")),
    "score": ("> 0.9", Unit.SCORE, Better.HIGHER, (">", 0.9, "> 0.9")),
    "spaces": ("  <   2000   ms ", Unit.MS, Better.LOWER, ("<", 2000.0, "< 2000 ms")),
    "all or nothing": ("< 100 %", Unit.RATIO, Better.LOWER, ("<", 1.0, "< 100 %")),
    "anything at all": ("> 0 %", Unit.RATIO, Better.HIGHER, (">", 0.0, "> 0 %")),
    "free memory of a monitor": ("> 10 %", Unit.RATIO, Better.EITHER, (">", 0.1, "> 10 %")),
    "used memory of a monitor": ("< 85 %", Unit.RATIO, Better.EITHER, ("<", 0.85, "< 85 %")),
}


@pytest.mark.parametrize("case", PARSED)
def test_a_limit_is_understood(case: str) -> None:
    text, unit, better, expected = PARSED[case]

    limit = parse_limit(text, unit, better)

    assert (limit.operator, limit.value, limit.text) == expected


REFUSED = {
    "no operator": (
        "2000 ms",
        Unit.MS,
        "'2000 ms' is not a limit, expected an operator (<, <=, >, >=, =) and a quantity, like '< 2000 ms'",
    ),
    "empty": (
        "",
        Unit.MS,
        "'' is not a limit, expected an operator (<, <=, >, >=, =) and a quantity, like '< 2000 ms'",
    ),
    "operator only": (
        "<",
        Unit.MS,
        "'<' is not a limit, expected an operator (<, <=, >, >=, =) and a quantity, like '< 2000 ms'",
    ),
    "a unit of something else": (
        "<= 1 MB",
        Unit.MS,
        "'<= 1 MB' is in 'MB', expected a time ('ms', 's', 'min', 'h')",
    ),
    "no unit": ("< 2000", Unit.MS, "'< 2000' has no unit, expected a time ('ms', 's', 'min', 'h')"),
    "percent of a time": ("< 1 %", Unit.MS, "'< 1 %' is in '%', expected a time ('ms', 's', 'min', 'h')"),
    "time of a ratio": (
        "< 1 s",
        Unit.RATIO,
        "'< 1 s' is in 's', expected a ratio ('%', or a number from 0 to 1)",
    ),
    "percent without its sign": (
        "< 5",
        Unit.RATIO,
        "'< 5' is not between 0 % and 100 %, expected a ratio ('%', or a number from 0 to 1)",
    ),
    "negative": ("< -1 ms", Unit.MS, "'< -1 ms' is negative, expected 0 or more"),
    "looks the wrong way": (
        "> 2000 ms",
        Unit.MS,
        "'> 2000 ms' contradicts the statistic, of which lower is better; use '<' or '<='",
    ),
    "equals a time": ("= 2000 ms", Unit.MS, "'= 2000 ms': '=' is for counts; use '<' or '>'"),
    "below zero": ("< 0 ms", Unit.MS, "'< 0 ms' cannot hold, whatever a run shows"),
    "a ratio of exactly nothing": ("<= 0 %", Unit.RATIO, "'<= 0 %' cannot hold, whatever a run shows"),
    "a ratio that is always kept": ("<= 100 %", Unit.RATIO, "'<= 100 %' cannot be broken, whatever a run shows"),
    "fewer than none": ("< 0", Unit.COUNT, "'< 0' cannot hold, whatever a run shows"),
    "a number beyond all": (f"< {'9' * 400} ms", Unit.MS, f"'< {'9' * 400} ms' is too large a number"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_limit_nobody_can_mean_is_refused(case: str) -> None:
    text, unit, message = REFUSED[case]

    with pytest.raises(ValueError, match="'") as refused:
        parse_limit(text, unit, Better.LOWER)

    assert str(refused.value) == message


REFUSED_HIGHER = {
    "looks the wrong way": (
        "< 100 rps",
        Unit.RPS,
        "'< 100 rps' contradicts the statistic, of which higher is better; use '>' or '>='",
    ),
    "more than all": ("> 100 %", Unit.RATIO, "'> 100 %' cannot hold, whatever a run shows"),
    "exactly all": (">= 100 %", Unit.RATIO, "'>= 100 %' cannot hold, whatever a run shows"),
    "always kept": (">= 0 rps", Unit.RPS, "'>= 0 rps' cannot be broken, whatever a run shows"),
    "a score above one": ("> 94", Unit.SCORE, "'> 94' is not between 0 and 1"),
}


@pytest.mark.parametrize("case", REFUSED_HIGHER)
def test_a_limit_from_below_nobody_can_mean_is_refused(case: str) -> None:
    text, unit, message = REFUSED_HIGHER[case]

    with pytest.raises(ValueError, match="'") as refused:
        parse_limit(text, unit, Better.HIGHER)

    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("operator", "below", "equal", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
        ("=", False, True, False),
    ],
)
def test_both_sides_of_every_operator(operator: str, below: bool, equal: bool, above: bool) -> None:  # noqa: FBT001 - a table
    limit = Limit(operator, 10.0, "")

    assert [limit.holds(value) for value in (9.999, 10.0, 10.001)] == [below, equal, above]


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "="])
def test_what_is_not_a_number_holds_no_limit(operator: str) -> None:
    assert not Limit(operator, 10.0, "").holds(float("nan"))


@pytest.mark.parametrize(
    ("operator", "observed", "margin"),
    [("<", 1500.0, 0.25), ("<", 3000.0, -0.5), (">", 3000.0, 0.5), (">", 1500.0, -0.25), ("<", 2000.0, 0.0)],
)
def test_the_margin_is_the_distance_over_the_limit_negative_when_broken(
    operator: str, observed: float, margin: float
) -> None:
    assert Limit(operator, 2000.0, "").margin_ratio(observed) == margin


def test_there_is_no_margin_to_a_limit_of_nothing() -> None:
    assert Limit("=", 0.0, "").margin_ratio(3.0) is None


@pytest.mark.parametrize(
    ("one", "other", "stricter"),
    [
        (("<", 1.0), ("<", 2.0), True),
        (("<", 2.0), ("<", 1.0), False),
        (("<", 1.0), ("<=", 1.0), True),
        (("<=", 1.0), ("<", 1.0), False),
        (("<", 1.0), ("<", 1.0), False),
        ((">", 2.0), (">", 1.0), True),
        ((">", 1.0), (">", 2.0), False),
        ((">", 1.0), (">=", 1.0), True),
    ],
)
def test_stricter_is_what_a_figure_can_break_while_it_keeps_the_other(
    one: tuple[str, float], other: tuple[str, float], *, stricter: bool
) -> None:
    assert Limit(*one, "").stricter_than(Limit(*other, "")) is stricter
