"""From a run directory on disk to verdict.json and back."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analysis import verdict_file
from analysis.judge import judge
from analysis.load import load
from analysis.pipeline import Policy, evaluate
from analysis.thresholds import load_thresholds
from analysis.verdict import Outcome, Verdict
from runlog.errors import RunLogError
from runlog.run import EndedBy, Gap, Waiver, write_run
from runlog.schema import GENERATOR_SCHEMA, MONITOR_SCHEMA, SAMPLE_SCHEMA, Sample
from runlog.series import SeriesWriter
from runlog.writer import SampleWriter

SCHEMA = json.loads(verdict_file.SCHEMA_FILE.read_text("utf-8"))
WAIVERS = (
    Waiver(workflow="analytics", step="trends", stat="p95", severity=None, reason="r", owner="o", expires="2099-01-01"),
    Waiver(workflow=None, step=None, stat="wrong_body", severity="high", reason="r", owner="o", expires="2020-01-01"),
)
GAP = Gap(workflow="listing", step="creation", reason="not mounted", owner="team", expires="2023-12-31")


def known(row: Any) -> dict[str, Any]:
    return {name: None if value != value else value for name, value in row.items()}  # noqa: PLR0124 - NaN is null


@pytest.fixture(scope="module")
def recorded(made: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run directory as the load leaves it: Arrow parts, not sealed."""
    folder = tmp_path_factory.mktemp("run")
    evidence = made.good()
    write_run(folder, evidence.run)
    writer = SampleWriter(folder, 0)
    whole = [name for name in SAMPLE_SCHEMA.names if SAMPLE_SCHEMA.field(name).type in ("int32", "int16")]
    in_order = evidence.samples.sort_values("sent_at_s", kind="stable")
    for number, row in enumerate(in_order.astype(object).to_dict("records")):
        if number % 1000 == 0:
            writer.flush()
        values = known(row)
        values |= {name: None if values[name] is None else int(values[name]) for name in whole}
        writer.add(Sample(**values))
    writer.close(unrecorded=0, bugs=[])
    for name, schema, frame in (
        ("generator", GENERATOR_SCHEMA, evidence.generator),
        ("monitors", MONITOR_SCHEMA, evidence.monitors),
    ):
        series = SeriesWriter(folder / f"{name}-0.arrow", schema)
        for row in frame.to_dict("records"):
            series.append(known(row))
        series.close()
    return folder


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> Path:
    for path in recorded.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_a_run_on_disk_gets_the_verdict_of_the_same_run_in_memory(made: Any, folder: Path) -> None:
    evidence = load(folder)

    assert evidence.samples.dtypes.to_dict().keys() == made.good().samples.dtypes.to_dict().keys()
    assert evidence.samples["outcome"].dtype == "category"
    assert len(evidence.samples) == len(made.good().samples)
    verdict = evaluate(folder, made.shipped, Policy())
    assert verdict.outcome is Outcome.PASS
    assert verdict.doubts == ()
    assert verdict.totals.samples == 6800


def test_a_paced_run_says_how_long_its_sellers_waited_for_room(made: Any, folder: Path) -> None:
    closing = json.loads((folder / "process-0.json").read_text("utf-8"))
    (folder / "process-0.json").write_text(json.dumps(closing | {"paced_s": 12.5}), "utf-8")

    assert evaluate(folder, made.shipped, Policy()).paced_s == 12.5
    assert evaluate(folder, made.shipped, Policy()).paced_s == 12.5  # of the seal, too


def test_a_run_nobody_paced_says_nothing_of_waiting(made: Any, folder: Path) -> None:
    assert evaluate(folder, made.shipped, Policy()).paced_s is None


def test_the_files_that_were_judged_are_hashed(made: Any, folder: Path) -> None:
    verdict = evaluate(folder, made.shipped, Policy())

    assert sorted(verdict.files) == [
        *("failures.jsonl", "generator.parquet", "monitors.parquet", "run.json", "samples.parquet", "thresholds.toml")
    ]
    assert verdict.files["run.json"] == hashlib.sha256((folder / "run.json").read_bytes()).hexdigest()


def test_judging_twice_gives_the_same_bytes(made: Any, folder: Path) -> None:
    first = verdict_file.write(folder, evaluate(folder, made.shipped, Policy())).read_bytes()
    second = verdict_file.write(folder, evaluate(folder, load_thresholds(), Policy())).read_bytes()

    assert first == second


Break = Callable[[Path], None]


def torn(folder: Path) -> None:
    path = folder / "samples-0.arrow"
    path.write_bytes(path.read_bytes()[:-2000])


def unwritten(folder: Path) -> None:
    (folder / "samples-0.arrow").unlink()
    (folder / "process-0.json").unlink()


def spoilt_parquet(name: str) -> Break:
    def spoil(folder: Path) -> None:
        load(folder)
        (folder / f"{name}.parquet").write_bytes(b"not Parquet")

    return spoil


BROKEN: dict[str, tuple[Break, set[str]]] = {
    "torn samples": (torn, {"log_truncated", "samples_lost"}),
    "no samples file": (
        unwritten,
        {"log_missing", "no_samples", "step_not_run", "threshold_unmatched", "zero_iterations"},
    ),
    "no closing record": (lambda folder: (folder / "process-0.json").unlink(), {"worker_lost"}),
    "spoilt samples": (
        spoilt_parquet("samples"),
        {"log_unreadable", "no_samples", "step_not_run", "threshold_unmatched", "zero_iterations"},
    ),
    "spoilt generator series": (spoilt_parquet("generator"), {"log_unreadable", "generator_unmeasured"}),
    "no generator series": (lambda folder: (folder / "generator-0.arrow").unlink(), {"generator_unmeasured"}),
    "spoilt monitors": (spoilt_parquet("monitors"), {"log_unreadable"}),
    "samples of something else": (
        lambda folder: (folder / "samples-0.arrow").write_bytes((folder / "generator-0.arrow").read_bytes()),
        {"log_unreadable", "no_samples", "step_not_run", "threshold_unmatched", "zero_iterations"},
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_log_is_invalid_and_the_doubt_names_it(made: Any, folder: Path, case: str) -> None:
    spoil, doubts = BROKEN[case]
    spoil(folder)

    verdict = evaluate(folder, made.shipped, Policy())

    assert verdict.outcome is Outcome.INVALID
    assert {doubt.name for doubt in verdict.doubts if doubt.invalidates} == doubts
    assert str(folder) not in verdict_file.dumps(verdict)  # the same verdict wherever the run lies


def test_a_run_without_run_json_cannot_be_judged(made: Any, folder: Path) -> None:
    (folder / "run.json").unlink()

    with pytest.raises(RunLogError, match=r"run\.json"):
        evaluate(folder, made.shipped, Policy())


VERDICTS: dict[str, Callable[[Any], Any]] = {
    "pass": lambda made: made.good(),
    "nothing at all": lambda made: replace(
        made.with_run(ended_at_s=None, ended_by=None), samples=made.frame([]), generator=made.generator(())
    ),
    "fail": lambda made: made.good(samples=made.changed(lambda frame: frame["step"] == "trends", outcome="timeout")),
    "gap": lambda made: made.with_run(target=made.target(gaps=(GAP,)), revision=None, stage="pre"),
    "waivers, a lying cache and throttling": lambda made: replace(
        made.with_run(target=made.target(waivers=WAIVERS, client_addresses=("192.0.2.7",), forwarded_for=True)),
        samples=made.changed(
            lambda frame: frame["step"] == "trends", outcome="throttled", computed=True, response_time_ms=3e4
        ),
    ),
    "fuse": lambda made: made.with_run(ended_at_s=made.start_s + 35, ended_by=EndedBy.FUSE, end_reason="silence"),
    "times that are none": lambda made: made.with_run(started_at_s=1e300, spawned_at_s=float("inf")),
}


def judged(made: Any, case: str) -> Verdict:
    evidence = replace(VERDICTS[case](made), files={"run.json": "0" * 64})
    return replace(judge(evidence, made.shipped, Policy()), exit_code=3, clock_offset_s=(-0.1, 0.2))


@pytest.mark.parametrize("case", VERDICTS)
def test_every_verdict_keeps_the_published_schema(made: Any, case: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    jsonschema.validate(json.loads(verdict_file.dumps(judged(made, case))), SCHEMA)


def test_the_schema_refuses_what_is_not_a_verdict(made: Any) -> None:
    document = json.loads(verdict_file.dumps(judged(made, "pass")))

    for broken in ({**document, "outcome": "fine"}, {**document, "more": 1}, {**document, "steps": []}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)


@pytest.mark.parametrize("case", [case for case in VERDICTS if case != "times that are none"])
def test_a_verdict_is_read_back_as_it_was_written(made: Any, tmp_path: Path, case: str) -> None:
    verdict = judged(made, case)

    verdict_file.write(tmp_path, verdict)

    assert verdict_file.read(tmp_path) == verdict


def test_verdict_json_has_the_keys_of_the_contract_and_null_for_what_is_not_known(made: Any) -> None:
    document = json.loads(verdict_file.dumps(judged(made, "nothing at all")))

    assert set(document) == {
        *("format", "outcome", "exit_code", "release_grade", "headline", "rollback", "run", "window", "totals"),
        *("results", "steps", "workflows", "doubts", "overrides", "files", "cache", "throttled", "waivers"),
        *("paced_s", "clock_offset_s", "arrivals", "realtime"),
    }
    assert list(document) == sorted(document)
    assert document["window"] is None
    assert document["totals"] == {"samples": 0, **dict.fromkeys(set(document["totals"]) - {"samples"})}
    assert document["run"]["started"] == "2023-11-14T22:13:20+00:00"
    assert document["run"]["duration_s"] is None


def test_a_start_that_is_no_time_is_null(made: Any) -> None:
    run = json.loads(verdict_file.dumps(judged(made, "times that are none")))["run"]

    assert (run["started"], run["spawned_at_s"]) == (None, None)


UNREADABLE = {
    "missing": (None, "No such file or directory; judge the run first"),
    "not JSON": ("{", "not a verdict of format 1"),
    "another format": ('{"format": 2}', "not a verdict of format 1"),
    "no format": ("{}", "not a verdict of format 1"),
    "a list": ("[]", "not a verdict of format 1"),
    "only a format": ('{"format": 1, "run": {"started": null, "duration_s": 1}}', "not a verdict of format 1"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_verdict_that_cannot_be_read_is_one_line(tmp_path: Path, case: str) -> None:
    text, message = UNREADABLE[case]
    if text is not None:
        (tmp_path / "verdict.json").write_text(text, "utf-8")

    with pytest.raises(RunLogError) as refused:
        verdict_file.read(tmp_path)

    assert str(refused.value) == f"{tmp_path / 'verdict.json'}: {message}"
