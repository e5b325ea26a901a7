"""What all sellers of a process share: who they say they are, where they come from, which limits they keep to."""

import base64
import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locustfiles._arrivals import Arrivals
from locustfiles._headers import forwarded_address, own_headers
from locustfiles._load import Load, processes_of
from locustfiles._quiet_logs import QuietRecord
from locustfiles._recording import Recorder
from runlog.redaction import hide
from runlog.run import Arrived
from settings.limits import RateLimit
from settings.target import Target, load_target

LIMIT = RateLimit("create", 10, 60.0, (("POST", "/x"),))


@pytest.fixture
def target() -> Target:
    return load_target("sandbox", environ={})


@pytest.fixture(autouse=True)
def own_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the process's log records as they were."""
    monkeypatch.setattr(logging, "setLogRecordFactory", lambda _factory: None)


def load(target: Target, *, process: int = 0, arrivals: Arrivals | None = None) -> Load:
    recorder = cast("Recorder", SimpleNamespace(process=process, problems=[], paced_s=None))
    return Load(target=target, run_id="r-1", seed=1, think_ratio=1.0, recorder=recorder, arrivals=arrivals)


def options(**changes: Any) -> SimpleNamespace:
    given_ = {"pool": "pool", "allow_throttling": False, "processes": None, "expect_workers": 1}
    return SimpleNamespace(**{**given_, **changes})


# -- who they say they are ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "end"), [(None, "(load test; run r-1)"), ("qa@x.test", "(load test; run r-1; contact qa@x.test)")]
)
def test_user_agent_says_what_this_is_and_whom_to_ask(contact: str | None, end: str, target: Target) -> None:
    agent = own_headers(replace(target, contact=contact), "r-1")["User-Agent"]
    assert agent.startswith("sellergate/")
    assert agent.endswith(f" {end}")


def test_basic_credentials_travel_under_the_name_the_target_gives(target: Target) -> None:
    named = own_headers(replace(target, basic_auth=("ann", "p:w"), basic_auth_header="X-Gate"), "r-1")
    assert base64.b64decode(named["X-Gate"].removeprefix("Basic ")) == b"ann:p:w"
    assert "Authorization" not in named


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_there_is_one_authorization_that_a_token_can_replace(name: str, target: Target) -> None:
    assert own_headers(replace(target, headers={name: "x"}), "r-1")["Authorization"] == "x"
    basic = replace(target, basic_auth=("ann", "pw"), basic_auth_header=name)
    assert [each for each in own_headers(basic, "r-1") if each.lower() == "authorization"] == ["Authorization"]


# -- where they come from ----------------------------------------------------------------------------------------------


def test_source_addresses_are_dealt_out_so_that_a_seller_keeps_one(target: Target) -> None:
    shared = load(replace(target, client_addresses=("127.0.0.2", "127.0.0.3")))
    assert [shared.way(seller).source for seller in (0, 1, 2, 0)] == [
        "127.0.0.2",
        "127.0.0.3",
        "127.0.0.2",
        "127.0.0.2",
    ]
    assert [shared.address(seller) for seller in (0, 1)] == ["127.0.0.2", "127.0.0.3"]
    assert (load(target).way(7).source, load(target).address(7)) == (None, "")


def test_behind_a_proxy_all_sellers_have_its_address(target: Target) -> None:
    proxied = load(replace(target, client_addresses=("127.0.0.2",), proxy="http://127.0.0.1:3128"))
    assert proxied.address(0) == proxied.address(1) == ""


@given(st.integers(0, 10_000_000))
def test_claimed_addresses_are_nobodys_and_the_same_in_every_run(seller: int) -> None:
    first, second, third, last = map(int, forwarded_address(seller).split("."))
    assert (first, second // 2) == (198, 9)  # 198.18.0.0/15: 198.18 and 198.19
    assert second % 2 * 65_536 + third * 256 + last == seller % 131_072


# -- which limits they keep to -----------------------------------------------------------------------------------------


def room(of: Load) -> int:
    """How many requests one address may send at once; 100 where nobody holds them back."""
    if of.pacer is None:
        return 100
    bucket = of.pacer._new_bucket(("", "", ""), *of.pacer._of_route["POST", "/x"][0])
    return bucket.room(0.0)


def test_without_limits_there_is_nothing_to_ask(target: Target) -> None:
    plain = load(target)
    plain.join(options())
    assert plain.pacer is None
    assert plain.recorder.paced_s() is None


def test_limits_are_kept_until_the_command_line_allows_throttling(target: Target) -> None:
    polite, rude = (load(replace(target, rate_limits=(LIMIT,))) for _ in range(2))
    assert room(polite) == 10  # a trial joins no command line
    polite.join(options())
    rude.join(options(allow_throttling=True))
    assert (room(polite), room(rude)) == (10, 100)


# command line, how many processes share the address
PROCESSES: dict[str, tuple[SimpleNamespace, int]] = {
    "alone": (options(), 1),
    "one forked": (options(processes=1), 1),
    "two forked": (options(processes=2), 2),
    "four awaited": (options(expect_workers=4), 4),
    "two of four here": (options(processes=2, expect_workers=4), 4),
    "none known": (options(expect_workers=None), 1),
}


@pytest.mark.parametrize(("given_", "processes"), PROCESSES.values(), ids=PROCESSES.keys())
def test_processes_on_one_address_share_the_limits(given_: SimpleNamespace, processes: int, target: Target) -> None:
    assert processes_of(given_) == processes
    shared = load(replace(target, rate_limits=(LIMIT,)))
    shared.join(given_)
    assert room(shared) == 10 // processes
    claimed = load(replace(target, rate_limits=(LIMIT,), forwarded_for=True))
    claimed.join(given_)
    assert room(claimed) == 10  # every seller has an address of its own


def test_command_line_is_joined_once(target: Target) -> None:
    joined = load(replace(target, rate_limits=(LIMIT,)))
    joined.join(None)  # a process without one
    joined.join(options(pool="night"))
    pacer = joined.pacer
    joined.join(options(pool="day", allow_throttling=True))
    assert (joined.pool, joined.pacer) == ("night", pacer)


def test_another_pool_has_other_sellers(target: Target) -> None:
    day, night = load(target), load(target)
    night.join(options(pool="night"))
    assert day.pool_wallet("store").address != night.pool_wallet("store").address


def test_stop_wakes_whoever_waits_for_room(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = load(replace(target, rate_limits=(LIMIT,)))
    woken: list[bool] = []
    monkeypatch.setattr(stopping.pacer, "wake", lambda: woken.append(stopping.stopping))
    stopping.stopping = True
    assert woken == [True]


def test_time_waited_is_said_at_the_end(target: Target, caplog: pytest.LogCaptureFixture) -> None:
    ended = load(replace(target, rate_limits=(LIMIT,)))
    assert ended.pacer is not None
    ended.pacer.waits, ended.pacer.waited_s = 3, 4.25
    with caplog.at_level(logging.INFO, "sellergate"):
        assert ended.recorder.paced_s() == 4.25
    assert [record.getMessage() for record in caplog.records] == [
        "rate limits: sellers waited 3 times for room, 4.2 s in all"
    ]


# -- the rest ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("route", "budget_s"), [(None, 5.0), ("/slow", 9.0), ("/other", 5.0)])
def test_freshness_budget_is_that_of_the_route_or_of_all(route: str | None, budget_s: float, target: Target) -> None:
    budgets = replace(target, freshness_budget_s=5.0, freshness_budgets_s={"/slow": 9.0})
    assert load(budgets).freshness_budget_s(route) == budget_s


def test_first_key_was_made_before_sellers_come_for_theirs(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def noted(_secret: bytes, pool: str, _number: int) -> None:
        made.append(pool)

    monkeypatch.setattr("locustfiles._load.wallet", noted)
    load(target)
    assert made == ["first"]


def test_secrets_of_the_target_are_hidden_in_logs_and_tracebacks(target: Target, tmp_path: Path) -> None:
    load(replace(target, secrets=("canary-in-a-log",)))
    with pytest.raises(ValueError, match="canary") as caught:
        int("canary-in-a-log")
    raised = (caught.type, caught.value, caught.tb)
    record = QuietRecord("n", logging.ERROR, str(tmp_path), 1, "told %s", ("canary-in-a-log",), raised)
    text = logging.Formatter("%(message)s").format(record)
    assert "canary" not in text
    assert text.startswith("told [hidden]\nTraceback")
    assert "base 10: '[hidden]'" in text


def test_log_record_with_a_wrong_format_is_left_to_the_handler() -> None:
    hide(["canary-in-a-log"])
    record = QuietRecord("n", logging.ERROR, "", 1, "%d of %s", ("x",), None)
    assert record.msg == "%d of %s"


# -- where their sessions are ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "host", "url"),
    [
        ({}, "http://127.0.0.1:7080", "ws://127.0.0.1:7080"),
        ({}, "https://127.0.0.1", "wss://127.0.0.1"),
        ({"ws_url": "ws://127.0.0.1:8"}, "http://127.0.0.1:7080/", "ws://127.0.0.1:8"),
        ({"ws_url": "ws://127.0.0.1:8"}, "http://127.0.0.1:9", "ws://127.0.0.1:9"),  # --host is another deployment
        ({"ws_url": "ws://127.0.0.1:8", "ws_url_given": True}, "http://127.0.0.1:9", "ws://127.0.0.1:8"),
    ],
)
def test_sessions_are_held_where_the_load_goes(target: Target, own: dict[str, Any], host: str, url: str) -> None:
    assert load(replace(target, **own)).socket_url(host) == url


def test_end_of_the_load_ends_its_arrivals(target: Target) -> None:
    """What is due later was never offered."""
    own = Arrivals(iter([0.0, 0.0, 1e-9, 3600.0]), 5.0)
    opened = load(target, arrivals=own)
    assert own.begin() is not None
    opened.stopping = False
    assert own.begin() is not None
    opened.stopping = True
    assert own.begin() is None
    assert own.arrived() == Arrived(offered=3, achieved=2, dropped=1)
