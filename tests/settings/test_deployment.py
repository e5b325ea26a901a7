import base64
import re
from datetime import date
from pathlib import Path

import pytest

from runlog.run import Waiver
from settings.deployment import Monitor, Target
from settings.problem import UsageProblem
from settings.target import TARGETS_DIR, load_target

FIRST = (
    'format = 1\nurl = "https://staging.example"\nallowed_hosts = ["staging.example"]\ncontact = "load@example.org"\n'
)
LIMITS = """\
format = 1
description = "x"
cached_for = "5 min"
[[limit]]
name = "writes"
most = 10
window = "60 s"
routes = ["POST /a"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "limits").mkdir()
    (tmp_path / "limits" / "mine.toml").write_text(LIMITS)
    (tmp_path / "ca.pem").write_text("certificates")
    return tmp_path


def loaded(folder: Path, text: str, **environ: str) -> Target:
    (folder / "staging.toml").write_text(FIRST + text)
    return load_target("staging", environ=environ, folder=folder)


def refused(folder: Path, text: str, **environ: str) -> str:
    """Return the refusal without the file's name; it must be one line, and repeat nothing of the environment."""
    with pytest.raises(UsageProblem) as refusal:
        loaded(folder, text, **environ)
    message = str(refusal.value)
    assert message.isprintable()
    assert not any(value in message for value in environ.values() if value.startswith("canary"))
    return message.removeprefix(f"{folder / 'staging.toml'}: ")


def test_what_a_deployment_of_others_needs_is_read(folder: Path) -> None:
    target = loaded(
        folder,
        'proxy = "http://proxy.example:3128"\nca_file = "ca.pem"\nrate_limits = "mine"\nkeep_alive = "20 s"\n'
        'client_addresses = ["192.0.2.1", "2001:DB8::1"]\nconsents = ["forwarded_for"]\nforwarded_for = true\n'
        'cache_keys_at_most = 500\nhealth_timeout = "1 min"\n',
        SELLERGATE_LEASES="/leases",
    )
    assert (target.contact, target.proxy) == ("load@example.org", "http://proxy.example:3128")
    assert target.ca_file == folder / "ca.pem"
    assert (target.limits_name, target.cached_for_s, target.cache_keys_at_most) == ("mine", 300, 500)
    assert [limit.name for limit in target.rate_limits] == ["writes"]
    assert target.client_addresses == ("192.0.2.1", "2001:db8::1")
    assert (target.forwarded_for, target.keep_alive_s, target.health_timeout_s) == (True, 20, 60)
    assert (target.lease_folder, target.secrets) == (Path("/leases"), ())
    info = target.info("https://staging.example")
    assert (info.client_addresses, info.forwarded_for, info.rate_limits) == (target.client_addresses, True, ("writes",))


def test_what_is_not_said_is_the_careful_default(folder: Path) -> None:
    target = loaded(folder, "")
    assert (target.proxy, target.ca_file, target.basic_auth, target.limits_name) == (None, None, None, None)
    assert (target.rate_limits, target.client_addresses, target.waivers) == ((), (), ())
    assert (target.forwarded_for, target.keep_alive_s, target.health_timeout_s) == (False, 60, 300)
    assert (target.cached_for_s, target.cache_keys_at_most, target.basic_auth_header) == (0, None, "Authorization")


BASIC = '[basic_auth]\nuser = "ops"\npassword = "${PASSWORD}"\n'


def test_basic_auth_comes_from_the_environment_and_is_a_secret_in_every_form(folder: Path) -> None:
    target = loaded(folder, BASIC + 'header = "Proxy-Authorization"\n', PASSWORD="canary:p4ss")
    assert target.basic_auth == ("ops", "canary:p4ss")
    assert target.basic_auth_header == "Proxy-Authorization"
    assert target.secrets == (base64.b64encode(b"ops:canary:p4ss").decode(), "canary:p4ss")
    assert "canary" not in repr(target)


@pytest.mark.parametrize(
    ("proxy", "environ"),
    [
        pytest.param("http://me:${PASSWORD}@proxy.example:3128", {"PASSWORD": "canary-%40"}, id="password"),
        pytest.param("${PROXY}", {"PROXY": "http://me:canary-%40@proxy.example:3128"}, id="whole"),
    ],
)
def test_password_of_a_proxy_is_a_secret_in_every_form(folder: Path, proxy: str, environ: dict[str, str]) -> None:
    target = loaded(folder, f'proxy = "{proxy}"\n', **environ)
    assert target.proxy == "http://me:canary-%40@proxy.example:3128"
    assert {"canary-%40", "canary-@", base64.b64encode(b"me:canary-@").decode()} <= set(target.secrets)
    assert list(target.secrets) == sorted(target.secrets, key=len, reverse=True)
    assert "canary" not in repr(target)


def test_values_of_headers_are_secrets_and_file_names_are_not(folder: Path) -> None:
    text = 'ca_file = "${CA}"\n[headers]\nX-Key = "key ${KEY}"\nX-Env = "staging"\n'
    target = loaded(folder, text, KEY="canary-key", CA="ca.pem")
    assert target.headers == {"X-Key": "key canary-key", "X-Env": "staging"}
    assert target.secrets == ("canary-key",)


AUTH_IN_HEADERS = '[headers]\nAuthorization = "${TOKEN}"\n'


@pytest.mark.parametrize(
    ("text", "environ", "message"),
    [
        pytest.param(
            'proxy = "http://me:secret@proxy.example:1"\n',
            {},
            "proxy: a secret in the file; accepted: '${NAME_OF_A_VARIABLE}'",
            id="password-of-a-proxy",
        ),
        pytest.param(
            'proxy = "socks5://proxy.example:1"\n',
            {},
            "proxy: not an address of a proxy; accepted: http://[user:password@]host:port",
            id="kind-of-proxy",
        ),
        pytest.param(
            'proxy = "${P}"\n',
            {"P": "canary nonsense"},
            "proxy: not an address of a proxy; accepted: http://[user:password@]host:port",
            id="proxy-of-the-environment",
        ),
        pytest.param(
            'proxy = "http://[::1"\n',
            {},
            "proxy: not an address of a proxy; accepted: http://[user:password@]host:port",
            id="bracket",
        ),
        pytest.param('proxy = "${P}"\n', {}, "proxy: environment variable 'P' is not set", id="no-proxy"),
        pytest.param(
            BASIC.replace("${PASSWORD}", "secret"),
            {},
            "basic_auth: password: a secret in the file; accepted: '${NAME_OF_A_VARIABLE}'",
            id="password-in-the-file",
        ),
        pytest.param(BASIC, {}, "basic_auth: password: environment variable 'PASSWORD' is not set", id="no-password"),
        pytest.param(
            BASIC,
            {"PASSWORD": "canary\nX: y"},
            "basic_auth: password: its variable has characters not allowed there",
            id="password-of-two-lines",
        ),
        pytest.param(
            BASIC.replace("ops", "a:b"),
            {"PASSWORD": "x"},
            "basic_auth: user: a user name with a colon cannot be sent",
            id="colon",
        ),
        pytest.param(
            BASIC + 'header = "Cookie"\n',
            {"PASSWORD": "x"},
            "basic_auth: header: 'Cookie' carries no basic auth; accepted: Authorization, Proxy-Authorization, X-…",
            id="header",
        ),
        pytest.param(
            AUTH_IN_HEADERS + BASIC,
            {"PASSWORD": "x", "TOKEN": "canary"},
            "basic_auth: header: 'Authorization' is in [headers] as well",
            id="header-twice",
        ),
        pytest.param(
            '[headers]\nX-Access-Token = "abc"\n',
            {},
            "headers: X-Access-Token: a secret in the file; accepted: '${NAME_OF_A_VARIABLE}'",
            id="token-in-the-file",
        ),
        pytest.param('ca_file = "no.pem"\n', {}, "ca_file: no such file {folder}/no.pem", id="no-ca"),
        pytest.param(
            'rate_limits = "mien"\n', {}, "{folder}/limits: no limits 'mien'; did you mean 'mine'?", id="limits"
        ),
        pytest.param(
            'client_addresses = ["host"]\n',
            {},
            "client_addresses 1: 'host' is not an IP address of this machine",
            id="name",
        ),
        pytest.param(
            'client_addresses = ["::1", "0:0::1"]\n',
            {},
            "client_addresses 1: '::1' is declared twice",
            id="address-twice",
        ),
        pytest.param(
            "forwarded_for = true\n",
            {},
            "forwarded_for: needs the operator's agreement; accepted: with consents 'forwarded_for'",
            id="not-agreed",
        ),
        pytest.param('keep_alive = "0 s"\n', {}, "keep_alive: 0 is not above 0", id="keep-alive"),
        pytest.param(
            "cache_keys_at_most = 0\n",
            {},
            "cache_keys_at_most: 0: input should be greater than or equal to 1",
            id="no-cache-keys",
        ),
    ],
)
def test_refused_in_one_line(folder: Path, text: str, environ: dict[str, str], message: str) -> None:
    assert refused(folder, text, **environ) == message.replace("{folder}", str(folder))


@pytest.mark.parametrize("contact", ["", "a (b)", "é", "a\\nb"], ids=["empty", "comment", "not-ascii", "two-lines"])
def test_contact_that_cannot_be_sent_is_refused(folder: Path, contact: str) -> None:
    (folder / "staging.toml").write_text(FIRST.replace("load@example.org", contact))
    with pytest.raises(UsageProblem, match="contact: "):
        load_target("staging", environ={}, folder=folder)


def test_load_of_others_needs_a_contact_and_our_own_does_not(folder: Path) -> None:
    (folder / "staging.toml").write_text(FIRST.replace('contact = "load@example.org"\n', ""))
    with pytest.raises(UsageProblem) as refusal:
        load_target("staging", environ={}, folder=folder)
    assert str(refusal.value) == (
        f"{folder / 'staging.toml'}: missing key 'contact': whom the operator may ask about the load"
    )
    assert load_target("staging", environ={"BACKEND_URL": "http://127.0.0.1:1"}, folder=folder).contact is None


@pytest.mark.parametrize(
    ("text", "seconds", "note"),
    [
        pytest.param("", 300.0, (), id="not-set"),
        pytest.param("300000", 300.0, (), id="no-change"),
        pytest.param("1500", 1.5, ("HEALTH_CHECK_TIMEOUT: health_timeout 1.5 s in place of 300 s",), id="milliseconds"),
    ],
)
def test_health_timeout_is_replaced_in_milliseconds(
    folder: Path, text: str, seconds: float, note: tuple[str, ...]
) -> None:
    target = loaded(folder, "", HEALTH_CHECK_TIMEOUT=text)
    assert (target.health_timeout_s, target.overrides) == (seconds, note)


@pytest.mark.parametrize("text", ["0", "-1", "5 min", "nan", "inf"])
def test_health_timeout_that_is_no_time_is_refused(folder: Path, text: str) -> None:
    with pytest.raises(UsageProblem) as refusal:
        loaded(folder, "", HEALTH_CHECK_TIMEOUT=text)
    assert str(refusal.value) == f"HEALTH_CHECK_TIMEOUT: '{text}' is not accepted; accepted: milliseconds above 0"


def monitor(lines: str) -> str:
    return f'[[monitor]]\nname = "cpu"\nurl = "/m"\nformat = "json"\n{lines}'


@pytest.mark.parametrize(
    ("lines", "paths", "counters"),
    [
        pytest.param('path = "a.b"\n', ("a.b",), False, id="one"),
        pytest.param('path = ["a.b", "c"]\ncounters = true\n', ("a.b", "c"), True, id="sum-of-counters"),
    ],
)
def test_monitor_may_sum_and_may_difference(
    folder: Path,
    lines: str,
    paths: tuple[str, ...],
    counters: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert loaded(folder, monitor(lines)).monitors == (Monitor("cpu", "/m", "json", paths, None, counters=counters),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            monitor("path = []\n"), "monitor 1: path: an empty list; accepted: at least one path", id="no-path"
        ),
        pytest.param(
            monitor('metric = "x"\ncounters = true\n').replace("json", "prometheus"),
            "monitor 1: 'counters' does not fit prometheus; accepted: with format 'json'",
            id="prometheus-counters",
        ),
    ],
)
def test_monitor_that_cannot_be_read_is_refused(folder: Path, text: str, message: str) -> None:
    assert refused(folder, text) == message


WAIVER = '[[waiver]]\nstat = "p95"\nreason = "r"\nowner = "o"\nexpires = 2027-01-01\n'


@pytest.mark.parametrize(
    ("more", "scope"),
    [
        pytest.param("", (None, None, None), id="everything"),
        pytest.param('workflow = "listing"\n', ("listing", None, None), id="workflow"),
        pytest.param('kind = "freshness"\n', (None, None, None, "freshness"), id="kind"),
        pytest.param(
            'workflow = "listing"\nstep = "creation"\nseverity = "high"\n', ("listing", "creation", "high"), id="step"
        ),
    ],
)
def test_waiver_is_read(folder: Path, more: str, scope: tuple[str | None, ...]) -> None:
    (waiver,) = loaded(folder, WAIVER + more).waivers
    assert waiver == Waiver(
        stat="p95", workflow=scope[0], step=scope[1], severity=scope[2], reason="r", owner="o", expires="2027-01-01",
        kind=scope[3] if scope[3:] else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(WAIVER.replace('owner = "o"\n', ""), "waiver 1: missing key 'owner'", id="owner"),
        pytest.param(
            WAIVER + 'kind = "http"\n',
            "waiver 1: kind: 'http' is not accepted; accepted: 'freshness', 'connect', 'ack' or 'push'",
            id="kind",
        ),
        pytest.param(
            WAIVER + 'step = "creation"\n',
            "waiver 1: step 'creation' without its workflow; accepted: workflow = …",
            id="step-alone",
        ),
        pytest.param(
            WAIVER + 'workflow = "listing"\nstep = "creatoin"\n',
            "waiver 1: unknown step 'creatoin' of listing; did you mean 'creation'?",
            id="step",
        ),
        pytest.param(
            WAIVER + 'severity = "severe"\n',
            "waiver 1: severity: 'severe' is not accepted; accepted: 'critical', 'high', 'medium' or 'low'",
            id="severity",
        ),
        pytest.param(WAIVER + WAIVER, "waiver 1: 'p95' is declared twice", id="twice"),
    ],
)
def test_waiver_that_says_too_little_is_refused(folder: Path, text: str, message: str) -> None:
    assert refused(folder, text) == message


def uncommented(path: Path) -> str:
    """Return a shipped file with every example in it switched on: `#key = …` and `#[table]` without a blank."""
    return re.sub(r"^#(?=[a-z\[A-Z])", "", path.read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("name", ["staging", "production"])
def test_shipped_targets_are_accepted(name: str) -> None:
    target = load_target(name, environ={})
    assert target.production is (name == "production")
    assert (target.limits_name, len(target.rate_limits), target.consents) == ("linkdao", 28, ())
    assert target.wallet_secret_env is not None
    assert {"database", "cache", "websocket", "seller_api", "image_upload", "notifications"} == set(target.health)
    assert [monitor.name for monitor in target.monitors] == ["memory", "cpu", "cache_hits"]
    for gap in target.gaps:
        assert gap.owner
        assert date.fromisoformat(gap.expires) > date(2026, 11, 1)


def test_every_example_of_the_shipped_staging_target_can_be_switched_on(tmp_path: Path) -> None:
    shipped = uncommented(TARGETS_DIR / "staging.toml").replace("consents = []", 'consents = ["forwarded_for"]')
    (tmp_path / "limits").symlink_to(TARGETS_DIR / "limits")
    (tmp_path / "staging-ca.pem").write_text("certificates")
    (tmp_path / "staging.toml").write_text(shipped)
    environ = {"STAGING_PROXY": "http://p:1", "STAGING_KEY": "k1", "STAGING_USER": "u", "STAGING_PASSWORD": "p1"}
    target = load_target("staging", environ=environ, folder=tmp_path)
    assert (target.proxy, target.basic_auth, target.headers) == ("http://p:1", ("u", "p1"), {"X-Staging-Key": "k1"})
    assert (len(target.client_addresses), target.forwarded_for, len(target.waivers)) == (2, True, 3)
    assert target.ca_file == tmp_path / "staging-ca.pem"
