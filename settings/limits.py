"""Read which rate limits a deployment has: a file of targets/limits/."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from settings.document import Document, did_you_mean, read_document, shown
from settings.fields import Duration, DurationAboveZero, Name, Words
from settings.problem import UsageProblem

LIMITS: Final = "limits"
"""The folder beside the target files."""

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests of some routes in a window, counted for each client address by itself."""

    name: str
    most: int
    window_s: float
    routes: tuple[tuple[str, str], ...]  # method, route template
    per_path: bool = False  # every path (an id in it) has a counter of its own
    renewing: bool = False  # each allowed request starts the window again; else it begins with its first request
    failures_count: bool = True
    cached_count: bool = False  # whether answers of the deployment's cache count


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one kind of deployment."""

    rate_limits: tuple[RateLimit, ...]
    cached_for_s: float  # how long its cache answers the same URL again; 0: it has none


def _route(value: object) -> tuple[str, str]:
    method, _, template = str(value).partition(" ")
    if method not in _METHODS or not template.startswith("/") or " " in template:
        raise ValueError(f"{str(value)!r} is not a route; accepted: such as 'GET /api/marketplace/seller/{{w}}'")
    return method, template


class _LimitTable(Document):
    name: Name
    most: Annotated[int, Field(ge=1)]
    window: DurationAboveZero
    routes: list[Annotated[tuple[str, str], BeforeValidator(_route)]] = Field(min_length=1)
    per_path: bool = False
    renewing: bool = False
    failures_count: bool = True
    cached_count: bool = False


def _unique_names(limits: list[_LimitTable]) -> list[_LimitTable]:
    names = [limit.name for limit in limits]
    twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if twice is not None:
        raise ValueError(f"{twice!r} is declared twice")
    return limits


class _LimitsFile(Document):
    format: Literal[1]
    description: Words
    cached_for: Duration = 0.0
    limit: Annotated[list[_LimitTable], Field(min_length=1), AfterValidator(_unique_names)]

    @model_validator(mode="after")
    def _consistent(self) -> "_LimitsFile":
        for index, limit in enumerate(self.limit, 1):
            twice = next((each for number, each in enumerate(limit.routes) if each in limit.routes[:number]), None)
            if twice is not None:
                raise ValueError(f"limit {index}: routes: {' '.join(twice)!r} is listed twice")
        return self


def load_limits(name: str, folder: Path) -> Limits:
    """Return the limits called `name`, a file of `limits/` in the folder of target files; UsageProblem in one line."""
    known = sorted(path.stem for path in (folder / LIMITS).glob("*.toml"))
    if name not in known:
        raise UsageProblem(f"{shown(folder / LIMITS)}: no limits {name!r}{did_you_mean(name, known)}")
    file = read_document(folder / LIMITS / f"{name}.toml", _LimitsFile)
    return Limits(tuple(_limit(table) for table in file.limit), file.cached_for)


def _limit(table: _LimitTable) -> RateLimit:
    return RateLimit(
        name=table.name,
        most=table.most,
        window_s=table.window,
        routes=tuple(table.routes),
        per_path=table.per_path,
        renewing=table.renewing,
        failures_count=table.failures_count,
        cached_count=table.cached_count,
    )
