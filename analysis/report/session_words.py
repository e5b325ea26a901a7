"""Say in words what became of a run's real-time sessions."""

from analysis.report import wording
from analysis.verdict import Realtime


def line(realtime: Realtime) -> str:
    """Return sessions and events in a sentence."""
    pushes = realtime.pushes
    events = (
        f"{wording.several(pushes.expected, 'event', 'events')}: {wording.count(pushes.lost)} lost, "
        f"{wording.count(pushes.duplicated)} twice, {wording.count(pushes.out_of_order)} out of order; "
        f"p50 {wording.number(pushes.p50_ms)}, p95 {wording.number(pushes.p95_ms)} ms"
    )
    return f"{_sessions(realtime)}; {events}"


def _sessions(realtime: Realtime) -> str:
    failed = f", {wording.count(realtime.failed)} not begun" if realtime.failed else ""
    begun = wording.several(realtime.sessions, "session", "sessions")
    return f"{begun}, {wording.count(realtime.live_max)} at once, {wording.count(realtime.dropped)} dropped{failed}"


def notes(realtime: Realtime) -> tuple[str, ...]:
    """Return what else is to be said: lives, returns, and the words of what went wrong."""
    said = [f"{_sessions(realtime)}; half of them lived {wording.number(realtime.lifetime_p50_s)} s or longer."]
    if realtime.reconnects:
        said.append(
            f"{wording.several(realtime.reconnects, 'session', 'sessions')} came back after a loss: "
            f"p50 {wording.number(realtime.reconnect_p50_ms)}, at most {wording.number(realtime.reconnect_max_ms)} ms."
        )
    if realtime.unasked:
        several = wording.several(realtime.unasked, "event", "events")
        said.append(f"{several} came that nobody was owed: they stand for none that was, and are in no latency.")
    said += [f"Dropped, {wording.count(words.count)} times: {words.text}" for words in realtime.dropped_why]
    said += [f"Not begun, {wording.count(words.count)} times: {words.text}" for words in realtime.failed_why]
    return tuple(said)
