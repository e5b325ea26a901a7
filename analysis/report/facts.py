"""Tell in words what was run: target, load, times, window, generator."""

from typing import Final

from analysis.report import load_words, wording
from analysis.report.page import Fact
from analysis.verdict import Verdict, Window
from runlog.run import EndedBy, GeneratorInfo, Run, TargetInfo

_ENDINGS: Final = {
    EndedBy.TIME: "its planned time was over",
    EndedBy.HAND: "by hand",
    EndedBy.SIGNAL: "a signal, before its planned time",
    EndedBy.FUSE: "the fuse: the target was dying",
    EndedBy.HARNESS: "the harness",
}


def of_run(verdict: Verdict) -> tuple[Fact, ...]:
    """Return what was run, against what, and how it went."""
    run = verdict.run
    return (
        Fact("Run", run.id),
        Fact("Target", f"{run.target.name}, {run.target.url}"),
        *_sent_from(run.target),
        Fact("Revision", run.revision or wording.MISSING),
        Fact("Load profile", run.load_profile.name or "none, plain locust"),
        Fact("Load model", load_words.model(run)),
        Fact("Stage", run.stage or wording.MISSING),
        Fact("Started", wording.moment(run.started_at_s)),
        Fact("Ended", _ending(run)),
        Fact("Duration", _duration(run)),
        Fact("Steady window", _window(verdict.window)),
        *_met_before_the_server(verdict),
    )


def _sent_from(target: TargetInfo) -> list[Fact]:
    """Return what a limiter saw and what was done about it; nothing where the target file says nothing."""
    told = []
    if target.client_addresses or target.forwarded_for:
        words = list(target.client_addresses)
        words += ["one X-Forwarded-For a seller"] if target.forwarded_for else []
        told.append(Fact("Client addresses", ", ".join(words)))
    if target.rate_limits:
        told.append(Fact("Kept to limits of", ", ".join(target.rate_limits)))
    return told


def _met_before_the_server(verdict: Verdict) -> list[Fact]:
    """Return what stood between the generator and the target, where it is known."""
    told = []
    if verdict.paced_s is not None:
        told.append(Fact("Waited for rate limits", f"{wording.duration(verdict.paced_s)}, all sellers added up"))
    if verdict.clock_offset_s is not None:
        low, high = map(wording.number, verdict.clock_offset_s)
        told.append(Fact("Target's clock", f"between {low} s and {high} s ahead of ours"))
    return told


def _ending(run: Run) -> str:
    if run.ended_at_s is None:
        return "not known: the run did not say"
    words = [
        wording.moment(run.ended_at_s),
        *([_ENDINGS[run.ended_by]] if run.ended_by is not None else []),
        *([run.end_reason] if run.end_reason is not None else []),
    ]
    return "; ".join(words)


def _duration(run: Run) -> str:
    took = "not known" if run.ended_at_s is None else wording.duration(run.ended_at_s - run.started_at_s)
    planned_s = run.load_profile.duration_s
    return f"{took}, no time planned" if planned_s is None else f"{took} of {wording.duration(planned_s)} planned"


def _window(window: Window | None) -> str:
    if window is None:
        return "none"
    return f"{wording.number(window.start_s)} s to {wording.number(window.end_s)} s; {window.rule}"


def of_generator(run: Run) -> tuple[Fact, ...]:
    """Return what produced the load, so that it can be produced again."""
    generator = run.generator
    return (
        Fact("sellergate", generator.sellergate),
        Fact("Locust", generator.locust),
        Fact("Python", generator.python),
        Fact("Generator", _generator(generator)),
        Fact("Seed", str(run.seed)),
        Fact("Run format", str(run.format)),
    )


def _generator(generator: GeneratorInfo) -> str:
    processes = wording.several(len(generator.processes), "process", "processes")
    return processes if generator.cpu_count is None else f"{processes}, {generator.cpu_count} cores"
