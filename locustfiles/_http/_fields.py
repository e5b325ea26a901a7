"""Header fields of an answer, as they came; looked at when somebody asks."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any


class Fields(Mapping[str, str]):
    """Header fields by name in any case; a field that came several times holds its values, with commas between."""

    __slots__ = ("_came",)

    def __init__(self, came: list[tuple[bytes, bytes]]) -> None:
        """Keep what came: names and values in their order."""
        self._came = came

    def __getitem__(self, name: str) -> str:
        """Return the value of a field; KeyError when it did not come."""
        found: str | None = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a field, or `default`; asked often, and mostly for what is not there."""
        wanted = _wanted(name)
        size = len(wanted)
        found: bytes | None = None
        for key, value in self._came:
            if len(key) == size and key.lower() == wanted:
                found = value if found is None else found + b", " + value
        return default if found is None else found.decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        """Return the names, in lower case, each once."""
        return iter(dict.fromkeys(key.lower().decode("latin-1") for key, _ in self._came))

    def __len__(self) -> int:
        """Count the names."""
        return len({key.lower() for key, _ in self._came})


@lru_cache(maxsize=256)
def _wanted(name: str) -> bytes:
    return name.lower().encode("latin-1")
