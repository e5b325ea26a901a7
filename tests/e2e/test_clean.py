"""`sellergate clean` takes down what a real run left, once, as the sellers themselves."""

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runlog.created import Created, Kind, read_created
from settings.leases import release_lease, take_lease

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
NEW_EACH_PASS = {"onboarding", "tier_upgrade"}


@dataclass(frozen=True)
class Cleaned:
    """One clean-up: how it ended, what it said, and which of the run's listings were active after it."""

    code: int
    said: str
    active: set[str]
    deletions: int  # requests so far


@dataclass(frozen=True)
class Story:
    """A run, and the clean-ups after it in this order; the last one after the target was gone."""

    made: list[Created]
    before: set[str]
    held: Cleaned  # while a run loads the target
    dry: Cleaned
    other_pool: Cleaned
    first: Cleaned
    second: Cleaned
    gone: Cleaned
    sql: str


class Server:
    """A sandbox, and what it knows of the run's listings."""

    def __init__(self, folder: Path) -> None:
        ready = folder / "ready"
        command = [sys.executable, "-m", "sandbox", "--port", "0", "--ready-file", ready, "--stop-after", "200s"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while not ready.exists():
            assert time.monotonic() < until, "the sandbox is not ready"
            time.sleep(0.05)
        self.url = ready.read_text("utf-8").strip()
        self.asked = 0

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:  # noqa: S310  # our own http address
            return json.load(answer)

    def active(self, made: list[Created]) -> set[str]:
        found: set[str] = set()
        for wallet in {each.wallet for each in made if each.kind is Kind.LISTING}:
            self.asked += 1
            page = self.ask(f"/api/marketplace/seller/listings/{wallet}?status=active&limit=100&u={self.asked}")
            found |= {listing["id"] for listing in page["data"]["listings"]}
        return found

    def deletions(self) -> int:
        rows = self.ask("/_sandbox/truth")["received"]
        return sum(row["count"] for row in rows if row["method"] == "DELETE")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Load a sandbox for some seconds, then clean up in every way."""
    place = tmp_path_factory.mktemp("clean")
    environ = os.environ | {"SELLERGATE_LEASES": str(place / "leases")}
    server = Server(place)
    try:
        command = [sys.executable, "-m", "locust", "--headless", "-u", "16", "-r", "16", "-t", "7s", "--no-gate"]
        command += ["--host", server.url, "--reports", str(place / "reports"), "--only-summary"]
        subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, timeout=90, check=True)
        folder = (place / "reports" / "latest").resolve()
        made = [each for registry in read_created(folder) for each in registry.created]

        def clean(*arguments: str | Path) -> Cleaned:
            command = [sys.executable, "-m", "gate", "clean", folder, *arguments]
            words = place / "words"
            with words.open("w") as out:
                done = subprocess.run(command, cwd=ROOT, env=environ, stdout=out, stderr=out, timeout=90, check=False)
            there = server.process.poll() is None
            active, deletions = (server.active(made), server.deletions()) if there else (set[str](), 0)
            return Cleaned(done.returncode, words.read_text().replace("\n  ", " "), active, deletions)

        before = server.active(made)
        lease = take_lease(place / "leases", server.url, "another-run")
        held = clean("--sql", place / "held.sql")
        release_lease(place / "leases", lease)
        ways = [held, clean("--dry-run"), clean("--pool", "another")]
        ways += [clean("--sql", place / "clean.sql"), clean("--sql", place / "again.sql")]
        server.stop()
        yield Story(made, before, *ways, clean(), (place / "clean.sql").read_text("utf-8"))
    finally:
        server.stop()


def test_registry_has_what_the_run_made(story: Story) -> None:
    assert {Kind.USER, Kind.PROFILE, Kind.LISTING, Kind.NOTIFICATION} <= {each.kind for each in story.made}
    assert story.before
    assert story.before <= {each.id for each in story.made}
    wallets = {each.wallet for each in story.made if each.workflow in NEW_EACH_PASS}
    assert wallets <= {each.wallet for each in story.made if each.kind is Kind.USER}


def test_target_a_run_loads_is_left_alone(story: Story) -> None:
    assert (story.held.code, story.held.active) == (2, story.before)
    assert "is being loaded by run another-run" in story.held.said


def test_dry_run_takes_nothing_down(story: Story) -> None:
    assert (story.dry.code, story.dry.active) == (0, story.before)
    assert "COMMIT;" in story.dry.said


def test_sellers_of_another_pool_are_not_found_and_that_is_code_1(story: Story) -> None:
    assert story.other_pool.code == 1
    assert "its key is not found: another secret, or another pool" in story.other_pool.said
    new = {each.id for each in story.made if each.workflow in NEW_EACH_PASS}
    assert story.other_pool.active == story.before - new


def test_what_a_run_left_is_taken_down(story: Story) -> None:
    assert (story.first.code, story.first.active) == (0, set())
    assert " listings taken down, " in story.first.said
    assert ", 0 of " in story.first.said.splitlines()[-1]
    assert story.first.deletions - story.other_pool.deletions == len(story.other_pool.active)


def test_second_clean_up_deletes_nothing(story: Story) -> None:
    assert story.second.code == 0
    assert ": 0 listings taken down" in story.second.said
    assert story.second.deletions == story.first.deletions


def test_target_that_is_gone_is_code_3_and_the_sql_is_there(story: Story) -> None:
    assert story.gone.code == 3
    assert "sellers not cleaned" in story.gone.said
    assert "COMMIT;" in story.gone.said


def test_sql_names_every_listing_and_new_user(story: Story) -> None:
    assert sqlite3.complete_statement(story.sql)
    for each in story.made:
        assert (each.id if each.kind is Kind.LISTING else each.wallet) in story.sql
