"""Say in words how the load was made, and what became of its arrivals."""

from analysis.figures import schedule_words
from analysis.report import wording
from analysis.verdict import ArrivalsResult
from runlog.run import Run


def model(run: Run) -> str:
    """Return the load model with its schedule and how many sellers there were, or could be, at a time."""
    profile = run.load_profile
    sellers = None if profile.sellers is None else wording.several(profile.sellers, "seller", "sellers")
    pace = "" if profile.spawn_per_s is None else f", {wording.number(profile.spawn_per_s)} more a second"
    if run.arrivals is None:
        return run.load_model + ("" if sellers is None else f", {sellers}") + pace
    cap = "" if sellers is None else f"; at most {sellers} at a time"
    return f"{run.load_model}, {schedule_words(run.arrivals)}; dropped after {run.arrivals.drop_after_s:g} s{cap}{pace}"


def line(result: ArrivalsResult) -> str:
    """Return in a line what became of the arrivals, and what counting from sending hides."""
    intended, gap = wording.number(result.intended.p95_ms), wording.number(result.gap.p95_ms)
    return f"{counts(result)}; intended p95 {intended}, gap {gap} ms"


def counts(result: ArrivalsResult) -> str:
    """Return offered, achieved and dropped."""
    offered, achieved, dropped = map(wording.count, (result.offered, result.achieved, result.dropped))
    return f"{offered} offered, {achieved} achieved, {dropped} dropped"


def note(result: ArrivalsResult) -> str:
    """Return what the table of latencies means."""
    share = "" if result.achieved_ratio is None else f" ({wording.quantity(result.achieved_ratio, 'ratio')} achieved)"
    requests = wording.several(result.samples, "request", "requests")
    return (
        f"Arrivals: {counts(result)}{share}. Latencies are of {requests} of the steady window. A pass that began late "
        "takes its lateness along to each of its requests; the gap is what counting from sending leaves out "
        "(coordinated omission)."
    )
