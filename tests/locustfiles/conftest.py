"""Let timers of gevent count from now in tests that run in this process."""

import gevent
import pytest


@pytest.fixture(autouse=True)
def _loop_knows_the_time() -> None:
    """Wind the loop's clock: it stood still while other tests ran, and a timer of ten seconds would be over at once."""
    gevent.get_hub().loop.update_now()
