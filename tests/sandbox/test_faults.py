"""Read every fault the design names, and refuse what is not one."""

import pytest

from sandbox.amounts import ALWAYS, Window
from sandbox.faults import BadFaultError, Fault, parse_fault

WINDOW = Window(30, 60)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "slow_step=dashboard.analytics_display:+3000ms",
            Fault("slow_step", step="dashboard.analytics_display", duration_s=3),
        ),
        ("slow_step=store.store_page:+1s@30-60s", Fault("slow_step", WINDOW, step="store.store_page", duration_s=1)),
        ("error_rate=10%", Fault("error_rate", ratio=0.1)),
        ("error_rate=0.5%@30s-1min", Fault("error_rate", WINDOW, ratio=0.005)),
        ("error_rate=100%", Fault("error_rate", ratio=1)),
        ("stall=2s@20s", Fault("stall", duration_s=2, at_s=20)),
        ("cache_off", Fault("cache_off")),
        ("cache_off@30-60s", Fault("cache_off", WINDOW)),
        ("lying_cache", Fault("lying_cache")),
        ("stale_reads=10s", Fault("stale_reads", duration_s=10)),
        ("wrong_body=2%", Fault("wrong_body", ratio=0.02)),
        ("no_envelope=5%", Fault("no_envelope", ratio=0.05)),
        ("throttle", Fault("throttle", ratio=0.5)),
        ("throttle=30%", Fault("throttle", ratio=0.3)),
        ("throttle@30-60s", Fault("throttle", WINDOW, ratio=0.5)),
        ("memory_growth=1%/min", Fault("memory_growth", ratio=0.01)),
        ("health=database:down", Fault("health", component="database")),
        ("health=image_upload:down@30-60s", Fault("health", WINDOW, component="image_upload")),
        ("clock=+10s", Fault("clock", duration_s=10)),
        ("clock=-500ms@30-60s", Fault("clock", WINDOW, duration_s=-0.5)),
        ("die@30s", Fault("die", at_s=30)),
        ("lose_events=2%", Fault("lose_events", ratio=0.02)),
        ("duplicate_events=1%@30-60s", Fault("duplicate_events", WINDOW, ratio=0.01)),
        ("reorder_events=1%", Fault("reorder_events", ratio=0.01)),
        ("delay_events=500ms", Fault("delay_events", duration_s=0.5)),
        ("drop_sockets=10", Fault("drop_sockets", sessions=10)),
        ("drop_sockets=10000@30-60s", Fault("drop_sockets", WINDOW, sessions=10_000)),
        ("refuse_sockets@30-60s", Fault("refuse_sockets", WINDOW)),
        ("freeze=5s@20s", Fault("freeze", duration_s=5, at_s=20)),
        ("freeze=500ms@1min", Fault("freeze", duration_s=0.5, at_s=60)),
    ],
)
def test_fault_is_read(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "unknown fault"),
        ("slow", "unknown fault; accepted: cache_off clock delay_events die drop_sockets"),
        ("error_rate", "'' is not a percentage"),
        ("error_rate=0%", "above 0% up to 100%"),
        ("error_rate=100.1%", "above 0% up to 100%"),
        ("error_rate=-1%", "not a percentage"),
        ("error_rate=10", "not a percentage"),
        ("error_rate=10%@30s", "'30s' is not a window; accepted: 30-60s"),
        ("error_rate=10%@60-30s", "ends before it starts"),
        ("error_rate=10%@30-30s", "ends before it starts"),
        ("error_rate=10%@", "'' is not a window"),
        ("slow_step=dashboard.nonsense:+3s", "'dashboard.nonsense' is not one of the forty steps"),
        ("slow_step=dashboard.analytics_display", "slow_step=workflow.step:+3000ms"),
        ("slow_step=dashboard.analytics_display:3000ms", "no delay"),
        ("slow_step=dashboard.analytics_display:+0ms", "not a duration"),
        ("stall=2s", "'' is not a duration"),
        ("stall=2s@20-30s", "not a duration"),
        ("cache_off=yes", "takes no value"),
        ("stale_reads=10", "not a duration"),
        ("memory_growth=1%", "memory_growth=1%/min"),
        ("memory_growth=1%/s", "memory_growth=1%/min"),
        ("health=database", "health=<database|cache|websocket|seller_api|image_upload|notifications>:down"),
        ("health=disk:down", "'disk:down' is not a component and a state"),
        ("health=cache:up", "not a component and a state"),
        ("clock=10s", "needs a sign; accepted: clock=+10s or clock=-10s[@30-60s]"),
        ("clock=+0s", "not a duration"),
        ("clock=", "needs a sign"),
        ("die", "'' is not a duration"),
        ("die=now@3s", "takes no value"),
        ("freeze@20s", "not a duration"),
        ("lose_events", "'' is not a percentage"),
        ("delay_events=2%", "'2%' is not a duration"),
        ("drop_sockets", "'' is not a number of sessions from 1 to 10000; accepted: drop_sockets=10[@30-60s]"),
        ("drop_sockets=0", "'0' is not a number of sessions"),
        ("drop_sockets=10001", "is not a number of sessions"),
        ("drop_sockets=²", "is not a number of sessions"),
        ("refuse_sockets=all", "takes no value"),
    ],
)
def test_malformed_fault_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(BadFaultError) as caught:
        parse_fault(text)
    line = str(caught.value)
    assert line.startswith(f"--fault '{text}': ")
    assert says in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("at_s", "inside"),
    [(29.999, False), (30, True), (59.999, True), (60, False)],
    ids=["before", "start", "last", "end"],
)
def test_window_holds_its_start_and_not_its_end(at_s: float, *, inside: bool) -> None:
    assert WINDOW.holds(at_s) is inside
    assert ALWAYS.holds(at_s)
