"""Sellers whose every step meets another kind of answer; loaded by Locust in a process of its own."""

import os
from typing import ClassVar

import gevent
from locust import constant, task
from locust.exception import StopUser

from locustfiles._checks import accepted, expect, refused, same_wallet
from locustfiles._routes import CATEGORIES, CRITERIA, SELLER, SELLER_LISTINGS
from locustfiles._seller import Seller
from locustfiles._sending import Account

REFUSED = f"http://127.0.0.1:{os.environ['REFUSED_PORT']}"
HANGING = f"http://127.0.0.1:{os.environ['HANGING_PORT']}"


class Scripted(Seller):
    """Comes without signing in, walks through its steps once; the last one ends the run."""

    workflow = "scripted"
    steps = ("get",)
    wait_time = constant(0)
    fixed_count = 1
    still_walking: ClassVar[set[str]] = set()

    def arrive(self) -> None:
        self.account = Account(self.load.new_wallet())
        self.still_walking.add(type(self).__name__)

    @task
    def play(self) -> None:
        try:
            self.iterate()
        finally:
            self.still_walking.discard(type(self).__name__)
            if not self.still_walking:
                gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)

    def get(self, step: str = "get") -> None:
        with self.step(step, "GET", CRITERIA) as answer:
            accepted(answer)


Scripted.abstract = True  # a Seller subclass is a user class unless told otherwise


def _get(name: str) -> object:
    return lambda seller: seller.get(name)


class AnsweredSeller(Scripted):
    """Gets an answer of some kind, or none, to every request."""

    workflow = "answered"
    PLAIN = (
        "ok",
        "error",
        "success_false",
        "not_json",
        "not_success",
        "redirect",
        "redirect_away",
        "large",
        "after_large",
        "bomb",
        "after_bomb",
        "cookie",
        "throttled_once",
        "throttled",
        "timeout",
        "after_timeout",
        "body_timeout",
        "after_body_timeout",
        "trickle",
        "after_trickle",
        "closed",
        "half_head",
        "half_body",
        "after_half_body",
        "garbage",
        "after_garbage",
        "short_length",
        "after_short_length",
        "unknown_coding",
        "after_unknown_coding",
        "bad_coding",
        "after_bad_coding",
    )
    steps = (
        *PLAIN,
        "unchecked_error",
        "posted_then_closed",
        "wanted_refusal",
        "wrong_body",
        "cached",
        "unique",
        "refused",
    )
    locals().update({name: _get(name) for name in PLAIN})

    def unchecked_error(self) -> None:
        with self.step("unchecked_error", "GET", CRITERIA):
            pass

    def posted_then_closed(self) -> None:
        with self.step("posted_then_closed", "POST", SELLER_LISTINGS, json=self.texts.listing(self.w)) as answer:
            expect(answer, 201)

    def wanted_refusal(self) -> None:
        with self.step("wanted_refusal", "POST", SELLER_LISTINGS, json={}) as answer:
            refused(answer, 403, "TIER_LIMIT_EXCEEDED")

    def wrong_body(self) -> None:
        with self.step("wrong_body", "GET", SELLER, w=self.w) as answer:
            same_wallet(expect(answer), "walletAddress", self.w)

    def cached(self) -> None:
        self.get("cached")

    def unique(self) -> None:
        for _ in range(2):
            with self.step("unique", "GET", CATEGORIES, unique=True, query="page=1") as answer:
                accepted(answer)

    def refused(self) -> None:
        self.client.base_url = self.host = REFUSED
        self.get("refused")


class BuggySeller(Scripted):
    """Throws while it holds a good answer."""

    workflow = "buggy"
    steps = ("bug", "never_reached")

    def bug(self) -> None:
        with self.step("bug", "GET", CRITERIA) as answer:
            accepted(answer)
            {}["order 55"]

    def never_reached(self) -> None:
        self.get("never_reached")


class StrayingSeller(Scripted):
    """Wants to send what is on no list."""

    workflow = "straying"
    steps = ("stray",)

    def stray(self) -> None:
        with self.step("stray", "GET", "/api/orders/1"):
            pass


class MistakenSeller(Scripted):
    """Names a step it does not have."""

    workflow = "mistaken"
    steps = ("mistake",)

    def mistake(self) -> None:
        self.get("another_step")


class InjectedSeller(Scripted):
    """Was given an id that is a path."""

    workflow = "injected"
    steps = ("inject",)

    def inject(self) -> None:
        with self.step("inject", "GET", SELLER, w="../orders/1"):
            pass


class AroundSeller(Scripted):
    """Sends around `step`."""

    workflow = "around"
    steps = ("around",)

    def around(self) -> None:
        self.client.get("/api/around")
        self.get("around")


class StoppedSeller(Scripted):
    """Is stopped by a listener of somebody's, while that is told of an answer."""

    workflow = "stopped"
    steps = ("told",)

    def on_start(self) -> None:
        super().on_start()
        self.environment.events.request.add_listener(self.stop_at)

    def stop_at(self, url: str, response: object, **_kwargs: object) -> None:
        if url.endswith("?told"):
            assert response.status_code == 200  # type: ignore[attr-defined]  # of either transport
            raise StopUser

    def told(self) -> None:
        with self.step("told", "GET", CRITERIA, query="told") as answer:
            accepted(answer)


class StalledSeller(Scripted):
    """Waits for an answer when the run stops."""

    workflow = "stalled"
    steps = ("stall",)

    def stall(self) -> None:
        self.get("stall")


class ConnectingSeller(Scripted):
    """Waits for a connection when the run stops."""

    workflow = "connecting"
    steps = ("connect",)

    def connect(self) -> None:
        self.client.base_url = self.host = HANGING
        self.get("connect")


class ThinkingSeller(Scripted):
    """Waits out a back-off when the run stops."""

    workflow = "thinking"
    steps = ("think_long",)

    def think_long(self) -> None:
        self.get("think_long")
