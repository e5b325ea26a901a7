"""Our load, as a run does it: steps, checks, JSON, Locust's statistics, every sample in the run log on disk."""

import math

from locust import constant, task

from locustfiles._checks import accepted
from locustfiles._routes import CRITERIA
from locustfiles._seller import Seller
from locustfiles._sending import Account

REQUESTS_A_STEP = 2
"""A pass of a shipped workflow sends a few requests in each of five steps."""


class BenchSeller(Seller):
    """Asks for the same page again and again, and holds each answer against what it must say."""

    workflow = "bench"
    steps = ("one", "two", "three", "four", "five")
    wait_time = constant(0)

    def arrive(self) -> None:
        """Bring a token, as a signed-in seller has one; the server does not look at it."""
        self.account = Account(self.load.new_wallet(), token="t" * 180, token_ends_at_s=math.inf)

    @task
    def play(self) -> None:
        """Go through all steps once."""
        self.iterate()

    def read(self, step: str) -> None:
        """Ask for the page, parse it, and look whether it is the right one."""
        for _ in range(REQUESTS_A_STEP):
            with self.step(step, "GET", CRITERIA) as answer:
                accepted(answer)

    def one(self) -> None:
        """First."""
        self.read("one")

    def two(self) -> None:
        """Second."""
        self.read("two")

    def three(self) -> None:
        """Third."""
        self.read("three")

    def four(self) -> None:
        """Fourth."""
        self.read("four")

    def five(self) -> None:
        """Last."""
        self.read("five")
