from pathlib import Path

import pytest

from settings.hosts import HTTP, base_address, host_of, is_loopback
from settings.problem import UsageProblem
from settings.target import Target, check_host, load_target

TARGET = """
format = 1
url = "https://staging.linkdao.example"
contact = "load@example.org"
allowed_hosts = ["staging.linkdao.example", "API.linkdao.example.", "192.0.2.7", "2001:db8::7"]
"""


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "staging.toml").write_text(TARGET)
    return load_target("staging", environ={}, folder=tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "http://127.0.0.1:7080/api?x=1",
        "http://127.255.255.254",
        "http://localhost:80",
        "http://LOCALHOST.:80",
        "http://[::1]:8080",
        "http://[0:0:0:0:0:0:0:1]",
        "ws://127.0.0.1/socket.io",
        "https://staging.linkdao.example",
        "https://STAGING.linkdao.example:8443/path",
        "https://staging.linkdao.example./",
        "wss://api.linkdao.example",
        "http://192.0.2.7",
        "http://[2001:DB8:0::7]:80",
    ],
)
def test_loopback_and_listed_hosts_are_let_through(target: Target, url: str) -> None:
    check_host(target, url)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://evil.example", id="not-listed"),
        pytest.param("http://127.0.0.1@evil.example", id="address-as-user-name"),
        pytest.param("http://staging.linkdao.example:x@evil.example", id="listed-as-user-name"),
        pytest.param("http://user@127.0.0.1", id="user-name-on-loopback"),
        pytest.param("http://@127.0.0.1", id="empty-user-name"),
        pytest.param("http://127.1", id="short-ip"),
        pytest.param("http://0x7f000001", id="hex-ip"),
        pytest.param("http://0x7f.0.0.1", id="hex-part"),
        pytest.param("http://2130706433", id="one-number"),
        pytest.param("http://0177.0.0.1", id="octal-part"),
        pytest.param("http://127.0.0.1.", id="ip-with-final-dot"),
        pytest.param("http://127.0.0.256", id="ip-part-too-large"),
        pytest.param("http://127.0.0.1.evil.example", id="ip-as-prefix"),
        pytest.param("http://localhost.evil.example", id="localhost-as-prefix"),
        pytest.param("http://evil.localhost", id="below-localhost"),
        pytest.param("http://staging.linkdao.example.evil.example", id="listed-as-prefix"),
        pytest.param("http://xstaging.linkdao.example", id="listed-as-suffix"),
        pytest.param("http://sub.staging.linkdao.example", id="below-listed"),
        pytest.param("http://128.0.0.1", id="just-above-loopback"),
        pytest.param("http://126.255.255.255", id="just-below-loopback"),
        pytest.param("http://0.0.0.0", id="any-address"),
        pytest.param("http://[::]", id="any-address-v6"),
        pytest.param("http://[::2]", id="next-to-loopback-v6"),
        pytest.param("http://[::ffff:127.0.0.1]", id="mapped-v4"),
        pytest.param("http://[::1%25eth0]", id="zone"),
        pytest.param("http://[::1]evil.example", id="host-after-bracket"),
        pytest.param("http://[::1].evil.example", id="name-after-bracket"),
        pytest.param("http://[::1", id="open-bracket"),
        pytest.param("http://::1", id="no-brackets"),
        pytest.param("http://", id="no-host"),
        pytest.param("http:///path", id="no-host-but-path"),
        pytest.param("http://:80", id="only-port"),
        pytest.param("//127.0.0.1", id="no-scheme"),
        pytest.param("127.0.0.1", id="bare-host"),
        pytest.param("localhost:7080", id="host-read-as-scheme"),
        pytest.param("", id="empty"),
        pytest.param("ftp://127.0.0.1", id="ftp"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("javascript:alert(1)", id="javascript"),
        pytest.param("http://127.0.0.1:0", id="port-0"),
        pytest.param("http://127.0.0.1:65536", id="port-too-large"),
        pytest.param("http://127.0.0.1:http", id="port-by-name"),
        pytest.param("http://127.0.0.1:", id="empty-port"),
        pytest.param("http://127.0.0.1\\@evil.example", id="backslash"),
        pytest.param("http://evil.example\\.localhost", id="backslash-in-name"),
        pytest.param("http://127.0.0.1 .evil.example", id="blank"),
        pytest.param("http://127.0.0.1\t.evil.example", id="tab"),
        pytest.param("http://local\nhost", id="line-break"),
        pytest.param("http://127\u30020.0.1", id="ideographic-full-stop"),
        pytest.param("http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3", id="circled-letters"),
        pytest.param("http://127.0.0%2e1", id="percent"),
        pytest.param("http://a..b", id="empty-label"),
        pytest.param("http://-a.example", id="leading-hyphen"),
    ],
)
def test_every_other_spelling_is_refused_in_one_line(target: Target, url: str) -> None:
    with pytest.raises(UsageProblem) as refusal:
        check_host(target, url)
    assert str(refusal.value).isprintable()


def test_refusal_names_the_file_and_what_it_lists(target: Target) -> None:
    with pytest.raises(UsageProblem) as refusal:
        check_host(target, "http://evil.example")
    assert str(refusal.value) == (
        f"host 'evil.example' is not listed in {target.path}; accepted: "
        "staging.linkdao.example, api.linkdao.example, 192.0.2.7, 2001:db8::7"
    )


@pytest.mark.parametrize("tail", ["evil.example", "evil.example:x", "a b", "", "[::1"])
def test_refusal_of_a_password_does_not_repeat_it(target: Target, tail: str) -> None:
    with pytest.raises(UsageProblem) as refusal:
        check_host(target, f"http://me:s3cret@{tail}")
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:7080", "http://127.0.0.1:7080"),
        ("http://LocalHost:7080/", "http://localhost:7080"),
        ("https://[::1]", "https://[::1]"),
    ],
)
def test_base_address_is_scheme_host_and_port(url: str, address: str) -> None:
    assert base_address(url, HTTP) == address


@pytest.mark.parametrize("tail", ["/api", "/?x=1", "?x", "#a", "?", "#"])
def test_base_address_refuses_what_says_more(tail: str) -> None:
    with pytest.raises(ValueError, match="has a path; accepted: scheme"):
        base_address(f"http://127.0.0.1{tail}", HTTP)


@pytest.mark.parametrize(("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("a", False)])
def test_loopback_is_told_from_names(host: str, loopback: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_loopback(host) is loopback


def test_host_is_compared_in_one_spelling() -> None:
    assert host_of("http://[2001:DB8:0:0::7]:80") == "2001:db8::7"
    assert host_of("HTTP://Example.COM.") == "example.com"
