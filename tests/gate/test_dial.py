"""Hold that a question goes the way the load goes: through the proxy, with its credentials, from its address."""

import base64
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from gate.dial import own_headers
from gate.probe import ProbeError, ask, ask_once
from settings.target import Target, load_target

from .conftest import Site, serving


@pytest.fixture
def target(site: Site, tmp_path: Path) -> Target:
    site.answer("/health", body=b"up")
    (tmp_path / "here.toml").write_text(f'format = 1\nurl = "{site.url}"\n')
    return load_target("here", environ={}, folder=tmp_path)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_basic_auth_travels_in_its_header(site: Site, target: Target) -> None:
    ask(replace(target, basic_auth=("ops", "pässword")), "/health")
    ask(replace(target, basic_auth=("ops", "x"), basic_auth_header="X-Staging-Auth"), "/health")
    first, second = (headers for _method, _path, headers in site.asked)
    assert first["Authorization"] == basic("ops:pässword")
    assert (second["X-Staging-Auth"], "Authorization" in second) == (basic("ops:x"), False)


def test_basic_auth_is_not_taken_along_to_another_origin(site: Site, target: Target) -> None:
    site.answer("/old", 302, Location=site.url.replace("127.0.0.1", "localhost") + "/health")
    ask(replace(target, basic_auth=("ops", "x")), "/old")
    assert ["Authorization" in headers for _method, _path, headers in site.asked] == [True, False]


def test_plain_http_goes_through_the_proxy_with_the_whole_address(site: Site, target: Target) -> None:
    with serving() as proxy:
        proxy.answer("http://api.example:8000/health", body=b"by proxy")
        via = proxy.url.replace("//", "//load:s%40fe@")
        far = replace(target, url="http://api.example:8000", allowed_hosts=("api.example",), proxy=via)
        assert ask(far, "/health").body == b"by proxy"
        ((method, path, headers),) = proxy.asked
    assert (method, path.partition("?")[0]) == ("GET", "http://api.example:8000/health")
    assert headers["Proxy-Authorization"] == basic("load:s@fe")
    assert headers["Host"] == "api.example:8000"
    assert site.asked == []


def test_https_asks_the_proxy_for_a_tunnel(site: Site, target: Target) -> None:
    with serving() as proxy:
        far = replace(target, url="https://api.example", allowed_hosts=("api.example",), proxy=proxy.url)
        with pytest.raises(ProbeError, match="Tunnel connection failed"):
            ask(far, "/health")
    assert site.asked == []


def test_certificate_is_held_against_the_bundle_of_the_target(target: Target, tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    with serving(context, "localhost") as secured:
        secured.answer("/health", body=b"safe")
        there = replace(target, url=secured.url)
        assert ask(replace(there, ca_file=tmp_path / "ca.pem"), "/health").body == b"safe"
        with pytest.raises(ProbeError, match="certificate verify failed"):
            ask(there, "/health")


def test_bundle_that_is_none_is_no_answer(target: Target, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(ProbeError):
        ask(replace(target, url="https://127.0.0.1:9", ca_file=tmp_path / "ca.pem"), "/health")
    with pytest.raises(ProbeError, match="no such file"):
        ask(replace(target, url="https://127.0.0.1:9", ca_file=tmp_path / "none.pem"), "/health")


def test_question_leaves_from_the_first_client_address(site: Site, target: Target) -> None:
    ask(replace(target, client_addresses=("127.0.0.7", "127.0.0.8")), "/health")
    assert site.callers == ["127.0.0.7"]


def test_who_asks_is_said_with_whom_to_ask(target: Target) -> None:
    assert own_headers(target, "preflight")["User-Agent"].endswith(" (preflight)")
    named = own_headers(replace(target, contact="load@example.org"), "monitors")["User-Agent"]
    assert named.startswith("sellergate/")
    assert named.endswith(" (monitors; contact load@example.org)")


def test_secrets_are_in_no_repr(target: Target) -> None:
    secret = replace(target, basic_auth=("ops", "hunter2"), proxy="http://a:hunter2@127.0.0.1:9")
    assert "hunter2" not in repr(secret)


def test_redirect_is_told_and_not_followed_when_asked_once(site: Site, target: Target) -> None:
    site.answer("/old", 302, Location="https://elsewhere.example/")
    answer = ask_once(target, "/old", purpose="preflight")
    assert (answer.status, answer.sent_on_to) == (302, "https://elsewhere.example/")
    assert len(site.asked) == 1


@pytest.mark.parametrize(("age", "kept"), [(None, True), ("0", False), ("120", False)], ids=["own", "0 s", "120 s"])
def test_date_of_a_cache_is_not_the_servers(site: Site, target: Target, age: str | None, *, kept: bool) -> None:
    site.answer("/health", 200, b"up", **({} if age is None else {"Age": age}))
    answer = ask(target, "/health")
    assert (answer.date is not None) is kept
    assert answer.sent_at_s <= answer.received_at_s
