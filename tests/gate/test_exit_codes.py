from itertools import product

import pytest

from analysis.verdict import Outcome
from gate.exit_codes import ExitCode, exit_code

STAGES = (None, "pre", "post", "watch")

# (outcome, trigger fired) → code where nothing can be rolled back, code in post and watch
TABLE = {
    (Outcome.PASS, False): (0, 0),
    (Outcome.FAIL, False): (1, 1),
    (Outcome.INVALID, False): (3, 3),
    (Outcome.INCONCLUSIVE, False): (4, 4),
    (Outcome.PASS, True): (1, 5),
    (Outcome.FAIL, True): (1, 5),
    (Outcome.INVALID, True): (3, 5),
    (Outcome.INCONCLUSIVE, True): (1, 5),
}


@pytest.mark.parametrize(
    ("outcome", "fired", "stage", "enabled"), list(product(Outcome, (False, True), STAGES, (False, True)))
)
def test_every_verdict_has_its_code(outcome: Outcome, stage: str | None, *, fired: bool, enabled: bool) -> None:
    elsewhere, after_release = TABLE[outcome, fired]
    expected = after_release if enabled and stage in ("post", "watch") else elsewhere
    assert exit_code(outcome, rollback_fired=fired, stage=stage, rollback_enabled=enabled) == expected


def test_codes_are_the_public_contract() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "PASS": 0,
        "FAIL": 1,
        "USAGE": 2,
        "INVALID": 3,
        "INCONCLUSIVE": 4,
        "ROLLBACK": 5,
        "BUG": 70,
    }


def test_only_a_pass_without_a_trigger_is_0() -> None:
    zeros = [
        (outcome, fired, stage, enabled)
        for outcome, fired, stage, enabled in product(Outcome, (False, True), STAGES, (False, True))
        if exit_code(outcome, rollback_fired=fired, stage=stage, rollback_enabled=enabled) == 0
    ]
    assert {(outcome, fired) for outcome, fired, _stage, _enabled in zeros} == {(Outcome.PASS, False)}
