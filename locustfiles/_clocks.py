"""Ask every worker for its time whenever it reports, so that its samples can be put on the master's clock."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from runlog.clocks import ClockEstimate, Exchange
from runlog.run import WorkerClock

_ASK: Final = "sellergate_clock"
_TELL: Final = "sellergate_time"


class Clocks:
    """The master's side."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._estimates: defaultdict[int, ClockEstimate] = defaultdict(ClockEstimate)
        runner.environment.events.worker_report.add_listener(self._ask)
        runner.register_message(_TELL, self._on_time)

    def forget(self) -> None:
        """Begin anew: another run, another time of day."""
        self._estimates.clear()

    def measured(self) -> tuple[WorkerClock, ...]:
        """Return what is known of each worker that answered."""
        found = (estimate.clock(process) for process, estimate in sorted(self._estimates.items()))
        return tuple(clock for clock in found if clock is not None)

    def _ask(self, client_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002  # Locust names them
        if client_id in self._runner.worker_indexes:
            self._runner.send_message(_ASK, {"asked_s": time.time()}, client_id=client_id)

    def _on_time(self, environment: Any, msg: Any, **_kwargs: Any) -> None:  # noqa: ARG002  # Locust names them
        exchange = Exchange(msg.data["asked_s"], msg.data["answered_s"], time.time())
        self._estimates[self._runner.get_worker_index(msg.node_id)].add(exchange)


def serve_clock(runner: Any, now: Callable[[], float] = time.time) -> None:
    """Tell the master what time it is in this worker."""

    def tell(environment: Any, msg: Any, **_kwargs: Any) -> None:  # noqa: ARG001  # Locust names them
        runner.send_message(_TELL, {**msg.data, "answered_s": now()})

    runner.register_message(_ASK, tell)
