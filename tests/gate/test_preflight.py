from pathlib import Path

from gate.findings import Findings
from gate.preflight import Preflight, found, look
from settings.target import load_target

from .conftest import Site

TARGET = 'format = 1\nurl = "{url}"\n[health]\ndatabase = "/health/database"\ncache = "/health/cache"\n'


def test_target_that_answers_is_looked_at_once(site: Site, tmp_path: Path) -> None:
    (tmp_path / "here.toml").write_text(TARGET.format(url=site.url))
    site.answer("/health/database")
    site.answer("/health/cache", 503)
    target = load_target("here", environ={}, folder=tmp_path)
    preflight = look(target, 0.1)
    assert preflight == Preflight(None, {"cache": "answered 503, expected 2xx"})
    (doubt,) = found(preflight, target, Findings()).doubts
    assert (doubt.name, doubt.figure, doubt.invalidates) == ("health_down", "cache: answered 503, expected 2xx", False)


def test_target_without_health_checks_is_asked_for_its_root(site: Site, tmp_path: Path) -> None:
    (tmp_path / "here.toml").write_text(f'format = 1\nurl = "{site.url}"\n')
    assert look(load_target("here", environ={}, folder=tmp_path), 0.1) == Preflight(None, {})
    assert [path.partition("?")[0] for path in site.paths()] == ["/"]


def test_target_that_is_not_there_is_asked_again_for_a_while(nobody: str, tmp_path: Path) -> None:
    (tmp_path / "here.toml").write_text(TARGET.format(url=nobody))
    target = load_target("here", environ={}, folder=tmp_path)
    preflight = look(target, 0.6)
    assert preflight == Preflight("connection refused", {})
    (doubt,) = found(preflight, target, Findings()).doubts
    assert (doubt.name, doubt.figure, doubt.invalidates) == (
        "target_unreachable",
        f"{nobody}: connection refused",
        True,
    )


def test_nothing_found_adds_nothing(site: Site, tmp_path: Path) -> None:
    (tmp_path / "here.toml").write_text(f'format = 1\nurl = "{site.url}"\n')
    target = load_target("here", environ={}, folder=tmp_path)
    assert found(Preflight(None, {}), target, Findings(overrides=("x",))) == Findings(overrides=("x",))
