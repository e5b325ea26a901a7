"""Keep bodies for a fixed time, as the deployment's Redis does, whoever they belong to."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5
from time import monotonic
from urllib.parse import parse_qs

from cachetools import TLRUCache

SIZE_AT_MOST_BYTES = 256 * 1024 * 1024
_OVERHEAD_BYTES = 500  # key, entry and bookkeeping of one body
CHARS_AT_MOST = 1_000_000
_TTL_S = 300


@dataclass(frozen=True, slots=True)
class Kept:
    """A body, its entity tag and how long it is kept."""

    body: bytes
    etag: str
    ttl_s: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the outer layer keeps a page, and for how long."""

    key: str
    ttl_s: int


class Keep:
    """Bodies by key until their time is over; a write outdates none unless somebody drops its key."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._bodies: TLRUCache[str, Kept] = TLRUCache(
            SIZE_AT_MOST_BYTES,
            ttu=lambda _key, kept, now_s: now_s + kept.ttl_s,
            timer=clock,
            getsizeof=lambda kept: len(kept.body) + _OVERHEAD_BYTES,
        )
        self.hits = 0
        self.misses = 0

    def find(self, key: str) -> Kept | None:
        """Return what is kept under a key."""
        kept: Kept | None = self._bodies.get(key)
        self.hits += kept is not None
        self.misses += kept is None
        return kept

    def put(self, key: str, kept: Kept) -> None:
        """Keep a body; one longer than a million characters is not kept (contract 3.1)."""
        if len(kept.body) <= CHARS_AT_MOST or len(kept.body.decode()) <= CHARS_AT_MOST:
            self._bodies[key] = kept

    def drop(self, key: str) -> None:
        """Forget what is kept under a key."""
        self._bodies.pop(key, None)

    def drop_all(self, beginning: str) -> None:
        """Forget what is kept under any key that begins so."""
        for key in [key for key in self._bodies if key.startswith(beginning)]:
            self.drop(key)


def outer_place(path: str, query_text: str) -> Place:
    """Return key and TTL of the layer in front of everything; three patterns collide (contract 0.2, 0.3, 3.1)."""
    if "/marketplace/listings" in path:
        query = parse_qs(query_text)
        search = ":".join(query.get(name, [""])[0] for name in ("category", "search", "page"))
        return Place(f"listings:{base64(query_text)}:{base64(search)}", 60)
    if "/products/" in path:
        return Place("product:undefined", 600)
    if "/sellers/" in path and "/profile" in path:
        return Place("seller:undefined", _TTL_S)
    return Place(f"response:GET:{path}:{query_text}" if query_text else f"response:GET:{path}", _TTL_S)


def entity_tag(body: bytes) -> str:
    """Return the strong tag the outer layer gives a body."""
    return f'"{md5(body, usedforsecurity=False).hexdigest()}"'


def base64(text: str) -> str:
    """Encode a query as the keys of lists do."""
    return b64encode(text.encode()).decode()
