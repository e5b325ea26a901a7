"""Where sessions are held and how: read from the target's file, never led off its list of hosts."""

from pathlib import Path

import pytest

from settings.deployment import Sockets, Target
from settings.problem import UsageProblem
from settings.target import load_target

FILE = """\
format = 1
url = "https://staging.example"
ws_url = "wss://sockets.example"
allowed_hosts = ["staging.example", "sockets.example"]
contact = "load@example.org"
"""


def loaded(folder: Path, text: str = "", **environ: str) -> Target:
    (folder / "staging.toml").write_text(FILE + text, "utf-8")
    return load_target("staging", environ=environ, folder=folder)


def test_what_is_not_said_is_what_the_product_does(tmp_path: Path) -> None:
    assert loaded(tmp_path).sockets == Sockets("/socket.io/", (), 5.0, None, None)


def test_everything_can_be_said(tmp_path: Path) -> None:
    text = """
[sockets]
path = "/live/"
emits = ["listing_updated", "cache_invalidation"]
lost_after = "2 s"
sessions_per_address = 21
sessions_at_most = 100
"""
    said = Sockets("/live/", ("listing_updated", "cache_invalidation"), 2.0, 21, 100)
    assert loaded(tmp_path, text).sockets == said


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('path = "live"', "path"),
        ('path = "//evil.example/"', "path"),
        ('path = "/live/?EIO=4"', "path"),
        ('emits = ["new_order"]', "emits"),
        ('lost_after = "0 s"', "lost_after"),
        ("sessions_per_address = 0", "sessions_per_address"),
        ("sessions_at_most = 1.5", "sessions_at_most"),
        ('namespace = "/"', "namespace"),
    ],
)
def test_what_cannot_be_used_is_one_line_naming_its_place(tmp_path: Path, line: str, key: str) -> None:
    with pytest.raises(UsageProblem) as refusal:
        loaded(tmp_path, f"[sockets]\n{line}\n")
    message = str(refusal.value)
    assert message.startswith(f"{tmp_path / 'staging.toml'}: sockets")
    assert key in message
    assert "\n" not in message


# -- the address follows the deployment --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "ws_url", "given"),
    [
        ({}, "wss://sockets.example", False),
        ({"BACKEND_URL": "https://staging.example/"}, "wss://sockets.example", False),
        ({"BACKEND_URL": "http://127.0.0.1:9"}, None, False),  # another deployment: its sockets are there too
        ({"WS_URL": "ws://127.0.0.1:8"}, "ws://127.0.0.1:8", True),
        ({"BACKEND_URL": "http://127.0.0.1:9", "WS_URL": "ws://127.0.0.1:8"}, "ws://127.0.0.1:8", True),
    ],
)
def test_address_of_the_file_is_of_the_file_s_deployment(
    tmp_path: Path, environ: dict[str, str], ws_url: str | None, *, given: bool
) -> None:
    target = loaded(tmp_path, **environ)
    assert (target.ws_url, target.ws_url_given) == (ws_url, given)


def test_sockets_stay_on_the_list(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"'evil\.example' is not listed"):
        loaded(tmp_path, WS_URL="wss://evil.example")
