import pytest

from analysis.thresholds import Overrides
from gate.overrides import read_overrides, rollback_enabled
from settings.problem import UsageProblem

VARIABLES = {"RESPONSE_TIME_THRESHOLD": "1500", "ERROR_RATE_THRESHOLD": "0.5", "THROUGHPUT_THRESHOLD": " 150 "}


def test_nothing_given_moves_nothing() -> None:
    assert read_overrides(None, None, None, {}) == Overrides(None, None, None)
    assert read_overrides(None, None, None, dict.fromkeys(VARIABLES, "")) == Overrides(None, None, None)


def test_environment_is_milliseconds_percent_and_requests_per_second() -> None:
    assert read_overrides(None, None, None, VARIABLES) == Overrides(1500.0, 0.005, 150.0)


def test_flag_counts_before_the_environment() -> None:
    assert read_overrides(900.0, 2.0, 50.0, VARIABLES) == Overrides(900.0, 0.02, 50.0)
    assert read_overrides(900.0, 2.0, 50.0, dict.fromkeys(VARIABLES, "wrong")) == Overrides(900.0, 0.02, 50.0)


@pytest.mark.parametrize("percent", [0.0, -1.0, 100.1, float("nan"), float("inf")])
def test_error_rate_that_is_no_percentage_is_refused(percent: float) -> None:
    with pytest.raises(UsageProblem, match=r"^--error-rate: "):
        read_overrides(None, percent, None, VARIABLES)


def test_error_rate_may_be_all() -> None:
    assert read_overrides(None, 100.0, None, {}).error_rate_ratio == 1.0


@pytest.mark.parametrize(
    ("text", "enabled"),
    [
        *((text, True) for text in ("", "true", "1", "YES", "on")),
        *((text, False) for text in ("false", "0", "No", " off ")),
    ],
)
def test_rollback_is_on_unless_switched_off(text: str, *, enabled: bool) -> None:
    assert rollback_enabled({"ROLLBACK_ENABLED": text}) is enabled


def test_rollback_is_on_by_default() -> None:
    assert rollback_enabled({})
    with pytest.raises(UsageProblem, match=r"^ROLLBACK_ENABLED: 'maybe' is neither; accepted: true, false$"):
        rollback_enabled({"ROLLBACK_ENABLED": "maybe"})
