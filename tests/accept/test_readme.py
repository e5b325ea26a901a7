"""Every command of the README, typed as it stands there."""

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.accept

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [line for block in BLOCK.findall(README) for line in block.splitlines()]
SANDBOX = ".venv/bin/sellergate sandbox --port 7080"

# command → codes it may end in; 2 is make's own for any failure
ANSWERS = {
    "make demo": {0},
    'make demo FAULT="slow_step=dashboard.analytics_display:+3000ms"': {2},
    'make demo FAULT="cache_off" ARGS="--strict"': {2},
    'make demo FAULT="lose_events=2%"': {2},
    'make demo FAULT="error_rate=10%" ARGS="--stage post"': {2},
    ".venv/bin/sellergate judge reports/latest": {0, 1},
    ".venv/bin/sellergate judge reports/latest --strict --response-time 1500": {0, 1},
}
CHAPTER = "Your first staging run"
"""Replayed, line by line, by tests/e2e/test_first_staging_run.py."""
FAR = "--target staging --load-profile load"
ELSEWHERE = {
    "make test": "is what runs this suite",
    ".venv/bin/locust": "tests/e2e/test_web_ui.py",
    f".venv/bin/locust --master --headless {FAR} --expect-workers 3": "tests/e2e/test_hosts.py",
    f".venv/bin/locust --worker --master-host 192.0.2.1 {FAR}": "tests/e2e/test_hosts.py",
    ".venv/bin/sellergate collect reports/latest copied/worker-2": "tests/e2e/test_apart.py",
}


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 10


@pytest.mark.parametrize("line", [line for line in COMMANDS if line in ANSWERS])
def test_command_of_the_readme_answers_as_it_says(type_in: Callable[..., Any], line: str) -> None:
    done = type_in(line)
    assert done.code in ANSWERS[line], done.output


@pytest.mark.parametrize("line", [line for line in COMMANDS if "locust --headless" in line])
def test_plain_locust_of_the_readme_is_gated(type_in: Callable[..., Any], clone: Path, line: str) -> None:
    type_in("make .venv/run.stamp")
    with subprocess.Popen([*SANDBOX.split(), "--stop-after", "150s"], cwd=clone, stdout=subprocess.DEVNULL) as sandbox:
        time.sleep(3)
        done = type_in(line)
        sandbox.terminate()
    # a minute at the pace of people is enough for most steps, not for each: what counts is that it is judged
    assert done.code in {0, 4}, done.output
    assert f"(exit {done.code})" in done.output


def test_every_command_is_typed_by_some_test() -> None:
    chapter = README.partition(f"## {CHAPTER}\n")[2].partition("\n## ")[0]
    replayed = {line for block in BLOCK.findall(chapter) for line in block.splitlines()}
    assert len(replayed) == 9
    typed = {*ANSWERS, *ELSEWHERE, SANDBOX, *replayed}
    rest = [line for line in COMMANDS if line not in typed]
    assert all("locust --headless" in line for line in rest), rest
