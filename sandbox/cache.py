"""Keep computed pages until a write changes what they show."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from time import monotonic

from cachetools import TTLCache

TTL_S = 60.0
SIZE_AT_MOST_BYTES = 64 * 1024 * 1024
_OVERHEAD_BYTES = 500  # key, entry and bookkeeping of one page


@dataclass(frozen=True, slots=True)
class Page:
    """A kept answer, and the versions of everything it shows at the moment it was computed."""

    body: bytes
    etag: str
    stored_at_s: float
    versions: tuple[int, ...]


class PageCache:
    """A bounded TTL cache of pages; a page is a hit only while none of its tags was touched since.

    A tag names something pages show (``profile:0xab…``). Touching it is one addition, whatever the number of pages, and
    leaves no index to fall out of step with the pages; what was outdated leaves by age or size.
    """

    def __init__(self, ttl_s: float = TTL_S, size_at_most_bytes: int = SIZE_AT_MOST_BYTES) -> None:
        self._pages: TTLCache[str, Page] = TTLCache(
            size_at_most_bytes,
            ttl_s,
            getsizeof=lambda page: len(page.body) + _OVERHEAD_BYTES,
        )
        self._versions: defaultdict[str, int] = defaultdict(int)
        self.hits = 0
        self.misses = 0

    def touch(self, tags: Iterable[str]) -> None:
        """Outdate every page that shows one of these."""
        for tag in tags:
            self._versions[tag] += 1

    def versions(self, tags: Iterable[str]) -> tuple[int, ...]:
        """Versions of the tags now; a page and its versions must be taken with no write between them."""
        return tuple(self._versions.get(tag, 0) for tag in tags)

    def find(self, key: str, tags: tuple[str, ...]) -> Page | None:
        """Return the page if it still shows what is true."""
        page: Page | None = self._pages.get(key)
        if page is None or page.versions != self.versions(tags):
            self.misses += 1
            return None
        self.hits += 1
        return page

    def keep(self, key: str, body: bytes, versions: tuple[int, ...]) -> Page:
        """Store a computed page; one larger than the whole cache is answered but not kept."""
        page = Page(body, f'"{blake2b(body, digest_size=12).hexdigest()}"', monotonic(), versions)
        if len(body) + _OVERHEAD_BYTES <= self._pages.maxsize:
            self._pages[key] = page
        return page

    @property
    def size_bytes(self) -> int:
        """Bytes of the pages kept now."""
        return int(self._pages.currsize)
