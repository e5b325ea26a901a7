"""Break one thing a load depends on at a time: its line says so, and no other becomes a problem."""

import json
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from gate.cli import main
from gate.preflight.check import State
from settings.leases import LEASE_S, take_lease
from tests.gate.conftest import Site, serving

PROFILE = 'format = 1\n[demo]\ndescription = "x"\nsellers = 8\nspawn_per_s = 8\nramp = "1 s"\nduration = "11 s"\n'
TARGET = """
format = 1
url = "{url}"
allowed_hosts = ["other.example"]
health_timeout = "100 ms"
{more}
[health]
database = "/health database.connected = true"
image_upload = "POST /upload 400"
[[monitor]]
name = "memory"
url = "/stats"
format = "json"
path = "memory.usage"
[[monitor]]
name = "cpu"
url = "/stats"
format = "json"
path = ["cpu.user", "cpu.system"]
scale = 0.000001
counters = true
"""
STATS = b'{"memory": {"usage": 0.5}, "cpu": {"user": 1000, "system": 500}}'


def all_well(site: Site) -> None:
    site.answer("/health", body=b'{"status": "ok", "database": {"connected": true}}')
    site.answer("/upload", 400)
    site.answer("/stats", body=STATS)
    site.answer("/", body=b"<html>")


@pytest.fixture(autouse=True)
def _ready(trial: Callable[..., None]) -> None:
    trial()


@pytest.fixture
def files(tmp_path: Path, site: Site) -> Path:
    all_well(site)
    (tmp_path / "profiles.toml").write_text(PROFILE)
    (tmp_path / "targets").mkdir()
    describe(tmp_path, site.url)
    return tmp_path


def describe(files: Path, url: str, more: str = "", name: str = "sandbox") -> None:
    (files / "targets" / f"{name}.toml").write_text(TARGET.format(url=url, more=more))


def flags(files: Path) -> list[str]:
    own = ["--profiles", str(files / "profiles.toml"), "--targets", str(files / "targets")]
    return [*own, "--reports", str(files / "reports")]


def preflight(files: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, list[str]]:
    code = main(["preflight", *flags(files), *more])
    return code, capsys.readouterr().out.splitlines()


def states(lines: list[str]) -> dict[str, State]:
    """Return each check's state by its name, as the lines show them."""
    width = max(len(state) for state in State) + 1
    found = {}
    for line in lines[:-1]:
        if line[0] != " ":
            state, rest = State(line[:width].strip()), line[width:]
            name = next(name for name in NAMES if rest.startswith(name))
            found[name] = state
    return found


NAMES = (
    "target", "name", "connection", "certificate", "answer", "clock", "health database", "health image_upload",
    "front page", "sign-in", "categories", "orders", "monitor memory", "monitor cpu", "disk space", "lease",
    "addresses",
)  # fmt: skip
LOOKED = (State.OK, State.NOT_NEEDED, State.NOT_MEASURED)


def only(broken: str, code: int, done: tuple[int, list[str]]) -> str:
    """Hold that one line is a problem, the others are not, and return what it says."""
    exit_code, lines = done
    said = states(lines)
    assert [name for name, state in said.items() if state is State.PROBLEM] == [broken], lines
    assert not [name for name, state in said.items() if state is State.WARNING], lines
    assert exit_code == code
    assert lines[-1] == f"preflight: 1 problem (exit {code})"
    start = next(index for index, line in enumerate(lines) if line.startswith(f"problem       {broken}"))
    more = next((index for index, line in enumerate(lines[start + 1 :], start + 1) if line[0] != " "), len(lines))
    return " ".join(" ".join(lines[start:more]).split()).removeprefix(f"problem {broken} ")


def test_all_is_well(files: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    describe(files, site.url, f'frontend_url = "{site.url}"')
    started_s = time.monotonic()
    code, lines = preflight(files, capsys)
    assert time.monotonic() - started_s < 30  # well under a second, on a machine with nothing else to do
    assert (code, lines[-1]) == (0, "preflight: ok")
    assert max(map(len, lines)) <= 80
    assert len(lines) < 24
    assert {name: state for name, state in states(lines).items() if state is not State.OK} == {
        "name": State.NOT_NEEDED,
        "certificate": State.NOT_NEEDED,
        "addresses": State.NOT_NEEDED,
    }
    assert list(states(lines)) == list(NAMES)
    assert not (files / "reports").exists()


def test_only_questions_that_change_nothing_are_asked_and_say_who_asks(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    describe(files, site.url, 'contact = "load@example.org"')
    assert preflight(files, capsys)[0] == 0
    assert {(method, path.partition("?")[0]) for method, path, _headers in site.asked} == {
        ("GET", "/health"),
        ("GET", "/stats"),
        ("POST", "/upload"),
    }
    agents = {headers["User-Agent"] for _method, _path, headers in site.asked}
    assert len(agents) == 1
    assert agents.pop().endswith(" (preflight; contact load@example.org)")


def test_host_that_is_not_listed(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKEND_URL", "http://evil.example")
    code, lines = preflight(files, capsys)
    assert "BACKEND_URL: host 'evil.example' is not listed" in only("target", 2, (code, lines))
    said = states(lines)
    assert {said.pop(name) for name in ("disk space", "target")} == {State.OK, State.PROBLEM}
    assert set(said.values()) == {State.NOT_LOOKED_AT}
    assert site.asked == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "target 'live' is production; accepted: with --allow-production"),
        (("--allow-production",), "profile 'demo' is not marked safe_for_production"),
    ],
    ids=["without permission", "with a profile that is not safe"],
)
def test_production_without_permission(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    describe(files, site.url, "production = true", "live")
    assert message in only("target", 2, preflight(files, capsys, "--target", "live", *more))
    assert site.asked == []


def test_production_with_permission(files: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    describe(files, site.url, "production = true", "live")
    (files / "profiles.toml").write_text(PROFILE + "safe_for_production = true\n")
    code, lines = preflight(files, capsys, "--target", "live", "--allow-production")
    assert (code, lines[-1]) == (0, "preflight: ok")
    assert "production, allowed" in " ".join(" ".join(lines[:2]).split())


def test_name_that_does_not_resolve(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    describe(files, "http://other.example:8", 'contact = "x"\nwallet_secret_env = "HOME"')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.getaddrinfo", _no_such_name)
        said = only("name", 3, preflight(files, capsys))
    assert said == "other.example: name or service not known"


def _no_such_name(*_arguments: object, **_keywords: object) -> None:
    raise OSError(-2, "Name or service not known")


def test_nobody_listens(
    files: Path, nobody: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.commands.preflight.PATIENCE_S", 0.3)
    describe(files, nobody)
    assert only("connection", 3, preflight(files, capsys)) == f"{nobody}: connection refused"


def test_redirect_to_another_host(files: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.answer("/health", 302, Location="https://other.example/login?token=abc")
    said = only("answer", 3, preflight(files, capsys))
    assert said == "sent on to https://other.example; if that is the target, make it its url"


def test_redirect_cannot_paint_the_terminal(files: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.answer("/health", 302, Location="https://\x1bcpreflight-ok" + "x" * 500)
    said = only("answer", 3, preflight(files, capsys))
    assert said.isprintable()
    assert len(said) < 220


def test_redirect_on_the_target_itself_is_no_problem(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.answer("/health", 302, Location="/now")
    site.answer("/now", body=b'{"database": {"connected": true}}')
    assert preflight(files, capsys)[0] == 0


@pytest.mark.parametrize("skew_s", [10.0, -10.0], ids=["ahead", "behind"])
def test_clock_that_is_ten_seconds_off(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str], skew_s: float
) -> None:
    site.skew_s = skew_s
    said = only("clock", 3, preflight(files, capsys))
    low, high = (float(figure) for figure in re.findall(r"[+-]\d+\.\d", said))
    assert low - 0.1 <= skew_s <= high + 0.1
    assert high - low < 1.5


def test_clock_that_is_a_second_off_is_no_problem(files: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.skew_s = 1.0
    assert preflight(files, capsys)[0] == 0


def test_clocks_of_a_front_page_and_of_a_monitor_elsewhere_are_not_the_targets(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving() as other:
        all_well(other)
        other.skew_s = 10.0
        describe(files, site.url, f'frontend_url = "{other.url}"')
        target = files / "targets" / "sandbox.toml"
        target.write_text(target.read_text().replace('"/stats"', f'"{other.url}/stats"'))
        code, lines = preflight(files, capsys)
        assert {"/", "/stats"} == {path.partition("?")[0] for path in other.paths()}
    assert (code, lines[-1]) == (0, "preflight: ok")


@pytest.mark.parametrize(
    ("path", "status", "body", "broken", "message"),
    [
        ("/health", 200, b'{"status": "ok", "database": {"connected": false}}', "health database",
         "database.connected is false, expected true"),
        ("/health", 503, b"{}", "health database", "answered 503, expected 2xx"),
        ("/upload", 404, b"{}", "health image_upload", "answered 404, expected 400"),
        ("/front", 502, b"", "front page", "answered 502, expected 2xx"),
    ],
    ids=["database down with 200", "database down", "no upload", "front page broken"],
)  # fmt: skip
def test_part_that_is_down(
    *,
    files: Path,
    site: Site,
    capsys: pytest.CaptureFixture[str],
    path: str,
    status: int,
    body: bytes,
    broken: str,
    message: str,
) -> None:
    front = f'frontend_url = "{site.url}"'
    describe(files, site.url, front)
    site.answer("/" if path == "/front" else path, status, body)
    assert only(broken, 3, preflight(files, capsys)).startswith(message)


def test_part_that_comes_up_in_time_is_waited_for(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.preflight.health._PAUSE_S", 0.05)
    monkeypatch.setenv("HEALTH_CHECK_TIMEOUT", "10000")
    site.at_first["/upload"] = [502, 502]
    code, lines = preflight(files, capsys)
    assert code == 0
    assert any("health image_upload up after 0 s" in " ".join(line.split()) for line in lines)


def test_monitor_that_is_not_there(files: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.answer("/stats", body=b'{"memory": {}, "cpu": {"user": 1, "system": 2}}')
    assert only("monitor memory", 3, preflight(files, capsys)) == "answer has no memory.usage"


NO_TRIAL = {"ok": False, "detail": "status 500 INTERNAL_ERROR", "count": None}


@pytest.mark.parametrize(
    ("parts", "broken", "message"),
    [
        (
            {"categories": {"ok": False, "detail": "0 categories", "count": 0}},
            "categories",
            "none has a listing yet: create one in each, one after the other",
        ),
        (
            {"orders": {"ok": False, "detail": "0 paid orders", "count": 0}},
            "orders",
            "orders must be seeded: sellergate seed orders --sql",
        ),
        ({"orders": NO_TRIAL}, "orders", "status 500 INTERNAL_ERROR"),
        (
            {
                "sign_in": {"ok": False, "detail": "status 401 INVALID_SIGNATURE", "ms": None},
                "orders": {"ok": False, "detail": "not looked: sign-in failed", "count": None},
            },
            "sign-in",
            "status 401 INVALID_SIGNATURE",
        ),
    ],
    ids=["no categories", "no orders", "orders cannot be read", "nobody is let in"],
)
def test_seeds_and_sign_in(
    files: Path,
    capsys: pytest.CaptureFixture[str],
    trial: Callable[..., None],
    parts: dict[str, dict[str, Any]],
    broken: str,
    message: str,
) -> None:
    trial(**parts)
    assert only(broken, 3, preflight(files, capsys)) == message


def gaps(workflow: str, steps: tuple[str, ...]) -> str:
    gap = '[[gap]]\nworkflow = "{}"\nstep = "{}"\nreason = "none"\nowner = "x"\nexpires = "2099-01-01"\n'
    return "".join(gap.format(workflow, step) for step in steps)


ORDER_STEPS = ("order_notification", "status_update", "customer_communication", "fulfillment", "payment_processing")


@pytest.mark.parametrize(
    ("steps", "state"),
    [(ORDER_STEPS, State.NOT_NEEDED), (ORDER_STEPS[:-1], State.PROBLEM)],
    ids=["all steps are gaps", "one is not"],
)
def test_orders_are_not_missed_where_they_are_a_declared_gap(
    files: Path,
    capsys: pytest.CaptureFixture[str],
    trial: Callable[..., None],
    steps: tuple[str, ...],
    state: State,
) -> None:
    trial(orders={"ok": False, "detail": "0 paid orders", "count": 0})
    target = files / "targets" / "sandbox.toml"
    target.write_text(target.read_text() + gaps("order_management", steps))
    assert states(preflight(files, capsys)[1])["orders"] is state


def test_sandbox_needs_no_orders_because_its_buyers_place_them(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str], trial: Callable[..., None]
) -> None:
    trial(orders={"ok": False, "detail": "0 paid orders", "count": 0})
    describe(files, site.url, "step_header = true")
    assert preflight(files, capsys)[0] == 0


def test_target_that_errs_now_and_then_lets_sellers_in_all_the_same(
    files: Path, capsys: pytest.CaptureFixture[str], trial: Callable[..., None]
) -> None:
    trial(
        "import json, pathlib\n"
        f"count = pathlib.Path({str(files / 'count')!r})\n"
        "tries = len(count.read_text()) if count.exists() else 0\n"
        "count.write_text('x' * (tries + 1))\n"
        "fine = {'ok': True, 'detail': 'x', 'ms': 1.0, 'count': 3}\n"
        "bad = {'ok': False, 'detail': 'status 500', 'ms': None, 'count': None}\n"
        "names = ('sign_in', 'categories', 'orders')\n"
        "print(json.dumps({name: fine if tries == index else bad for index, name in enumerate(names)}))\n"
    )
    assert preflight(files, capsys)[0] == 0
    assert (files / "count").read_text() == "xxx"


@pytest.mark.parametrize(
    ("code", "exit_code", "message"),
    [
        ("import sys; sys.stderr.write('STAGING_SECRET is not set\\n'); sys.exit(2)", 2, "STAGING_SECRET is not set"),
        ("import time; time.sleep(60)", 3, "no answer within 0.5 s"),
    ],
    ids=["refuses", "hangs"],
)
def test_trial_that_does_not_look(
    *,
    files: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    trial: Callable[..., None],
    code: str,
    exit_code: int,
    message: str,
) -> None:
    monkeypatch.setattr("gate.preflight.trial._LONGEST_S", 0.5 if exit_code == 3 else 20.0)
    trial(code)
    assert only("sign-in", exit_code, preflight(files, capsys)) == message


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.stderr.write('Traceback: boom'); sys.exit(70)", "Traceback: boom"),
        ("import sys; sys.exit(1)", "the trial ended with code 1 and said nothing"),
        ("print('hello')", "the trial said nothing that is understood"),
        ("pass", "the trial said nothing that is understood"),
        ("print('{}')", "the trial said nothing that is understood"),
    ],
    ids=["crashes", "ends", "talks", "is silent", "leaves out"],
)
def test_trial_with_a_bug_is_ours(
    files: Path, capsys: pytest.CaptureFixture[str], trial: Callable[..., None], code: str, said: str
) -> None:
    trial(code)
    assert main(["preflight", *flags(files)]) == 70
    assert said in capsys.readouterr().err


def test_disk_without_room(files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.preflight.disk.free_bytes", lambda _folder: 5_000_000)
    assert only("disk space", 3, preflight(files, capsys)).startswith("5.0 MB free, about 8.1 MB needed in ")


def test_lease_that_another_run_holds(files: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(os.environ["SELLERGATE_LEASES"])
    take_lease(folder, site.url, "20260801-load-1")
    said = only("lease", 3, preflight(files, capsys))
    assert "is being loaded by run 20260801-load-1 of " in said
    assert f"pid {os.getpid()} since 2" in said


def test_lease_that_nobody_renewed_is_free(files: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(os.environ["SELLERGATE_LEASES"])
    take_lease(folder, site.url, "20260801-load-1")
    (path,) = folder.glob("*.json")
    lease = json.loads(path.read_text())
    path.write_text(json.dumps(lease | {"renewed_at_s": time.time() - LEASE_S - 1}))
    code, lines = preflight(files, capsys)
    assert code == 0
    assert any("free: that of run 20260801-load-1" in line for line in lines)


LIMITS = """
format = 1
description = "two profiles a minute"
[[limit]]
name = "profile"
most = 2
window = "60 s"
routes = ["POST /api/marketplace/seller/profile"]
"""


@pytest.fixture
def limited(files: Path, site: Site) -> Path:
    """The target has a rate limit that eight sellers at once exceed."""
    (files / "targets" / "limits").mkdir()
    (files / "targets" / "limits" / "two.toml").write_text(LIMITS)
    describe(files, site.url, 'rate_limits = "two"')
    return files


def test_profile_beyond_the_rate_limits(limited: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = only("addresses", 2, preflight(limited, capsys))
    assert said.startswith("exceeded: 8 sellers from 1 address; ")
    assert "binds first: profile, 2 in 60 s for an address" in said
    assert "--allow-throttling" in said


def test_profile_beyond_the_rate_limits_is_a_warning_where_that_is_wanted(
    limited: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = preflight(limited, capsys, "--allow-throttling")
    assert (code, lines[-1]) == (0, "preflight: ok (1 warning)")
    assert states(lines)["addresses"] is State.WARNING


def test_run_beyond_the_rate_limits_is_refused_before_any_load(
    limited: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *flags(limited)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith("addresses: exceeded: 8 sellers from 1 address; ")
    assert "binds first: profile" in said.err
    assert list((limited / "reports").iterdir()) == []


CA = trustme.CA()
ELSEWHERE = trustme.CA()


def https(ca: trustme.CA, host: str, days: float) -> Any:
    """A context of a server whose certificate is good for so many days from now."""
    import ssl  # noqa: PLC0415 - only these tests speak TLS

    ends = datetime.now(UTC) + timedelta(days=days)
    begins = min(datetime.now(UTC), ends) - timedelta(days=100)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(host, common_name=host, not_after=ends, not_before=begins).configure_cert(context)
    return context, ends


@pytest.fixture
def secured(files: Path) -> Callable[..., Any]:
    """Describe a target that speaks TLS and trusts our CA."""
    CA.cert_pem.write_to_path(str(files / "ca.pem"))

    def describe_it(url: str) -> None:
        describe(files, url, f'ca_file = "{files / "ca.pem"}"')

    return describe_it


def test_certificate_that_is_good(
    files: Path, capsys: pytest.CaptureFixture[str], secured: Callable[..., None]
) -> None:
    context, _ends = https(CA, "localhost", 15)
    with serving(context, "localhost") as site:
        all_well(site)
        secured(site.url)
        code, lines = preflight(files, capsys)
    assert (code, lines[-1]) == (0, "preflight: ok")
    assert states(lines)["certificate"] is State.OK


def test_certificate_that_is_about_to_expire_is_a_warning(
    files: Path, capsys: pytest.CaptureFixture[str], secured: Callable[..., None]
) -> None:
    context, _ends = https(CA, "localhost", 13.9)
    with serving(context, "localhost") as site:
        all_well(site)
        secured(site.url)
        code, lines = preflight(files, capsys)
    assert (code, lines[-1]) == (0, "preflight: ok (1 warning)")
    assert states(lines)["certificate"] is State.WARNING


@pytest.mark.parametrize(
    ("ca", "host", "days", "words"),
    [
        (CA, "localhost", -1, "certificate has expired; it is for localhost, by "),
        (CA, "other.example", 90, "Hostname mismatch, certificate is not valid for 'localhost'; it is for other.exa"),
        (ELSEWHERE, "localhost", 90, "unable to get local issuer certificate; it is for localhost, by "),
    ],
    ids=["expired", "of another host", "by nobody we trust"],
)
def test_certificate_that_is_refused_in_its_own_words(
    *,
    files: Path,
    capsys: pytest.CaptureFixture[str],
    secured: Callable[..., None],
    ca: trustme.CA,
    host: str,
    days: float,
    words: str,
) -> None:
    context, ends = https(ca, host, days)
    with serving(context, "localhost") as site:
        all_well(site)
        secured(site.url)
        said = only("certificate", 3, preflight(files, capsys))
        assert site.asked == []
    assert said.startswith(words)
    assert f"until {ends:%b} {ends.day} " in said.replace("  ", " ")
    assert said.endswith(f" {ends.year} GMT")


def test_bundle_without_certificates_is_refused(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "ca.pem").write_text("not a certificate")
    describe(files, "https://127.0.0.1:9", f'ca_file = "{files / "ca.pem"}"')
    said = only("certificate", 2, preflight(files, capsys))
    assert "certificates: " in said


def test_server_without_tls_is_said(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str], secured: Callable[..., None]
) -> None:
    secured(site.url.replace("http:", "https:"))
    assert only("certificate", 3, preflight(files, capsys)).startswith("no TLS connection: ")


def test_run_says_what_is_wrong_and_sends_no_load(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.plan.LOCUST", (sys.executable, "-c", f"open({str(files / 'loaded')!r}, 'w')"))
    site.answer("/health", body=b'{"database": {"connected": false}}')
    site.skew_s = 10
    assert main(["run", *flags(files)]) == 3
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == "preflight: 2 problems (exit 3)"
    assert "verdict: INVALID (exit 3)" in said.out
    folder = (files / "reports" / "latest").resolve()
    verdict = json.loads((folder / "verdict.json").read_text())
    doubts = {doubt["name"]: doubt["invalidates"] for doubt in verdict["doubts"]}
    assert doubts["health_down"]
    assert doubts["clock_skew"]
    low, high = json.loads((folder / "gate.json").read_text())["clock_offset_s"]
    assert low < 10 < high + 0.1
    assert (folder / "report.html").exists()
    assert not (files / "loaded").exists()
    assert list(Path(os.environ["SELLERGATE_LEASES"]).glob("*.json")) == []


def test_run_at_a_target_that_is_held_leaves_a_report_and_the_lease(
    files: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    held = take_lease(Path(os.environ["SELLERGATE_LEASES"]), site.url, "20260801-load-1")
    assert main(["run", *flags(files)]) == 3
    assert f"of {held.holder} since 2" in " ".join(capsys.readouterr().err.split())
    verdict = json.loads((files / "reports" / "latest" / "verdict.json").read_text())
    assert verdict["doubts"][0]["name"] == "lease_held"
    assert take_lease(Path(os.environ["SELLERGATE_LEASES"]), site.url, "20260801-load-1").since_s == held.since_s


def test_run_refused_for_its_settings_leaves_nothing(
    files: Path, capsys: pytest.CaptureFixture[str], trial: Callable[..., None]
) -> None:
    trial("import sys; sys.stderr.write('STAGING_SECRET is not set\\n'); sys.exit(2)")
    assert main(["run", *flags(files)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.splitlines()[-1]) == ("", "sign-in: STAGING_SECRET is not set")
    assert list((files / "reports").iterdir()) == []
