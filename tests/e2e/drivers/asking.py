"""Sellers who ask for one page again and again, with a pause or without."""

import math
import os

from locust import between, task

from locustfiles._checks import accepted
from locustfiles._routes import CRITERIA
from locustfiles._seller import Seller
from locustfiles._sending import Account

PAUSE_S = float(os.environ.get("PAUSE_S", "0"))


class AskingSeller(Seller):
    """Has a token from somewhere; the server does not look at it."""

    workflow = "asking"
    steps = ("ask",)
    wait_time = between(0.5 * PAUSE_S, 1.5 * PAUSE_S)

    def arrive(self) -> None:
        self.account = Account(self.load.new_wallet(), token="t" * 180, token_ends_at_s=math.inf)

    @task
    def play(self) -> None:
        self.iterate()

    def ask(self) -> None:
        with self.step("ask", "GET", CRITERIA) as answer:
            accepted(answer)
