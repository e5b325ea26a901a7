"""Have the servers of the interop tests ready to start: ours in Python, and the real one on Node."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
LIMIT_S = 180


def installed(npm: str) -> None:
    """Install exactly what package-lock.json names, once a lock file, one test session at a time."""
    wanted = sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = PACKAGES / ".installed"
    with (HERE / ".npm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text("utf-8") == wanted:
            return
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S, check=False
        )
        assert done.returncode == 0, f"npm ci: {done.stdout.decode(errors='replace')[-2000:]}"
        stamp.write_text(wanted, "utf-8")


@pytest.fixture(scope="session")
def server_command() -> Callable[[str], list[str]]:
    """Return the command that starts a server in "python" or on "node", up to its arguments."""

    def command(language: str) -> list[str]:
        if language == "python":
            return [sys.executable, str(HERE / "python_server.py")]
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            assert not os.environ.get("CI"), "node or npm is not installed, and in CI nothing is skipped"
            pytest.skip("node or npm is not installed")
        installed(npm)
        return [node, str(HERE / "node_server.js")]

    return command
