"""Counts of the whole run."""

from collections.abc import Callable

import pandas as pd

from analysis.report.tally import ErrorRow, KindRow, by_error, by_kind


def test_each_kind_is_counted_on_its_own(make_samples: Callable[..., pd.DataFrame]) -> None:
    samples = make_samples(10, bad_ratio=0.0).astype({"kind": object, "outcome": object})
    samples.loc[:2, "kind"] = "setup"
    samples.loc[3:6, "outcome"] = ["throttled", "aborted", "http_error", "timeout"]
    assert by_kind(samples.astype({"kind": "category", "outcome": "category"})) == (
        KindRow("http", "7", "3", "1", "1", "2"),
        KindRow("setup", "3", "3", "0", "0", "0"),
    )


def test_errors_are_counted_by_step_and_text_most_frequent_first(make_samples: Callable[..., pd.DataFrame]) -> None:
    samples = make_samples(8, bad_ratio=0.0).astype(dict.fromkeys(("workflow", "step", "outcome", "error"), object))
    samples["workflow"], samples["step"] = "store", "store_page"
    samples.loc[0:1, ["outcome", "error"]] = ["timeout", "Timeout"]
    samples.loc[2:4, ["outcome", "error"]] = ["http_error", "status 500"]
    samples.loc[5, ["workflow", "step", "outcome"]] = [None, None, "lost"]
    samples.loc[6, "outcome"] = "aborted"  # cut by our own stop: nobody's error
    assert by_error(samples) == (
        ErrorRow("store.store_page", "http_error", "status 500", "3"),
        ErrorRow("store.store_page", "timeout", "Timeout", "2"),
        ErrorRow("http", "lost", "—", "1"),
    )


def test_at_most_fifteen_errors_are_listed(make_samples: Callable[..., pd.DataFrame]) -> None:
    samples = make_samples(40, bad_ratio=0.0).astype({"error": object, "outcome": object})
    samples["outcome"], samples["error"] = "lost", [f"error {number}" for number in range(40)]
    assert len(by_error(samples)) == 15


def test_a_run_without_errors_lists_none(make_samples: Callable[..., pd.DataFrame]) -> None:
    assert by_error(make_samples(20, bad_ratio=0.0)) == ()


def test_no_samples_give_no_rows() -> None:
    assert by_kind(pd.DataFrame()) == ()
    assert by_error(pd.DataFrame()) == ()
