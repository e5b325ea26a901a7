"""Measure one thing of one client at a time: CPU a round trip, memory a session, events to many sessions."""

import statistics
import time
from typing import Final

from bench.processes import BenchFailed, Process
from bench.ws.figures import SESSIONS, Held, Memory, Trips
from bench.ws.processes import Server, k6, ours

PAYLOAD_BYTES: Final = 200
ASKING: Final = 40
"""Sessions that ask: with a hundred turns a second, 4,000 round trips a second."""
IDLE: Final = 1_000
FEW: Final = 10
WARM_UP_S: Final = 2.0
MEASURED_S: Final = 8.0
SETTLING_S: Final = 6.0  # longer than the server's ping interval: each session has answered one
EVENTS_S: Final = 30
ARRIVAL_S: Final = 20.0  # longer than 2,000 sessions take to come
_SLOWEST_RATIO: Final = 0.9
"""A client that gets less than this of the server's rate is not measured at the rate it is meant to."""


def trips(name: str) -> Trips:
    """Return what a client's round trips cost; it asks again as soon as it is answered."""
    for_s = WARM_UP_S + MEASURED_S + 2.0
    with Server() as server, _client(name, server, ASKING, for_s, asking=True) as client:
        server.wait_until(lambda stats: stats["subscribed"] == ASKING, f"{ASKING} sessions of {name}")
        time.sleep(WARM_UP_S)
        cpu_s, before, began = client.cpu_s(), server.ask(), time.monotonic()
        time.sleep(MEASURED_S)
        used_s, after, took_s = client.cpu_s() - cpu_s, server.ask(), time.monotonic() - began
        said = client.last_word()
    acks = after["acks"] - before["acks"]
    if acks / took_s < _SLOWEST_RATIO * ASKING * 100 or after["live"] != ASKING or after["strange"]:
        raise BenchFailed(f"{name} did {acks} round trips in {took_s:.1f} s: {after}")
    return Trips(
        cpu_us=used_s / acks * 1e6,
        per_s=acks / took_s,
        server_cpu_us=(after["cpu_s"] - before["cpu_s"]) / acks * 1e6,
        p50_ms=said["p50_ms"],
        wrong=said["wrong"],
    )


def memory(name: str) -> Memory:
    """Return what a client's idle sessions keep resident."""
    return Memory(FEW, _resident_kb(name, FEW), IDLE, _resident_kb(name, IDLE))


def _resident_kb(name: str, sessions: int) -> float:
    """Return what so many idle sessions keep resident: the median of a second, once every one has been pinged."""
    with Server() as server, _client(name, server, sessions, ARRIVAL_S + SETTLING_S, asking=False) as client:
        server.wait_until(lambda stats: stats["subscribed"] == sessions, f"{sessions} sessions of {name}")
        time.sleep(SETTLING_S)
        seen_kb = []
        for _ in range(10):
            seen_kb.append(client.resident_kb())
            time.sleep(0.1)
        stats = server.ask()
        if stats["live"] != sessions or stats["pongs"] < sessions:
            raise BenchFailed(f"not every idle session of {name} is live and has answered a ping: {stats}")
    return statistics.median(seen_kb)


def held() -> Held:
    """Return how our client holds many sessions that get an event a second each."""
    with (
        Server() as server,
        ours(server, SESSIONS, ARRIVAL_S + EVENTS_S, PAYLOAD_BYTES, "--recording") as client,
    ):
        server.wait_until(lambda stats: stats["subscribed"] == SESSIONS, f"{SESSIONS} sessions")
        arrived_in_s = time.monotonic()
        cpu_s, before, began = client.cpu_s(), server.ask(f"emit?for_s={EVENTS_S}"), time.monotonic()
        time.sleep(EVENTS_S)
        used_s, took_s = client.cpu_s() - cpu_s, time.monotonic() - began
        server.wait_until(lambda stats: not stats["emitting"], "at the end of its events")
        after = server.ask()
        said = client.last_word()
    if said["ended"] or said["samples"] != said["events"]:
        raise BenchFailed(f"sessions ended or events were not recorded: {said} ({arrived_in_s=})")
    return Held(
        sessions=after["live"],
        emitted=after["emitted"],
        arrived=said["events"],
        wrong=said["wrong"],
        samples=said["samples"],
        cpu_ratio=used_s / took_s,
        server_cpu_ratio=(after["cpu_s"] - before["cpu_s"]) / took_s,
        for_s=took_s,
    )


def _client(name: str, server: Server, sessions: int, for_s: float, *, asking: bool) -> Process:
    if name == "k6":
        return k6(server, sessions, for_s, PAYLOAD_BYTES, asking=asking)
    return ours(server, sessions, for_s, PAYLOAD_BYTES, *(["--asking"] if asking else []))
