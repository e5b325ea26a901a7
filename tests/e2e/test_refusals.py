"""What is wrong with files and arguments is said in one line, with code 2, before the server sees anything."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.cli import main

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
THRESHOLDS = (ROOT / "thresholds.toml").read_text("utf-8")
PROFILES = (ROOT / "profiles.toml").read_text("utf-8")
TARGET = (ROOT / "targets" / "sandbox.toml").read_text("utf-8")

# file, what is replaced in it, by what, a part of the one line
FILES = [
    ("thresholds.toml", "format = 1", "format = 2", "format"),
    ("thresholds.toml", "format = 1", "", "format"),
    ("thresholds.toml", '"mean"', '"maen"', "'maen' is not a statistic; did you mean 'mean'?"),
    ("thresholds.toml", '"< 2000 ms"', '"< 2000 MB"', "'MB'"),
    ("thresholds.toml", '"< 2000 ms"', '"2000 ms"', "threshold 1"),
    ("thresholds.toml", '"< 2000 ms"', '"> 2000 ms"', "threshold 1"),
    ("thresholds.toml", '"< 2000 ms"', '"< 6000 ms"', "threshold 1"),
    ("thresholds.toml", '"< 2000 ms"', "2000", "threshold 1"),
    ("thresholds.toml", "why      =", "wyh      =", "'wyh'; did you mean 'why'?"),
    ("thresholds.toml", 'each     = "step"', 'each     = "stpe"', "stpe"),
    ("thresholds.toml", 'monitor  = "memory"', 'monitor  = "memory"\nworkflow = "store"', "threshold 5"),
    ("thresholds.toml", '"demo", "load"', '"demo", "laod"', "laod"),
    ("thresholds.toml", "[[threshold]]", "[[treshold]]", "treshold"),
    ("thresholds.toml", "[[threshold]]", "[[threshold]", "not TOML"),
    ("profiles.toml", "sellers = 96", "sellers = 0", "sellers"),
    ("profiles.toml", "sellers = 96", "sellers = 2.5", "sellers"),
    ("profiles.toml", "sellers = 96", "", "sellers"),
    ("profiles.toml", "spawn_per_s = 10", "spawn_per_s = -1", "spawn_per_s"),
    ("profiles.toml", 'ramp = "10 s"', 'ramp = "10 parsec"', "parsec"),
    ("profiles.toml", 'ramp = "10 s"', "ramp = 10", "ramp"),
    ("profiles.toml", "[demo]", "[deom]", "demo"),
    ("targets/sandbox.toml", "http://127.0.0.1:7080", "https://api.linkdao.io", "not listed"),
    ("targets/sandbox.toml", "http://127.0.0.1:7080", "127.0.0.1:7080", "url"),
    ("targets/sandbox.toml", '"image_upload"', '"image_uplaod"', "image_uplaod"),
    ("targets/sandbox.toml", 'timeout = "30 s"', 'timeout = "30 MB"', "timeout"),
    ("targets/sandbox.toml", "production = false", 'production = "no"', "production"),
    ("targets/sandbox.toml", "[cache]", "[cahce]", "cahce"),
    ("targets/sandbox.toml", 'format = "prometheus"', 'format = "promotheus"', "promotheus"),
    ("targets/sandbox.toml", "[health]", '[[gap]]\nworkflow = "store"\n[health]', "gap 1"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The shipped settings files, to be spoiled one at a time."""
    (tmp_path / "targets").mkdir()
    (tmp_path / "thresholds.toml").write_text(THRESHOLDS, "utf-8")
    (tmp_path / "profiles.toml").write_text(PROFILES, "utf-8")
    (tmp_path / "targets" / "sandbox.toml").write_text(TARGET, "utf-8")
    return tmp_path


def flags(folder: Path) -> list[str]:
    files = ["--thresholds", folder / "thresholds.toml", "--profiles", folder / "profiles.toml"]
    return [str(each) for each in (*files, "--targets", folder / "targets", "--reports", folder / "reports")]


def test_every_malformed_file_is_one_line_and_the_server_saw_nothing(
    settings: Path, sandbox: Callable[..., Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = sandbox()
    monkeypatch.setenv("BACKEND_URL", server.url)
    apart = server.truth()["apart"]["received"]
    for name, old, new, said in FILES:
        path = settings / name
        before = path.read_text("utf-8")
        assert old in before, (name, old)
        path.write_text(before.replace(old, new), "utf-8")
        assert main(["run", *flags(settings)]) == 2, (name, new)
        printed = capsys.readouterr()
        assert printed.out == "", (name, new)
        assert len(printed.err.splitlines()) == 1, printed.err
        assert said in printed.err, (name, new, printed.err)
        assert name.rpartition("/")[2] in printed.err, printed.err
        path.write_text(before, "utf-8")
    assert server.received() == {}
    # not even a health check: only our own questions for the truth
    assert [row for row in server.truth()["apart"]["received"] if row["route"] != "/_sandbox/truth"] == [
        row for row in apart if row["route"] != "/_sandbox/truth"
    ]
    assert not (settings / "reports").exists()


LOCUST = [
    (["--load-profile", "dmeo"], "'dmeo'"),
    (["--host", "https://api.elsewhere.example"], "not listed"),
    (["--host", "ftp://127.0.0.1"], "scheme"),
    (["--target", "stagign"], "'stagign'"),
    (["--stage", "later"], "later"),
    (["--thresholds", "/nowhere/thresholds.toml"], "/nowhere/thresholds.toml"),
    (["--seed", "x"], "seed"),
    (["--no-such-flag"], "--no-such-flag"),
    (["DashbordSeller"], "DashbordSeller"),
]


@pytest.mark.parametrize(
    ("arguments", "said"), LOCUST, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_plain_locust_refuses_with_the_same_code(
    sandbox: Callable[..., Any], tmp_path: Path, arguments: list[str], said: str
) -> None:
    server = sandbox()
    host = [] if "--host" in arguments else ["--host", server.url]
    command = [
        sys.executable,
        "-m",
        "locust",
        "--headless",
        "-u",
        "2",
        "-t",
        "3s",
        "--reports",
        str(tmp_path / "reports"),
    ]
    done = subprocess.run(
        [*command, *host, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert server.received() == {}
    assert not (tmp_path / "reports").exists()
