"""A newcomer types the README's chapter on the first staging run, line by line, against a deployment as it is."""

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, environment

pytestmark = pytest.mark.e2e

CHAPTER = re.search(r"(?ms)^## Your first staging run$(.*?)^## ", (ROOT / "README.md").read_text("utf-8"))
assert CHAPTER is not None
LINES = [line for block in re.findall(r"(?ms)^```sh\n(.*?)^```$", CHAPTER[1]) for line in block.splitlines()]
LONG = ("sellergate run ", "sellergate clean ")
CODES = {"try tier_upgrade.limit_enforcement": {1}, "sellergate run": {0, 1, 4}, "sellergate clean": {0, 1}}
"""What a line may end in, where that is not 0."""


@dataclass(frozen=True)
class Typed:
    """What came of one line."""

    line: str
    code: int
    output: str
    took_s: float


class Newcomer:
    """Somebody with the README in front of them, in a folder where only the checkout is."""

    def __init__(self, folder: Path, backend: str, front_page: str) -> None:
        self._folder = folder
        self._env = environment()
        self._addresses = {"BACKEND_URL": backend, "FRONTEND_URL": front_page}
        for name in (".venv", ".git", "reports"):
            (folder / name).symlink_to(ROOT / name)

    def types(self, line: str) -> Typed:
        """Type a line; an export holds for the lines after it, and its address is the sandbox's."""
        for name, address in self._addresses.items():
            line = re.sub(rf"{name}=\S+", f"{name}={address}", line)
        began = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", f"{line}; code=$?; env -0 > .env; exit $code"],
            cwd=self._folder, env=self._env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=400, check=False,
        )  # fmt: skip
        took_s = time.monotonic() - began
        pairs = (pair.split("=", 1) for pair in (self._folder / ".env").read_text("utf-8").split("\0") if pair)
        self._env = {name: value for name, value in pairs if name not in ("PWD", "OLDPWD", "SHLVL", "_")}
        return Typed(line, done.returncode, done.stdout, took_s)


@pytest.fixture
def newcomer(sandbox: Callable[..., Any], page: str, tmp_path: Path) -> Newcomer:
    deployment = sandbox(arguments=("--as-deployed", "--rate-limits", "--seed-orders", "20"), lives_s=420)
    folder = tmp_path / "desk"
    folder.mkdir()
    return Newcomer(folder, deployment.url, page)


def check(typed: Typed) -> None:
    codes = next((codes for part, codes in CODES.items() if part in typed.line), {0})
    assert typed.code in codes, f"{typed.line}\n{typed.output}"
    assert max(map(len, typed.output.splitlines()), default=0) <= 80, typed.output


def test_chapter_is_there() -> None:
    assert len(LINES) == 9


def test_first_hour_is_as_the_readme_says(newcomer: Newcomer) -> None:
    said = {}
    for line in LINES:
        if not any(part in line for part in LONG):
            typed = newcomer.types(line)
            check(typed)
            said[line] = typed.output
    (preflight,) = [output for line, output in said.items() if " preflight " in line]
    assert preflight.splitlines()[-1] == "preflight: ok"
    (refused,) = [output for line, output in said.items() if "limit_enforcement" in line]
    assert "status 201, expected status 403" in refused


@pytest.mark.accept
def test_whole_chapter_is_as_the_readme_says(newcomer: Newcomer) -> None:
    for line in LINES:
        check(newcomer.types(line))
