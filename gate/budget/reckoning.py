"""Reckon how many sellers a deployment's rate limits carry, before anything is sent."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Final

from gate.budget.offers import Offer, offer, scaled
from gate.budget.sessions import Sessions, sessions
from gate.budget.simulation import Played, Simulation
from gate.budget.traffic import Traffic, not_counted, traffic
from settings.limits import RateLimit
from settings.profile import Profile
from settings.target import Target

_ADDRESSES_AT_MOST: Final = 64
"""More source addresses than this nobody has at hand."""
_THINK_AT_MOST: Final = 100.0
"""The longest think_ratio a profile may have."""
_PARTS: Final = 16
"""The rates of an open profile are tried in sixteenths."""
_LOOKED_UP_TO: Final = 4
"""A profile that fits is tried with up to so many times its sellers, or its rates."""


@dataclass(frozen=True, slots=True)
class Remedies:
    """What would make a profile fit, each by itself; None where it would not, or is not needed."""

    addresses: int | None = None  # as many source addresses
    forwarded_for: bool = False  # one X-Forwarded-For a seller
    think_ratio: float | None = None  # sellers who think longer
    arrival_s: float | None = None  # sellers who come within so much time; for sooner, setup alone is too much


@dataclass(frozen=True, slots=True)
class Budget:
    """What a target's rate limits, and its caps on sessions, let a profile do from this generator's addresses.

    A profile fits when its sellers, kept within the limits by waiting, wait for less than a tenth of their time, in
    every workflow. Then there is no 429; `first_429_at_s` tells when the first would come if nobody waited.
    """

    fits: bool
    sellers: int  # as the profile has them; of an open one how many there are at most
    addresses: int | None  # client addresses they share; None: each seller has one
    not_counted: tuple[str, ...]  # workflows whose requests nobody wrote down
    cache_keys_at_most: int | None
    cache_keys: int = 0  # entries of unique queries alive in the deployment's cache at the same time
    offer: Offer | None = None  # of an open profile
    passes_at_most: float | None = None  # open: the highest rate at its peak that fits; None: no limit was met
    sellers_at_most: int | None = None  # closed: how many fit; None: no limit was met
    rps_at_most: float | None = None  # closed: requests per second of that many, all there, cache hits included
    binding: RateLimit | None = None  # what binds first, of the limits of the busiest address
    route: str | None = None  # what it binds: "POST /api/…"
    first_429_at_s: float | None = None  # seconds after the start, unpaced; None: there is none
    first_429_limit: RateLimit | None = None
    first_429_route: str | None = None
    looked_at_s: float | None = None  # how much of a long run this is from; None: all of it
    remedies: Remedies = Remedies()
    sessions: Sessions = field(default_factory=Sessions)


def reckon(profile: Profile, target: Target, workflows: Collection[str] | None = None) -> Budget:
    """Return the budget of a profile against a target; of some workflows where not all are run."""
    whole = traffic(profile, target, workflows)
    held = sessions(whole)
    offered = offer(whole)
    addresses = None if target.forwarded_for else max(1, len(target.client_addresses))
    if not target.rate_limits:
        return Budget(
            fits=held.fits,
            sellers=profile.sellers,
            addresses=addresses,
            not_counted=not_counted(whole.workflows),
            cache_keys_at_most=target.cache_keys_at_most,
            sessions=held,
            offer=offered,
        )
    simulation = _simulation(whole, addresses)
    refused = simulation.until_refused().refused
    played = simulation.paced()
    carried = _fits(played)
    most, beyond = _most(whole, addresses, fits=carried)
    at_most = most if offered is None else None
    binding = _binding(played if not carried else beyond)
    keys_fit = target.cache_keys_at_most is None or played.unique_keys_at_most <= target.cache_keys_at_most
    return Budget(
        fits=carried and keys_fit and held.fits,
        sellers=profile.sellers,
        addresses=addresses,
        offer=offered,
        passes_at_most=None if offered is None or most is None else offered.peak_per_s * most / _PARTS,
        sellers_at_most=at_most,
        rps_at_most=None if at_most is None else _rps(whole, at_most, addresses),
        binding=binding[0] if binding else None,
        route=binding[1] if binding else None,
        first_429_at_s=refused.at_s if refused else None,
        first_429_limit=refused.limit if refused else None,
        first_429_route=refused.route if refused else None,
        cache_keys=played.unique_keys_at_most,
        cache_keys_at_most=target.cache_keys_at_most,
        not_counted=not_counted(whole.workflows),
        looked_at_s=simulation.duration_s if simulation.duration_s < profile.duration_s else None,
        remedies=Remedies() if carried else _remedies(whole, addresses),
        sessions=held,
    )


def fitting(profiles: Collection[Profile], target: Target) -> tuple[str, ...]:
    """Return the names of the profiles that fit a target."""
    return tuple(profile.name for profile in profiles if reckon(profile, target).fits)


def _simulation(whole: Traffic, addresses: int | None, sellers: int | None = None) -> Simulation:
    return Simulation(whole, whole.profile.sellers if sellers is None else sellers, addresses)


def _fits(played: Played) -> bool:
    return not played.too_long


def _most(whole: Traffic, addresses: int | None, *, fits: bool) -> tuple[int | None, Played | None]:
    """Return how much fits, and what happens to one more; None where no limit was found.

    It is a number of sellers, or in the open model, where more of them send no more, of _PARTS of the profile's rates.
    """
    opened = whole.profile.arrivals is not None
    own = _PARTS if opened else whole.profile.sellers
    most = own * _LOOKED_UP_TO if fits else own
    tried: dict[int, Played] = {}

    def carried(number: int) -> bool:
        if opened:
            tried[number] = _simulation(scaled(whole, number / _PARTS), addresses).paced()
        else:
            tried[number] = _simulation(whole, addresses, number).paced()
        return _fits(tried[number])

    if fits and carried(most):
        return None, None
    found = _bisect(own if fits else 0, most, carried)
    return found, tried.get(found + 1)


def _bisect(good: int, bad: int, holds: Callable[[int], bool]) -> int:
    """Return the largest number that holds, between one that does and a larger one that does not."""
    while bad - good > 1:
        middle = (good + bad) // 2
        if holds(middle):
            good = middle
        else:
            bad = middle
    return good


def _binding(played: Played | None) -> tuple[RateLimit, str] | None:
    if played is None or not played.waits_s:
        return None
    return max(played.waits_s, key=lambda place: played.waits_s[place])


def _rps(whole: Traffic, sellers: int, addresses: int | None) -> float:
    """Return the requests per second of some sellers once all are there."""
    if sellers == 0:
        return 0.0
    simulation = _simulation(whole, addresses, sellers)
    steady_s = simulation.duration_s - whole.spawned_at_s(sellers - 1)
    return simulation.paced().steady_sent / steady_s if steady_s > 0 else 0.0


def _remedies(whole: Traffic, addresses: int | None) -> Remedies:
    return Remedies(
        addresses=None if addresses is None else _addresses(whole, addresses),
        forwarded_for=addresses is not None and _fits(_simulation(whole, None).paced()),
        # in the open model who thinks longer sends no less
        think_ratio=_think_ratio(whole, addresses) if whole.profile.arrivals is None else None,
        arrival_s=_arrival_s(whole, addresses),
    )


def _arrival_s(whole: Traffic, addresses: int | None) -> float | None:
    """Return how long the limits make the arrival of all sellers last; None where the profile gives them that long."""
    arriving = range(0, whole.profile.sellers, addresses or whole.profile.sellers)  # those of the first address
    mix = whole.mix()
    workflows = [next(mix) for _ in range(whole.profile.sellers)]
    asked = Counter(limit for seller in arriving for limit in whole.setup_limits(workflows[seller]))
    crowded = ((limit, count) for limit, count in asked.items() if count > limit.most and not limit.per_path)
    lasts_s = max((count / limit.most * limit.window_s for limit, count in crowded), default=0.0)
    return lasts_s if lasts_s > whole.profile.sellers / whole.profile.spawn_per_s else None


def _addresses(whole: Traffic, addresses: int) -> int | None:
    """Return the smallest number of addresses that carries the profile."""
    enough = min(_ADDRESSES_AT_MOST, whole.profile.sellers)

    def too_few(number: int) -> bool:
        return not _fits(_simulation(whole, number).paced())

    return None if too_few(enough) else _bisect(addresses, enough, too_few) + 1


def _think_ratio(whole: Traffic, addresses: int | None) -> float | None:
    """Return a think_ratio that makes the profile fit: the smallest of a scale with eight steps a doubling."""
    start = max(whole.profile.think_ratio, 0.1)
    steps = 0
    while start * 2 ** (steps / 8) <= _THINK_AT_MOST:
        steps += 1

    def too_short(step: int) -> bool:
        return not _fits(_simulation(_thinking(whole, _rounded(start * 2 ** (step / 8))), addresses).paced())

    if too_short(steps - 1):
        return None
    return _rounded(start * 2 ** ((_bisect(0, steps - 1, too_short) + 1) / 8))


def _thinking(whole: Traffic, ratio: float) -> Traffic:
    return replace(whole, profile=replace(whole.profile, think_ratio=ratio))


def _rounded(ratio: float) -> float:
    return min(float(f"{ratio:.2g}"), _THINK_AT_MOST)
