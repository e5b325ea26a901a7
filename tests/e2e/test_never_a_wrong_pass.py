"""A run that passed, spoiled on disk in every way we could think of: none may pass again, each has its exact code."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gate.cli import main
from runlog.schema import SAMPLE_SCHEMA

pytestmark = pytest.mark.e2e

Run = Callable[..., Any]
Spoil = Callable[[Path], None]


def edit(folder: Path, name: str, **changes: Any) -> None:
    document = json.loads((folder / name).read_text("utf-8"))
    (folder / name).write_text(json.dumps(document | changes), "utf-8")


def rewrite(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Replace the samples, and let the seal agree: only the samples themselves are spoiled."""
    frame = change(pd.read_parquet(folder / "samples.parquet"))
    pq.write_table(pa.Table.from_pandas(frame, SAMPLE_SCHEMA, preserve_index=False), folder / "samples.parquet")
    edit(folder, "seal.json", samples=len(frame))


def keep(chosen: Callable[[pd.DataFrame], "pd.Series[bool]"]) -> Spoil:
    return lambda folder: rewrite(folder, lambda frame: frame[chosen(frame)])


def outcome(name: str, share: int) -> Spoil:
    """Give every `share`th request another outcome."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame["outcome"] = frame["outcome"].astype(str)
        rows = frame.index[(frame["kind"] == "http")][::share]
        frame.loc[rows, "outcome"] = name
        if name == "connect_error":
            frame.loc[rows, "status"] = None
        return frame

    return lambda folder: rewrite(folder, change)


def problem(name: str) -> Spoil:
    return lambda folder: edit(folder, "seal.json", problems=[{"name": name, "process": 0, "detail": "injected"}])


def ended(**changes: Any) -> Spoil:
    return lambda folder: edit(folder, "run.json", **changes)


def early(folder: Path) -> None:
    run = json.loads((folder / "run.json").read_text("utf-8"))
    edit(folder, "run.json", ended_at_s=run["started_at_s"] + 15, ended_by="signal")


def only_ramp(folder: Path) -> None:
    run = json.loads((folder / "run.json").read_text("utf-8"))
    edit(folder, "run.json", load_profile=run["load_profile"] | {"ramp_s": 21.0})


def unsealed(cut: int) -> Spoil:
    """Turn the run back into what a process had written: the last `cut` bytes missing, or else its closing record."""

    def spoil(folder: Path) -> None:
        table = pq.read_table(folder / "samples.parquet").cast(SAMPLE_SCHEMA)
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        with pa.ipc.new_stream(folder / "samples-0.arrow", SAMPLE_SCHEMA, options=options) as stream:
            stream.write_table(table.unify_dictionaries(), max_chunksize=500)
        generator = pq.read_table(folder / "generator.parquet")
        with pa.ipc.new_stream(folder / "generator-0.arrow", generator.schema) as stream:
            stream.write_table(generator)
        whole = (folder / "samples-0.arrow").read_bytes()
        (folder / "samples-0.arrow").write_bytes(whole[: len(whole) - cut])
        gone = ["samples.parquet", "generator.parquet", "seal.json"] + ([] if cut else ["process-0.json"])
        for name in gone:
            (folder / name).unlink()

    return spoil


def generator(**columns: float) -> Spoil:
    def spoil(folder: Path) -> None:
        frame = pd.read_parquet(folder / "generator.parquet")
        for name, value in columns.items():
            frame[name] = value
        frame.to_parquet(folder / "generator.parquet")

    return spoil


def garbage(name: str, data: bytes = b"not what it says") -> Spoil:
    return lambda folder: _write(folder / name, data)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def opened(arrived: dict[str, int] | None) -> Spoil:
    """Let the run say that its load model was open, and what became of its arrivals."""
    plan = {"shape": "constant", "rates": [[0, 5]], "drop_after_s": 5}
    return lambda folder: edit(folder, "run.json", load_model="open", arrivals=plan, arrived=arrived)


def second_process(folder: Path) -> None:
    run = json.loads((folder / "run.json").read_text("utf-8"))
    edit(folder, "run.json", generator=run["generator"] | {"processes": [0, 1]})


def gap(folder: Path) -> None:
    run = json.loads((folder / "run.json").read_text("utf-8"))
    gaps = [{"workflow": "store", "step": "store_page", "reason": "x", "owner": "y", "expires": "2020-01-01"}]
    edit(folder, "run.json", target=run["target"] | {"gaps": gaps})


def nothing(_folder: Path) -> None:
    """Spoil nothing: the fault is in the arguments."""


# what was spoiled, exit code, a name that has to be in what is printed or in the doubts
CASES: dict[str, tuple[Spoil, int, str]] = {
    "no samples at all": (keep(lambda frame: frame["seller"] < 0), 3, "no_samples"),
    "nothing but sign-in": (keep(lambda frame: frame["kind"] == "setup"), 3, "no_samples"),
    "no finished iteration": (keep(lambda frame: frame["kind"] != "iteration"), 3, "zero_iterations"),
    "one step missing": (keep(lambda frame: frame["step"] != "trends"), 3, "step_not_run"),
    "half the workflows missing": (
        keep(lambda frame: ~frame["workflow"].isin(["store", "listing", "analytics", "dashboard"])), 3, "step_not_run",
    ),
    "nothing after the ramp": (only_ramp, 3, "no_steady_samples"),
    "no end": (ended(ended_at_s=None, ended_by=None), 3, "not_finished"),
    "cut short": (early, 3, "cut_short"),
    "target lost": (ended(ended_by="fuse", end_reason="no answer for 5 s"), 3, "target_lost"),
    "worker lost": (ended(lost_processes=[0]), 3, "worker_lost"),
    "a process without a log": (second_process, 3, "generator_unmeasured"),
    "listener crashed": (ended(problems=["listener_crashed: request listener, KeyError"]), 3, "listener_crashed"),
    "arrivals missed": (opened({"offered": 100, "achieved": 94, "dropped": 6}), 3, "arrivals_missed"),
    "arrivals nobody counted": (opened(None), 3, "arrivals_missed"),
    "log truncated": (unsealed(400), 3, "log_truncated"),
    "log without its closing record": (unsealed(0), 3, "worker_lost"),
    "recording failed": (problem("recording_failed"), 3, "recording_failed"),
    "samples lost": (problem("samples_lost"), 3, "samples_lost"),
    "requests around step(...)": (problem("unrecorded"), 3, "unrecorded"),
    "an exception of our own": (problem("bug"), 3, "bug"),
    "samples.parquet is garbage": (garbage("samples.parquet"), 3, "log_unreadable"),
    "samples.parquet holds fewer than were sealed": (
        lambda folder: edit(folder, "seal.json", samples=10**6), 3, "log_unreadable",
    ),
    "seal.json is garbage": (garbage("seal.json"), 3, "log_unreadable"),
    "run.json is garbage": (garbage("run.json"), 3, "run.json"),
    "run.json is missing": (lambda folder: (folder / "run.json").unlink(), 3, "run.json"),
    "generator not watched": (lambda folder: (folder / "generator.parquet").unlink(), 3, "generator_unmeasured"),
    "generator saturated": (generator(cpu_ratio=0.97), 3, "generator_cpu"),
    "loop late": (generator(lag_p99_ms=45.0, lag_max_ms=60.0), 3, "loop_lag"),
    "two percent throttled": (outcome("throttled", 50), 3, "throttled"),
    "one error of our own": (outcome("harness_error", 5000), 3, "harness_error"),
    "nobody reached": (outcome("connect_error", 1), 3, "target_unreachable"),
    "every answer an error, quickly": (outcome("http_error", 1), 1, "error_rate"),
    "two percent errors": (outcome("http_error", 50), 1, "error_rate"),
    "one leak": (outcome("wrong_body", 10**9), 1, "wrong_body"),
    "too few samples of one step": (
        keep(lambda all_: (all_["step"] != "trends") | (all_.groupby("step").cumcount() < 50)), 4, "trends",
    ),
    "an expired gap": (gap, 1, "gap"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_spoiled_run_never_passes(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    spoil, code, name = CASES[case]
    folder = tmp_path / "run"
    shutil.copytree(run().folder, folder)
    (folder / "verdict.json").unlink()
    spoil(folder)

    assert main(["judge", str(folder)]) == code

    printed = capsys.readouterr()
    named = printed.out + printed.err
    if (folder / "verdict.json").exists():
        verdict = json.loads((folder / "verdict.json").read_text("utf-8"))
        assert verdict["exit_code"] == code
        named += " ".join(doubt["name"] for doubt in verdict["doubts"])
    assert name in named


MATCHES_NOTHING = """
format = 1
[[threshold]]
route = "/api/nowhere"
stat = "p95"
high = "< 1 s"
why = "matches nothing"
"""


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        ("", 2, "thresholds.toml"),
        ("format = 1\n", 2, "thresholds.toml"),
        (MATCHES_NOTHING, 3, "threshold_unmatched"),
        (MATCHES_NOTHING.replace('route = "/api/nowhere"', 'profiles = ["load"]'), 3, "no_thresholds"),
        (MATCHES_NOTHING.replace('"/api/nowhere"', '"/api/nowhere"\nworkflow = "stroe"'), 2, "stroe"),
        (
            MATCHES_NOTHING.replace('route = "/api/nowhere"', 'kind = "push"\nworkflow = "listing"'),
            3,
            "threshold_unmatched",
        ),
    ],
    ids=["empty", "no threshold", "matches nothing", "of another profile", "misspelt", "kind that never occurs"],
)
def test_thresholds_that_judge_nothing_never_pass(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, name: str
) -> None:
    folder, thresholds = tmp_path / "run", tmp_path / "thresholds.toml"
    shutil.copytree(run().folder, folder)
    thresholds.write_text(text, "utf-8")
    assert main(["judge", str(folder), "--thresholds", str(thresholds)]) == code
    printed = capsys.readouterr()
    assert name in printed.out + printed.err


def test_unspoiled_it_passes_so_the_table_means_something(run: Run, tmp_path: Path) -> None:
    shutil.copytree(run().folder, tmp_path / "run")
    assert main(["judge", str(tmp_path / "run")]) == 0


def test_a_disk_that_fills_up_while_recording_is_named(load: Run, sandbox: Run, small_disk: Path) -> None:
    done = load(sandbox().url, "-u", "20", "-r", "20", "-t", "15s", reports=small_disk).wait()
    assert done.code == 3, done.output
    assert "No space left" in done.output or "recording_failed" in done.output


BUGGY = '''
from locust import constant, task
from locustfiles._routes import CATEGORIES
from locustfiles._seller import Seller


class BuggySeller(Seller):
    """Has a bug of its own."""

    workflow = "buggy"
    steps = ("look",)
    wait_time = constant(0.2)

    @task
    def go(self):
        self.iterate()

    def look(self):
        with self.step("look", "GET", CATEGORIES) as answer:
            answer.json()["data"][10**6]
'''
CRASHING = (
    BUGGY.replace('answer.json()["data"][10**6]', "answer.json()")
    + """

from locust import events


@events.request.add_listener
def crash(**kwargs):
    raise KeyError("a listener of the user's")
"""
)
AROUND = BUGGY.replace('answer.json()["data"][10**6]', "answer.json()").replace(
    "        self.iterate()", '        self.client.get("/health")\n        self.iterate()'
)


@pytest.mark.parametrize(
    ("source", "doubts"),
    [(BUGGY, {"harness_error", "bug"}), (CRASHING, {"listener_crashed"}), (AROUND, {"unrecorded"})],
    ids=["an exception in a step", "a crashed listener", "a request around step"],
)
def test_code_that_goes_wrong_in_the_load_is_named(
    load: Run, sandbox: Run, tmp_path: Path, source: str, doubts: set[str]
) -> None:
    workflow = tmp_path / "buggy.py"
    workflow.write_text(source, "utf-8")
    done = load(sandbox().url, "-f", str(workflow), "-u", "4", "-r", "4", "-t", "12s").wait()
    assert done.code == 3, done.output
    assert doubts <= done.doubts()


@pytest.mark.parametrize("arguments", [("-u", "1", "-t", "1s"), ("-u", "8", "-r", "8", "-t", "2s", "ListingSeller")])
def test_a_run_too_small_to_say_anything_does_not_pass(load: Run, sandbox: Run, arguments: tuple[str, ...]) -> None:
    done = load(sandbox().url, *arguments).wait()
    assert done.code in {3, 4}, done.output
    assert done.verdict["exit_code"] == done.code


def test_sellers_that_die_at_the_start_do_not_pass(load: Run, sandbox: Run, tmp_path: Path) -> None:
    workflow = tmp_path / "buggy.py"
    workflow.write_text(
        BUGGY.replace("    @task", "    def on_start(self):\n        raise KeyError\n\n    @task"), "utf-8"
    )
    done = load(sandbox().url, "-f", str(workflow), "-u", "2", "-r", "2", "-t", "4s").wait()
    assert done.code == 3, done.output
