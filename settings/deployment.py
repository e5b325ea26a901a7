"""Declare what a target file comes to once the environment is in it: one deployment and how to treat it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from runlog.run import Gap, TargetInfo, Waiver
from settings.limits import RateLimit


@dataclass(frozen=True, slots=True)
class CacheHeaders:
    """Which of the target's headers say whether a cache answered."""

    status_header: str = "X-Cache"
    hit_values: tuple[str, ...] = ("HIT",)
    miss_values: tuple[str, ...] = ("MISS",)
    age_header: str = "Age"


@dataclass(frozen=True, slots=True)
class Monitor:
    """One figure the target tells about itself; the value times `scale` is a ratio, 0..1.

    With `counters` the figure is what it grew by between two answers, divided by the seconds between them.
    """

    name: str
    url: str  # a path on the backend, or a whole address on an allowed host
    format: Literal["json", "prometheus"]
    paths: tuple[str, ...]  # json: data.current.resources.memory.usage; of several the sum; prometheus: none
    metric: str | None  # prometheus: the sample's name
    labels: dict[str, str] = field(default_factory=dict)  # prometheus: those the sample must have
    scale: float = 1.0
    every_s: float = 2.0
    counters: bool = False


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A request whose answer says that a part of the target is up."""

    path: str
    method: str = "GET"
    status: int | None = None  # the status of a part that is up; None: any 2xx
    field: str | None = None  # what its JSON body must also say, such as database.connected; None: anything
    value: bool | float | str | None = None  # of that field, when the part is up


@dataclass(frozen=True, slots=True)
class Sockets:
    """How the target's Socket.IO sessions are held."""

    path: str = "/socket.io/"
    emits: tuple[str, ...] = ()  # events that follow a write, besides the four that steps wait for
    lost_after_s: float = 5.0  # an event that has not come by then is lost
    sessions_per_address: int | None = None  # the server turns away what goes beyond; None: nothing known
    sessions_at_most: int | None = None  # likewise, of all addresses together


@dataclass(frozen=True, slots=True)
class Target:
    """One deployment: where it is, what may be sent to it, what it tells about itself; secrets stay out of its repr."""

    name: str
    path: Path
    url: str
    ws_url: str | None
    frontend_url: str | None
    allowed_hosts: tuple[str, ...]
    production: bool
    timeout_s: float
    step_header: bool
    consents: tuple[str, ...]
    cache: CacheHeaders
    freshness_budget_s: float
    freshness_budgets_s: dict[str, float]  # route → seconds, in place of the budget of all routes
    wallet_secret_env: str | None
    gaps: tuple[Gap, ...]
    monitors: tuple[Monitor, ...]
    health: dict[str, HealthCheck]
    headers: dict[str, str] = field(repr=False)  # not in a traceback: values come from the environment
    overrides: tuple[str, ...] = ()  # what the environment replaced, for the record
    contact: str | None = None  # whom the operator may ask about the load; in the User-Agent
    proxy: str | None = field(default=None, repr=False)  # http://[user:password@]host:port
    ca_file: Path | None = None  # certificates to trust in place of the system's
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)  # user, password
    basic_auth_header: str = "Authorization"  # where a step sends a Bearer token there, that wins
    limits_name: str | None = None  # the file of targets/limits/ the rate limits are from
    rate_limits: tuple[RateLimit, ...] = ()
    cached_for_s: float = 0.0  # how long the deployment's cache answers the same URL again; 0: it has none
    client_addresses: tuple[str, ...] = ()  # source addresses the generator binds; none: the system's choice
    forwarded_for: bool = False  # one X-Forwarded-For a seller, agreed with the operator
    keep_alive_s: float = 60.0  # an idle connection older than this is not used again
    cache_keys_at_most: int | None = None  # live cache entries our unique queries may leave on the server
    health_timeout_s: float = 300.0  # how long the health checks may take to become green
    waivers: tuple[Waiver, ...] = ()
    lease_folder: Path = Path()  # where the leases of this machine's user are
    secrets: tuple[str, ...] = field(default=(), repr=False)  # what must not be kept anywhere; longest first
    sockets: Sockets = Sockets()
    transport: Literal["own", "fasthttp"] = "own"  # what requests are sent with: our connection, or FastHttpUser's
    ws_url_given: bool = False  # by the environment: it holds whichever address of the target is loaded

    def info(self, url: str) -> TargetInfo:
        """Return what run.json keeps of it when the load goes to `url`; no secret."""
        return TargetInfo(
            name=self.name,
            url=url,
            gaps=self.gaps,
            monitors=tuple(monitor.name for monitor in self.monitors),
            waivers=self.waivers,
            client_addresses=self.client_addresses,
            forwarded_for=self.forwarded_for,
            rate_limits=tuple(limit.name for limit in self.rate_limits),
        )
