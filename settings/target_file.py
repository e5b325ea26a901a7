"""Declare what a file of targets/ may say."""

import ipaddress
import re
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from settings.deployment import HealthCheck
from settings.document import Document
from settings.environment import environment_name, environment_names
from settings.exceptions_file import GapTable, WaiverTable
from settings.fields import AboveZero, Duration, DurationAboveZero, Name, Words
from settings.forbidden import refuse_forbidden
from settings.hosts import HTTP, WEBSOCKET, base_address, host_of, normal_host

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CREDENTIALS: Final = re.compile(r"auth|cookie|token|secret|password|api-?key", re.IGNORECASE)
_FRAMING: Final = ("host", "content-length", "transfer-encoding", "connection")
_AUTH_HEADERS: Final = ("authorization", "proxy-authorization")
_HEALTH_CHECK: Final = re.compile(r"(?:(GET|POST) )?(/\S*)(?: ([1-5]\d\d))?(?: ([\w.-]+) = (\S+))?")
_HEALTH_WORDS: Final = {"true": True, "false": False, "null": None}
_FROM_ENVIRONMENT: Final = "a secret in the file; accepted: '${NAME_OF_A_VARIABLE}'"


def _http_address(value: str) -> str:
    return base_address(value, HTTP)


def _ws_address(value: str) -> str:
    return base_address(value, WEBSOCKET)


def _allowed_host(value: str) -> str:
    if "/" in value or (":" in value and value.count(":") < 2):  # noqa: PLR2004 - two colons at least: IPv6
        raise ValueError(f"{value!r} is not a host; accepted: a name or an IP address, without scheme and port")
    return normal_host(value)


def _path_or_address(value: str) -> str:
    if not value.startswith("/") or value.startswith("//"):
        host_of(value, HTTP)
    refuse_forbidden(value)
    return value


def _socket_path(value: str) -> str:
    if not value.startswith("/") or value.startswith("//") or "?" in value:
        raise ValueError(f"{value!r} is not a path; accepted: such as /socket.io/")
    refuse_forbidden(value)
    return value


def _header_name(value: str) -> str:
    if _HEADER_NAME.fullmatch(value) is None or value.lower() in _FRAMING:
        raise ValueError(f"{value!r} is not a header that may be added")
    return value


def _basic_auth_header(value: str) -> str:
    if value.lower() not in _AUTH_HEADERS and not (value.lower().startswith("x-") and _HEADER_NAME.fullmatch(value)):
        raise ValueError(f"{value!r} carries no basic auth; accepted: Authorization, Proxy-Authorization, X-…")
    return value


def _password(value: str) -> str:
    if not environment_names(value):
        raise ValueError(_FROM_ENVIRONMENT)
    return value


def _proxy(value: str) -> str:
    """Return a proxy's address whose password, if any, is not in the file; its form is checked once it is filled."""
    try:
        parts = urlsplit(value)
        password = parts.password
    except ValueError as error:
        raise ValueError("not an address of a proxy; accepted: http://[user:password@]host:port") from error
    if password is not None and not environment_names(password):
        raise ValueError(_FROM_ENVIRONMENT)
    return value


def _filled(value: str) -> str:
    for variable in environment_names(value):
        environment_name(variable)
    return value


def _contact(value: str) -> str:
    if not value.isascii() or not value.isprintable() or set(value) & set("()\\"):
        raise ValueError(f"{value!r} cannot be sent in a header; accepted: such as load-tests@example.org")
    return value


def _client_address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is not an IP address of this machine") from error


Filled = Annotated[Words, AfterValidator(_filled)]
"""Text that may say `${NAME}`."""


class CacheTable(Document):
    """How the target's answers say whether a cache answered."""

    status_header: Words = "X-Cache"
    hit_values: list[Words] = Field(default=["HIT"], min_length=1)
    miss_values: list[Words] = Field(default=["MISS"], min_length=1)
    age_header: Words = "Age"


class MonitorTable(Document):
    """One figure of the target's own."""

    name: Name
    url: Annotated[str, AfterValidator(_path_or_address)]
    format: Literal["json", "prometheus"]
    path: Words | list[Words] | None = None
    metric: Words | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    scale: AboveZero = 1.0
    every: DurationAboveZero = 2.0
    counters: bool = False

    @model_validator(mode="after")
    def _format_fits(self) -> "MonitorTable":
        wanted, other = ("path", "metric") if self.format == "json" else ("metric", "path")
        if getattr(self, wanted) is None:
            raise ValueError(f"missing key {wanted!r}: format {self.format!r} needs it")
        if getattr(self, other) is not None or (self.labels and self.format == "json"):
            raise ValueError(f"{other if getattr(self, other) is not None else 'labels'!r} does not fit {self.format}")
        if self.path == []:
            raise ValueError("path: an empty list; accepted: at least one path")
        if self.counters and self.format != "json":
            raise ValueError(f"'counters' does not fit {self.format}; accepted: with format 'json'")
        return self


class BasicAuthTable(Document):
    """What the gateway in front of the target asks for."""

    user: Filled
    password: Annotated[Filled, AfterValidator(_password)]
    header: Annotated[str, AfterValidator(_basic_auth_header)] = "Authorization"


class SocketsTable(Document):
    """How the target's Socket.IO sessions are held."""

    path: Annotated[str, AfterValidator(_socket_path)] = "/socket.io/"
    emits: list[Literal["order_status_changed", "listing_updated", "cache_invalidation"]] = Field(default_factory=list)
    lost_after: DurationAboveZero = 5.0
    sessions_per_address: Annotated[int, Field(ge=1)] | None = None
    sessions_at_most: Annotated[int, Field(ge=1)] | None = None


class TargetTable(Document):
    """A whole file of targets/."""

    format: Literal[1]
    url: Annotated[str, AfterValidator(_http_address)]
    ws_url: Annotated[str, AfterValidator(_ws_address)] | None = None
    frontend_url: Annotated[str, AfterValidator(_http_address)] | None = None
    allowed_hosts: list[Annotated[str, AfterValidator(_allowed_host)]] = Field(default_factory=list)
    production: bool = False
    timeout: DurationAboveZero = 30.0
    step_header: bool = False
    consents: list[Literal["image_upload", "forwarded_for"]] = Field(default_factory=list)
    contact: Annotated[Words, AfterValidator(_contact)] | None = None
    proxy: Annotated[Filled, AfterValidator(_proxy)] | None = None
    ca_file: Filled | None = None
    basic_auth: BasicAuthTable | None = None
    rate_limits: Name | None = None
    client_addresses: list[Annotated[str, AfterValidator(_client_address)]] = Field(default_factory=list)
    forwarded_for: bool = False
    keep_alive: DurationAboveZero = 60.0
    transport: Literal["own", "fasthttp"] = "own"
    cache_keys_at_most: Annotated[int, Field(ge=1)] | None = None
    health_timeout: DurationAboveZero = 300.0
    cache: CacheTable = CacheTable()
    sockets: SocketsTable = SocketsTable()
    freshness_budget: Duration = 5.0
    freshness_budgets: dict[str, Duration] = Field(default_factory=dict)
    wallet_secret_env: Annotated[str, AfterValidator(environment_name)] | None = None
    headers: dict[Annotated[str, AfterValidator(_header_name)], str] = Field(default_factory=dict)
    health: dict[Name, str] = Field(default_factory=dict)
    monitor: list[MonitorTable] = Field(default_factory=list)
    gap: list[GapTable] = Field(default_factory=list)
    waiver: list[WaiverTable] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> "TargetTable":
        for name, value in self.headers.items():
            _check_header(name, value)
        for name, text in self.health.items():
            split_health_check(name, text)
        if self.forwarded_for and "forwarded_for" not in self.consents:
            raise ValueError("forwarded_for: needs the operator's agreement; accepted: with consents 'forwarded_for'")
        if self.basic_auth is not None and self.basic_auth.header.lower() in {name.lower() for name in self.headers}:
            raise ValueError(f"basic_auth: header: {self.basic_auth.header!r} is in [headers] as well")
        for kind, names in (
            ("client_addresses", self.client_addresses),
            ("monitor", [monitor.name for monitor in self.monitor]),
            ("gap", [f"{gap.workflow}.{gap.step}" for gap in self.gap]),
            ("waiver", [waiver.what() for waiver in self.waiver]),
        ):
            twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
            if twice is not None:
                raise ValueError(f"{kind} {names.index(twice) + 1}: {twice!r} is declared twice")
        return self


def split_health_check(name: str, text: str) -> HealthCheck:
    """Return what `/path`, `GET /path`, `POST /path 400` or `/path database.connected = true` asks for."""
    match = _HEALTH_CHECK.fullmatch(text)
    if match is None or match[2].startswith("//"):
        accepted = "'/path', 'POST /path 400', '/path database.connected = true'"
        raise ValueError(f"health: {name}: {text!r} is not a check; accepted: {accepted}")
    try:
        refuse_forbidden(match[2], match[1] or "GET")
    except ValueError as error:
        raise ValueError(f"health: {name}: {error}") from error
    status = int(match[3]) if match[3] else None
    return HealthCheck(match[2], match[1] or "GET", status, match[4], _health_value(match[5]))


def _health_value(word: str | None) -> bool | float | str | None:
    """Return what a word stands for in JSON: true, false, null, a number, else the word itself."""
    if word is None or word in _HEALTH_WORDS:
        return _HEALTH_WORDS[word or "null"]
    try:
        return float(word)
    except ValueError:
        return word


def _check_header(name: str, value: str) -> None:
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"headers: {name}: a value with characters that do not belong in a header")
    try:
        _filled(value)
    except ValueError as error:
        raise ValueError(f"headers: {name}: {error}") from error
    if _CREDENTIALS.search(name) and not environment_names(value):
        raise ValueError(f"headers: {name}: {_FROM_ENVIRONMENT}")
