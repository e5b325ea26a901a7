"""run.json comes back as it was written, and a malformed one is refused with its place."""

import json
import os
import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from runlog.errors import RunLogError
from runlog.run import (
    RUN_FILE,
    ArrivalPlan,
    Arrived,
    EndedBy,
    Gap,
    GeneratorInfo,
    LoadProfile,
    Run,
    StepName,
    TargetInfo,
    point_latest,
    read_run,
    write_atomically,
    write_run,
)
from runlog.workflows import WORKFLOWS

FULL = {
    "stage": "post",
    "revision": "5c385208",
    "load_profile": LoadProfile(name=None, sellers=None, spawn_per_s=None, duration_s=None, ramp_s=None),
    "target": TargetInfo(
        name="staging",
        url="https://staging.example",
        gaps=(
            Gap(workflow="tier_upgrade", step="eligibility", reason="öffnet später", owner="ops", expires="2027-01-01"),
        ),
        monitors=("memory", "cpu"),
    ),
    "scope": tuple(StepName(workflow=name, step=step) for name, steps in WORKFLOWS.items() for step in steps),
    "spawned_at_s": 1_700_000_005.5,
    "ended_at_s": 1_700_000_060.123456,
    "ended_by": EndedBy.FUSE,
    "end_reason": "error rate over 50 %",
    "lost_processes": (2, 3),
    "problems": ("a listener crashed",),
    "overrides": ("--response-time 1500",),
}


@pytest.mark.parametrize("changes", [{}, FULL], ids=["as it stands at the start", "every field said"])
def test_run_comes_back_as_it_was_written(changes: dict[str, object], run: Run, tmp_path: Path) -> None:
    made = run.model_copy(update=changes)
    write_run(tmp_path, made)
    assert read_run(tmp_path) == made
    assert [path.name for path in tmp_path.iterdir()] == [RUN_FILE]  # nothing temporary stays behind


@pytest.mark.parametrize("ended_by", EndedBy)
def test_every_way_to_end_comes_back(ended_by: EndedBy, run: Run, tmp_path: Path) -> None:
    write_run(tmp_path, run.model_copy(update={"ended_by": ended_by}))
    assert read_run(tmp_path).ended_by is ended_by


def test_what_is_not_known_is_null_in_the_file(run: Run, tmp_path: Path) -> None:
    write_run(tmp_path, run)
    stored = json.loads((tmp_path / RUN_FILE).read_text())
    assert stored["format"] == 1
    assert [stored[name] for name in ("ended_at_s", "ended_by", "stage", "revision")] == [None] * 4


def test_open_model_comes_back_with_its_schedule_and_its_end(run: Run, tmp_path: Path) -> None:
    opened = run.model_copy(
        update={
            "load_model": "open",
            "arrivals": ArrivalPlan(shape="ramp", rates=((0, 1), (60, 20)), drop_after_s=5),
            "arrived": Arrived(offered=630, achieved=629, dropped=1),
        }
    )
    write_run(tmp_path, opened)
    assert read_run(tmp_path) == opened


def test_run_of_before_there_was_an_open_model_is_closed(run: Run, tmp_path: Path) -> None:
    stored = json.loads(run.model_dump_json())
    (tmp_path / RUN_FILE).write_text(json.dumps({key: stored[key] for key in stored if key[:3] != "arr"}))
    assert (read_run(tmp_path).load_model, read_run(tmp_path).arrivals, read_run(tmp_path).arrived) == (
        "closed", None, None
    )  # fmt: skip


def test_scope_of_a_release_is_eight_workflows_of_five_steps() -> None:
    assert len(WORKFLOWS) == 8
    assert {len(set(steps)) for steps in WORKFLOWS.values()} == {5}


def _change(**changes: object) -> Callable[[dict[str, object]], object]:
    return lambda document: document | changes


def _without(name: str) -> Callable[[dict[str, object]], object]:
    return lambda document: {key: value for key, value in document.items() if key != name}


MALFORMED: dict[str, tuple[Callable[[dict[str, object]], object], str]] = {
    "another format": (_change(format=2), "format: "),
    "no format is format 1, so another key is needed": (_change(formats=1), "formats: Extra inputs"),
    "no id": (_without("id"), "id: Field required"),
    "no start": (_without("started_at_s"), "started_at_s: Field required"),
    "start is a word": (_change(started_at_s="noon"), "started_at_s: "),
    "unknown key inside": (
        _change(target={"name": "a", "url": "b", "token": "c"}),
        r"target\.token: Extra inputs are not permitted",
    ),
    "unknown way to end": (_change(ended_by="boredom"), "ended_by: "),
    "half a step": (_change(scope=[{"workflow": "listing"}]), r"scope\.0\.step: Field required"),
    "unknown load model": (_change(load_model="ajar"), "load_model: "),
    "open load model without arrivals": (_change(load_model="open"), "top level: .*load_model is open where"),
    "arrivals in the closed model": (
        _change(arrivals={"shape": "constant", "rates": [[0, 5]], "drop_after_s": 5}),
        "top level: .*load_model is open where",
    ),
    "arrivals of an unknown shape": (
        _change(load_model="open", arrivals={"shape": "sawtooth", "rates": [[0, 5]], "drop_after_s": 5}),
        r"arrivals\.shape: ",
    ),
    "a list": (lambda document: [document], "top level: "),
    "null": (lambda _: None, "top level: "),
}


@pytest.mark.parametrize(("spoil", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_run_is_refused_with_its_place(
    spoil: Callable[[dict[str, object]], object], message: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / RUN_FILE).write_text(json.dumps(spoil(json.loads(run.model_dump_json()))))
    with pytest.raises(RunLogError, match=rf"run\.json: {message}.*; expected format 1$") as caught:
        read_run(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"format = 1", b"\xff\xfe\x00", b'{"format": 1'], ids=["empty", "{", "TOML", "binary", "cut"]
)
def test_file_that_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_bytes(content)
    with pytest.raises(RunLogError, match=r"run\.json: top level: Invalid JSON.*expected format 1") as caught:
        read_run(tmp_path)
    assert "\n" not in str(caught.value)


def test_folder_without_run_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunLogError, match=r"run\.json: No such file or directory; a run directory has a run\.json"):
        read_run(tmp_path)


def test_failed_write_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")  # half a surrogate pair cannot be encoded: the write throws half-way
    assert path.read_text() == "old"


# -- reports/latest ----------------------------------------------------------------------------------------------------


def test_latest_points_at_the_newest_run(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        point_latest(tmp_path, name)
        assert (tmp_path / "latest").resolve() == tmp_path / name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "one", "two"]


def test_latest_is_relative_so_that_reports_may_be_moved(tmp_path: Path) -> None:
    (tmp_path / "reports" / "one").mkdir(parents=True)
    point_latest(tmp_path / "reports", "one")
    moved = (tmp_path / "reports").rename(tmp_path / "moved")
    assert (moved / "latest").resolve() == moved / "one"


def test_latest_survives_what_a_crashed_process_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getpid", lambda: 77)
    (tmp_path / ".latest.77").symlink_to("gone")
    point_latest(tmp_path, "one")
    assert (tmp_path / "latest").readlink() == Path("one")


def test_the_generator_s_processes_are_in_order_whoever_reported_first() -> None:
    info = GeneratorInfo.here([2, 0, 1])

    assert info.processes == (0, 1, 2)
    assert (info.python, info.cpu_count) == (platform.python_version(), os.cpu_count())
    assert info.locust.startswith("2.")
    assert info.sellergate
