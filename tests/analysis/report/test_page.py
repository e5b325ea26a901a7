"""The page as a browser's parser sees it."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from analysis.report.exchanges import ExchangeCard, Exchanges
from analysis.report.page import Fact
from analysis.report.render import render
from analysis.report.tally import ErrorRow, KindRow
from analysis.report.view import Material, page
from analysis.verdict import CacheBasis, CacheSide, Doubt, Outcome, Result, Scope, Severity, StepStatus, Verdict, Window
from runlog.run import EndedBy

VOID = {"meta", "img", "source", "br", "wbr", "use", "path", "circle"}
EVIL = "</td></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\x00\ud800"


class Parsed(HTMLParser):
    """Tags with their attributes, text by section, and whether every tag was closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.sections: dict[str, str] = {}
        self._open: list[str] = []
        self._section = "top"
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag != "wbr":  # which only allows a break inside a word
            self.handle_data(" ")
        if tag in {"section", "footer", "header"}:
            self._section = found.get("id") or tag
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.sections[self._section] = f"{self.sections.get(self._section, '')}{data}"

    def text(self, section: str) -> str:
        return " ".join(self.sections.get(section, "").split())

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def material(exchanges: Exchanges | None = None, outside: int = 0) -> Material:
    return Material(
        run_dir=Path("reports/a run"),
        charts=(),
        kinds=(KindRow("http", "9", "8", "0", "0", "1"),),
        errors=(ErrorRow("store.store_page", "timeout", "Timeout", "1"),),
        exchanges=exchanges or Exchanges((), None),
        outside=outside,
    )


def shown(verdict: Verdict, given: Material | None = None) -> Parsed:
    return Parsed(render(page(verdict, given or material())))


@pytest.mark.parametrize(
    ("name", "word", "code"),
    [
        ("passing", "PASS", 0),
        ("failing", "FAIL", 5),
        ("invalid", "INVALID", 3),
        ("inconclusive", "INCONCLUSIVE", 4),
        ("empty", "INVALID", 3),
    ],
)
def test_the_verdict_comes_first_as_word_icon_colour_sentence_and_code(
    request: pytest.FixtureRequest, name: str, word: str, code: int
) -> None:
    verdict = request.getfixturevalue(name)
    text = render(page(verdict, material()))
    band = Parsed(text).text("header")
    assert band.startswith(f"{word} exit code {code} {verdict.headline}")
    styles = re.findall(
        r'<header class="band (\w+)">\s*<div class="answer">\s*<svg [^>]*><use href="#icon-(\w+)"', text
    )
    assert len(styles) == 1
    assert styles[0][0] == styles[0][1]
    assert f".band.{styles[0][0]} {{" in text
    assert f'id="icon-{styles[0][0]}"' in text


def test_sections_come_in_the_order_a_reader_asks(failing: Verdict) -> None:
    found = [attributes.get("id") for tag, attributes in shown(failing).tags if tag in {"section", "footer"}]
    assert found == [
        "doubts", "rollback", "totals", "thresholds", "steps", "workflows", "overrides", "charts", "samples",
        "failures", "evidence",
    ]  # fmt: skip


def test_a_good_run_shows_no_doubts_no_triggers_and_no_failures(passing: Verdict) -> None:
    quiet = replace(material(), errors=())
    found = [attributes.get("id") for tag, attributes in shown(passing, quiet).tags if tag == "section"]
    assert not {"doubts", "rollback", "failures"} & set(found)


def test_every_link_inside_the_page_has_its_place_and_none_leads_out(failing: Verdict) -> None:
    parsed = shown(failing)
    places = {attributes["id"] for _, attributes in parsed.tags if attributes.get("id")}
    targets = [attributes["href"] for _, attributes in parsed.tags if attributes.get("href")]
    assert {
        target[1:] for target in targets if target and target.startswith("#") and not target.startswith("#icon")
    } <= (places | {"failures"})
    assert all(target and target.startswith("#") for target in targets)


def test_the_page_needs_no_network_and_runs_no_script(written: Path) -> None:
    text = (written / "report.html").read_text("utf-8")
    parsed = Parsed(text)
    assert parsed.count("script") == parsed.count("link") == parsed.count("iframe") == 0
    sources = [
        attributes.get(name) for _, attributes in parsed.tags for name in ("src", "srcset") if name in attributes
    ]
    assert len(sources) == len(set(sources)) == 2 * 12  # twelve charts, light and dark
    assert all(source and source.startswith("data:image/png;base64,") for source in sources)
    assert "@import" not in text
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_every_chart_has_an_alternative_text(written: Path) -> None:
    parsed = Parsed((written / "report.html").read_text("utf-8"))
    alts = [attributes.get("alt") for tag, attributes in parsed.tags if tag == "img"]
    assert len(alts) == 12
    assert all(alts)


def test_broken_limits_come_first_and_held_ones_of_single_steps_are_folded(failing: Verdict) -> None:
    view = page(failing, material())
    assert [(row.mark.word, row.severity, row.scope) for row in view.results[:3]] == [
        ("broken", "high", "dashboard.analytics_display"),
        ("broken", "low", "whole run"),
        ("undecided", "high", "store.store_page"),
    ]
    assert {row.mark.word for row in view.results[3:]} == {"holds"}
    assert [(fold.title, len(fold.rows)) for fold in view.folds] == [
        ("86 limits of single workflows and steps that hold", 86)
    ]
    assert shown(failing).count("details") == 1


def test_a_wall_of_broken_steps_is_folded_after_fifteen(inconclusive: Verdict) -> None:
    view = page(inconclusive, material())
    assert sum(row.scope != "whole run" and row.mark.word == "undecided" for row in view.results) == 15
    assert view.folds[0].title == "25 more limits of single workflows and steps that do not hold or are undecided"
    assert len(view.folds[0].rows) == 25


def test_a_limit_row_has_scope_statistic_limit_observed_margin_samples_and_why(failing: Verdict) -> None:
    row = page(failing, material()).results[0]
    assert (row.scope, row.stat, row.limit, row.observed, row.margin, row.samples, row.why) == (
        "dashboard.analytics_display", "p95", "< 2000 ms", "3 040 ms", "-52.1 %", "245", "validation guide",
    )  # fmt: skip
    text = shown(failing).text("thresholds")
    assert "dashboard.analytics_display validation guide p95 high < 2000 ms 3 040 ms -52.1 % 245" in text
    assert "41.3 ms 40 ms to 42.5 ms" in text


@pytest.mark.parametrize(
    ("severity", "outcome", "word", "style"),
    [
        pytest.param(Severity.CRITICAL, Outcome.PASS, "holds", "pass", id="held"),
        pytest.param(Severity.CRITICAL, Outcome.FAIL, "broken", "fail", id="critical"),
        pytest.param(Severity.HIGH, Outcome.FAIL, "broken", "fail", id="high"),
        pytest.param(Severity.MEDIUM, Outcome.FAIL, "broken", "warn", id="medium"),
        pytest.param(Severity.LOW, Outcome.FAIL, "broken", "warn", id="low"),
        pytest.param(Severity.ROLLBACK, Outcome.FAIL, "fired", "fail", id="rollback"),
        pytest.param(Severity.HIGH, Outcome.INCONCLUSIVE, "undecided", "unclear", id="undecided"),
    ],
)
def test_a_result_is_marked(
    passing: Verdict,
    make_result: Callable[..., Result],
    severity: Severity,
    outcome: Outcome,
    word: str,
    style: str,
) -> None:
    result = make_result("mean", "< 1 s", 1.0, 0.1, severity=severity, outcome=outcome)
    [row] = page(replace(passing, results=(result,)), material()).results
    assert (row.mark.word, row.mark.style) == (word, style)


def test_all_forty_steps_are_listed_with_the_reason_of_the_failed_one(failing: Verdict) -> None:
    parsed = shown(failing)
    text = parsed.text("steps")
    assert text.startswith("Steps 38 passed, 1 failed, 1 gap")
    assert all(step.step in text for step in failing.steps)
    assert "failed analytics_display p95 3 041 ms, limit < 2000 ms 245 245 0 0 22.8 3 040" in text
    assert "gap image_management no CDN on staging 0 0 0 — — —" in text


@pytest.mark.parametrize("status", list(StepStatus))
def test_every_status_of_a_step_has_its_mark(passing: Verdict, status: StepStatus) -> None:
    step = replace(passing.steps[0], status=status)
    [group] = page(replace(passing, steps=(step,)), material()).steps
    assert group.rows[0].mark.word == status.replace("_", " ")


def test_an_invalidating_doubt_comes_before_a_noted_one(invalid: Verdict) -> None:
    assert [(row.mark.word, row.name) for row in page(invalid, material()).doubts] == [
        ("invalidates", "generator_cpu"),
        ("noted", "throttled"),
    ]


def test_overrides_are_listed_once_and_gaps_with_owner_and_expiry(failing: Verdict) -> None:
    text = shown(failing).text("overrides")
    assert "--seed 7 --response-time 1500" in text
    assert text.count("--seed 7") == 1
    assert "listing.image_management no CDN on staging media team 2026-03-31" in text


def test_facts_of_a_run_are_told(invalid: Verdict) -> None:
    facts = {fact.name: fact.value for fact in page(invalid, material()).facts}
    assert facts == {
        "Run": "20251124-160000-demo",
        "Target": "sandbox, http://127.0.0.1:7080",
        "Revision": "4f2c1e9",
        "Load profile": "demo",
        "Load model": "closed, 40 sellers, 4 more a second",
        "Stage": "pre",
        "Started": "2025-11-24 16:00:00 UTC",
        "Ended": "2025-11-24 16:01:15 UTC; the fuse: the target was dying; no answer for 5 s",
        "Duration": "75 s of 75 s planned",
        "Steady window": "10 s to 75 s; the profile's ramp of 10 s is cut",
    }


def test_what_is_not_known_of_a_run_is_said(empty: Verdict) -> None:
    facts = {fact.name: fact.value for fact in page(empty, material()).facts}
    assert facts["Revision"] == facts["Stage"] == "—"
    assert facts["Load profile"] == "none, plain locust"
    assert facts["Load model"] == "closed"
    assert facts["Ended"] == "not known: the run did not say"
    assert facts["Duration"] == "not known, no time planned"
    assert facts["Steady window"] == "none"
    run = empty.run.model_copy(update={"ended_at_s": empty.run.started_at_s + 3})
    assert {fact.name: fact.value for fact in page(replace(empty, run=run), material()).facts}["Ended"] == (
        "2025-11-24 16:00:03 UTC"
    )


@pytest.mark.parametrize("ended_by", list(EndedBy))
def test_every_way_to_end_has_its_words(passing: Verdict, ended_by: EndedBy) -> None:
    run = passing.run.model_copy(update={"ended_by": ended_by})
    ended = {fact.name: fact.value for fact in page(replace(passing, run=run), material()).facts}["Ended"]
    assert ended.startswith("2025-11-24 16:01:15 UTC; ")


def test_an_empty_verdict_says_what_is_missing_and_shows_no_zero(empty: Verdict) -> None:
    parsed = shown(empty, replace(material(), kinds=(), errors=()))
    assert "No threshold about the whole run was judged." in parsed.text("thresholds")
    assert "No step was judged." in parsed.text("steps")
    assert "No workflow was judged." in parsed.text("workflows")
    assert "No samples." in parsed.text("samples")
    assert "No file was judged." in parsed.text("evidence")
    assert "No overrides" in parsed.text("overrides")
    assert "No gaps declared." in parsed.text("overrides")
    assert "ok rps — errors, % — throttled, % —" in parsed.text("totals")


def test_evidence_names_versions_hashes_and_the_command_to_judge_again(passing: Verdict) -> None:
    text = shown(passing).text("evidence")
    assert "sellergate 0.1.0 Locust 2.47.0 Python 3.11.2 Generator 1 process, 2 cores Seed 7" in text
    assert f"run.json {'a1' * 32} samples.parquet {'5e' * 32} thresholds.toml {'07' * 32}" in text
    assert text.endswith("Judge again: sellergate judge 'reports/a run'")


def test_a_generator_of_unknown_cores_is_told_without_them(passing: Verdict) -> None:
    generator = passing.run.generator.model_copy(update={"cpu_count": None, "processes": (0, 1)})
    run = passing.run.model_copy(update={"generator": generator})
    assert "Generator 2 processes Seed" in shown(replace(passing, run=run)).text("evidence")


def test_samples_no_chart_shows_are_counted(passing: Verdict) -> None:
    text = shown(passing, material(outside=3)).text("charts")
    assert "3 requests sent outside the run's time are not drawn." in text
    assert "not drawn" not in shown(passing).text("charts")


def test_failing_exchanges_are_shown_with_what_could_not_be_read(failing: Verdict) -> None:
    card = ExchangeCard("store.store_page: http_error", "status 500", "status 500", "GET /x", "sent", "received")
    text = shown(failing, material(Exchanges((card,), "Not readable: 1 line."))).text("failures")
    assert "1 store.store_page timeout Timeout Not readable: 1 line. store.store_page: http_error status 500" in text
    assert text.endswith("GET /x sent received")


def test_text_of_a_server_is_text_wherever_it_appears(failing: Verdict, make_result: Callable[..., Result]) -> None:
    evil_target = failing.run.target.model_copy(
        update={
            "name": EVIL,
            "url": EVIL,
            "gaps": (
                failing.run.target.gaps[0].model_copy(update=dict.fromkeys(("reason", "owner", "expires"), EVIL)),
            ),
        }
    )
    verdict = replace(
        failing,
        headline=EVIL,
        rollback=(EVIL,),
        run=failing.run.model_copy(
            update={"id": EVIL, "revision": EVIL, "stage": EVIL, "end_reason": EVIL, "target": evil_target}
        ),
        window=Window(0.0, 1.0, EVIL),
        results=(
            make_result(
                EVIL, EVIL, 1.0, 0.1, unit=EVIL, why=EVIL, scope=Scope(EVIL, EVIL, EVIL, EVIL), outcome=Outcome.FAIL
            ),
            make_result(EVIL, EVIL, 1.0, 0.1, scope=Scope(monitor=EVIL)),
        ),
        steps=tuple(replace(step, workflow=EVIL, step=EVIL, reason=EVIL) for step in failing.steps),
        workflows=tuple(replace(workflow, workflow=EVIL) for workflow in failing.workflows),
        doubts=(Doubt(EVIL, EVIL, EVIL, invalidates=True),),
        overrides=(EVIL,),
        files={EVIL: EVIL},
    )
    exchange = ExchangeCard(EVIL, EVIL, EVIL, EVIL, EVIL, EVIL)
    given = Material(
        Path(EVIL.replace("\x00", "")), (), (KindRow(EVIL, *[EVIL] * 5),), (ErrorRow(EVIL, EVIL, EVIL, EVIL),),
        Exchanges((exchange,), EVIL), 0,
    )  # fmt: skip
    text = render(page(verdict, given))
    parsed = Parsed(text)
    assert parsed.count("script") == parsed.count("img") == 0
    assert not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)
    assert text.count("alert(1)") > 40  # shown, not dropped
    assert not {"\x00", "\ud800"} & set(text)


@pytest.mark.parametrize("broken", ["</style><script>", "{{ 7 * 7 }}", "{% raw %}"])
def test_text_is_no_template(passing: Verdict, broken: str) -> None:
    assert broken in shown(replace(passing, headline=broken)).text("header")


def test_names_break_after_dots_and_underscores_on_a_narrow_page(failing: Verdict) -> None:
    assert "dashboard.<wbr>analytics_<wbr>display" in render(page(failing, material()))


def test_hits_and_misses_stand_side_by_side_with_what_bodies_say_about_the_headers(staging: Verdict) -> None:
    text = shown(staging).text("totals")
    assert "cache answers p50 (ms) p95 (ms) hit 8 077 3.1 9.87 miss 1 736 41.2 133" in text
    assert text.endswith(
        "Told apart by header and body. Of 8 080 claimed hits 7 000 have a body that says: 3 computed for the request "
        "itself, which count as misses. "
        "Of the claimed misses 1 700 have a body that says: 12 answered by a cache inside."
    )


def test_where_no_body_says_the_page_says_by_header_only(staging: Verdict) -> None:
    assert staging.cache is not None
    silent = replace(staging.cache, basis=CacheBasis.HEADER, hits_telling=0, misses_telling=0)
    text = shown(replace(staging, cache=silent)).text("totals")
    assert text.endswith("Told apart by header only: no body says whether it was computed for its own request.")


@pytest.mark.parametrize(
    "changes",
    [{"claimed_hits": 0}, {"misses": CacheSide(0, None, None)}, None],
    ids=["no claimed hit", "no miss", "no cache"],
)
def test_without_both_sides_there_is_nothing_to_compare(staging: Verdict, changes: dict[str, Any] | None) -> None:
    assert staging.cache is not None
    cache = None if changes is None else replace(staging.cache, **changes)
    assert "Told apart" not in render(page(replace(staging, cache=cache), material()))


def test_a_cache_all_of_whose_hits_were_lies_still_shows_both_sides(staging: Verdict) -> None:
    assert staging.cache is not None
    lies = replace(staging.cache, hits=CacheSide(0, None, None))
    assert "hit 0 — — miss 1 736" in shown(replace(staging, cache=lies)).text("totals")


def test_a_waived_limit_is_marked_with_its_reason_owner_and_date(staging: Verdict) -> None:
    view = page(staging, material())
    [row] = [row for row in view.results if row.waived]
    assert (row.mark.word, row.mark.style, row.scope) == ("waived", "idle", "dashboard.analytics_display")
    assert "waived: charts are rewritten (web team, until 2026-02-28)" in shown(staging).text("thresholds")


def test_every_waiver_is_listed_with_what_it_came_to(staging: Verdict, passing: Verdict) -> None:
    text = shown(staging).text("overrides")
    assert "p95 of dashboard.analytics_display, high waives 1 broken limit charts are rewritten web team" in text
    assert "wrong_body, high not needed in this run, for nothing it names is broken" in text
    assert shown(passing).text("overrides").endswith("No waivers declared.")


def test_throttled_routes_are_listed_only_when_there_are_any(staging: Verdict, passing: Verdict) -> None:
    text = shown(staging).text("throttled")
    assert "POST /api/auth/nonce 12 400 GET /api/marketplace/listings/{id} 1 90" in text
    assert shown(passing).text("throttled") == ""


def test_addresses_limits_pacing_and_the_clock_are_told_where_known(staging: Verdict, passing: Verdict) -> None:
    told = {fact.name: fact.value for fact in page(staging, material()).facts}
    assert told["Client addresses"] == "192.0.2.7, 192.0.2.8, one X-Forwarded-For a seller"
    assert told["Kept to limits of"] == "linkdao"
    assert told["Waited for rate limits"] == "83.4 s, all sellers added up"
    assert told["Target's clock"] == "between -0.12 s and 0.31 s ahead of ours"
    names = ("Client addresses", "Kept to limits of", "Waited for rate limits", "Target's clock")
    assert not {fact.name for fact in page(passing, material()).facts} & set(names)
    target = staging.run.target.model_copy(update={"forwarded_for": False})
    alone = replace(staging, run=staging.run.model_copy(update={"target": target}))
    assert Fact("Client addresses", "192.0.2.7, 192.0.2.8") in page(alone, material()).facts
