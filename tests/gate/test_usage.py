import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gate.cli import main

from .conftest import Site

CHECKOUT = Path(__file__).resolve().parent.parent.parent
THRESHOLD = '[[threshold]]\nstat = "mean"\nhigh = "< 2000 ms"\nwhy = "guide"\n'
PROFILE = 'format = 1\n[demo]\ndescription = "x"\nsellers = 8\nspawn_per_s = 8\nramp = "1 s"\nduration = "11 s"\n'


@pytest.fixture
def files(tmp_path: Path, site: Site) -> Path:
    """Settings files that are fine, with a target that remembers whether it was asked anything."""
    (tmp_path / "thresholds.toml").write_text(f"format = 1\n{THRESHOLD}")
    (tmp_path / "profiles.toml").write_text(PROFILE)
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "sandbox.toml").write_text(f'format = 1\nurl = "{site.url}"\n')
    live = f'format = 1\nurl = "{site.url}"\nproduction = true\n'
    (tmp_path / "targets" / "production.toml").write_text(live)
    return tmp_path


def arguments(files: Path, *more: str) -> list[str]:
    own = ["run", "--thresholds", str(files / "thresholds.toml"), "--profiles", str(files / "profiles.toml")]
    return [*own, "--targets", str(files / "targets"), "--reports", str(files / "reports"), *more]


def refusal(capsys: pytest.CaptureFixture[str], argv: Sequence[str]) -> str:
    """Return the one line on stderr of a command that must exit 2."""
    assert main(argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith("\n")
    assert said.err.count("\n") == 1
    return said.err.rstrip("\n")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--load-profile", "dem"], "{files}/profiles.toml: no profile 'dem'; did you mean 'demo'?"),
        (["--target", "sandbx"], "{files}/targets: no target 'sandbx'; did you mean 'sandbox'?"),
        (["--profiles", "/nowhere.toml"], "/nowhere.toml: no such file"),
        (["--thresholds", "/nowhere.toml"], "/nowhere.toml: no such file"),
        (["--targets", "/nowhere"], "/nowhere: no target 'sandbox'; accepted: nothing"),
        (["--fault", "die@3s"], "--fault: goes to the sandbox that --with-sandbox starts, which was not given"),
        (
            ["--sandbox-arg", "--x"],
            "--sandbox-arg: goes to the sandbox that --with-sandbox starts, which was not given",
        ),
        (["--with-sandbox", "--sandbox-arg", "'"], "--sandbox-arg: No closing quotation"),
        (["--stage", "prod"], "sellergate run: '--stage': 'prod' is not one of 'pre', 'post', 'watch'"),
        (["--inconclusive", "x"], "sellergate run: '--inconclusive': 'x' is not one of 'pass', 'fail'"),
        (["--seed", "x"], "sellergate run: '--seed': 'x' is not a valid integer range"),
        (["--seed", "-1"], "sellergate run: '--seed': -1 is not in the range x>=0"),
        (["--processes", "0"], "sellergate run: '--processes': 0 is not in the range x>=1"),
        (["--response-time", "x"], "sellergate run: '--response-time': 'x' is not a valid float"),
        (["--response-time", "0"], "--response-time: '0.0' is not accepted; accepted: a number above 0"),
        (["--response-time", "nan"], "--response-time: 'nan' is not accepted; accepted: a number above 0"),
        (["--throughput", "inf"], "--throughput: 'inf' is not accepted; accepted: a number above 0"),
        (["--error-rate", "101"], "--error-rate: '101' is not a percentage; accepted: above 0, up to 100"),
        (["--strct"], "sellergate run: no such option '--strct'; did you mean '--strict'?"),
        (["--target"], "sellergate: option '--target' requires an argument"),
        (["extra"], "sellergate run: got unexpected extra argument (extra)"),
        (["--target", "production"], "target 'production' is production; accepted: with --allow-production"),
        (
            ["--target", "production", "--allow-production"],
            "profile 'demo' is not marked safe_for_production; target 'production' is production",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_arguments_are_refused(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert refusal(capsys, arguments(files, *more)) == message.replace("{files}", str(files))
    assert site.asked == []
    assert not (files / "reports").exists()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"DEPLOYMENT_ENV": "prod"},
            "{files}/targets: no target 'prod' (from DEPLOYMENT_ENV); accepted: production, sandbox",
        ),
        ({"BACKEND_URL": "https://evil.example"}, "BACKEND_URL: host 'evil.example' is not listed in {files}/targets/"),
        ({"WS_URL": "x"}, "WS_URL: 'x' has scheme ''; accepted: ws, wss"),
        ({"RESPONSE_TIME_THRESHOLD": "fast"}, "RESPONSE_TIME_THRESHOLD: 'fast' is not accepted; accepted: a number"),
        ({"ERROR_RATE_THRESHOLD": "-1"}, "ERROR_RATE_THRESHOLD: '-1' is not accepted; accepted: a number above 0"),
        ({"ERROR_RATE_THRESHOLD": "200"}, "ERROR_RATE_THRESHOLD: '200' is not a percentage; accepted: above 0, up to"),
        ({"THROUGHPUT_THRESHOLD": "0"}, "THROUGHPUT_THRESHOLD: '0' is not accepted; accepted: a number above 0"),
        ({"ROLLBACK_ENABLED": "maybe"}, "ROLLBACK_ENABLED: 'maybe' is neither; accepted: true, false"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_environment_is_refused(
    files: Path,
    site: Site,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    message: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert refusal(capsys, arguments(files)).startswith(message.replace("{files}", str(files)))
    assert site.asked == []


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("thresholds.toml", "", ""),
        ("thresholds.toml", "format = 1\n", ""),
        ("thresholds.toml", f"format = 1\n{THRESHOLD}wran = 1\n", "threshold 1: unknown key 'wran'"),
        ("thresholds.toml", f"format = 1\n{THRESHOLD.replace('ms', 'MB')}", "threshold 1: "),
        ("thresholds.toml", f"format = 1\n{THRESHOLD.replace('mean', 'mena')}", "threshold 1: "),
        ("thresholds.toml", f"format = 1\n{THRESHOLD.replace('<', '>')}", "threshold 1: "),
        ("thresholds.toml", f"format = 1\n{THRESHOLD}[", "not TOML: "),
        ("profiles.toml", PROFILE.replace('"11 s"', '"10 s"'), "demo: duration of 10 s leaves too little"),
        ("profiles.toml", PROFILE.replace("sellers", "seller"), "demo: unknown key 'seller'"),
        ("profiles.toml", "\0", "not TOML: "),
        ("targets/sandbox.toml", "format = 1\n", "missing key 'url'"),
        (
            "targets/sandbox.toml",
            'format = 1\nurl = "https://evil.example"\n',
            "url: host 'evil.example' is not listed",
        ),
    ],
)
def test_files_are_refused(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str], name: str, text: str, place: str
) -> None:
    (files / name).write_text(text)
    assert refusal(capsys, arguments(files)).startswith(f"{files / name}: {place}")
    assert site.asked == []


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "sellergate: missing command"),
        (["rnu"], "sellergate: no command 'rnu'; did you mean 'run'?"),
        (["--verbose"], "sellergate: no such option '--verbose'; did you mean '--version'?"),
        (["judge"], "sellergate judge: missing argument 'RUN_DIR'"),
        (["report"], "sellergate report: missing argument 'RUN_DIR'"),
        (["monitor", "x"], "sellergate monitor: missing option '--parent'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_commands_are_refused(capsys: pytest.CaptureFixture[str], argv: list[str], message: str) -> None:
    assert refusal(capsys, argv) == message


def process(*argv: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gate", *argv]
    environ = {**os.environ, **variables}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("more", "variables", "message"),
    [
        ((), {"BACKEND_URL": "http://127.1"}, "BACKEND_URL: '127.1' is not an IPv4 address in its usual spelling"),
        (("--with-sandbox", "--fault", "slow"), {}, "--fault 'slow': unknown fault"),
        (("--response-time", "6000"), {}, "--response-time"),
    ],
)
def test_process_refuses_with_code_2_and_one_line(
    tmp_path: Path, more: tuple[str, ...], variables: dict[str, str], message: str
) -> None:
    done = process("run", "--reports", str(tmp_path / "reports"), *more, **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(message)
    assert list((tmp_path / "reports").glob("*")) == []


def test_version_and_help_exit_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("sellergate 0.")
    for argv in (["--help"], ["run", "--help"], ["judge", "--help"], ["report", "--help"]):
        assert main(argv) == 0
        text = capsys.readouterr().out
        assert "sellergate" in text
        assert max(len(line) for line in text.splitlines()) <= 80


def test_sandbox_gets_its_arguments_and_answers_itself() -> None:
    done = process("sandbox", "--fault", "nonsense")
    assert done.returncode == 2
    assert done.stderr.startswith("--fault 'nonsense': unknown fault")
    assert "usage: sandbox" in process("sandbox", "--help").stdout


def test_bug_of_ours_is_70_with_its_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, unreached: Path
) -> None:
    def broken(_path: Path) -> None:
        raise ZeroDivisionError("injected")

    monkeypatch.setattr("gate.commands.judging_flags.load_thresholds", broken)
    assert main(["judge", str(unreached)]) == 70
    said = capsys.readouterr().err
    assert said.startswith("Traceback (most recent call last):")
    assert said.endswith("ZeroDivisionError: injected\n")


def test_ctrl_c_before_there_is_a_run_is_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, unreached: Path
) -> None:
    def interrupted(_path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gate.commands.judging_flags.load_thresholds", interrupted)
    assert main(["judge", str(unreached)]) == 3
    assert capsys.readouterr().err.strip() == "interrupted: there is no verdict"


@pytest.mark.parametrize(
    ("command", "slow"),
    [
        ("monitor", {"locust", "matplotlib", "pandas"}),
        ("preflight", {"locust", "matplotlib", "pandas"}),
        ("try_step", {"locust", "matplotlib", "pandas"}),
        ("check", {"locust", "matplotlib"}),
        ("run", {"locust", "matplotlib"}),
    ],
)
def test_command_starts_without_what_it_does_not_need_yet(command: str, slow: set[str]) -> None:
    code = f"import sys, gate.cli, gate.commands.{command}; print(*({slow!r} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True, capture_output=True, text=True)
    assert ended.stdout.split() == []
