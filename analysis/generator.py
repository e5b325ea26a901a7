"""Suspect the generator: find the seconds in which it was too busy, too late or not watched at all."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pandas as pd

from analysis.figures import spelled
from analysis.statistics import Floats
from analysis.verdict import Doubt, Window
from analysis.window import within
from runlog.run import Run

CPU_LIMIT_RATIO: Final = 0.85
CPU_STRETCH_S: Final = 10.0
LAG_LIMIT_MS: Final = 20.0
LAG_SHARE: Final = 0.95
"""A row is the p99 of one second. The p99 of the whole run cannot be had from these; in its place, on the doubtful
side, stands what 95 of 100 seconds kept: a loop that is late in one second of twenty is late."""
WAIT_LIMIT_RATIO: Final = 0.25
"""Measured on two cores: 0.06 at 20 % CPU, 0.2 at 45 % beside a server that needs the other core; at 0.3 the p95 of a
server that took 20 ms was 8 ms too long (docs/decisions/0018)."""
PAUSED_LIMIT_RATIO: Final = 0.01
PAUSE_LIMIT_MS: Final = 100.0
FILES_LIMIT_RATIO: Final = 0.95
MEMORY_LIMIT_RATIO: Final = 0.02
STEP_LIMIT_MS: Final = 100.0
"""Clocks are slewed by half a millisecond a second at most; what is more was set, by somebody or something."""
UNWATCHED_S: Final = 5.0
"""The longest a process may go without saying how it does. It says so every second: one that is silent for longer stood
still with all its sellers, and Locust, which takes it back when it wakes, tells nobody."""


def generator_doubts(
    run: Run, generator: pd.DataFrame, window: Window | None, recorded: Iterable[int] = ()
) -> Iterator[Doubt]:
    """Yield what the generator's own figures say against the run; `recorded` are the processes samples came from.

    Whoever made samples is suspected, announced or not: a worker may have joined, and left again in good order.

    Trouble inside the steady window invalidates; a busy stretch that began before it is told and does not, because
    what was sent then is not judged.
    """
    if window is None:
        return  # without a window there is nothing the generator could have spoilt, and the verdict is invalid anyway
    everyone = {*run.generator.processes, *generator["process"], *recorded}
    own = {process: _rows(generator, process) for process in sorted(everyone)}
    yield from _unwatched(own, run, window)
    yield from _busy(own, run, window)
    yield from _starved(own, run, window)
    yield from _late(own, run, window)
    inside = {process: within(rows, "at_s", run, window) for process, rows in own.items()}
    yield from _paused(inside, window)
    yield from _short(inside)
    yield from _stepped(own)


def _rows(generator: pd.DataFrame, process: int) -> pd.DataFrame:
    return generator[generator["process"] == process].sort_values("at_s", kind="stable")


def _unwatched(own: dict[int, pd.DataFrame], run: Run, window: Window) -> Iterator[Doubt]:
    figures = []
    for process, rows in own.items():
        complete = rows.dropna(subset=["cpu_ratio", "lag_p99_ms"])
        at_s = within(complete, "at_s", run, window)["at_s"].to_numpy(np.float64) - run.started_at_s
        gap_s = float(np.diff(np.concatenate(([window.start_s], at_s, [window.end_s]))).max())
        if not gap_s <= UNWATCHED_S:
            figures.append(f"process {process}: no figures for {gap_s:.0f} s")
    if figures:
        rule = f"CPU and loop lag of every process at least every {UNWATCHED_S:g} s of the steady window"
        yield Doubt("generator_unmeasured", "; ".join(figures), rule, invalidates=True)


def _busy(own: dict[int, pd.DataFrame], run: Run, window: Window) -> Iterator[Doubt]:
    figures, spoilt = _stretches(own, run, window, "cpu_ratio", CPU_LIMIT_RATIO)
    if figures:
        rule = f"at most {spelled(CPU_LIMIT_RATIO, 'ratio')} of a core over any {CPU_STRETCH_S:g} s"
        yield Doubt("generator_cpu", "; ".join(figures), rule, invalidates=spoilt)


def _starved(own: dict[int, pd.DataFrame], run: Run, window: Window) -> Iterator[Doubt]:
    """Yield a doubt when others had the core: a loop that waits for its turn is late with everything, a little."""
    figures, spoilt = _stretches(own, run, window, "cpu_wait_ratio", WAIT_LIMIT_RATIO)
    if figures:
        rule = f"waiting for a core at most {spelled(WAIT_LIMIT_RATIO, 'ratio')} of any {CPU_STRETCH_S:g} s"
        yield Doubt("generator_starved", "; ".join(figures), rule, invalidates=spoilt)


def _stretches(
    own: dict[int, pd.DataFrame], run: Run, window: Window, column: str, limit_ratio: float
) -> tuple[list[str], bool]:
    """Return the worst stretch of each process above a limit in words, and whether one lies inside the window."""
    figures, spoilt = [], False
    for process, rows in own.items():
        known = rows.dropna(subset=[column])
        ends_s = known["at_s"].to_numpy(np.float64) - run.started_at_s
        ratios = busiest(ends_s, known[column].to_numpy(np.float64))
        over = (ratios > limit_ratio) & (ends_s <= window.end_s)
        if over.any():
            worst = int(np.where(over, ratios, -np.inf).argmax())
            figures.append(f"process {process}: {spelled(ratios[worst], 'ratio')} of a core at {ends_s[worst]:.0f} s")
            spoilt |= bool((over & (ends_s >= window.start_s + CPU_STRETCH_S)).any())
    return figures, spoilt


def busiest(ends_s: Floats, used_ratios: Floats) -> Floats:
    """Return for each row the mean ratio over the shortest stretch of at least CPU_STRETCH_S that ends with it.

    A row's ratio is of the time since the row before; NaN where less than a stretch has passed.
    """
    ratios = np.full(len(ends_s), np.nan)
    used_s = np.concatenate(([0.0], np.cumsum(used_ratios[1:] * np.diff(ends_s))))
    for last in range(len(ends_s)):
        first = int(np.searchsorted(ends_s, ends_s[last] - CPU_STRETCH_S, side="right")) - 1
        if first >= 0:
            ratios[last] = (used_s[last] - used_s[first]) / (ends_s[last] - ends_s[first])
    return ratios.round(6)  # sums of seconds are not exact; a limit must not be broken by that


def _late(own: dict[int, pd.DataFrame], run: Run, window: Window) -> Iterator[Doubt]:
    figures = []
    for process, rows in own.items():
        lags_ms = within(rows, "at_s", run, window)["lag_p99_ms"].dropna().to_numpy(np.float64)
        if len(lags_ms) and not (lag_ms := float(np.quantile(lags_ms, LAG_SHARE))) <= LAG_LIMIT_MS:
            figures.append(f"process {process}: {spelled(lag_ms, 'ms')}")
    if figures:
        rule = f"p99 of the loop lag at most {LAG_LIMIT_MS:g} ms in {spelled(LAG_SHARE, 'ratio')} of the seconds"
        yield Doubt("loop_lag", "; ".join(figures), rule, invalidates=True)


def _paused(inside: dict[int, pd.DataFrame], window: Window) -> Iterator[Doubt]:
    """Yield a doubt when collecting garbage held the sellers up; one long pause spoils a second, many the run."""
    figures, spoilt = [], False
    for process, rows in inside.items():
        paused_ratio = float(rows["gc_pause_ms"].sum()) / 1000 / (window.end_s - window.start_s)
        longest_ms = float(rows["gc_pause_max_ms"].max())
        often = paused_ratio > PAUSED_LIMIT_RATIO
        if often or longest_ms > PAUSE_LIMIT_MS:
            how_much = f"{spelled(paused_ratio, 'ratio')} of the time, the longest {spelled(longest_ms, 'ms')}"
            figures.append(f"process {process}: {how_much}")
        spoilt |= often
    if figures:
        rule = f"pauses for garbage {spelled(PAUSED_LIMIT_RATIO, 'ratio')} of the time, {PAUSE_LIMIT_MS:g} ms at most"
        yield Doubt("generator_gc", "; ".join(figures), rule, invalidates=spoilt)


def _short(inside: dict[int, pd.DataFrame]) -> Iterator[Doubt]:
    """Yield a doubt when there was no room for another connection, or no memory: what failed then was ours."""
    files, memory = [], []
    for process, rows in inside.items():
        used_ratio = float((rows["files"] / rows["files_limit"]).max())
        if used_ratio > FILES_LIMIT_RATIO:
            most = int(rows["files"].max())
            files.append(f"process {process}: {most} files open, {spelled(used_ratio, 'ratio')} of what may be")
        free_ratio = float(rows["memory_free_ratio"].min())
        if free_ratio < MEMORY_LIMIT_RATIO:
            memory.append(f"process {process}: {spelled(free_ratio, 'ratio')} of its machine's")
    if files:
        rule = f"at most {spelled(FILES_LIMIT_RATIO, 'ratio')} of the files that may be open (ulimit -n)"
        yield Doubt("generator_files", "; ".join(files), rule, invalidates=True)
    if memory:
        rule = f"at least {spelled(MEMORY_LIMIT_RATIO, 'ratio')} of the machine's memory free"
        yield Doubt("generator_memory", "; ".join(memory), rule, invalidates=True)


def _stepped(own: dict[int, pd.DataFrame]) -> Iterator[Doubt]:
    """Yield a doubt when a clock was set during the run: whatever is cut or compared by time is wrong then."""
    figures = []
    for process, rows in own.items():
        steps_ms = rows["clock_step_ms"].dropna().to_numpy(np.float64)
        worst_ms = float(steps_ms[np.abs(steps_ms).argmax()]) if len(steps_ms) else 0.0
        if not abs(worst_ms) <= STEP_LIMIT_MS:
            figures.append(f"process {process}: by {worst_ms:+,.0f} ms at once")
    if figures:
        yield Doubt("clock_stepped", "; ".join(figures), "a clock nobody sets meanwhile", invalidates=True)
