"""Hold Socket.IO sessions with our client: one greenlet is one seller, every answer and event is checked.

Round trips are only timed, as k6 does them; events become samples in a run log, as in a run.

Started by the driver as `python -m gevent.monkey --module bench.ws.sellers …`: patched before anything else, as under
Locust. It prints one line of JSON and ends by itself.
"""

import argparse
import json
import ssl
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from locustfiles._connections import Way
from locustfiles._recording import Recorder
from locustfiles._socketio import Arrived, Ended, SocketFailed, SocketIO
from runlog.schema import Kind, Outcome, Sample

TIMEOUT_S: Final = 20.0
NUMBER_BYTES: Final = 10
"""At the start of each payload, so that no answer fits another question."""
CONNECTING_AT_ONCE: Final = 50
"""Sellers arrive by and by; a listen queue is no place to wait in."""


class Seller:
    """One seller and what it saw: answers, and events by their number."""

    def __init__(self, url: str, way: Way, number: int, recorder: Recorder | None) -> None:
        self.answered_ms: list[float] = []
        self.wrong = 0
        self.events = 0
        self.ended: str | None = None
        self._number = number
        self._wallet = f"0x{number:040x}"
        self._recorder = recorder
        self._authenticated = Event()
        self._subscribed = Event()
        self._socket = SocketIO(url, way, on_event=self._arrived, on_end=self._over, timeout_s=TIMEOUT_S)

    def sign_in(self) -> None:
        """Open the session, authenticate and subscribe, as a seller of the load does; SocketFailed when refused."""
        self._socket.open()
        self._socket.emit("authenticate", {"walletAddress": self._wallet, "reconnecting": False})
        if self._authenticated.wait(TIMEOUT_S):
            self._socket.emit("subscribe", {"type": "user", "target": self._wallet})
        if not self._subscribed.wait(TIMEOUT_S):
            self.wrong += 1

    def ask(self, filler: str, until: float) -> None:
        """Have payloads echoed one after the other, and hold each answer against what was sent; SocketFailed."""
        number, call, clock, times_ms = 0, self._socket.call, time.perf_counter, self.answered_ms
        began = clock()
        while began < until:
            number += 1
            payload = f"{number:0{NUMBER_BYTES}}{filler}"
            right = call("echo", payload) == [payload]
            ended = clock()
            if right:
                times_ms.append((ended - began) * 1000)
            else:
                self.wrong += 1
            began = ended

    def leave(self) -> None:
        """Close the session."""
        self._socket.close()

    def _arrived(self, arrived: Arrived) -> None:
        if arrived.event == "notification":
            self._count(arrived)
        elif arrived.event == "authenticated":
            self._authenticated.set()
        elif arrived.event == "subscribed":
            self._subscribed.set()
        elif arrived.event != "server_info":
            self.wrong += 1

    def _count(self, arrived: Arrived) -> None:
        """Hold an event against the one that had to be next: a gap, a repetition or another seller's is wrong."""
        event = arrived.args[0]
        self.events += 1
        right = event["seq"] == self.events and event["eventId"] == f"{self._wallet}-{self.events}"
        self.wrong += not right
        self._record(arrived, _age_ms(event["timestamp"], arrived.at_s), right=right)

    def _over(self, ended: Ended) -> None:
        if ended.by != "us":
            self.ended = f"{ended.by}: {ended.why}"

    def _record(self, arrived: Arrived, age_ms: float, *, right: bool) -> None:
        if self._recorder is None:
            return
        self._recorder.add(
            Sample(
                kind=Kind.PUSH,
                sent_at_s=arrived.at_s - age_ms / 1000,
                intended_at_s=None,
                workflow="dashboard",
                step=None,
                seller=self._number,
                iteration=0,
                process=0,
                method=None,
                route=arrived.event,
                status=None,
                outcome=Outcome.OK if right else Outcome.CHECK_FAILED,
                response_time_ms=age_ms,
                connect_ms=None,
                wait_ms=None,
                handshake_ms=None,
                request_bytes=None,
                response_bytes=arrived.bytes,
                cache=None,
                error=None,
            )
        )


def _age_ms(stamp: str, at_s: float) -> float:
    """Return how long before `at_s` an event of today was stamped; the clock is one, so nothing is younger than now."""
    hours, minutes, seconds = stamp[11:-1].split(":")
    of_day_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return max(0.0, (at_s - of_day_s) % 86_400 * 1000)


def _hold(seller: Seller, door: BoundedSemaphore, meanwhile: Callable[[Seller], None]) -> None:
    """Be one seller, from signing in to leaving."""
    try:
        with door:
            seller.sign_in()
        meanwhile(seller)
    except SocketFailed as failed:
        seller.ended = f"{failed.outcome}: {failed.text}"
    seller.leave()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--sessions", type=int, required=True)
    parser.add_argument("--for-s", type=float, required=True)
    parser.add_argument("--asking", action="store_true", help="otherwise the sessions are idle but for events")
    parser.add_argument("--payload-bytes", type=int, required=True)
    parser.add_argument("--recording", action="store_true", help="keep a run log, as a run does")
    return parser.parse_args()


def _hold_all(asked: argparse.Namespace, recorder: Recorder | None) -> list[Seller]:
    """Hold all sessions until the time is over."""
    way = Way(timeout_s=TIMEOUT_S, keep_alive_s=TIMEOUT_S, source=None, proxy=None, tls=ssl.create_default_context())
    door, until = BoundedSemaphore(CONNECTING_AT_ONCE), time.perf_counter() + asked.for_s
    filler = "x" * (asked.payload_bytes - NUMBER_BYTES)

    def meanwhile(seller: Seller) -> None:
        if asked.asking:
            seller.ask(filler, until)
        gevent.sleep(max(0.0, until - time.perf_counter()))

    sellers = [Seller(asked.url, way, number, recorder) for number in range(1, asked.sessions + 1)]
    gevent.joinall([gevent.spawn(_hold, seller, door, meanwhile) for seller in sellers], raise_error=True)
    return sellers


def main() -> None:
    """Hold the sessions for the given time and say what became of them."""
    asked, samples = _arguments(), 0
    if asked.recording:
        with tempfile.TemporaryDirectory() as place:
            recorder = Recorder(Path(place), 0, lambda: asked.sessions)
            sellers = _hold_all(asked, recorder)
            samples = recorder.close().written
    else:
        sellers = _hold_all(asked, None)
    answered_ms = [took_ms for seller in sellers for took_ms in seller.answered_ms]
    summary = {
        "answered": len(answered_ms),
        "wrong": sum(seller.wrong for seller in sellers),
        "p50_ms": statistics.median(answered_ms) if answered_ms else None,
        "events": sum(seller.events for seller in sellers),
        "samples": samples,
        "ended": sorted({seller.ended for seller in sellers if seller.ended is not None}),
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
