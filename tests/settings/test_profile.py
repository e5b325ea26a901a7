from pathlib import Path

import pytest

from settings.problem import UsageProblem
from settings.profile import Profile, known_workflows, load_profile, load_profiles

GOOD = """
format = 1
[quick]
description = "A quick look"
sellers = 20
spawn_per_s = 4
ramp = "5 s"
duration = "1 min"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profiles.toml"


def refused(path: Path, text: str) -> str:
    """Return the refusal of a file, which must be one line that begins with the file's name."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageProblem) as refusal:
        load_profiles(path)
    message = str(refusal.value)
    assert message.isprintable()
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_profile_is_read_with_units(path: Path) -> None:
    path.write_text(GOOD + "think_ratio = 0.5\nsafe_for_production = true\n[quick.weights]\nlisting = 3\n")
    assert load_profile("quick", path) == Profile(
        name="quick",
        sellers=20,
        spawn_per_s=4.0,
        duration_s=60.0,
        ramp_s=5.0,
        think_ratio=0.5,
        weights={"listing": 3.0},
        safe_for_production=True,
        description="A quick look",
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("sellers", "selers", "quick: unknown key 'selers'; did you mean 'sellers'?", id="misspelt-key"),
        pytest.param("sellers = 20\n", "", "quick: missing key 'sellers'", id="missing-key"),
        pytest.param("sellers = 20", 'sellers = "20"', "quick: sellers: '20' is not a whole number", id="text-number"),
        pytest.param("sellers = 20", "sellers = 20.5", "quick: sellers: 20.5 is not a whole number", id="fraction"),
        pytest.param("sellers = 20", "sellers = true", "quick: sellers: true is not a whole number", id="bool-number"),
        pytest.param(
            "sellers = 20",
            "sellers = 0",
            "quick: sellers: 0: input should be greater than or equal to 1",
            id="no-sellers",
        ),
        pytest.param("sellers = 20", "sellers = []", "quick: sellers: a list is not a whole number", id="list-number"),
        pytest.param("spawn_per_s = 4", "spawn_per_s = 0", "quick: spawn_per_s: 0 is not above 0", id="no-spawning"),
        pytest.param(
            "spawn_per_s = 4", "spawn_per_s = inf", "quick: spawn_per_s: inf is not a finite number", id="infinite"
        ),
        pytest.param(
            '"1 min"',
            "60",
            "quick: duration: 60 has no unit, expected a time ('ms', 's', 'min', 'h')",
            id="number-duration",
        ),
        pytest.param(
            '"1 min"',
            '"60"',
            "quick: duration: '60' has no unit, expected a time ('ms', 's', 'min', 'h')",
            id="duration-without-unit",
        ),
        pytest.param(
            '"1 min"',
            '"1 MB"',
            "quick: duration: '1 MB' is in 'MB', expected a time ('ms', 's', 'min', 'h')",
            id="wrong-kind-of-unit",
        ),
        pytest.param('"5 s"', '"-5 s"', "quick: ramp: '-5 s' is negative, expected 0 or more", id="negative-ramp"),
        pytest.param(
            '"5 s"',
            '"4.9 s"',
            "quick: ramp of 4.9 s ends before the sellers are there: 20 sellers at 4 per second take 5 s",
            id="ramp-shorter-than-spawning",
        ),
        pytest.param(
            '"1 min"',
            '"14.9 s"',
            "quick: duration of 14.9 s leaves too little after the ramp of 5 s; accepted: 15 s or more",
            id="duration-too-short",
        ),
        pytest.param(
            "[quick]\n",
            "[quick]\nsafe_for_production = 1\n",
            "quick: safe_for_production: 1 is not true or false",
            id="number-for-bool",
        ),
        pytest.param(
            "[quick]\n",
            "[quick]\nweights = { listng = 1 }\n",
            "quick: weights: unknown workflow 'listng'; did you mean 'listing'?",
            id="unknown-workflow",
        ),
        pytest.param(
            "[quick]\n",
            "[quick]\nweights = { listing = 0 }\n",
            "quick: weights: listing: 0 is not above 0",
            id="weight-zero",
        ),
        pytest.param(
            "[quick]\n",
            "[quick]\nthink_ratio = -1\n",
            "quick: think_ratio: -1: input should be greater than or equal to 0",
            id="negative-thinking",
        ),
        pytest.param(
            '"A quick look"', '" "', "quick: description: empty text; accepted: at least a word", id="wordless"
        ),
        pytest.param("format = 1", "format = 2", "format: 2 is not accepted; accepted: 1", id="other-format"),
        pytest.param("format = 1", "", "missing key 'format'", id="no-format"),
        pytest.param("format = 1", "format = 1\nquik = 3", "quik: 3 is not a table", id="stray-key"),
        pytest.param(
            "[quick]",
            "[quick]\n[quick]",
            "not TOML: Cannot declare ('quick',) twice (at line 4, column 7)",
            id="declared-twice",
        ),
        pytest.param(
            "sellers = 20",
            "sellers = ",
            "not TOML: Invalid value (at line 5, column 11)",
            id="no-value",
        ),
    ],
)
def test_refused_in_one_line(path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    assert refused(path, GOOD.replace(old, new, 1)) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "empty; accepted: format = 1 and what follows it", id="empty"),
        pytest.param("# nothing\n", "empty; accepted: format = 1 and what follows it", id="only-comments"),
        pytest.param("format = 1\n", "holds no profile; accepted: tables such as [smoke]", id="no-profile"),
    ],
)
def test_file_without_a_profile_is_refused(path: Path, text: str, message: str) -> None:
    assert refused(path, text) == message


def test_both_sides_of_the_shortest_run_and_ramp(path: Path) -> None:
    path.write_text(GOOD.replace('"1 min"', '"15 s"'))
    assert load_profile("quick", path).duration_s == 15


def test_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(UsageProblem) as refusal:
        load_profiles(path)
    assert str(refusal.value) == f"{path}: no such file"


def test_folder_is_not_a_file(path: Path) -> None:
    path.mkdir()
    with pytest.raises(UsageProblem) as refusal:
        load_profiles(path)
    assert str(refusal.value) == f"{path}: not readable: Is a directory"


def test_file_in_another_encoding_is_refused_with_the_byte(path: Path) -> None:
    path.write_bytes(b"format = 1\n# caf\xe9\n")
    with pytest.raises(UsageProblem) as refusal:
        load_profiles(path)
    assert str(refusal.value) == f"{path}: byte 16: not UTF-8 text"


def test_endless_nesting_is_refused(path: Path) -> None:
    assert refused(path, "a = " + "[" * 100_000).startswith("not TOML: ")


def test_unknown_profile_is_answered_with_a_near_one(path: Path) -> None:
    path.write_text(GOOD)
    with pytest.raises(UsageProblem) as refusal:
        load_profile("quik", path)
    assert str(refusal.value) == f"{path}: no profile 'quik'; did you mean 'quick'?"
    with pytest.raises(UsageProblem) as refusal:
        load_profile("zzz", path)
    assert str(refusal.value) == f"{path}: no profile 'zzz'; accepted: quick"


def test_shipped_profiles_are_accepted() -> None:
    profiles = load_profiles()
    assert {"demo", "smoke", "load"} <= profiles.keys()
    assert profiles["demo"].duration_s - profiles["demo"].ramp_s >= 60
    assert (profiles["load"].sellers, profiles["load"].duration_s) == (200, 300)


def test_a_ninth_workflow_is_known_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "returns.py").touch()
    (tmp_path / "_helper.py").touch()
    monkeypatch.setattr("settings.profile._LOCUSTFILES", tmp_path)
    assert "returns" in known_workflows()
    assert "_helper" not in known_workflows()
    assert len(known_workflows()) == 9
