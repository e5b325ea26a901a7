"""The figures of the benchmark are those its README defines, and a target missed is said."""

from dataclasses import replace

import pytest

from bench.ws.figures import Figure, Held, Memory, Rounds, Trips, figures_of

OURS = Trips(cpu_us=40.0, per_s=4_000.0, server_cpu_us=50.0, p50_ms=10.0, wrong=0)
K6 = replace(OURS, cpu_us=100.0)
OURS_IDLE = Memory(few=10, few_kb=80_000.0, many=1_010, many_kb=92_500.0)  # 12.5 kB a session
K6_IDLE = Memory(few=10, few_kb=40_000.0, many=1_010, many_kb=140_000.0)  # 100 kB
HELD = Held(
    sessions=2_000,
    emitted=60_000,
    arrived=60_000,
    wrong=0,
    samples=60_000,
    cpu_ratio=0.2,
    server_cpu_ratio=0.1,
    for_s=30.0,
)
ROUNDS = Rounds(trips=[(OURS, K6)], memory=[(OURS_IDLE, K6_IDLE)], held=HELD)


def named(rounds: Rounds) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures_of(rounds)}


def test_figures_on_their_targets_hold() -> None:
    figures = named(ROUNDS)

    assert [figure.line for figure in list(figures.values())[-4:]] == [
        "ws_cpu_vs_k6 = 0.400",
        "ws_memory_vs_k6 = 0.125",
        "ws_sessions = 2000",
        "ws_events_lost = 0",
    ]
    assert all(figure.holds for figure in figures.values())


@pytest.mark.parametrize(
    ("rounds", "missed"),
    [
        (replace(ROUNDS, trips=[(replace(OURS, cpu_us=40.1), K6)]), "ws_cpu_vs_k6"),
        (replace(ROUNDS, memory=[(replace(OURS_IDLE, many_kb=92_600.0), K6_IDLE)]), "ws_memory_vs_k6"),
        (replace(ROUNDS, held=replace(HELD, sessions=1_999)), "ws_sessions"),
        (replace(ROUNDS, held=replace(HELD, arrived=59_999)), "ws_events_lost"),
        (replace(ROUNDS, held=replace(HELD, emitted=0, arrived=0)), "ws_events_lost"),
        (replace(ROUNDS, held=replace(HELD, emitted=59_999)), "ws_events_lost"),
        (replace(ROUNDS, held=replace(HELD, cpu_ratio=0.7)), "ws_cpu_ratio"),
        (replace(ROUNDS, held=replace(HELD, wrong=1)), "ws_wrong"),
        (replace(ROUNDS, trips=[(replace(OURS, wrong=1), K6)]), "ws_wrong"),
        (replace(ROUNDS, trips=[(OURS, replace(K6, wrong=1))]), "ws_wrong"),
    ],
    ids=[
        "more CPU than 0.4",
        "more memory than an eighth",
        "a session gone",
        "an event lost",
        "no event at all",
        "more events than emitted",
        "70 % of a core",
        "a wrong event",
        "a wrong answer of ours",
        "a wrong answer of k6",
    ],
)
def test_target_missed_is_said_of_that_figure_alone(rounds: Rounds, missed: str) -> None:
    assert [figure.name for figure in figures_of(rounds) if not figure.holds] == [missed]


def test_ratio_is_the_median_of_pairs_not_the_ratio_of_medians() -> None:
    pairs = [(10.0, 100.0), (50.0, 200.0), (60.0, 50.0)]  # 0.1, 0.25, 1.2
    rounds = replace(ROUNDS, trips=[(replace(OURS, cpu_us=a), replace(K6, cpu_us=b)) for a, b in pairs])

    assert named(rounds)["ws_cpu_vs_k6"].value == 0.25  # of the medians, 50 and 100, it would be 0.5
