from pathlib import Path

import pytest

from analysis.limits import Better, Unit
from analysis.statistics import STATISTICS
from analysis.thresholds import Overrides, load_thresholds, with_overrides
from analysis.verdict import Scope, Severity
from settings.problem import UsageProblem


def written(folder: Path, text: str) -> Path:
    path = folder / "thresholds.toml"
    path.write_text(text, "utf-8")
    return path


def one(folder: Path, body: str, *, why: str = 'why = "because"') -> Path:
    return written(folder, f"format = 1\n[[threshold]]\n{body}\n{why}\n")


def test_what_ships_is_the_design_s_eleven_thresholds_and_those_of_sessions() -> None:
    file = load_thresholds()

    assert [
        (each.statistic.name, each.each or each.scope.monitor, [(s.value, limit.text) for s, limit in each.limits])
        for each in file.thresholds
    ] == [
        ("mean", None, [("critical", "< 5000 ms"), ("high", "< 2000 ms"), ("rollback", "< 10 s")]),
        ("error_rate", None, [("critical", "< 5 %"), ("high", "< 1 %"), ("rollback", "< 5 %")]),
        ("throughput", None, [("high", "> 100 rps")]),
        ("cache_hit_rate", None, [("low", "> 70 %")]),
        ("max", "memory", [("medium", "< 85 %")]),
        ("max", "cpu", [("medium", "< 80 %")]),
        ("p95", "step", [("high", "< 2000 ms")]),
        ("error_rate", "step", [("high", "< 5 %")]),
        ("error_rate", "step", [("high", "< 5 %")]),
        ("completion_rate", "workflow", [("high", "> 95 %")]),
        ("wrong_body", None, [("critical", "= 0")]),
        ("lost", None, [("high", "= 0")]),
        ("lost_ratio", None, [("high", "< 0.1 %")]),
        ("p95", None, [("high", "< 800 ms")]),
        ("error_rate", "step", [("high", "< 5 %")]),
        ("dropped", None, [("medium", "= 0")]),
        ("dropped_ratio", None, [("medium", "< 1 %")]),
    ]
    kinds = {index: each.scope.kind for index, each in enumerate(file.thresholds) if each.scope.kind is not None}
    assert kinds == {8: "freshness", 13: "push", 14: "push"}
    assert file.thresholds[2].profiles == ("demo", "load")
    assert file.thresholds[0].limits[2][1].value == 10_000
    lost, share = file.thresholds[11:13]
    assert [(lost.applies_to(each), share.applies_to(each)) for each in (None, "demo", "load", "my own")] == [
        (True, False), (True, False), (False, True), (True, False)
    ]  # fmt: skip


def test_a_limit_may_be_a_list_and_a_scope_may_be_narrow(tmp_path: Path) -> None:
    path = one(
        tmp_path,
        'stat = "p99"\nworkflow = "listing"\nstep = "creation"\nkind = "http"\nhigh = ["< 900 ms", "< 1 s"]',
    )

    threshold = load_thresholds(path).thresholds[0]

    assert threshold.scope == Scope("listing", "creation", None, "http", None)
    assert [limit.value for _, limit in threshold.limits] == [900, 1000]
    assert threshold.applies_to(None)
    assert not threshold.whole_run


def test_a_monitor_may_be_a_ratio_or_a_plain_number_and_good_when_high(tmp_path: Path) -> None:
    path = one(tmp_path, 'stat = "p50"\nmonitor = "queue"\nmedium = "< 40"\nlow = "< 30"')
    limits = load_thresholds(path).thresholds[0].limits
    assert [(severity, limit.value) for severity, limit in limits] == [(Severity.MEDIUM, 40), (Severity.LOW, 30)]

    free = one(tmp_path, 'stat = "mean"\nmonitor = "free"\nmedium = "> 10 %"')
    assert load_thresholds(free).thresholds[0].limits[0][1].better is Better.HIGHER


MALFORMED = {
    "empty file": ("", "empty; accepted: format = 1 and what follows it"),
    "no thresholds": ("format = 1", "holds no [[threshold]]; a run would pass whatever it shows"),
    "no format": ('[[threshold]]\nstat = "mean"\nhigh = "< 1 s"\nwhy = "w"', "missing key 'format'"),
    "another format": ("format = 2\n[[threshold]]", "format: 2 is not accepted; accepted: 1"),
    "not TOML": ("format = = 1", "not TOML: Invalid value (at line 1, column 10)"),
    "an unknown top key": ("format = 1\nthresholds = 3", "unknown key 'thresholds'; did you mean 'threshold'?"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    text, message = MALFORMED[case]
    path = written(tmp_path, text)

    with pytest.raises(UsageProblem) as refused:
        load_thresholds(path)

    assert str(refused.value) == f"{path}: {message}"


STEPS = "; accepted: wallet_connection, profile_setup, verification, first_listing, payout_setup"
MALFORMED_TABLES = {
    "a misspelt key": ('stat = "mean"\nhihg = "< 1 s"', "unknown key 'hihg'; did you mean 'high'?"),
    "a window": (
        'stat = "mean"\nhigh = "< 1 s"\nwindow = "10s"',
        "window: thresholds on parts of a run come with a later release; drop it",
    ),
    "no statistic": ('high = "< 1 s"', "missing key 'stat'"),
    "a misspelt statistic": ('stat = "eror_rate"\nhigh = "< 1 %"', None),
    "a number for a limit": ('stat = "mean"\nhigh = 2000', "high: 2000 is not a list"),
    "a number in a list of limits": ('stat = "mean"\nhigh = ["< 1 s", 2]', "high 2: 2 is not text in quotes"),
    "no limit": ('stat = "mean"', "holds no limit; accepted: critical, high, medium, low, rollback"),
    "an empty list of limits": (
        'stat = "mean"\nhigh = []',
        "holds no limit; accepted: critical, high, medium, low, rollback",
    ),
    "a limit without a unit": (
        'stat = "p95"\nhigh = "< 2000"',
        "high: '< 2000' has no unit, expected a time ('ms', 's', 'min', 'h')",
    ),
    "a limit in the wrong unit": (
        'stat = "p95"\nhigh = "<= 1 MB"',
        "high: '<= 1 MB' is in 'MB', expected a time ('ms', 's', 'min', 'h')",
    ),
    "a limit that looks the wrong way": (
        'stat = "throughput"\nhigh = "< 100 rps"',
        "high: '< 100 rps' contradicts the statistic, of which higher is better; use '>' or '>='",
    ),
    "critical stricter than high": (
        'stat = "mean"\ncritical = "< 1 s"\nhigh = "< 2 s"',
        "critical '< 1 s' is stricter than high '< 2 s'",
    ),
    "high stricter than low": (
        'stat = "mean"\nhigh = "< 1 s"\nlow = "< 1001 ms"',
        "high '< 1 s' is stricter than low '< 1001 ms'",
    ),
    "rollback stricter than critical": (
        'stat = "error_rate"\ncritical = "< 5 %"\nrollback = "< 4 %"',
        "rollback '< 4 %' is stricter than critical '< 5 %'",
    ),
    "critical from below stricter than high": (
        'stat = "completion_rate"\ncritical = "> 95 %"\nhigh = "> 90 %"',
        "critical '> 95 %' is stricter than high '> 90 %'",
    ),
    "one of several critical limits stricter than high": (
        'stat = "mean"\ncritical = ["< 1 s", "< 5 s"]\nhigh = "< 2 s"',
        "critical '< 1 s' is stricter than high '< 2 s'",
    ),
    "limits that look both ways": (
        'stat = "max"\nmonitor = "cpu"\nhigh = "< 80 %"\nlow = "> 10 %"',
        "its limits look both ways: some want more, some less",
    ),
    "an unknown workflow": (
        'stat = "mean"\nworkflow = "listings"\nhigh = "< 1 s"',
        "workflow: 'listings' is not known; did you mean 'listing'?",
    ),
    "an unknown step of a workflow": (
        'stat = "mean"\nworkflow = "listing"\nstep = "creatoin"\nhigh = "< 1 s"',
        "step: 'creatoin' is not known; did you mean 'creation'?",
    ),
    "a step of another workflow": (
        'stat = "mean"\nworkflow = "onboarding"\nstep = "trends"\nhigh = "< 1 s"',
        f"step: 'trends' is not known{STEPS}",
    ),
    "an unknown step": (
        'stat = "mean"\nstep = "trend"\nhigh = "< 1 s"',
        "step: 'trend' is not known; did you mean 'trends'?",
    ),
    "an unknown kind": (
        'stat = "mean"\nkind = "htpp"\nhigh = "< 1 s"',
        "kind: 'htpp' has no thresholds; did you mean 'http'?",
    ),
    "setup": (
        'stat = "mean"\nkind = "setup"\nhigh = "< 1 s"',
        "kind: 'setup' has no thresholds; accepted: http, connect, ack, push, session, freshness, iteration",
    ),
    "a kind of a statistic that has its own": (
        'stat = "throughput"\nkind = "push"\nhigh = "> 1 rps"',
        "kind: 'throughput' is always of http; drop kind",
    ),
    "iterations of a step": (
        'stat = "p95"\nkind = "iteration"\neach = "step"\nhigh = "< 1 s"',
        "kind: 'iteration' is of whole workflows; drop step and route",
    ),
    "completion of a step": (
        'stat = "completion_rate"\neach = "step"\nhigh = "> 95 %"',
        "stat: 'completion_rate' is of whole workflows; drop step and route",
    ),
    "each of something else": (
        'stat = "p95"\neach = "seller"\nhigh = "< 1 s"',
        "each: 'seller' is not accepted; accepted: 'step', 'workflow' or 'route'",
    ),
    "each step of one step": (
        'stat = "p95"\neach = "step"\nstep = "trends"\nhigh = "< 1 s"',
        "each: 'step' contradicts the one that is named; drop one of the two",
    ),
    "each workflow of one step": (
        'stat = "p95"\neach = "workflow"\nstep = "trends"\nhigh = "< 1 s"',
        "each: 'workflow' contradicts the one that is named; drop one of the two",
    ),
    "a monitor of a workflow": (
        'stat = "max"\nmonitor = "cpu"\nworkflow = "store"\nhigh = "< 80 %"',
        "workflow: a monitor is of the whole target; drop one of the two",
    ),
    "errors of a monitor": (
        'stat = "error_rate"\nmonitor = "cpu"\nhigh = "< 80 %"',
        "stat: 'error_rate' is not defined for a monitor; accepted: mean, p50, p75, p90, p95, p99, p99.9, max",
    ),
    "not_profiles empty": (
        'stat = "mean"\nnot_profiles = []\nhigh = "< 1 s"',
        "not_profiles: an empty list leaves nothing out; drop it",
    ),
    "profiles twice": (
        'stat = "mean"\nprofiles = ["demo"]\nnot_profiles = ["load"]\nhigh = "< 1 s"',
        "not_profiles: profiles names the ones it is for already; drop one of the two",
    ),
    "no profile at all": (
        'stat = "mean"\nprofiles = []\nhigh = "< 1 s"',
        "profiles: an empty list is no run at all; leave it out for every run",
    ),
}


@pytest.mark.parametrize("case", MALFORMED_TABLES)
def test_a_malformed_threshold_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    body, message = MALFORMED_TABLES[case]
    path = one(tmp_path, body)

    with pytest.raises(UsageProblem) as refused:
        load_thresholds(path)

    expected = message or "stat: 'eror_rate' is not a statistic; did you mean 'error_rate'?"
    assert str(refused.value) == f"{path}: threshold 1: {expected}"


@pytest.mark.parametrize(
    ("why", "message"),
    [("", "missing key 'why'"), ('why = " "', "why: empty text; accepted: at least a word")],
    ids=["missing", "empty"],
)
def test_a_threshold_says_why(tmp_path: Path, why: str, message: str) -> None:
    path = one(tmp_path, 'stat = "mean"\nhigh = "< 1 s"', why=why)

    with pytest.raises(UsageProblem) as refused:
        load_thresholds(path)

    assert str(refused.value) == f"{path}: threshold 1: {message}"


def test_the_number_of_the_threshold_is_told(tmp_path: Path) -> None:
    good = '[[threshold]]\nstat = "mean"\nhigh = "< 1 s"\nwhy = "w"\n'
    path = written(tmp_path, f'format = 1\n{good}{good}[[threshold]]\nstat = "men"\nhigh = "< 1 s"\nwhy = "w"\n')

    with pytest.raises(UsageProblem, match=r"threshold 3: stat: 'men' is not a statistic; did you mean 'mean'\?"):
        load_thresholds(path)


def test_a_step_of_a_workflow_that_a_team_added_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.threshold_table.known_workflows", lambda: ["listing", *["x"] * 8, "auction"])
    path = one(tmp_path, 'stat = "mean"\nworkflow = "auction"\nstep = "bid"\nhigh = "< 1 s"')
    assert load_thresholds(path).thresholds[0].scope.step == "bid"

    path = one(tmp_path, 'stat = "mean"\nstep = "bid"\nhigh = "< 1 s"')
    assert load_thresholds(path).thresholds[0].scope.step == "bid"


def test_overrides_move_the_high_limit_of_the_whole_run_and_say_so() -> None:
    file = with_overrides(load_thresholds(), Overrides(1500, 0.005, 150))

    moved = {each.statistic.name: dict(each.limits)[Severity.HIGH] for each in file.thresholds[:3]}
    assert [(limit.text, limit.value) for limit in moved.values()] == [
        ("< 1500 ms", 1500),
        ("< 0.5 %", 0.005),
        ("> 150 rps", 150),
    ]
    assert file.thresholds[7].limits == load_thresholds().thresholds[7].limits  # error_rate of each step stays
    assert dict(file.thresholds[0].limits)[Severity.CRITICAL].text == "< 5000 ms"
    assert dict(file.thresholds[0].limits)[Severity.ROLLBACK].text == "< 10 s"
    assert file.overrides == (
        "--response-time 1500 ms: mean '< 1500 ms' instead of '< 2000 ms'",
        "--error-rate 0.5 %: error_rate '< 0.5 %' instead of '< 1 %'",
        "--throughput 150 rps: throughput '> 150 rps' instead of '> 100 rps'",
    )


def test_no_override_changes_nothing() -> None:
    assert with_overrides(load_thresholds(), Overrides()) == load_thresholds()


def test_an_override_as_loose_as_critical_is_accepted() -> None:
    file = with_overrides(load_thresholds(), Overrides(response_time_ms=5000))

    assert dict(file.thresholds[0].limits)[Severity.HIGH].value == 5000


REFUSED_OVERRIDES = {
    "looser than critical": (
        Overrides(response_time_ms=5001),
        "--response-time 5001 ms: looser than critical allows: critical '< 5000 ms' is stricter than high '< 5001 ms'",
    ),
    "more errors than critical": (
        Overrides(error_rate_ratio=0.06),
        "--error-rate 6 %: looser than critical allows: critical '< 5 %' is stricter than high '< 6 %'",
    ),
    "nothing but errors": (Overrides(error_rate_ratio=1.0), "--error-rate 100 %: not below 100 %"),
    "no time": (Overrides(response_time_ms=0), "--response-time 0 ms: not a number above 0"),
    "not a number": (Overrides(throughput_rps=float("nan")), "--throughput nan rps: not a number above 0"),
    "endless": (Overrides(throughput_rps=float("inf")), "--throughput inf rps: not a number above 0"),
}


@pytest.mark.parametrize("case", REFUSED_OVERRIDES)
def test_an_override_that_cannot_be_meant_is_refused_by_its_flag(case: str) -> None:
    overrides, message = REFUSED_OVERRIDES[case]

    with pytest.raises(UsageProblem) as refused:
        with_overrides(load_thresholds(), overrides)

    assert str(refused.value) == message


def test_an_override_without_a_limit_to_move_is_refused(tmp_path: Path) -> None:
    file = load_thresholds(one(tmp_path, 'stat = "mean"\ncritical = "< 5 s"'))

    with pytest.raises(UsageProblem, match=r"--response-time: .* has no high limit for mean of the whole run to move"):
        with_overrides(file, Overrides(response_time_ms=1500))


def test_every_statistic_has_a_unit_and_a_definition() -> None:
    assert set(STATISTICS) == {
        *("mean", "p50", "p75", "p90", "p95", "p99", "p99.9", "max", "error_rate", "throughput", "throttled_ratio"),
        *("cache_hit_rate", "completion_rate", "wrong_body", "stale", "apdex"),
        *("lost", "lost_ratio", "duplicated", "out_of_order", "refused", "dropped", "dropped_ratio", "reconnect_p95"),
    }
    assert all(statistic.definition and statistic.unit in Unit for statistic in STATISTICS.values())
