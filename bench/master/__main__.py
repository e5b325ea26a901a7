"""Feed a master from simulated workers: samples a second on one core, and memory at ten million. make bench-master."""

import json
import os
import subprocess
import sys
import tempfile
import time
from filecmp import cmp
from pathlib import Path
from typing import Any, Final

from bench.figure import Figure
from bench.keeping import keep, machine, revision, told
from bench.processes import CHECKOUT
from runlog.writer import samples_path

WORKERS: Final = 4
SAMPLES: Final = 2_500_000
"""Of each worker."""
RATE_TARGET: Final = 200_000
MEMORY_TARGET_MB: Final = 400
_PATIENCE_S: Final = 300
_RUN_ID: Final = "bench"


def _measure(place: Path) -> dict[str, Any]:
    """Return what the master says it took, and as a problem when its log is not what the workers wrote."""
    spool, kept = place / "spool", place / "kept"
    spool.mkdir()
    kept.mkdir()
    master = subprocess.Popen(
        [sys.executable, "-m", "bench.master.receiving", kept, str(WORKERS), _RUN_ID],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert master.stdout is not None  # noqa: S101  # a pipe was asked for
        port = master.stdout.readline().strip()
        command = ["-m", "bench.master.working", spool, port, _RUN_ID, str(WORKERS), str(SAMPLES)]
        subprocess.run([sys.executable, *command], cwd=CHECKOUT, check=True, timeout=_PATIENCE_S)
        said, _ = master.communicate(timeout=_PATIENCE_S)
    finally:
        if master.poll() is None:
            master.kill()
            master.wait()
    result: dict[str, Any] = json.loads(said)
    for process in range(WORKERS):
        if not cmp(samples_path(spool, process), samples_path(kept, process), shallow=False):
            result["problems"].append(f"the log of process {process} is not what its worker wrote")
    return result


def main() -> int:
    """Measure, print, keep; return 0 when every target holds, 1 when one does not, 2 when it was no measurement."""
    began, here = time.monotonic(), machine()
    print(f"{here['cores']} cores of {here['cpu']}; {WORKERS} workers of {SAMPLES:,} samples", flush=True)
    with tempfile.TemporaryDirectory() as place:
        result = _measure(Path(place))
    if result["problems"]:
        print(f"bench-master: {result['problems'][0]}", file=sys.stderr)
        return 2
    samples = WORKERS * SAMPLES
    rate, peak_mb = samples / result["wall_s"], result["peak_bytes"] / 1e6
    figures = [
        Figure("master_samples_per_s", rate, f">= {RATE_TARGET:,} on one core", rate >= RATE_TARGET),
        Figure("master_cpu_us_per_sample", result["cpu_s"] / samples * 1e6, "told", holds=True),
        Figure("master_peak_mb", peak_mb, f"< {MEMORY_TARGET_MB} after {samples:,}", peak_mb < MEMORY_TARGET_MB),
    ]
    settings = {"workers": WORKERS, "samples": SAMPLES, "cores": os.cpu_count()}
    about = {"machine": here, "versions": {"sellergate": revision()}, "settings": settings}
    path = keep("master", {"master": result}, figures, about)
    print(f"{time.monotonic() - began:.0f} s; raw results: {path.relative_to(CHECKOUT)}")
    return told(figures, last=3)


if __name__ == "__main__":
    sys.exit(main())
