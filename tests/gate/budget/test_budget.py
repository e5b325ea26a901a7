import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.budget.reckoning import Budget, Remedies, fitting, reckon
from gate.budget.simulation import Simulation
from gate.budget.traffic import ANSWER_S, REQUESTS_AT_MOST, Planned, Traffic, traffic
from gate.budget.windows import PacedWindows, ServerWindows
from gate.budget.words import advice, headline, lines
from runlog.workflows import WORKFLOWS
from sandbox.limits import Dialect, Limit, Limiter
from settings.bill import BILL, Send, WorkflowBill
from settings.limits import RateLimit, load_limits
from settings.profile import Profile, load_profile, load_profiles
from settings.target import TARGETS_DIR, Target, load_target

PASS_S = 1 + ANSWER_S
"""A pass of the tests' own bill: one request and a second of thought."""
LINKDAO = load_limits("linkdao", TARGETS_DIR)


def target(*limits: RateLimit, cached_for_s: float = 0.0, addresses: int = 1, own_addresses: bool = False) -> Target:
    sandbox = load_target("sandbox", environ={})
    return replace(
        sandbox,
        rate_limits=limits,
        cached_for_s=cached_for_s,
        client_addresses=tuple(f"127.0.0.{number + 1}" for number in range(addresses)),
        forwarded_for=own_addresses,
    )


def linkdao(**more: int) -> Target:
    return target(*LINKDAO.rate_limits, cached_for_s=LINKDAO.cached_for_s, **more)


def profile(sellers: int, think_ratio: float = 1.0, duration_s: float = 120.0, spawn_per_s: float = 1000.0) -> Profile:
    return Profile("p", sellers, spawn_per_s, duration_s, sellers / spawn_per_s, think_ratio)


# -- one limiter -----------------------------------------------------------------------------------------------------

ARRIVALS = st.lists(st.integers(min_value=0, max_value=400), max_size=60).map(sorted)
COUNTS = st.integers(min_value=1, max_value=5)


@given(arrivals=ARRIVALS, most=COUNTS, renewing=st.booleans())
def test_windows_allow_what_the_sandbox_s_limiter_allows(arrivals: list[int], most: int, *, renewing: bool) -> None:
    now = [0.0]
    limiter = Limiter(lambda: now[0])
    theirs = Limit("x", most, 60, Dialect.SLIDING if renewing else Dialect.REDIS)
    ours, windows = RateLimit("x", most, 60.0, (("GET", "/x"),), renewing=renewing), ServerWindows()
    for at_s in arrivals:
        now[0] = float(at_s)
        allowed = limiter.rule(theirs, "a", "/x").allowed
        assert (windows.at_s(ours, ("x",), float(at_s)) is not None) is allowed


@given(arrivals=ARRIVALS, most=COUNTS, renewing=st.booleans())
def test_who_paces_is_never_refused_and_never_out_of_turn(arrivals: list[int], most: int, *, renewing: bool) -> None:
    limit, paced = RateLimit("x", most, 60.0, (("GET", "/x"),), renewing=renewing), PacedWindows()
    sent = [paced.at_s(limit, ("x",), float(at_s)) for at_s in arrivals]
    assert all(at_s is not None and at_s >= due for at_s, due in zip(sent, arrivals, strict=True))
    times = [at_s for at_s in sent if at_s is not None]
    assert times == sorted(times)
    server = ServerWindows()
    assert all(server.at_s(limit, ("x",), at_s) is not None for at_s in times)
    if not renewing:  # no window of this length has more, wherever the server's begin
        assert all(later - first >= 60 for first, later in zip(times, times[most:], strict=False))


@pytest.mark.parametrize(("number", "waits"), [(5, 0.0), (6, 60.0)], ids=["at-the-limit", "above"])
def test_pacing_waits_only_above_the_limit(number: int, waits: float) -> None:
    limit, paced = RateLimit("x", 5, 60.0, (("GET", "/x"),)), PacedWindows()
    assert [paced.at_s(limit, ("x",), 0.0) for _ in range(number)][-1] == waits


def test_counters_of_two_addresses_are_apart() -> None:
    limit, windows = RateLimit("x", 1, 60.0, (("GET", "/x"),)), ServerWindows()
    assert windows.at_s(limit, ("x", 0), 0.0) == 0.0
    assert windows.at_s(limit, ("x", 1), 0.0) == 0.0
    assert windows.at_s(limit, ("x", 0), 0.0) is None
    assert windows.at_s(limit, ("x", 0), 60.0) == 60.0  # its window has ended


# -- sellers, by hand ------------------------------------------------------------------------------------------------

WRITE = Send("POST", "/w")
WRITES = RateLimit("writes", 5, 60.0, (("POST", "/w"),))


@pytest.fixture
def bill(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, WorkflowBill]]:
    """One workflow of one step, which sends one write and is followed by a second of thought."""
    own = {"listing": WorkflowBill(setup=(), begin=(), steps={"creation": (WRITE,)})}
    monkeypatch.setattr("gate.budget.traffic.BILL", own)
    return own


def budget(pushed: Profile, at: Target, *workflows: str) -> Budget:
    return reckon(pushed, at, workflows or ("listing",))


@pytest.mark.parametrize(
    ("sellers", "addresses", "first_429_at_s"),
    [
        # one pass takes PASS_S; the sixth write of an address is refused
        pytest.param(1, 1, 5 * PASS_S, id="alone"),
        pytest.param(2, 1, 2 * PASS_S, id="two-share"),  # two in each pass: the sixth is of the third
        pytest.param(2, 2, 5 * PASS_S, id="two-apart"),
        pytest.param(5, 1, PASS_S, id="five-share"),
        pytest.param(6, 1, 0.0, id="six-at-once"),
    ],
)
def test_first_429_comes_when_counted_by_hand(
    bill: dict[str, WorkflowBill], sellers: int, addresses: int, first_429_at_s: float
) -> None:
    assert bill
    found = budget(profile(sellers), target(WRITES, addresses=addresses))
    assert found.first_429_at_s == pytest.approx(first_429_at_s, abs=0.01)
    assert (found.first_429_limit, found.first_429_route) == (WRITES, "POST /w")
    assert (found.binding, found.route, found.fits) == (WRITES, "POST /w", False)


def test_sellers_who_wait_less_than_a_tenth_fit_and_others_do_not(bill: dict[str, WorkflowBill]) -> None:
    assert bill
    # 5 in 60 s: one who writes every 12 s needs no wait at all, one every 11 s waits (12 - 11) / 12 = 8 %
    for think_ratio, fits in ((12.0, True), (11.0, True), (10.0, False)):
        found = budget(profile(1, think_ratio, duration_s=6000), target(WRITES))
        assert found.fits is fits, think_ratio
    assert found.first_429_at_s == pytest.approx(5 * (10 + ANSWER_S), abs=0.01)
    assert budget(profile(1, 12.0, duration_s=6000), target(WRITES)).first_429_at_s is None


def test_most_sellers_and_their_rate_are_those_that_fit(bill: dict[str, WorkflowBill]) -> None:
    assert bill
    found = budget(profile(10, 6.0, duration_s=6000), target(replace(WRITES, most=50)))  # ten writes a minute each
    assert found.sellers_at_most == 5
    assert found.rps_at_most == pytest.approx(50 / 60, rel=0.05)
    assert found.remedies.addresses == 2
    assert found.remedies.forwarded_for
    assert found.remedies.think_ratio == pytest.approx(11, rel=0.1)  # 12 would do without any wait


def test_setup_counts(bill: dict[str, WorkflowBill]) -> None:
    bill["listing"] = WorkflowBill(setup=(WRITE,), begin=(), steps={"creation": (Send("GET", "/r"),)})
    found = budget(profile(12), target(WRITES))
    assert found.first_429_at_s == 0.0
    assert not found.fits
    assert found.remedies.arrival_s == pytest.approx(144)  # twelve writes at five a minute
    assert found.remedies.think_ratio is None


def test_slow_enough_arrival_is_no_advice(bill: dict[str, WorkflowBill]) -> None:
    bill["listing"] = WorkflowBill(setup=(WRITE,), begin=(), steps={"creation": (WRITE,)})
    found = budget(profile(6, spawn_per_s=1 / 13), target(WRITES))
    assert not found.fits
    assert found.remedies.arrival_s is None


def test_arrival_within_a_limit_is_no_advice_however_quick(bill: dict[str, WorkflowBill]) -> None:
    bill["listing"] = WorkflowBill(setup=(WRITE,), begin=(), steps={"creation": (WRITE,)})
    found = budget(profile(5), target(WRITES))
    assert not found.fits
    assert found.remedies.arrival_s is None


def test_seller_with_an_address_of_its_own_shares_no_counter(bill: dict[str, WorkflowBill]) -> None:
    assert bill
    found = budget(profile(50, 12.0), target(WRITES, own_addresses=True))
    assert (found.fits, found.addresses, found.first_429_at_s) == (True, None, None)
    assert headline(found) == "50 sellers from an address each fit: no limit is met"


READ = RateLimit("reads", 5, 60.0, (("GET", "/r/{w}"),))


@pytest.mark.parametrize(
    ("send", "cached_for_s", "cached_count", "throttled"),
    [
        pytest.param(Send("GET", "/r/{w}"), 0.0, False, True, id="no-cache"),
        pytest.param(Send("GET", "/r/{w}"), 300.0, False, False, id="hits-do-not-count"),
        pytest.param(Send("GET", "/r/{w}"), 300.0, True, True, id="hits-count"),
        pytest.param(Send("GET", "/r/{w}"), 4.0, False, False, id="asked-anew-every-four-seconds"),
        pytest.param(Send("GET", "/r/{w}"), 1.5, False, True, id="asked-anew-every-second-pass"),
        pytest.param(Send("GET", "/r/{w}", unique=True), 300.0, False, True, id="unique"),
    ],
)
def test_reads_the_cache_answers_do_not_count(
    bill: dict[str, WorkflowBill],
    send: Send,
    cached_for_s: float,
    cached_count: bool,  # noqa: FBT001 - a table's column
    throttled: bool,  # noqa: FBT001 - likewise
) -> None:
    bill["listing"] = WorkflowBill(setup=(), begin=(), steps={"creation": (send,)})
    limit = replace(READ, cached_count=cached_count)
    found = budget(profile(1, duration_s=15), target(limit, cached_for_s=cached_for_s))
    assert (found.first_429_at_s is not None) is throttled


def test_new_wallet_asks_for_a_new_page_each_pass(bill: dict[str, WorkflowBill]) -> None:
    bill["listing"] = WorkflowBill((), (), {"creation": (Send("GET", "/r/{w}"),)}, new_wallet=True)
    assert budget(profile(1, duration_s=15), target(READ, cached_for_s=300)).first_429_at_s is not None


def test_unique_queries_are_counted_as_long_as_the_cache_keeps_them(bill: dict[str, WorkflowBill]) -> None:
    bill["listing"] = WorkflowBill((), (), {"creation": (Send("GET", "/r/{w}", unique=True),)})
    kept = replace(target(WRITES, cached_for_s=30), cache_keys_at_most=59)
    found = budget(profile(2), kept)
    assert found.cache_keys == 60  # two sellers, one a second each, for 30 s
    assert not found.fits
    assert "fewer requests" in " ".join(advice(found))
    assert budget(profile(2), replace(kept, cache_keys_at_most=60)).fits
    assert budget(profile(2), target(WRITES)).cache_keys == 0  # no cache, no keys


def test_path_with_a_counter_of_its_own_is_one_seller_s(bill: dict[str, WorkflowBill]) -> None:
    bill["listing"] = WorkflowBill((), (), {"creation": (Send("POST", "/w/{uid}"),)})
    limit = RateLimit("own", 5, 60.0, (("POST", "/w/{uid}"),), per_path=True)
    assert budget(profile(4, duration_s=4), target(limit)).first_429_at_s is None
    assert budget(profile(4, duration_s=6), target(limit)).first_429_at_s == pytest.approx(5 * PASS_S, abs=0.01)


def test_costly_step_nobody_agreed_to_is_not_sent(bill: dict[str, WorkflowBill]) -> None:
    bill["listing"] = WorkflowBill((), (), {"creation": (replace(WRITE, consent="image_upload"),)})
    agreed = target(WRITES)
    assert budget(profile(6), agreed).first_429_at_s == 0.0
    assert budget(profile(6), replace(agreed, consents=())).first_429_at_s is None


def test_workflow_without_a_bill_is_said_not_to_be_counted(bill: dict[str, WorkflowBill]) -> None:
    assert bill
    found = budget(profile(12), target(WRITES), "listing", "ninth")
    assert found.not_counted == ("ninth",)
    assert "  not counted: ninth, nobody wrote down what it sends" in lines(found)
    assert found.first_429_at_s == 0.0  # six of the twelve are of the workflow that is known


def test_target_without_limits_carries_everything() -> None:
    found = reckon(load_profile("load"), target())
    assert (found.fits, found.sellers_at_most, found.rps_at_most, found.binding) == (True, None, None, None)
    assert lines(found) == ("200 sellers from 1 address fit: no limit is met",)


def test_of_a_run_without_end_the_first_requests_are_looked_at(bill: dict[str, WorkflowBill]) -> None:
    bill["listing"] = WorkflowBill((), (), {"creation": (Send("GET", "/free"),)})
    found = budget(profile(1000, 0.0, duration_s=36_000), target(WRITES))
    assert found.looked_at_s == pytest.approx(REQUESTS_AT_MOST * ANSWER_S / 1000)
    assert "  all this of its first 1 s, which is much already" in lines(found)
    assert budget(profile(10), target(WRITES)).looked_at_s is None


def test_run_of_unknown_workflows_only_is_all_that_is_not_counted(bill: dict[str, WorkflowBill]) -> None:
    assert bill
    found = budget(profile(3), target(WRITES), "ninth")
    assert (found.fits, found.not_counted, found.cache_keys) == (True, ("ninth",), 0)


# -- the eight workflows ---------------------------------------------------------------------------------------------


def brute_force(whole: Traffic, sellers: int, addresses: int) -> tuple[float, str] | None:
    """The first refusal of the sandbox's own limiter, given every request of every seller in order of time."""
    due: list[tuple[float, int, Planned, int]] = []
    mix = list(islice(whole.mix(), sellers))
    for seller, workflow in enumerate(mix):
        now_s = whole.spawned_at_s(seller)
        for coming in whole.script(workflow, seller):
            if now_s >= whole.profile.duration_s:
                break
            if isinstance(coming, float):
                now_s += coming
                continue
            due.append((now_s, seller, *coming))
            now_s += ANSWER_S
    clock = [0.0]
    limiter, cached = Limiter(lambda: clock[0]), dict[tuple[str, int, int], float]()
    for at_s, seller, planned, number in sorted(due, key=lambda request: request[:2]):
        clock[0] = at_s
        path = planned.path(seller, number)
        if planned.send.method == "GET" and not planned.send.unique:
            if cached.get(path, -1.0) > at_s:
                continue
            cached[path] = at_s + whole.target.cached_for_s
        for limit in planned.limits:
            dialect = Dialect.SLIDING if limit.renewing else Dialect.REDIS
            theirs = Limit(limit.name, limit.most, int(limit.window_s), dialect, per_path=limit.per_path)
            if not limiter.rule(theirs, f"{seller % addresses}", f"{planned.send.method}{path}").allowed:
                return at_s, planned.name
    return None


@settings(max_examples=25, deadline=None)
@given(
    sellers=st.integers(min_value=1, max_value=40),
    think_ratio=st.sampled_from([0.0, 0.5, 1.0, 5.0, 20.0]),
    spawn_per_s=st.sampled_from([0.1, 0.7, 3.0, 50.0]),
    addresses=st.integers(min_value=1, max_value=5),
    favourite=st.sampled_from(sorted(WORKFLOWS)),
)
def test_prediction_is_what_the_sandbox_s_limiter_says_of_the_same_requests(
    sellers: int, think_ratio: float, spawn_per_s: float, addresses: int, favourite: str
) -> None:
    pushed = Profile("p", sellers, spawn_per_s, 90.0, 0.0, think_ratio, {favourite: 7.0})
    whole = traffic(pushed, linkdao(addresses=addresses))
    refused = Simulation(whole, sellers, addresses).until_refused().refused
    expected = brute_force(whole, sellers, addresses)
    assert (refused is None) is (expected is None)
    if refused is not None and expected is not None:
        assert refused.at_s == pytest.approx(expected[0], abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(
    sellers=st.integers(min_value=1, max_value=30),
    think_ratio=st.sampled_from([0.0, 1.0, 8.0]),
    addresses=st.integers(min_value=1, max_value=4),
)
def test_whatever_is_advised_makes_the_profile_fit(sellers: int, think_ratio: float, addresses: int) -> None:
    pushed, at = profile(sellers, think_ratio, 300.0, spawn_per_s=0.5), linkdao(addresses=addresses)
    found = reckon(pushed, at)
    if found.fits:
        assert found.remedies == Remedies()
        return
    remedies = found.remedies
    if remedies.addresses is not None:
        assert remedies.addresses > addresses
        assert reckon(pushed, linkdao(addresses=remedies.addresses)).fits
    if remedies.forwarded_for:
        assert reckon(pushed, replace(at, forwarded_for=True)).fits
    if remedies.think_ratio is not None:
        assert reckon(replace(pushed, think_ratio=remedies.think_ratio), at).fits
    if found.sellers_at_most:
        assert found.sellers_at_most < sellers
        assert reckon(replace(pushed, sellers=found.sellers_at_most), at).fits


def test_sellers_of_the_shipped_profiles_are_spawned_in_locust_s_order() -> None:
    weights = {name: 3.0 if name == "dashboard" else 1.0 for name in WORKFLOWS}
    code = (
        "from itertools import islice; from locust.dispatch import _kl_generator as order; import sys, json;"
        "print(json.dumps(list(islice(order(json.loads(sys.argv[1]).items()), 60))))"
    )
    named = {
        "analytics": "AnalyticsSeller", "dashboard": "DashboardSeller", "listing": "ListingSeller",
        "onboarding": "OnboardingSeller", "order_management": "OrderSeller", "profile_management": "ProfileSeller",
        "store": "StoreSeller", "tier_upgrade": "TierSeller",
    }  # fmt: skip
    asked = json.dumps({named[name]: weight for name, weight in weights.items()})
    done = subprocess.run([sys.executable, "-c", code, asked], capture_output=True, text=True, check=True)
    whole = traffic(replace(profile(60), weights=weights), linkdao())
    assert [named[name] for name in islice(whole.mix(), 60)] == json.loads(done.stdout)


@pytest.mark.parametrize(
    ("spawn_per_s", "seller", "at_s"),
    [(10, 0, 0.0), (10, 9, 0.0), (10, 10, 1.0), (0.5, 1, 2.0), (2.5, 1, 0.0), (2.5, 2, 0.8)],
)
def test_sellers_come_when_locust_spawns_them(spawn_per_s: float, seller: int, at_s: float) -> None:
    whole = traffic(profile(20, spawn_per_s=spawn_per_s), linkdao())
    assert whole.spawned_at_s(seller) == pytest.approx(at_s)


def test_random_numbers_of_a_step_have_their_mean() -> None:
    whole = traffic(profile(1), linkdao(), ["store"])
    pages = [
        coming
        for coming in islice(whole.script("store", 3), 3000)
        if not isinstance(coming, float) and coming[0].name == "GET /api/marketplace/seller/{w}"
    ]
    passes = pages[-1][1] + 1
    assert len(pages) / passes == pytest.approx(5.5, rel=0.01)


@pytest.mark.parametrize("name", ["smoke", "polite"])
def test_shipped_profile_fits_one_address_without_waiting(name: str) -> None:
    pushed = load_profile(name)
    found = reckon(pushed, linkdao())
    assert (found.fits, found.first_429_at_s) == (True, None)
    assert Simulation(traffic(pushed, linkdao()), pushed.sellers, 1).paced().wait_ratio < 0.01
    assert pushed.sellers == len(WORKFLOWS)


@pytest.mark.parametrize(("name", "passes"), [("smoke", 1.5), ("polite", 62.0)])
def test_shipped_profile_passes_often_enough(name: str, passes: float) -> None:
    pushed = load_profile(name)
    for bill in BILL.values():
        sends = sum(send.times for step in bill.steps.values() for send in step) + sum(s.times for s in bill.begin)
        pass_s = len(bill.steps) * bill.think_s * pushed.think_ratio + sends * 0.02
        assert (pushed.duration_s - pushed.ramp_s) / pass_s >= passes
        assert all(sum(send.times for send in step) >= 1 for step in bill.steps.values())


def test_fitting_profiles_are_named() -> None:
    assert fitting(load_profiles().values(), linkdao()) == ("smoke", "polite")


def test_more_addresses_never_carry_less() -> None:
    pushed = profile(40, 12.0, 600.0, spawn_per_s=1.0)
    most = [reckon(pushed, linkdao(addresses=number)).sellers_at_most or 40 for number in (1, 2, 4, 8)]
    assert most == sorted(most)
    assert most[0] < most[-1]


# -- words -----------------------------------------------------------------------------------------------------------


def test_refusal_says_what_binds_when_it_would_break_and_what_helps() -> None:
    found = reckon(profile(20, 10.0, 300.0, spawn_per_s=0.5), linkdao())
    said = lines(found)
    assert headline(found) == said[0]
    assert said[0].startswith("exceeded: 20 sellers from 1 address; ")
    text = "\n".join(said)
    assert "binds first: " in text
    assert f"{found.first_429_at_s:.1f} s after the start" in text
    assert "what would raise it:" in text
    assert "--allow-throttling" in text


def test_profile_that_fits_says_how_many_would() -> None:
    found = reckon(load_profile("polite"), linkdao())
    assert headline(found) == f"8 sellers from 1 address fit, {found.sellers_at_most} sellers would"
    assert advice(found) == ()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param({"addresses": 7}, "client_addresses: 7 of them, now 1", id="addresses"),
        pytest.param(
            {"forwarded_for": True},
            "forwarded_for = true, agreed with the operator: an address a seller",
            id="forwarded-for",
        ),
        pytest.param({"think_ratio": 12.0}, "think_ratio = 12: people who take longer", id="think"),
        pytest.param({"arrival_s": 400.0}, "arriving alone takes 7 min: spawn_per_s = 0.05, and longer", id="arrival"),
    ],
)
def test_each_remedy_has_its_line(changes: dict[str, float], line: str) -> None:
    found = reckon(profile(20), linkdao())
    assert not found.fits
    assert line in advice(replace(found, remedies=replace(Remedies(), **changes)))  # type: ignore[arg-type]  # a table


@pytest.mark.parametrize("pushed", load_profiles().values(), ids=lambda each: each.name)
@pytest.mark.parametrize("own", [False, True], ids=["one-address", "an-address-each"])
def test_lines_fit_a_terminal(pushed: Profile, own: bool) -> None:  # noqa: FBT001 - a table's column
    said = lines(reckon(pushed, replace(linkdao(), forwarded_for=own, cache_keys_at_most=1000)))
    assert max(map(len, said)) <= 80
    assert len(said) <= 14
