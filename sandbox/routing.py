"""Match a method and a path to a route, before anything else happens to a request."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from sandbox.call import Call
from sandbox.envelopes import Family, Reply
from sandbox.limits import Limit
from sandbox.shop import Shop

Handler = Callable[[Shop, Call], "Reply | Awaitable[Reply]"]


class Access(Enum):
    """Who may ask."""

    OPEN = "anyone"
    TOKEN = "a valid token"  # noqa: S105 - a description, not a secret
    OWNER = "the token's wallet must be {w}"
    SELF = "the token's user must be {uid}"


class Kind(Enum):
    """Which counters a route belongs to, and whether faults touch it."""

    WORKFLOW = "workflow"
    HEALTH = "health"
    MONITOR = "monitor"
    CONTROL = "control"


class Probe(Enum):
    """How a health check that uses a route of the workflows is told apart from them."""

    NONE = "not used by a health check"
    EMPTY = "a request without a body"
    ANONYMOUS = "a request without a token"


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path template; ``template`` is also its label in the truth and in samples.

    ``tags`` (with the template's placeholders) name what a cached page shows: a route without any is never cached.
    ``watches_orders`` marks the reads that tell the simulated buyer a seller is there; ``probe`` how a
    health check of ``component`` asks for it.
    """

    method: str
    template: str
    handler: Handler
    access: Access = Access.OPEN
    family: Family = Family.UNIFIED
    kind: Kind = Kind.WORKFLOW
    tags: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    watches_orders: bool = False
    probe: Probe = Probe.NONE
    component: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the values of its placeholders, wallets in lower case."""

    route: Route
    params: dict[str, str]


@dataclass(slots=True)
class _Node:
    literal: dict[str, "_Node"] = field(default_factory=dict)
    placeholder: "_Node | None" = None
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """A tree over path segments in which a literal goes before a placeholder, whatever the order of the table."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def find(self, method: str, path: str) -> Match | None:
        """Return the route of a request, or None; a trailing slash does not matter."""
        values: list[str] = []
        segments = path.rstrip("/").split("/")[1:]
        route = self._descend(self._root, segments, 0, method, values)
        if route is None:
            return None
        names = [segment[1:-1] for segment in route.template.split("/") if segment.startswith("{")]
        return Match(route, {name: _normal(name, value) for name, value in zip(names, values, strict=True)})

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.template.split("/")[1:]:
            if segment.startswith("{"):
                node.placeholder = node.placeholder or _Node()
                node = node.placeholder
            else:
                node = node.literal.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"{route.method} {route.template} is in the table twice")
        node.routes[route.method] = route

    def _descend(self, node: _Node, segments: list[str], at: int, method: str, values: list[str]) -> Route | None:
        if at == len(segments):
            return node.routes.get(method)
        literal = node.literal.get(segments[at])
        if literal is not None:
            found = self._descend(literal, segments, at + 1, method, values)
            if found is not None:
                return found
        if node.placeholder is None or not segments[at]:
            return None
        values.append(segments[at])
        found = self._descend(node.placeholder, segments, at + 1, method, values)
        if found is None:
            values.pop()
        return found


def _normal(name: str, value: str) -> str:
    return value.lower() if name in {"w", "uid", "lid", "oid"} else value
