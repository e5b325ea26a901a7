"""Say in lines of at most 80 columns what a budget allows, what it refuses and what would raise it."""

from collections.abc import Iterator
from math import ceil
from typing import Final

from gate.budget.offers import Offer
from gate.budget.reckoning import Budget
from gate.budget.sessions import Sessions
from gate.budget.simulation import TOLERATED_WAIT_RATIO
from settings.limits import RateLimit

_MINUTE_S: Final = 60.0
_CACHE_S: Final = 300


def headline(budget: Budget) -> str:
    """Return the one line: whether the profile fits."""
    if budget.offer is not None:
        return _open_headline(budget, budget.offer)
    who = f"{_count(budget.sellers, 'seller')} from {_addresses(budget.addresses)}"
    if budget.fits and budget.binding is None and budget.sellers_at_most is None:
        return f"{who} fit: no limit is met"
    if budget.fits:
        return f"{who} fit, {_count(budget.sellers_at_most or budget.sellers, 'seller')} would"
    if budget.sellers_at_most is not None and budget.sellers_at_most < budget.sellers:
        return f"exceeded: {who}; {budget.sellers_at_most} fit"
    return f"exceeded: {who} {_other_excess(budget)}"


def _open_headline(budget: Budget, offered: Offer) -> str:
    who = f"{offered.peak_per_s:g} passes/s from {_addresses(budget.addresses)}"
    at_most = budget.passes_at_most
    if budget.fits:
        return f"{who} fit, {'no limit is met' if at_most is None else f'{at_most:.3g} would'}"
    if at_most is not None and at_most < offered.peak_per_s:
        return f"exceeded: {who}; {at_most:.3g} fit"
    return f"exceeded: {who} {_other_excess(budget)}"


def _other_excess(budget: Budget) -> str:
    """Say what is exceeded where no rate limit is."""
    return (
        "leave too much in the cache" if budget.sessions.fits else f"hold {_count(budget.sessions.wanted, 'session')}"
    )


def lines(budget: Budget) -> tuple[str, ...]:
    """Return everything there is to say, the headline first, what belongs to it indented below."""
    return (headline(budget), *(f"  {line}" for line in _details(budget)))


def _details(budget: Budget) -> Iterator[str]:
    if budget.offer is not None:
        yield from _offered(budget.offer, budget.sellers)
    if budget.binding is not None and budget.route is not None:
        yield f"binds first: {_limit(budget.binding)}"
        yield f"  {budget.route}"
    if budget.rps_at_most is not None:
        who = f"{_count(budget.sellers_at_most or 0, 'seller')} at this pace"
        yield f"{who} send {budget.rps_at_most:.1f} requests a second, hits of its cache included"
    if budget.first_429_at_s is not None and budget.first_429_limit is not None:
        yield f"first 429 if nobody waited: {budget.first_429_at_s:.1f} s after the start, by"
        yield f"  {budget.first_429_limit.name}, {budget.first_429_route}"
    if budget.cache_keys:
        most = "" if budget.cache_keys_at_most is None else f", at most {budget.cache_keys_at_most}"
        yield f"unique queries leave {budget.cache_keys} live keys in its cache{most}"
    yield from _sessions(budget.sessions)
    if budget.looked_at_s is not None:
        yield f"all this of its first {budget.looked_at_s:.0f} s, which is much already"
    for workflow in budget.not_counted:
        yield f"not counted: {workflow}, nobody wrote down what it sends"
    advised = advice(budget)
    if advised:
        yield "what would raise it:"
        yield from (f"  {line}" for line in advised)


def _offered(offered: Offer, sellers: int) -> Iterator[str]:
    """Say what an open profile means in requests and in sellers."""
    yield f"{offered.passes:.0f} passes; at most {offered.peak_rps:.1f} requests a second, hits of its cache included"
    short = "" if offered.at_work <= sellers else ": too few, passes will be dropped"
    yield f"and {offered.at_work:.1f} of {_count(sellers, 'seller')} at work at a time{short}"


def _sessions(held: Sessions) -> Iterator[str]:
    """Say how many sessions there are, where somebody counts them."""
    caps = []
    if held.per_address is not None:
        caps.append(f"{held.of_an_address} from one address, at most {held.per_address}")
    if held.at_most is not None:
        caps.append(f"{held.at_most} in all" if caps else f"at most {held.at_most}")
    if held.wanted and caps:
        yield f"{_count(held.wanted, 'session')}: {'; '.join(caps)}"


def advice(budget: Budget) -> tuple[str, ...]:
    """Return what would make the profile fit, one way a line; empty where it fits."""
    return () if budget.fits else tuple(_ways(budget))


def _ways(budget: Budget) -> Iterator[str]:
    remedies = budget.remedies
    if remedies.addresses is not None:
        yield f"client_addresses: {remedies.addresses} of them, now {budget.addresses}"
    if remedies.forwarded_for:
        yield "forwarded_for = true, agreed with the operator: an address a seller"
    if budget.sessions.addresses_needed is not None:
        yield f"for sessions, client_addresses: {budget.sessions.addresses_needed} of them"
    if remedies.think_ratio is not None:
        yield f"think_ratio = {remedies.think_ratio:g}: people who take longer"
    if remedies.arrival_s is not None:
        rate = budget.sellers / remedies.arrival_s
        yield f"arriving alone takes {ceil(remedies.arrival_s / _MINUTE_S)} min: spawn_per_s = {rate:.2g}, and longer"
    if budget.passes_at_most:
        yield f"arrivals: at most {budget.passes_at_most:.3g} passes/s"
    if budget.sellers_at_most:
        yield f"sellers = {budget.sellers_at_most} at this pace"
    if budget.cache_keys_at_most is not None and budget.cache_keys > budget.cache_keys_at_most:
        yield f"fewer requests: each unique query is kept for {_CACHE_S} s"
    yield f"--allow-throttling: sends it all the same; above {TOLERATED_WAIT_RATIO:.0%} waiting it is no load"


def _limit(limit: RateLimit) -> str:
    where = "a path and address" if limit.per_path else "an address"
    window = f"{limit.window_s:g} s" if limit.window_s <= _MINUTE_S else f"{limit.window_s / _MINUTE_S:g} min"
    return f"{limit.name}, {limit.most} in {window} for {where}"


def _addresses(addresses: int | None) -> str:
    return "an address each" if addresses is None else _count(addresses, "address", "addresses")


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
