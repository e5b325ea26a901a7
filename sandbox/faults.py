"""Read ``--fault`` texts and refuse those the sandbox cannot commit."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sandbox.amounts import ALWAYS, BadAmountError, Window, duration_s, ratio, window
from sandbox.steps import STEPS

DEFAULT_THROTTLE_RATIO = 0.5
COMPONENTS = ("database", "cache", "websocket", "seller_api", "image_upload", "notifications")
EVENT_FAULTS = ("lose_events", "duplicate_events", "reorder_events")
"""Of these at most one strikes an event."""
_DROPPED_AT_MOST = 10_000


class BadFaultError(ValueError):
    """A fault that cannot be read; the text is the one line shown to whoever typed it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour; what a kind does not use is None.

    ``ratio`` is 0..1 of requests or events (memory_growth: of the machine's memory, each minute), ``duration_s`` how
    long an answer or event is late, the server stands still, reads lag or the clock is ahead (below 0: behind),
    ``at_s`` when a single event happens, ``sessions`` how many are cut off.
    """

    name: str
    window: Window = ALWAYS
    ratio: float | None = None
    duration_s: float | None = None
    at_s: float | None = None
    step: str | None = None
    component: str | None = None
    sessions: int | None = None


def _slow_step(value: str, when: Window) -> Fault:
    step, _, delay = value.partition(":+")
    if not delay:
        raise BadAmountError("no delay")
    if step not in STEPS:
        raise BadAmountError(f"{step!r} is not one of the forty steps")
    return Fault("slow_step", when, step=step, duration_s=duration_s(delay))


def _percentage(name: str) -> Callable[[str, Window], Fault]:
    return lambda value, when: Fault(name, when, ratio=ratio(value))


def _switch(name: str) -> Callable[[str, Window], Fault]:
    def read(value: str, when: Window) -> Fault:
        if value:
            raise BadAmountError("takes no value")
        return Fault(name, when)

    return read


def _throttle(value: str, when: Window) -> Fault:
    return Fault("throttle", when, ratio=ratio(value) if value else DEFAULT_THROTTLE_RATIO)


def _lateness(name: str) -> Callable[[str, Window], Fault]:
    return lambda value, when: Fault(name, when, duration_s=duration_s(value))


def _drop_sockets(value: str, when: Window) -> Fault:
    if not (value.isascii() and value.isdecimal() and 0 < int(value) <= _DROPPED_AT_MOST):
        raise BadAmountError(f"{value!r} is not a number of sessions from 1 to {_DROPPED_AT_MOST}")
    return Fault("drop_sockets", when, sessions=int(value))


def _memory_growth(value: str, when: Window) -> Fault:
    percent, slash, minute = value.partition("/")
    if (slash, minute) != ("/", "min"):
        raise BadAmountError("not a growth a minute")
    return Fault("memory_growth", when, ratio=ratio(percent))


def _health(value: str, when: Window) -> Fault:
    component, _, state = value.partition(":")
    if component not in COMPONENTS or state != "down":
        raise BadAmountError(f"{value!r} is not a component and a state")
    return Fault("health", when, component=component)


def _clock(value: str, when: Window) -> Fault:
    sign = {"+": 1, "-": -1}.get(value[:1])
    if sign is None:
        raise BadAmountError("needs a sign")
    return Fault("clock", when, duration_s=sign * duration_s(value[1:]))


def _standstill(name: str) -> Callable[[str, str], Fault]:
    return lambda value, at: Fault(name, duration_s=duration_s(value), at_s=duration_s(at))


def _die(value: str, at: str) -> Fault:
    if value:
        raise BadAmountError("takes no value")
    return Fault("die", at_s=duration_s(at))


# How each kind is written, and what reads its value. One-shot kinds need their moment (@20s), the others take a window.
_LASTING: dict[str, tuple[str, Callable[[str, Window], Fault]]] = {
    "slow_step": ("slow_step=workflow.step:+3000ms[@30-60s]", _slow_step),
    "error_rate": ("error_rate=10%[@30-60s]", _percentage("error_rate")),
    "clock": ("clock=+10s or clock=-10s[@30-60s]", _clock),
    "cache_off": ("cache_off[@30-60s]", _switch("cache_off")),
    "lying_cache": ("lying_cache[@30-60s]", _switch("lying_cache")),
    "stale_reads": ("stale_reads=10s[@30-60s]", _lateness("stale_reads")),
    "wrong_body": ("wrong_body=2%[@30-60s]", _percentage("wrong_body")),
    "no_envelope": ("no_envelope=5%[@30-60s]", _percentage("no_envelope")),
    "throttle": ("throttle[=50%][@30-60s]", _throttle),
    "memory_growth": ("memory_growth=1%/min[@30-60s]", _memory_growth),
    "lose_events": ("lose_events=2%[@30-60s]", _percentage("lose_events")),
    "duplicate_events": ("duplicate_events=1%[@30-60s]", _percentage("duplicate_events")),
    "reorder_events": ("reorder_events=1%[@30-60s]", _percentage("reorder_events")),
    "delay_events": ("delay_events=500ms[@30-60s]", _lateness("delay_events")),
    "drop_sockets": ("drop_sockets=10[@30-60s]", _drop_sockets),
    "refuse_sockets": ("refuse_sockets[@30-60s]", _switch("refuse_sockets")),
    "health": (f"health=<{'|'.join(COMPONENTS)}>:down[@30-60s]", _health),
}
_ONE_SHOT: dict[str, tuple[str, Callable[[str, str], Fault]]] = {
    "stall": ("stall=2s@20s", _standstill("stall")),
    "freeze": ("freeze=5s@20s", _standstill("freeze")),
    "die": ("die@30s", _die),
}


def has_wrong_clock(faults: Iterable[Fault]) -> bool:
    """Say whether the clock is wrong at some time of this run."""
    return any(fault.name == "clock" for fault in faults)


def parse_fault(text: str) -> Fault:
    """Read one ``--fault``; raises BadFaultError with the line to show."""
    setting, at_sign, when = text.partition("@")
    name, _, value = setting.partition("=")
    if name not in _LASTING and name not in _ONE_SHOT:
        known = " ".join(sorted([*_LASTING, *_ONE_SHOT]))
        raise BadFaultError(f"--fault '{text}': unknown fault; accepted: {known}")
    try:
        if name in _ONE_SHOT:
            accepted, read_event = _ONE_SHOT[name]
            return read_event(value, when)
        accepted, read_lasting = _LASTING[name]
        return read_lasting(value, window(when) if at_sign else ALWAYS)
    except BadAmountError as error:
        raise BadFaultError(f"--fault '{text}': {error}; accepted: {accepted}") from error
