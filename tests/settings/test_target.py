from pathlib import Path

import pytest

from settings.permission import check_permission
from settings.problem import UsageProblem
from settings.profile import Profile
from settings.target import CacheHeaders, HealthCheck, Monitor, load_target, target_for_host

GOOD = """\
format = 1
url = "https://staging.example"
ws_url = "wss://staging.example"
allowed_hosts = ["staging.example", "monitor.example"]
production = false
timeout = "20 s"
consents = ["image_upload"]
freshness_budget = "3 s"
wallet_secret_env = "WALLETS"
contact = "load@example.org"

[cache]
status_header = "CF-Cache-Status"
hit_values = ["HIT", "REVALIDATED"]

[freshness_budgets]
"/api/marketplace/seller/{w}" = "10 s"

[headers]
Authorization = "Bearer ${STAGING_TOKEN}"
X-Env = "staging"

[health]
database = "/health/database"
image_upload = "POST /api/marketplace/seller/images/upload 400"

[[monitor]]
name = "memory"
url = "https://monitor.example/metrics"
format = "prometheus"
metric = "process_memory_percent"
labels = { job = "api" }
scale = 0.01
every = "5 s"

[[gap]]
workflow = "tier_upgrade"
step = "automated_upgrade"
reason = "route is not mounted"
owner = "sellers team"
expires = 2026-12-31
"""
ENVIRON = {"STAGING_TOKEN": "canary-token"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "staging.toml").write_text(GOOD)
    (tmp_path / "sandbox.toml").write_text('format = 1\nurl = "http://127.0.0.1:7080"\n')
    return tmp_path


def refused(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    """Return the refusal of staging.toml as `text`, which must be one line."""
    (folder / "staging.toml").write_text(text)
    with pytest.raises(UsageProblem) as refusal:
        load_target("staging", environ=ENVIRON if environ is None else environ, folder=folder)
    assert str(refusal.value).isprintable()
    return str(refusal.value).removeprefix(f"{folder / 'staging.toml'}: ")


def test_target_is_read_whole(folder: Path) -> None:
    target = load_target("staging", environ=ENVIRON, folder=folder)
    assert (target.name, target.path, target.url) == ("staging", folder / "staging.toml", "https://staging.example")
    assert target.ws_url == "wss://staging.example"
    assert target.timeout_s == 20
    assert target.freshness_budget_s == 3
    assert target.freshness_budgets_s == {"/api/marketplace/seller/{w}": 10.0}
    assert target.cache == CacheHeaders("CF-Cache-Status", ("HIT", "REVALIDATED"), ("MISS",), "Age")
    assert target.headers == {"Authorization": "Bearer canary-token", "X-Env": "staging"}
    assert target.health == {
        "database": HealthCheck("/health/database"),
        "image_upload": HealthCheck("/api/marketplace/seller/images/upload", "POST", 400),
    }
    assert target.monitors == (
        Monitor(
            name="memory",
            url="https://monitor.example/metrics",
            format="prometheus",
            paths=(),
            metric="process_memory_percent",
            labels={"job": "api"},
            scale=0.01,
            every_s=5.0,
        ),
    )
    assert [(gap.step, gap.expires) for gap in target.gaps] == [("automated_upgrade", "2026-12-31")]
    assert target.overrides == ()


def test_target_does_not_show_what_its_headers_hold(folder: Path) -> None:
    assert "canary-token" not in repr(load_target("staging", environ=ENVIRON, folder=folder))


MONITOR = '[[monitor]]\nname = "cpu"\nurl = "/x"\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("timeout", "timout", "unknown key 'timout'; did you mean 'timeout'?", id="misspelt-key"),
        pytest.param('url = "https://staging.example"\n', "", "missing key 'url'", id="no-url"),
        pytest.param(
            '"https://staging.example"',
            '"staging.example"',
            "url: 'staging.example' has scheme ''; accepted: http, https",
            id="url-without-scheme",
        ),
        pytest.param(
            '"https://staging.example"',
            '"https://staging.example/api"',
            "url: 'https://staging.example/api' has a path; accepted: scheme://host[:port]",
            id="url-with-path",
        ),
        pytest.param(
            '"https://staging.example"',
            '"https://other.example"',
            "url: host 'other.example' is not listed in {path}; accepted: staging.example, monitor.example",
            id="url-not-listed",
        ),
        pytest.param(
            '"wss://staging.example"',
            '"https://staging.example"',
            "ws_url: 'https://staging.example' has scheme 'https'; accepted: ws, wss",
            id="ws-url-scheme",
        ),
        pytest.param(
            "https://monitor.example/metrics",
            "https://other.example/metrics",
            "monitor 1: url: host 'other.example' is not listed in {path}; accepted: staging.example, monitor.example",
            id="monitor-not-listed",
        ),
        pytest.param(
            '"https://monitor.example/metrics"',
            '"//other.example/metrics"',
            "monitor 1: url: '//other.example/metrics' has scheme ''; accepted: http, https",
            id="monitor-without-scheme",
        ),
        pytest.param(
            '["staging.example",',
            '["https://staging.example",',
            "allowed_hosts 1: 'https://staging.example' is not a host; accepted: a name or an IP address, "
            "without scheme and port",
            id="host-with-scheme",
        ),
        pytest.param(
            '["staging.example",', '["*.example",', "allowed_hosts 1: '*.example' is not a host name", id="wildcard"
        ),
        pytest.param(
            '["staging.example",',
            '["staging.example:443",',
            "allowed_hosts 1: 'staging.example:443' is not a host; accepted: a name or an IP address, "
            "without scheme and port",
            id="host-with-port",
        ),
        pytest.param(
            '["staging.example",',
            '["0x7f000001",',
            "allowed_hosts 1: '0x7f000001' is not an IPv4 address in its usual spelling, as 127.0.0.1 is",
            id="host-that-resolvers-read-as-an-address",
        ),
        pytest.param('"20 s"', '"0 s"', "timeout: 0 is not above 0", id="no-timeout"),
        pytest.param(
            '"20 s"', "20", "timeout: 20 has no unit, expected a time ('ms', 's', 'min', 'h')", id="bare-timeout"
        ),
        pytest.param(
            '["image_upload"]',
            '["everything"]',
            "consents 1: 'everything' is not accepted; accepted: 'image_upload' or 'forwarded_for'",
            id="unknown-consent",
        ),
        pytest.param(
            '"WALLETS"', '"a b"', "wallet_secret_env: 'a b' is not the name of an environment variable", id="env"
        ),
        pytest.param("production = false", "production = 0", "production: 0 is not true or false", id="production"),
        pytest.param(
            '"Bearer ${STAGING_TOKEN}"',
            '"Bearer abc"',
            "headers: Authorization: a secret in the file; accepted: '${NAME_OF_A_VARIABLE}'",
            id="secret-in-the-file",
        ),
        pytest.param(
            '"Bearer ${STAGING_TOKEN}"',
            '"${A B}"',
            "headers: Authorization: 'A B' is not the name of an environment variable",
            id="header-variable-name",
        ),
        pytest.param("X-Env", "Host", "headers: Host: 'Host' is not a header that may be added", id="framing-header"),
        pytest.param(
            'X-Env = "staging"',
            'X-Env = "a\\r\\nB: c"',
            "headers: X-Env: a value with characters that do not belong in a header",
            id="header-injection",
        ),
        pytest.param(
            '"/health/database"',
            '"health/database"',
            "health: database: 'health/database' is not a check; accepted: '/path', 'POST /path 400', '/path "
            "database.connected = true'",
            id="health-check-without-slash",
        ),
        pytest.param(
            '"/health/database"',
            '"DELETE /x"',
            "health: database: 'DELETE /x' is not a check; accepted: '/path', 'POST /path 400', '/path "
            "database.connected = true'",
            id="health-check-that-changes-things",
        ),
        pytest.param(
            '"/health/database"',
            '"//other.example/"',
            "health: database: '//other.example/' is not a check; accepted: '/path', 'POST /path 400', '/path "
            "database.connected = true'",
            id="health-check-elsewhere",
        ),
        pytest.param(
            '"/health/database"',
            '"/health database.connected true"',
            "health: database: '/health database.connected true' is not a check; accepted: '/path', "
            "'POST /path 400', '/path database.connected = true'",
            id="health-check-of-a-field-without-equals",
        ),
        pytest.param(
            'metric = "process_memory_percent"',
            'metrik = "x"',
            "monitor 1: unknown key 'metrik'; did you mean 'metric'?",
            id="misspelt-key-of-a-monitor",
        ),
        pytest.param(
            'metric = "process_memory_percent"\n',
            "",
            "monitor 1: missing key 'metric': format 'prometheus' needs it",
            id="prometheus-without-metric",
        ),
        pytest.param(
            'metric = "process_memory_percent"\n',
            'metric = "x"\npath = "a.b"\n',
            "monitor 1: 'path' does not fit prometheus",
            id="prometheus-with-path",
        ),
        pytest.param(
            "[[gap]]",
            f'{MONITOR}format = "json"\nlabels = {{ a = "b" }}\npath = "a"\n[[gap]]',
            "monitor 2: 'labels' does not fit json",
            id="json-with-labels",
        ),
        pytest.param(
            "[[gap]]",
            f'{MONITOR}format = "xml"\npath = "a"\n[[gap]]',
            "monitor 2: format: 'xml' is not accepted; accepted: 'json' or 'prometheus'",
            id="unknown-format",
        ),
        pytest.param(
            "[[gap]]",
            f'{MONITOR.replace("cpu", "memory")}format = "json"\npath = "a"\n[[gap]]',
            "monitor 1: 'memory' is declared twice",
            id="monitor-twice",
        ),
        pytest.param(
            '"memory"',
            '"health.memory"',
            "monitor 1: name: 'health.memory' is not a name; accepted: lower-case letters, digits and _",
            id="monitor-named-like-a-health-check",
        ),
        pytest.param("scale = 0.01", "scale = nan", "monitor 1: scale: nan is not a finite number", id="nan-scale"),
        pytest.param(
            'workflow = "tier_upgrade"',
            'workflow = "tier_upgrades"',
            "gap 1: unknown workflow 'tier_upgrades'; did you mean 'tier_upgrade'?",
            id="gap-of-an-unknown-workflow",
        ),
        pytest.param(
            '"automated_upgrade"',
            '"automatic_upgrade"',
            "gap 1: unknown step 'automatic_upgrade' of tier_upgrade; did you mean 'automated_upgrade'?",
            id="gap-of-an-unknown-step",
        ),
        pytest.param('owner = "sellers team"\n', "", "gap 1: missing key 'owner'", id="gap-without-owner"),
        pytest.param(
            '"route is not mounted"',
            '""',
            "gap 1: reason: empty text; accepted: at least a word",
            id="gap-without-reason",
        ),
        pytest.param(
            "2026-12-31",
            '"31.12.2026"',
            "gap 1: expires: '31.12.2026' is not a date; accepted: 2026-12-31",
            id="gap-with-another-date",
        ),
        pytest.param(
            "2026-12-31",
            "2026-12-31T10:00:00",
            "gap 1: expires: '2026-12-31 10:00:00' is not a date; accepted: 2026-12-31",
            id="gap-with-a-time",
        ),
        pytest.param("[[gap]]", "[gap]", "gap: a table is not a list", id="table-for-a-list"),
    ],
)
def test_refused_in_one_line(folder: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    assert refused(folder, GOOD.replace(old, new, 1)) == message.replace("{path}", str(folder / "staging.toml"))


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("/health database.connected = true", HealthCheck("/health", "GET", None, "database.connected", value=True)),
        ("/health database.connected = false", HealthCheck("/health", "GET", None, "database.connected", value=False)),
        ("/health error = null", HealthCheck("/health", "GET", None, "error", value=None)),
        ("POST /x 400 code = NO_FILE", HealthCheck("/x", "POST", 400, "code", "NO_FILE")),
        ("/pool data.0.idle = 3", HealthCheck("/pool", "GET", None, "data.0.idle", 3.0)),
    ],
    ids=["true", "false", "null", "a word, with a status", "a number in a list"],
)
def test_health_check_may_ask_for_a_field(folder: Path, text: str, check: HealthCheck) -> None:
    (folder / "staging.toml").write_text(GOOD.replace('"/health/database"', f'"{text}"'))
    assert load_target("staging", environ=ENVIRON, folder=folder).health["database"] == check


def test_gap_declared_twice_is_refused(folder: Path) -> None:
    gap = GOOD[GOOD.index("[[gap]]") :]
    assert refused(folder, GOOD + gap) == "gap 1: 'tier_upgrade.automated_upgrade' is declared twice"


def test_missing_variable_of_a_header_is_named(folder: Path) -> None:
    assert refused(folder, GOOD, {}) == "headers: Authorization: environment variable 'STAGING_TOKEN' is not set"


def test_variable_that_would_break_out_of_its_header_is_refused(folder: Path) -> None:
    message = refused(folder, GOOD, {"STAGING_TOKEN": "canary\r\nX: y"})
    assert message == "headers: Authorization: its variable has characters not allowed there"


@pytest.mark.parametrize(
    ("name", "environ", "chosen"),
    [
        pytest.param(None, {}, "sandbox", id="default"),
        pytest.param(None, {"DEPLOYMENT_ENV": ""}, "sandbox", id="empty-variable"),
        pytest.param(None, {"DEPLOYMENT_ENV": "staging"}, "staging", id="variable"),
        pytest.param("sandbox", {"DEPLOYMENT_ENV": "staging"}, "sandbox", id="argument-before-variable"),
    ],
)
def test_target_is_chosen(folder: Path, name: str | None, environ: dict[str, str], chosen: str) -> None:
    assert load_target(name, environ={**ENVIRON, **environ}, folder=folder).name == chosen


@pytest.mark.parametrize(
    ("name", "environ", "message"),
    [
        pytest.param("stagin", {}, "no target 'stagin'; did you mean 'staging'?", id="argument"),
        pytest.param(
            None,
            {"DEPLOYMENT_ENV": "prod"},
            "no target 'prod' (from DEPLOYMENT_ENV); accepted: sandbox, staging",
            id="env",
        ),
        pytest.param("../staging", {}, "no target '../staging'; did you mean 'staging'?", id="path"),
    ],
)
def test_unknown_target_is_refused(folder: Path, name: str | None, environ: dict[str, str], message: str) -> None:
    with pytest.raises(UsageProblem) as refusal:
        load_target(name, environ=environ, folder=folder)
    assert str(refusal.value) == f"{folder}: {message}"


def test_folder_without_targets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="no target 'sandbox'; accepted: nothing"):
        load_target(environ={}, folder=tmp_path)


def test_environment_replaces_addresses_that_are_listed(folder: Path) -> None:
    environ = {
        **ENVIRON,
        "BACKEND_URL": "http://127.0.0.1:9",
        "WS_URL": "ws://127.0.0.1:9/",
        "FRONTEND_URL": "https://monitor.example",
    }
    target = load_target("staging", environ=environ, folder=folder)
    assert (target.url, target.ws_url, target.frontend_url) == (
        "http://127.0.0.1:9",
        "ws://127.0.0.1:9",
        "https://monitor.example",
    )
    assert target.overrides == (
        "BACKEND_URL: url http://127.0.0.1:9 in place of https://staging.example",
        "WS_URL: ws_url ws://127.0.0.1:9 in place of wss://staging.example",
        "FRONTEND_URL: frontend_url https://monitor.example in place of none",
    )


def test_address_that_changes_nothing_is_no_override(folder: Path) -> None:
    environ = {**ENVIRON, "BACKEND_URL": "https://staging.example/"}
    assert load_target("staging", environ=environ, folder=folder).overrides == ()


@pytest.mark.parametrize(
    ("variable", "address", "message"),
    [
        ("BACKEND_URL", "https://evil.example", "BACKEND_URL: host 'evil.example' is not listed in "),
        ("BACKEND_URL", "ws://127.0.0.1", "BACKEND_URL: 'ws://127.0.0.1' has scheme 'ws'; accepted: http, https"),
        ("WS_URL", "http://127.0.0.1", "WS_URL: 'http://127.0.0.1' has scheme 'http'; accepted: ws, wss"),
        ("FRONTEND_URL", "x", "FRONTEND_URL: 'x' has scheme ''; accepted: http, https"),
    ],
)
def test_environment_does_not_lead_off_the_list(folder: Path, variable: str, address: str, message: str) -> None:
    with pytest.raises(UsageProblem) as refusal:
        load_target("staging", environ={**ENVIRON, variable: address}, folder=folder)
    assert str(refusal.value).startswith(message)


def test_host_belongs_to_the_target_that_lists_it(folder: Path) -> None:
    assert target_for_host("https://monitor.example:8443", environ=ENVIRON, folder=folder).url == (
        "https://monitor.example:8443"
    )
    assert target_for_host("http://127.0.0.1:1", environ={}, folder=folder).name == "sandbox"
    named = target_for_host("http://localhost", environ={**ENVIRON, "DEPLOYMENT_ENV": "staging"}, folder=folder)
    assert named.name == "staging"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "https://evil.example",
            (
                "--host: 'evil.example' is not listed in {folder}; add it to allowed_hosts of the target's file "
                "there, such as {folder}/staging.toml"
            ),
        ),
        ("evil.example", "--host: 'evil.example' has scheme ''; accepted: http, https"),
        ("http://127.0.0.1/x", "--host: 'http://127.0.0.1/x' has a path; accepted: scheme://host[:port]"),
    ],
)
def test_host_that_no_file_lists_is_refused(folder: Path, url: str, message: str) -> None:
    with pytest.raises(UsageProblem) as refusal:
        target_for_host(url, environ=ENVIRON, folder=folder)
    assert str(refusal.value) == message.format(folder=folder)


def test_host_of_a_target_without_its_variables_does_not_hinder_another(folder: Path) -> None:
    (folder / "a.toml").write_text('format = 1\nurl = "http://a.example"\nallowed_hosts = ["a.example"]\n')
    (folder / "zz.toml").write_text(
        'format = 1\nurl = "http://z.example"\nallowed_hosts = ["z.example"]\ncontact = "me"\n'
    )
    assert target_for_host("http://z.example", environ={}, folder=folder).name == "zz"


def test_shipped_sandbox_is_accepted() -> None:
    target = load_target(environ={})
    assert (target.name, target.url, target.step_header, target.consents) == (
        "sandbox",
        "http://127.0.0.1:7080",
        True,
        ("image_upload",),
    )
    assert [monitor.name for monitor in target.monitors] == ["memory", "cpu"]
    assert {"database", "cache", "websocket", "seller_api"} <= target.health.keys()


SAFE = Profile("watch", 1, 1.0, 60.0, 10.0, safe_for_production=True)
UNSAFE = Profile("load", 1, 1.0, 60.0, 10.0)


@pytest.mark.parametrize(
    ("profile", "allow", "message"),
    [
        pytest.param(
            SAFE, False, "target 'staging' is production; accepted: with --allow-production", id="not-allowed"
        ),
        pytest.param(
            UNSAFE,
            True,
            "profile 'load' is not marked safe_for_production; target 'staging' is production",
            id="unsafe",
        ),
        pytest.param(
            None,
            True,
            "a run without a profile is not marked safe_for_production; target 'staging' is production",
            id="no-profile",
        ),
    ],
)
def test_production_refuses(folder: Path, profile: Profile | None, *, allow: bool, message: str) -> None:
    (folder / "staging.toml").write_text(GOOD.replace("production = false", "production = true"))
    target = load_target("staging", environ=ENVIRON, folder=folder)
    with pytest.raises(UsageProblem) as refusal:
        check_permission(target, profile, allow_production=allow)
    assert str(refusal.value) == message


def test_production_gets_safe_profiles_when_allowed_and_says_so(folder: Path) -> None:
    (folder / "staging.toml").write_text(GOOD.replace("production = false", "production = true"))
    target = load_target("staging", environ=ENVIRON, folder=folder)
    assert check_permission(target, SAFE, allow_production=True) == ("--allow-production",)


@pytest.mark.parametrize("allow", [True, False])
def test_other_targets_need_no_permission(folder: Path, *, allow: bool) -> None:
    target = load_target("staging", environ=ENVIRON, folder=folder)
    assert check_permission(target, None, allow_production=allow) == ()
