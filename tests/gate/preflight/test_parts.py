"""Hold the parts of preflight that need no server: lines, disk, name, lease in use."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gate.exit_codes import ExitCode
from gate.preflight.check import Check, Preflight, State, not_needed, ok, problem, refusal, warning
from gate.preflight.disk import BYTES_A_SAMPLE, FIXED_BYTES, bytes_needed, disk_check
from gate.preflight.lease import HeldLease, holding_lease
from gate.preflight.lines import COLUMNS, all_lines, short_lines
from gate.preflight.network import answer_check, connection_check, name_check
from settings.leases import LeaseHeld, read_lease, take_lease
from settings.profile import Profile
from settings.target import Target, load_target
from tests.gate.conftest import Site, serving

PROBLEM = problem("clock", "server's minus ours: +9.1 to +10.1 s", "clock_skew", "at most 2 s")
BUG = Check("trial", State.PROBLEM, "boom", ExitCode.BUG)


@pytest.mark.parametrize(
    ("checks", "code", "last"),
    [
        ((ok("a", "fine"), not_needed("b", "none")), 0, "preflight: ok"),
        ((ok("a", "fine"), warning("b", "soon", "x", "y")), 0, "preflight: ok (1 warning)"),
        ((PROBLEM,), 3, "preflight: 1 problem (exit 3)"),
        ((PROBLEM, refusal("target", "not listed")), 2, "preflight: 2 problems (exit 2)"),
        ((refusal("target", "not listed"), BUG, PROBLEM), 70, "preflight: 3 problems (exit 70)"),
    ],
    ids=["well", "warned", "the world", "the caller before the world", "a bug of ours before both"],
)
def test_answer_is_as_bad_as_its_worst(checks: tuple[Check, ...], code: int, last: str) -> None:
    preflight = Preflight(checks)
    assert preflight.code == code
    assert list(all_lines(preflight))[-1] == last


def test_long_words_are_folded_under_themselves() -> None:
    lines = list(all_lines(Preflight((problem("lease", "held by somebody " * 9, "x", "y"), ok("a", "b")))))
    assert max(map(len, lines)) <= COLUMNS
    column = lines[0].index("held")
    assert all(line.startswith(" " * column) for line in lines[1:-2])
    assert len(lines) > 4


def test_short_lines_leave_out_what_is_well_and_explain_what_is_not() -> None:
    refused = replace(refusal("addresses", "exceeded"), more=("  binds first: x",))
    shown = list(short_lines(Preflight((ok("a", "fine"), not_needed("b", ""), PROBLEM, refused))))
    assert [line.split()[0] for line in shown] == ["problem", "problem", "binds", "preflight:"]


def profile(sellers: int = 80, duration_s: float = 85, think_ratio: float = 1.0) -> Profile:
    return Profile("demo", sellers, 10, duration_s, 10, think_ratio)


def test_room_for_the_demo_is_at_least_what_it_wrote() -> None:
    # 22,326 samples of the demo: 89 bytes each while both files are there, and 1.9 MB of everything else
    assert bytes_needed(profile()) > 22_326 * 89 + 1_900_000
    assert bytes_needed(profile()) < 10 * (22_326 * 89 + 1_900_000)


@pytest.mark.parametrize(
    "more",
    [profile(sellers=160), profile(duration_s=170), profile(think_ratio=0.5)],
    ids=["more sellers", "for longer", "thinking less"],
)
def test_more_load_needs_more_room(more: Profile) -> None:
    assert bytes_needed(more) > bytes_needed(profile())


def test_sellers_who_never_think_are_counted_by_their_answers() -> None:
    # 80 sellers for 85 s, an answer every 10 ms: 680,000 samples
    assert bytes_needed(profile(think_ratio=0)) == FIXED_BYTES + 680_000 * BYTES_A_SAMPLE


@pytest.mark.parametrize(("over", "state"), [(0, State.OK), (-1, State.PROBLEM)], ids=["just enough", "a byte short"])
def test_disk_has_room_from_exactly_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: int, state: State
) -> None:
    monkeypatch.setattr("gate.preflight.disk.free_bytes", lambda _folder: bytes_needed(profile()) + over)
    assert disk_check(tmp_path / "not" / "there", profile()).state is state


@pytest.fixture
def target(site: Site, tmp_path: Path) -> Target:
    (tmp_path / "here.toml").write_text(f'format = 1\nurl = "{site.url}"\n')
    return replace(load_target("here", environ={}, folder=tmp_path), lease_folder=tmp_path / "leases")


def test_resolver_that_does_not_answer_is_not_waited_for(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.preflight.network._RESOLVE_S", 0.1)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_arguments, **_keywords: time.sleep(1) or [])
    started_s = time.monotonic()
    check = name_check(replace(target, url="https://api.example"))
    assert time.monotonic() - started_s < 0.9
    assert (check.state, check.words) == (State.PROBLEM, "api.example: no answer within 0.1 s")


def test_name_of_the_proxy_is_what_must_resolve(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def resolve(host: str, *_arguments: object, **_keywords: object) -> list[object]:
        asked.append(host)
        return [(2, 1, 6, "", ("10.0.0.1", 0)), (2, 1, 6, "", ("10.0.0.2", 0))]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    check = name_check(replace(target, url="https://api.example", proxy="http://proxy.example:3128"))
    assert asked == ["proxy.example"]
    assert re.fullmatch(r"proxy\.example \(proxy\): 10\.0\.0\.1 and 1 more, \d+ ms", check.words)


def test_server_that_comes_late_is_waited_for(target: Target, nobody: str) -> None:
    started_s = time.monotonic()
    connection, _certificate = connection_check(replace(target, url=nobody), 0.6)
    assert (connection.state, connection.doubt) == (State.PROBLEM, "target_unreachable")
    assert 0.2 < time.monotonic() - started_s < 2


def test_plain_http_off_this_machine_is_a_warning(target: Target) -> None:
    with serving() as proxy:
        far = replace(target, url="http://api.example", allowed_hosts=("api.example",), proxy=proxy.url)
        connection, certificate = connection_check(far, 0.1)
    assert connection.state is State.OK
    assert (certificate.state, certificate.words) == (State.WARNING, "no TLS: tokens travel readable")


def test_proxy_that_refuses_us_is_not_the_target(target: Target) -> None:
    with serving() as proxy:
        proxy.answer("http://api.example/", 407)
        far = replace(target, url="http://api.example", allowed_hosts=("api.example",), proxy=proxy.url)
        check, answer = answer_check(far, 0.1)
    assert (check.state, check.words, answer) == (State.PROBLEM, "407: the proxy wants other credentials", None)


def test_lease_in_use_is_renewed_and_given_back(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.preflight.lease.RENEW_S", 0.05)
    with holding_lease(target, "mine") as lease:
        assert isinstance(lease, HeldLease)
        assert (lease.check().state, lease.check().words) == (State.OK, "held by this run")
        first = read_lease(target.lease_folder, target.url)
        assert first is not None
        assert _within(2, lambda: _renewed_at_s(target) > first.renewed_at_s)
    assert read_lease(target.lease_folder, target.url) is None


def test_lease_is_given_back_when_the_run_breaks_off(target: Target) -> None:
    with pytest.raises(KeyboardInterrupt), holding_lease(target, "mine"):
        raise KeyboardInterrupt
    assert read_lease(target.lease_folder, target.url) is None


def test_lease_of_another_run_stays_as_it_is(target: Target) -> None:
    theirs = take_lease(target.lease_folder, target.url, "theirs")
    with holding_lease(target, "mine") as lease:
        assert isinstance(lease, LeaseHeld)
    assert read_lease(target.lease_folder, target.url) == theirs


def test_expired_lease_is_taken_over_and_that_is_said(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    take_lease(target.lease_folder, target.url, "theirs")
    monkeypatch.setattr("settings.leases.LEASE_S", -1.0)
    with holding_lease(target, "mine") as lease:
        assert isinstance(lease, HeldLease)
        check = lease.check()
    assert (check.state, check.doubt) == (State.WARNING, "lease_taken_over")
    assert check.words.startswith("taken over from run theirs of ")


def _renewed_at_s(target: Target) -> float:
    lease = read_lease(target.lease_folder, target.url)
    return 0.0 if lease is None else lease.renewed_at_s


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return False
