"""Bring together what handlers work with."""

import random
from dataclasses import dataclass
from uuid import UUID

from sandbox.cache import PageCache
from sandbox.image_store import ImageStore
from sandbox.realtime.publisher import Publisher
from sandbox.state import Database
from sandbox.tallies import Tallies
from sandbox.tokens import Tokens
from sandbox.watchers import Watchers


@dataclass(frozen=True, slots=True)
class Shop:
    """State, tokens, counts, who tells sellers what happened, and the one random generator that names things."""

    db: Database
    cache: PageCache
    tokens: Tokens
    tallies: Tallies
    watchers: Watchers
    images: ImageStore
    publisher: Publisher
    rng: random.Random

    def new_id(self) -> str:
        """Return a fresh UUID, drawn from the seed."""
        return str(UUID(int=self.rng.getrandbits(128), version=4))
