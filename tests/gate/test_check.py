import re
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from gate.cli import main
from gate.effective import target_lines
from settings.document import CHECKOUT, read_document
from settings.target import load_target
from settings.target_file import TargetTable

THRESHOLDS = """\
format = 1
[[threshold]]
stat = "mean"
high = "< 2000 ms"
critical = "< 5000 ms"
why = "guide"
[[threshold]]
stat = "throughput"
profiles = ["load"]
high = "> 100 rps"
why = "guide"
[[threshold]]
each = "step"
stat = "p95"
high = "< 2000 ms"
why = "guide"
"""
PROFILES = """\
format = 1
[demo]
description = "x"
sellers = 80
spawn_per_s = 10
ramp = "10 s"
duration = "85 s"
[load]
description = "x"
sellers = 8
spawn_per_s = 0.2
ramp = "60 s"
duration = "2 min"
think_ratio = 20
[load.weights]
dashboard = 2
"""
SANDBOX = 'format = 1\nurl = "http://127.0.0.1:7080"\n'
STAGING = """\
format = 1
url = "https://staging.example"
allowed_hosts = ["staging.example"]
contact = "load@example.org"
wallet_secret_env = "WALLETS"
rate_limits = "mine"
[headers]
X-Key = "${KEY}"
[[gap]]
workflow = "listing"
step = "creation"
reason = "not mounted"
owner = "sellers team"
expires = {soon}
[[waiver]]
stat = "p95"
workflow = "listing"
reason = "index is built"
owner = "data team"
expires = {past}
"""
LIMITS = """\
format = 1
description = "x"
[[limit]]
name = "creates"
most = 10
window = "60 s"
routes = ["POST /api/marketplace/seller/listings"]
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    today = date.today()  # noqa: DTZ011 - a date of the calendar
    (tmp_path / "thresholds.toml").write_text(THRESHOLDS)
    (tmp_path / "profiles.toml").write_text(PROFILES)
    (tmp_path / "targets" / "limits").mkdir(parents=True)
    (tmp_path / "targets" / "limits" / "mine.toml").write_text(LIMITS)
    (tmp_path / "targets" / "sandbox.toml").write_text(SANDBOX)
    staging = STAGING.replace("{soon}", f"{today + timedelta(days=9)}").replace(
        "{past}", f"{today - timedelta(days=1)}"
    )
    (tmp_path / "targets" / "staging.toml").write_text(staging)
    monkeypatch.setenv("WALLETS", "canary-secret")
    monkeypatch.setenv("KEY", "canary-key")
    return tmp_path


@pytest.fixture
def check(files: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[str], list[str]]]:
    """Run the command on these files; return its code and the lines of both outputs."""

    def run(*more: str) -> tuple[int, list[str], list[str]]:
        own = [f"--{name}={files / f'{name}.toml'}" for name in ("thresholds", "profiles")]
        code = main(["check", *own, f"--targets={files / 'targets'}", *more])
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err.splitlines()

    return run


Check = Callable[..., tuple[int, list[str], list[str]]]


def entry(lines: list[str], name: str) -> str:
    """Return the value of a setting, unwrapped."""
    start = next(index for index, line in enumerate(lines) if line.startswith(f"  {name} "))
    parts = [lines[start][len(f"  {name} ") :]]
    parts += _until_next(lines[start + 1 :])
    return " ".join(part.strip() for part in parts)


def _until_next(lines: list[str]) -> list[str]:
    end = next((index for index, line in enumerate(lines) if not line.startswith(" " * 23)), len(lines))
    return lines[:end]


def test_everything_is_shown_with_where_it_came_from(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HEALTH_CHECK_TIMEOUT", "1500")
    code, out, err = check("--target", "staging", "--load-profile", "load", "--response-time", "1500")
    assert (code, err) == (0, [])
    assert out[0].endswith("staging.toml [--target]")
    assert entry(out, "url") == "http://127.0.0.1:9 [BACKEND_URL]"
    assert entry(out, "contact") == "load@example.org [file]"
    assert entry(out, "keep_alive") == "60 s [default]"
    assert entry(out, "health_timeout") == "1.5 s [HEALTH_CHECK_TIMEOUT]"
    assert entry(out, "wallet_secret_env") == "WALLETS, set [file]"
    assert entry(out, "headers") == "X-Key set [file]"
    assert entry(out, "rate_limits").startswith("mine: 1; ")
    assert "proxy" in entry(out, "not set")
    assert entry(out, "gap") == "9 days left, sellers team: listing.creation"
    yesterday = date.today() - timedelta(days=1)  # noqa: DTZ011 - a date of the calendar
    assert entry(out, "waiver") == f"EXPIRED {yesterday}, fails the run, data team: p95 of listing"
    assert entry(out, "think_ratio") == "20; weights: dashboard 2"
    assert entry(out, "mean") == "critical < 5000 ms, high < 1500 ms"
    assert entry(out, "throughput") == "high > 100 rps"
    assert entry(out, "each step p95") == "high < 2000 ms"
    assert "--response-time 1500 ms: mean '< 1500 ms' instead of '< 2000 ms'" in entry(out, "moved")
    assert out[-1] == "check: every file is read; a run would fail: a gap or waiver has expired"


def test_nothing_to_say_against_a_run_is_ok(check: Check) -> None:
    assert check("--load-profile", "load")[1][-1] == "check: ok"


def test_limit_the_environment_moved_is_said_to_be_the_environment_s(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESPONSE_TIME_THRESHOLD", "1200")
    _, out, _ = check("--load-profile", "load")
    assert entry(out, "moved").startswith("RESPONSE_TIME_THRESHOLD 1200 ms: mean '< 1200 ms'")


def test_only_thresholds_of_the_profile_are_shown(check: Check) -> None:
    _, out, _ = check("--load-profile", "demo")
    assert not any(line.startswith("  throughput") for line in out)


def test_secrets_are_said_to_be_set_and_never_shown(check: Check) -> None:
    code, out, err = check("--target", "staging", "--load-profile", "load")
    assert code == 0
    assert "canary" not in "\n".join(out + err)


def test_budget_is_shown_and_a_profile_beyond_it_is_named_refused(check: Check) -> None:
    code, out, _ = check("--target", "staging")
    assert code == 0
    assert any(line.startswith("budget of addresses: exceeded: 80 sellers from 1 address; ") for line in out)
    assert "  profiles that fit this target: load" in out
    assert out[-1] == "check: every file is read; a run would be refused: its demand exceeds the limits"


def test_production_is_said_to_need_its_flag_and_a_safe_profile(check: Check, files: Path) -> None:
    path = files / "targets" / "sandbox.toml"
    path.write_text(SANDBOX + "production = true\n")
    _, out, _ = check("--load-profile", "load")
    assert out[-1].endswith("profile 'load' is not marked safe_for_production; target 'sandbox' is production")
    profiles = files / "profiles.toml"
    profiles.write_text(PROFILES.replace("think_ratio", "safe_for_production = true\nthink_ratio"))
    _, out, _ = check("--load-profile", "load")
    assert out[-1] == "check: ok, with --allow-production"


def test_target_is_chosen_as_a_run_chooses_it(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check()[1][0].endswith("sandbox.toml [default]")
    monkeypatch.setenv("DEPLOYMENT_ENV", "staging")
    assert check()[1][0].endswith("staging.toml [DEPLOYMENT_ENV]")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        pytest.param("thresholds.toml", "format = 1\n", "holds no [[threshold]]", id="thresholds"),
        pytest.param("profiles.toml", "format = 1\n", "holds no profile", id="profiles"),
        pytest.param("targets/sandbox.toml", "format = 2\n", "format: 2 is not accepted", id="target"),
        pytest.param("targets/other.toml", "format = 1\n", "missing key 'url'", id="target-of-others"),
        pytest.param("targets/other.toml", SANDBOX + 'rate_limits = "x"\n', "no limits 'x'", id="limits-of-others"),
    ],
)
def test_broken_file_is_refused_in_a_line(check: Check, files: Path, file: str, text: str, message: str) -> None:
    (files / file).write_text(text)
    code, out, err = check()
    assert (code, out) == (2, [])
    (line,) = err
    assert message in line


def test_each_broken_file_has_its_line(check: Check, files: Path) -> None:
    for name in ("thresholds.toml", "profiles.toml", "targets/sandbox.toml", "targets/staging.toml"):
        (files / name).write_text("format = 7\n")
    code, out, err = check()
    assert (code, out) == (2, [])
    assert sorted(line.partition(": ")[0].rpartition("/")[2] for line in err) == [
        "profiles.toml", "sandbox.toml", "staging.toml", "thresholds.toml"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["WALLETS", "KEY"])
def test_variable_that_is_not_set_is_named(check: Check, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    code, _, err = check("--target", "staging")
    assert code == 2
    (line,) = err
    assert line.endswith(f"environment variable '{name}' is not set")
    assert check("--target", "sandbox", "--load-profile", "load")[0] == 0  # nobody asks for it here


def test_target_off_loopback_without_a_wallet_secret_is_refused(check: Check, files: Path) -> None:
    path = files / "targets" / "staging.toml"
    path.write_text(re.sub("wallet_secret_env.*\n", "", path.read_text()))
    code, _, err = check("--target", "staging")
    assert code == 2
    assert err == [f"{path}: missing key 'wallet_secret_env': sellers off loopback need one"]


def test_threshold_of_a_profile_nobody_has_is_refused(check: Check, files: Path) -> None:
    (files / "thresholds.toml").write_text(THRESHOLDS.replace('"load"', '"laod"'))
    code, _, err = check()
    assert code == 2
    assert "threshold 2: profiles: no profile 'laod'; did you mean 'load'?" in err[0]


def test_flag_that_is_no_limit_is_refused(check: Check) -> None:
    code, _, err = check("--response-time", "9000")
    assert code == 2
    assert "looser than critical allows" in err[0]


@pytest.mark.parametrize("name", ["sandbox", "staging", "production"])
@pytest.mark.parametrize("profile", ["demo", "smoke", "polite", "load"])
def test_shipped_files_are_fine_and_fit_a_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, profile: str
) -> None:
    for variable in ("SELLERGATE_WALLET_SECRET", "SELLERGATE_PRODUCTION_WALLET_SECRET"):
        monkeypatch.setenv(variable, "canary-secret")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("a name was resolved"))
    assert main(["check", "--target", name, "--load-profile", profile]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 72
    too_long = [line for line in lines[:-1] if len(line) > 80]
    assert too_long == []


def test_without_its_variables_the_shipped_staging_says_which() -> None:
    environ = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-m", "gate", "check", "--target", "staging"],
        cwd=CHECKOUT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "targets/staging.toml: wallet_secret_env: environment variable 'SELLERGATE_WALLET_SECRET' is not set\n"
    )


def test_answer_takes_less_than_two_seconds() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "gate", "check"], cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # of CPU: what else the machine does is not its fault
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


def test_every_key_of_a_target_file_is_shown(files: Path) -> None:
    target = load_target("staging", environ={"KEY": "x"}, folder=files / "targets")
    table = read_document(target.path, TargetTable)
    text = "\n".join(target_lines(target, table, "--target", {}))
    shown = {*TargetTable.model_fields} - {"format", "gap", "waiver"}
    assert [key for key in shown if key not in text] == []


def test_open_profile_says_when_passes_begin_and_what_they_come_to(check: Check, files: Path) -> None:
    opened = PROFILES + '[load.arrivals]\nshape = "ramp"\nrate = 0.01\nend_rate = {rate}\ndrop_after = "2 min"\n'
    (files / "profiles.toml").write_text(opened.replace("{rate}", "0.05").replace("think_ratio = 20", ""))
    code, out, _ = check("--target", "staging", "--load-profile", "load")
    assert code == 0
    said = "ramp, 0.01 to 0.05 passes/s, dropped after 2 min; the sellers are the most at a time"
    assert entry(out, "arrivals") == said
    assert any(line.startswith("budget of addresses: 0.05 passes/s from 1 address fit, ") for line in out)
    assert any(line.startswith("  4 passes; at most ") for line in out)  # 120 s x 0.03 /s

    (files / "profiles.toml").write_text(opened.replace("{rate}", "4").replace("think_ratio = 20", "think_ratio = 0"))
    _, out, _ = check("--target", "staging", "--load-profile", "load")
    assert any(line.startswith("budget of addresses: exceeded: 4 passes/s from 1 address; ") for line in out)
    budget = next(number for number, line in enumerate(out) if line.startswith("budget of addresses"))
    assert all(len(line) <= 80 for line in out[budget:-1])
