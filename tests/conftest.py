"""Keep what tests do out of the state of whoever runs them."""

import signal
from hashlib import sha256

import pytest

# a shell that starts the tests in the background has them, and whatever they start, ignore Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _leases_of_this_test(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Give every test, and the processes it starts, leases of its own: one of a killed run would hold up the next."""
    name = sha256(request.node.nodeid.encode()).hexdigest()[:16]
    monkeypatch.setenv("SELLERGATE_LEASES", str(tmp_path_factory.getbasetemp() / "leases" / name))
