"""Declare what a file of targets/ may say."""

import datetime as dt
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from runlog.workflows import WORKFLOWS
from settings.document import Document, did_you_mean
from settings.fields import AboveZero, Duration, DurationAboveZero, Name, Words
from settings.hosts import HTTP, WEBSOCKET, base_address, host_of, normal_host
from settings.profile import known_workflows

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CREDENTIALS: Final = ("authorization", "proxy-authorization", "cookie", "x-api-key")
_FRAMING: Final = ("host", "content-length", "transfer-encoding", "connection")
_ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEALTH_CHECK: Final = re.compile(r"(?:(GET|POST) )?(/\S*)(?: ([1-5]\d\d))?")


def environment_names(value: str) -> list[str]:
    """Return the names of the `${NAME}` in a header's value."""
    return re.findall(r"\$\{([^}]*)\}", value)


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
    return value


def _iso_date(value: object) -> object:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    try:
        return dt.date.fromisoformat(str(value)).isoformat()
    except ValueError as error:
        raise ValueError(f"{str(value)!r} is not a date; accepted: 2026-12-31") from error


def _header_name(value: str) -> str:
    if _HEADER_NAME.fullmatch(value) is None or value.lower() in _FRAMING:
        raise ValueError(f"{value!r} is not a header that may be added")
    return value


def _environment_name(value: str) -> str:
    if _ENVIRONMENT_NAME.fullmatch(value) is None:
        raise ValueError(f"{value!r} is not the name of an environment variable")
    return value


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
    path: Words | None = None
    metric: Words | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    scale: AboveZero = 1.0
    every: DurationAboveZero = 2.0

    @model_validator(mode="after")
    def _format_fits(self) -> "MonitorTable":
        wanted, other = ("path", "metric") if self.format == "json" else ("metric", "path")
        if getattr(self, wanted) is None:
            raise ValueError(f"missing key {wanted!r}: format {self.format!r} needs it")
        if getattr(self, other) is not None or (self.labels and self.format == "json"):
            raise ValueError(f"{other if getattr(self, other) is not None else 'labels'!r} does not fit {self.format}")
        return self


class GapTable(Document):
    """A step the target is known not to offer."""

    workflow: str
    step: str
    reason: Words
    owner: Words
    expires: Annotated[str, BeforeValidator(_iso_date)]

    @model_validator(mode="after")
    def _known(self) -> "GapTable":
        if self.workflow not in known_workflows():
            raise ValueError(f"unknown workflow {self.workflow!r}{did_you_mean(self.workflow, known_workflows())}")
        steps = WORKFLOWS.get(self.workflow)
        if steps is not None and self.step not in steps:
            raise ValueError(f"unknown step {self.step!r} of {self.workflow}{did_you_mean(self.step, steps)}")
        return self


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
    consents: list[Literal["image_upload"]] = Field(default_factory=list)
    cache: CacheTable = CacheTable()
    freshness_budget: Duration = 5.0
    freshness_budgets: dict[str, Duration] = Field(default_factory=dict)
    wallet_secret_env: Annotated[str, AfterValidator(_environment_name)] | None = None
    headers: dict[Annotated[str, AfterValidator(_header_name)], str] = Field(default_factory=dict)
    health: dict[Name, str] = Field(default_factory=dict)
    monitor: list[MonitorTable] = Field(default_factory=list)
    gap: list[GapTable] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> "TargetTable":
        for name, value in self.headers.items():
            _check_header(name, value)
        for name, text in self.health.items():
            split_health_check(name, text)
        for kind, names in (
            ("monitor", [monitor.name for monitor in self.monitor]),
            ("gap", [f"{gap.workflow}.{gap.step}" for gap in self.gap]),
        ):
            twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
            if twice is not None:
                raise ValueError(f"{kind} {names.index(twice) + 1}: {twice!r} is declared twice")
        return self


def split_health_check(name: str, text: str) -> tuple[str, str, int | None]:
    """Return method, path and expected status (None: any 2xx) of `/path`, `GET /path`, `POST /path 400`."""
    match = _HEALTH_CHECK.fullmatch(text)
    if match is None or match[2].startswith("//"):
        raise ValueError(f"health: {name}: {text!r} is not a check; accepted: '/path', 'POST /path 400'")
    return match[1] or "GET", match[2], int(match[3]) if match[3] else None


def _check_header(name: str, value: str) -> None:
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"headers: {name}: a value with characters that do not belong in a header")
    names = environment_names(value)
    for variable in names:
        try:
            _environment_name(variable)
        except ValueError as error:
            raise ValueError(f"headers: {name}: {error}") from error
    if name.lower() in _CREDENTIALS and not names:
        raise ValueError(f"headers: {name}: a secret in the file; accepted: '${{NAME_OF_A_VARIABLE}}'")
