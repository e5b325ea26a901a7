import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.quantity import parse_count, parse_duration_s, parse_rate_rps, parse_ratio


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("2 s", 2.0, id="seconds"),
        pytest.param("2000 ms", 2.0, id="milliseconds"),
        pytest.param("300ms", 0.3, id="no-blank"),
        pytest.param("1.5s", 1.5, id="fraction"),
        pytest.param(".5 s", 0.5, id="no-leading-zero"),
        pytest.param("5m", 300.0, id="m"),
        pytest.param("5 min", 300.0, id="min"),
        pytest.param(" 1h ", 3600.0, id="hour-with-blanks"),
        pytest.param("0 s", 0.0, id="zero"),
    ],
)
def test_duration_is_seconds(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("1 MB", "'1 MB' is in 'MB', expected a time ('ms', 's', 'min', 'h')", id="other-kind-of-unit"),
        pytest.param("5", "'5' has no unit, expected a time ('ms', 's', 'min', 'h')", id="no-unit"),
        pytest.param("-1 s", "'-1 s' is negative, expected 0 or more", id="negative"),
        pytest.param("1e3 s", "'1e3 s' is in 'e3 s', expected a time ('ms', 's', 'min', 'h')", id="exponent"),
        pytest.param("nan s", "'nan s' is not a number with a unit, expected a time ('ms', 's', 'min', 'h')", id="nan"),
        pytest.param("", "'' is not a number with a unit, expected a time ('ms', 's', 'min', 'h')", id="empty"),
        pytest.param("1 2 s", "'1 2 s' is not a number with a unit, expected a time ('ms', 's', 'min', 'h')", id="two"),
        pytest.param("5 S", "'5 S' is in 'S', expected a time ('ms', 's', 'min', 'h')", id="upper-case"),
    ],
)
def test_duration_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="expected") as refusal:
        parse_duration_s(text)
    assert str(refusal.value) == message


def test_message_quotes_all_that_was_written() -> None:
    with pytest.raises(ValueError, match=r"^'<= 1 MB' is in 'MB', expected a time \('ms', 's', 'min', 'h'\)$"):
        parse_duration_s("1 MB", "<= 1 MB")


@pytest.mark.parametrize(
    ("text", "ratio"),
    [("1 %", 0.01), ("0.01", 0.01), ("100%", 1.0), ("0", 0.0), ("1", 1.0), ("0.5 %", 0.005)],
)
def test_ratio_is_between_0_and_1(text: str, ratio: float) -> None:
    assert parse_ratio(text) == ratio


@pytest.mark.parametrize("text", ["101 %", "1.01", "-1 %", "1 s", "one", "%"])
def test_ratio_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a ratio \('%', or a number from 0 to 1\)"):
        parse_ratio(text)


@pytest.mark.parametrize(("text", "rps"), [("100 rps", 100.0), ("100 req/s", 100.0), ("0.5rps", 0.5)])
def test_rate_is_requests_per_second(text: str, rps: float) -> None:
    assert parse_rate_rps(text) == rps


@pytest.mark.parametrize("text", ["100", "100 /s", "100 s", "fast"])
def test_rate_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a rate \('rps', 'req/s'\)"):
        parse_rate_rps(text)


def test_count_is_a_plain_number() -> None:
    assert parse_count("0") == 0
    with pytest.raises(ValueError, match="'3 s' is in 's', expected a plain number"):
        parse_count("3 s")
    with pytest.raises(ValueError, match="'-3' is negative"):
        parse_count("-3")


@given(st.integers(min_value=0, max_value=10**9))
def test_units_convert_into_each_other_exactly(milliseconds: int) -> None:
    assert parse_duration_s(f"{milliseconds} ms") == milliseconds / 1000
    assert parse_duration_s(f"{milliseconds} min") == parse_duration_s(f"{milliseconds * 60} s")
