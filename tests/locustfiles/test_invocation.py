"""Hold how Locust may be called: paths, run ids, who is told the verdict."""

import argparse
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from locustfiles._invocation import refuse_held, settle, unattended
from settings.leases import LEASE_S, LeaseHeld, take_lease
from settings.problem import UsageProblem
from settings.target import load_target


def options(**changes: Any) -> argparse.Namespace:
    values: dict[str, Any] = {
        "targets": "targets", "profiles": "p.toml", "thresholds": "t.toml", "reports": "out", "run_id": None,
        "worker": False, "headless": False, "autostart": False, "autoquit": -1,
    }  # fmt: skip
    return argparse.Namespace(**(values | changes))


def test_files_are_those_of_the_folder_locust_was_started_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = options()
    settle(given)
    assert (given.thresholds, given.reports) == (str(tmp_path / "t.toml"), str(tmp_path / "out"))
    assert (given.targets, given.profiles) == (str(tmp_path / "targets"), str(tmp_path / "p.toml"))


@pytest.mark.parametrize(
    "run_id", ["latest", "", ".", "..", "../x", "a/b", ".hidden", "-x", "a b", "x\r\ny", "n" * 101]
)
def test_a_run_id_that_is_no_name_is_refused(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(UsageProblem, match=r"^--run-id: .* is no name"):
        settle(options(run_id=run_id, reports=str(tmp_path)))


@pytest.mark.parametrize("run_id", ["20260801-demo-1", "v1.2_rc", "n" * 100])
def test_a_run_id_that_is_a_name_is_accepted(tmp_path: Path, run_id: str) -> None:
    settle(options(run_id=run_id, reports=str(tmp_path)))


def test_a_second_run_of_the_same_name_is_refused_and_a_worker_of_the_first_is_not(tmp_path: Path) -> None:
    (tmp_path / "same").mkdir()
    settle(options(run_id="same", reports=str(tmp_path)))  # `sellergate run` makes the folder before the load
    (tmp_path / "same" / "run.json").touch()
    with pytest.raises(UsageProblem, match=r"is in .* already"):
        settle(options(run_id="same", reports=str(tmp_path)))
    settle(options(run_id="same", reports=str(tmp_path), worker=True))


@pytest.mark.parametrize(
    ("run_id", "age_s", "refused"),
    [
        ("mine", 0, True),
        (None, 0, True),
        ("theirs", 0, False),
        ("mine", LEASE_S - 5, True),
        ("mine", LEASE_S + 5, False),
    ],
    ids=["another run", "a run without a name yet", "the run itself", "not renewed for a while", "expired"],
)
def test_a_target_that_another_run_loads_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_id: str | None, age_s: float, *, refused: bool
) -> None:
    target = replace(load_target("sandbox", environ={}), lease_folder=tmp_path)
    now_s = time.time()
    take_lease(tmp_path, target.url, "theirs")
    monkeypatch.setattr("settings.leases.time.time", lambda: now_s + age_s)
    with pytest.raises(LeaseHeld, match="by run theirs of ") if refused else nullcontext():
        refuse_held(target, target.url, run_id)


@pytest.mark.parametrize(
    ("changes", "alone"),
    [
        ({"headless": True}, True),
        ({"autostart": True, "autoquit": 0}, True),
        ({"autostart": True, "autoquit": 10}, True),
        ({"autostart": True}, False),
        ({}, False),
    ],
    ids=["headless", "quits at once", "quits later", "stays open", "web UI"],
)
def test_a_run_that_ends_by_itself_answers_with_the_verdict(changes: dict[str, Any], alone: bool) -> None:  # noqa: FBT001  # a column of the table
    assert unattended(options(**changes)) is alone
