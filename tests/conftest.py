"""Keep what tests do out of the state of whoever runs them."""

import pytest


@pytest.fixture(autouse=True)
def _leases_of_this_test(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give every test, and the processes it starts, leases of its own: one of a killed run would hold up the next."""
    monkeypatch.setenv("SELLERGATE_LEASES", str(tmp_path_factory.mktemp("leases")))
