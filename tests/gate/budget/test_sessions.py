"""Sessions a profile holds, against what an address and a deployment may have: known before anything is sent."""

from dataclasses import replace

import pytest

from gate.budget.reckoning import reckon
from gate.budget.words import headline, lines
from settings.deployment import Sockets
from settings.profile import Profile
from settings.target import Target, load_target


def target(per_address: int | None, at_most: int | None = None, *, addresses: int = 1) -> Target:
    return replace(
        load_target("sandbox", environ={}),
        sockets=Sockets(sessions_per_address=per_address, sessions_at_most=at_most),
        client_addresses=tuple(f"127.0.0.{number + 1}" for number in range(addresses)),
    )


def profile(sellers: int) -> Profile:
    return Profile("p", sellers, 1000.0, 60.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("sellers", "where", "fits"),
    [
        (40, target(20), True),  # half of the sellers hold one
        (42, target(20), False),
        (42, target(20, addresses=2), True),
        (80, target(20, addresses=2), True),
        (96, target(20, addresses=2), False),
        (80, target(None, 40), True),
        (88, target(None, 40), False),
        (88, target(20, 40, addresses=4), False),  # no number of addresses makes room in all
        (10_000, target(None), True),
    ],
)
def test_profile_fits_while_nobody_is_turned_away(sellers: int, where: Target, *, fits: bool) -> None:
    assert reckon(profile(sellers), where).fits is fits


def test_workflows_without_sessions_need_no_room() -> None:
    assert reckon(profile(100), target(1), ["listing", "analytics"]).fits
    assert not reckon(profile(2), target(1), ["session_holder"]).fits


def test_what_is_too_much_is_said_with_what_would_do() -> None:
    budget = reckon(profile(96), target(20, 100))
    assert headline(budget) == "exceeded: 96 sellers from 1 address hold 48 sessions"
    said = [line.strip() for line in lines(budget)]
    assert "48 sessions: 48 from one address, at most 20; 100 in all" in said
    assert "for sessions, client_addresses: 3 of them" in said


def test_addresses_help_where_the_address_is_the_matter() -> None:
    assert reckon(profile(96), target(20, 40)).sessions.addresses_needed is None
    assert reckon(profile(10), target(20)).sessions.addresses_needed is None
    assert "5 sessions: at most 40" in [line.strip() for line in lines(reckon(profile(10), target(None, 40)))]


def test_a_target_that_counts_no_sessions_is_not_told_of_them() -> None:
    assert not [line for line in lines(reckon(profile(10), target(None))) if "session" in line]
