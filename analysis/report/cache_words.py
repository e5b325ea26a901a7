"""Put into words what is known of a cache: its hits and misses, and by what they are told apart."""

from analysis.report import wording
from analysis.verdict import CacheBasis, CacheSide, CacheSplit


def both(cache: CacheSplit | None) -> CacheSplit | None:
    """Return the split when the run had misses and answers that claim to be hits; else there is nothing to compare."""
    return cache if cache is not None and cache.claimed_hits and cache.misses.samples else None


def line(cache: CacheSplit) -> str:
    """Return both sides in one line."""
    return f"{_side(cache.hits, 'hit', 'hits')}; {_side(cache.misses, 'miss', 'misses')}; {_basis(cache)}"


def note(cache: CacheSplit) -> str:
    """Return by what hits and misses are told apart, and what bodies said about the headers."""
    if cache.basis is CacheBasis.HEADER:
        return "Told apart by header only: no body says whether it was computed for its own request."
    return (
        "Told apart by header and body. "
        f"Of {wording.several(cache.claimed_hits, 'claimed hit', 'claimed hits')} {_telling(cache.hits_telling)}: "
        f"{wording.count(cache.hits_computed)} computed for the request itself, which count as misses. "
        f"Of the claimed misses {_telling(cache.misses_telling)}: "
        f"{wording.count(cache.misses_cached)} answered by a cache inside."
    )


def _basis(cache: CacheSplit) -> str:
    return "by header only" if cache.basis is CacheBasis.HEADER else "by header and body"


def _telling(how_many: int) -> str:
    return wording.several(how_many, "has a body that says", "have a body that says")


def _side(side: CacheSide, one: str, more: str) -> str:
    times = f"p50 {wording.number(side.p50_ms)}, p95 {wording.number(side.p95_ms)} ms"
    return f"{wording.several(side.samples, one, more)}: {times}"
