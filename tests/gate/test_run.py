import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gate.cli import main
from gate.errors import BrokenToolError
from gate.sandbox_process import running_sandbox
from runlog.run import read_run
from settings.problem import UsageProblem

from .conftest import Site

PROFILE = 'format = 1\n[demo]\ndescription = "x"\nsellers = 8\nspawn_per_s = 8\nramp = "1 s"\nduration = "11 s"\n'
PRODUCTION = 'format = 1\nurl = "{url}"\nproduction = true\n'


@pytest.fixture
def files(tmp_path: Path, site: Site) -> Path:
    (tmp_path / "profiles.toml").write_text(PROFILE + "safe_for_production = true\n")
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "sandbox.toml").write_text(f'format = 1\nurl = "{site.url}"\n')
    (tmp_path / "targets" / "production.toml").write_text(PRODUCTION.format(url=site.url))
    return tmp_path


@pytest.fixture(autouse=True)
def _sellers_are_let_in(trial: Callable[..., None]) -> None:
    """Let the one seller of preflight find all well, at targets that answer nothing else."""
    trial()


def run(files: Path, *more: str) -> int:
    own = ["run", "--profiles", str(files / "profiles.toml"), "--targets", str(files / "targets")]
    return main([*own, "--reports", str(files / "reports"), *more])


def verdict_of(files: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files / "reports" / "latest" / "verdict.json").read_text())
    return found


def stand_in(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Put a program in place of Locust; its arguments are Locust's."""
    monkeypatch.setattr("gate.plan.LOCUST", (sys.executable, "-c", code))


RECORDS = """
import json, os, pathlib, sys
flags = dict(zip(sys.argv[1:], sys.argv[2:]))
folder = pathlib.Path(flags["--reports"]) / flags["--run-id"]
(folder / "seen.json").write_text(json.dumps([sys.argv[1:], os.environ["BACKEND_URL"], os.getcwd()]))
"""


def test_load_is_told_all_it_needs(files: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, RECORDS)
    more = ["--seed", "7", "--stage", "pre", "--revision", "abc", "--processes", "2", "--pool", "spare"]
    assert run(files, *more, "--allow-throttling", "--target", "production", "--allow-production") == 3
    (folder,) = [path for path in (files / "reports").iterdir() if not path.is_symlink()]
    argv, backend, cwd = json.loads((folder / "seen.json").read_text())
    flags = dict(pairwise(argv))
    assert {"--headless", "--no-gate", "--allow-production", "--allow-throttling"} <= set(argv)
    assert flags["--host"] == backend == site.url
    assert (flags["--load-profile"], flags["--pool"]) == ("demo", "spare")
    assert (flags["--target"], flags["--seed"], flags["--stage"]) == ("production", "7", "pre")
    assert (flags["--revision"], flags["--processes"], flags["--run-id"]) == ("abc", "2", folder.name)
    assert (flags["--profiles"], flags["--targets"]) == (str(files / "profiles.toml"), str(files / "targets"))
    assert cwd == str(Path(__file__).resolve().parent.parent.parent)
    assert {"--allow-production", "--allow-throttling"} <= set(verdict_of(files)["overrides"])


def test_optional_flags_are_left_out(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, RECORDS)
    assert run(files) == 3
    argv, _backend, _cwd = json.loads(next((files / "reports").glob("*/seen.json")).read_text())
    assert not {"--stage", "--revision", "--processes", "--allow-production", "--allow-throttling"} & set(argv)


def test_load_that_ends_without_a_run_is_3(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "import sys; print('no such locustfile'); sys.exit(1)")
    assert run(files) == 3
    verdict = verdict_of(files)
    assert verdict["doubts"][0]["name"] == "load_not_started"
    assert verdict["doubts"][0]["figure"] == "ended with code 1: no such locustfile"


def test_load_that_refuses_settings_is_2_in_its_own_words(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, "import sys; print('WALLETS: not set'); sys.exit(2)")
    assert run(files) == 2
    assert capsys.readouterr().err == "preflight: ok\nWALLETS: not set\n"
    assert list((files / "reports").iterdir()) == []


def test_load_with_a_bug_of_ours_is_70_with_its_traceback(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(
        monkeypatch, "import sys\ntry:\n  1 / 0\nexcept Exception:\n  __import__('traceback').print_exc()\nsys.exit(70)"
    )
    assert run(files) == 70
    assert capsys.readouterr().err.endswith("ZeroDivisionError: division by zero\n")


def test_load_that_crashes_after_its_run_is_3(files: Path, monkeypatch: pytest.MonkeyPatch, unreached: Path) -> None:
    source = str(unreached / "run.json")
    code = f"{RECORDS}\nimport shutil; shutil.copy({source!r}, folder / 'run.json'); sys.exit(9)"
    stand_in(monkeypatch, code)
    assert run(files) == 3
    folder = next((files / "reports").glob("*/verdict.json")).parent
    doubt = json.loads((folder / "verdict.json").read_text())["doubts"][0]
    assert (doubt["name"], doubt["figure"]) == ("load_process", "ended with code 9")


def test_load_without_all_forty_steps_is_3(files: Path, monkeypatch: pytest.MonkeyPatch, unreached: Path) -> None:
    run_file = json.loads((unreached / "run.json").read_text())
    for kept, doubts in ((40, []), (39, ["analytics.recommendations"])):
        source = files / f"run-{kept}.json"
        source.write_text(json.dumps(run_file | {"scope": run_file["scope"][:kept]}))
        stand_in(monkeypatch, f"{RECORDS}\nimport shutil; shutil.copy({str(source)!r}, folder / 'run.json')")
        assert run(files) == 3
        (folder,) = (path.parent for path in (files / "reports").glob("*/verdict.json"))
        found = json.loads((folder / "verdict.json").read_text())["doubts"]
        assert [doubt["figure"] for doubt in found if doubt["name"] == "not_in_scope"] == [
            f"1 steps: {name}" for name in doubts
        ]
        shutil.rmtree(folder)


def test_load_that_must_be_stopped_is_3(files: Path, monkeypatch: pytest.MonkeyPatch, unreached: Path) -> None:
    source = str(unreached / "run.json")
    code = f"{RECORDS}\nimport shutil, time; shutil.copy({source!r}, folder / 'run.json'); time.sleep(60)"
    stand_in(monkeypatch, code)
    monkeypatch.setattr("gate.run._GRACE_S", -40.0)  # 11 s of run and 30 s of timeout: told to stop after a second
    assert run(files) == 3
    folder = next((files / "reports").glob("*/verdict.json")).parent
    doubt = json.loads((folder / "verdict.json").read_text())["doubts"][0]
    assert (doubt["name"], doubt["figure"]) == ("load_process", "ended with code -15, long after its planned time")


def test_replaced_address_is_an_override(files: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "targets" / "sandbox.toml").write_text('format = 1\nurl = "http://127.0.0.1:1"\n')
    monkeypatch.setenv("BACKEND_URL", site.url)
    stand_in(monkeypatch, RECORDS)
    assert run(files) == 3
    assert f"BACKEND_URL: url {site.url} in place of http://127.0.0.1:1" in verdict_of(files)["overrides"]


def test_reports_that_cannot_be_written_are_3(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "reports").write_text("a file")
    assert run(files) == 3
    said = capsys.readouterr()
    assert said.out == "verdict: INVALID (exit 3)\n"
    assert "cannot be written: " in said.err


def test_disk_that_fills_before_the_load_is_3(
    files: Path, nobody: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("BACKEND_URL", nobody)
    monkeypatch.setattr("gate.run.PATIENCE_S", 0.1)
    monkeypatch.setattr("gate.run.write_run", full)
    assert run(files) == 3
    assert capsys.readouterr().err.endswith("cannot be written: No space left on device\n")


def test_sigterm_before_the_load_is_3_and_stops_the_sandbox(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def terminated(*_arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr("gate.run.look", terminated)
    before = signal.getsignal(signal.SIGTERM)
    assert run(files, "--with-sandbox") == 3
    assert capsys.readouterr().err.strip() == "interrupted: there is no verdict"
    assert signal.getsignal(signal.SIGTERM) is before
    truth = next((files / "reports").glob("*/sandbox-truth.json"))  # written at its clean end
    assert json.loads(truth.read_text())["format"] == 1


def test_sandbox_is_loaded_and_leaves_its_truth(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, RECORDS)
    assert run(files, "--with-sandbox", "--fault", "cache_off", "--sandbox-arg", "--seed 5") == 3
    folder = next((files / "reports").glob("*/seen.json")).parent
    _argv, backend, _cwd = json.loads((folder / "seen.json").read_text())
    assert backend.startswith("http://127.0.0.1:")
    assert read_run(folder).target.url == backend
    assert (folder / "sandbox-truth.json").exists()
    assert "sandbox: --fault cache_off --seed 5" in verdict_of(files)["overrides"]


def test_sandbox_for_production_is_refused(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(files, "--with-sandbox", "--target", "production", "--allow-production") == 2
    assert capsys.readouterr().err.startswith("--with-sandbox: target 'production' is production")


def sandbox_is(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr("gate.sandbox_process._COMMAND", (sys.executable, "-c", code))


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("import sys; print('--fault x: unknown'); sys.exit(2)", UsageProblem, "--fault x: unknown"),
        ("import sys; sys.exit(1)", BrokenToolError, "the sandbox ended with code 1 before it listened: said nothing"),
        ("import time; time.sleep(60)", BrokenToolError, "the sandbox does not listen after 0.5 s"),
    ],
    ids=["refuses", "crashes", "hangs"],
)
def test_sandbox_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, error: type[Exception], message: str
) -> None:
    sandbox_is(monkeypatch, code)
    monkeypatch.setattr("gate.sandbox_process._START_S", 0.5 if "sleep" in code else 20.0)
    with pytest.raises(error) as failure, running_sandbox(tmp_path, ()):
        pass
    assert str(failure.value) == message


def test_sandbox_that_crashes_is_a_bug_of_ours(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox_is(monkeypatch, "import sys; print('boom'); sys.exit(1)")
    assert run(files, "--with-sandbox") == 70
    assert capsys.readouterr().err == "the sandbox ended with code 1 before it listened: boom\n"
    assert list((files / "reports").iterdir()) == []


def test_sandbox_that_does_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.sandbox_process._STOP_S", 0.3)
    code = (
        "import pathlib, signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path(sys.argv[sys.argv.index('--ready-file') + 1]).write_text('http://127.0.0.1:1')\ntime.sleep(60)"
    )
    sandbox_is(monkeypatch, code)
    started_s = time.monotonic()
    with running_sandbox(tmp_path, ()) as address:
        assert address == "http://127.0.0.1:1"
    assert time.monotonic() - started_s < 10
