"""Every request that makes something leaves an entry, whatever its checks thought of the answer."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from locustfiles import _created
from locustfiles._calls import Call, Plan
from locustfiles._checks import Answer
from locustfiles._created import CreatedLog, created_by
from locustfiles._routes import (
    ALLOWED,
    CONNECT,
    CONVERSATIONS,
    LISTING_VIEW,
    MESSAGES,
    NOTIFY,
    ORDER_MESSAGES,
    PROCESS,
    SELLER_LISTING,
    SELLER_LISTINGS,
    SELLER_PROFILE,
    UPLOAD,
)
from runlog.created import Created, Kind, read_created

SELLER, OTHER = "0xaa", "0xBB"
NEW_USER = {"isNewUser": True, "user": {"id": "u1", "walletAddress": "0xbb"}}


def call(method: str, route: str, body: Any = None) -> Call:
    plan = Plan("listing", "creation", method, route, subject=lambda *_: 0, says_step=False)
    made = Call(plan, route, seller=7, iteration=0, body=body)
    made.sent_at_s = 12.5
    return made


def created(sent: Call, status: int | None, data: Any = None, *, was_sent: bool = True) -> Created | None:
    answer = None if status is None else Answer(status, {}, json.dumps({"success": True, "data": data}).encode())
    return created_by(sent, answer, seller=SELLER, workflow="listing", sent=was_sent)


@pytest.mark.parametrize(
    ("route", "kind"),
    [
        (SELLER_LISTINGS, Kind.LISTING),
        (CONVERSATIONS, Kind.CONVERSATION),
        (MESSAGES, Kind.MESSAGE),
        (NOTIFY, Kind.NOTIFICATION),
        (ORDER_MESSAGES, Kind.ORDER_MESSAGE),
        (UPLOAD, Kind.IMAGE),
        (SELLER_PROFILE, Kind.PROFILE),
    ],
)
def test_what_a_route_makes_is_noted_with_its_id(route: str, kind: Kind) -> None:
    assert created(call("POST", route), 201, {"id": "x1"}) == Created(kind, "x1", SELLER, 12.5, "listing")


def test_every_route_that_makes_something_may_be_sent() -> None:
    assert {("POST", route) for route in _created._KINDS} <= ALLOWED


def test_new_user_is_noted_by_the_wallet_that_signed_in() -> None:
    sent = call("POST", CONNECT, {"walletAddress": OTHER})
    assert created(sent, 200, NEW_USER) == Created(Kind.USER, "u1", "0xbb", 12.5, "listing")


@pytest.mark.parametrize(
    ("sent", "status", "data"),
    [
        pytest.param(call("POST", CONNECT), 200, NEW_USER | {"isNewUser": False}, id="user known before"),
        pytest.param(call("POST", CONNECT), 200, {"user": {"id": "u1"}}, id="user of whom nothing is said"),
        pytest.param(call("POST", SELLER_PROFILE), 200, {"id": "p1"}, id="profile that was there"),
        pytest.param(call("POST", CONVERSATIONS), 200, {"id": "c1"}, id="conversation that was there"),
        pytest.param(call("POST", SELLER_LISTINGS), 403, {"id": "x"}, id="refused"),
        pytest.param(call("POST", SELLER_LISTINGS), 500, {"id": "x"}, id="server error"),
        pytest.param(call("POST", SELLER_LISTINGS), 304, {"id": "x"}, id="just past success"),
        pytest.param(call("GET", NOTIFY), 200, {"id": "x"}, id="read"),
        pytest.param(call("PUT", SELLER_LISTING), 200, {"id": "x"}, id="changed"),
        pytest.param(call("DELETE", SELLER_LISTING), 200, {"id": "x"}, id="deleted"),
        pytest.param(call("POST", PROCESS), 200, {"id": "x"}, id="status change"),
        pytest.param(call("POST", LISTING_VIEW), 200, {"id": "x"}, id="only counted"),
    ],
)
def test_what_made_nothing_leaves_no_entry(sent: Call, status: int, data: Any) -> None:
    assert created(sent, status, data) is None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="none came"),
        pytest.param(Answer(201, {}, b"<html>"), id="not JSON"),
        pytest.param(Answer(201, {}, b"[]"), id="a list"),
        pytest.param(Answer(201, {}, b'{"success": true, "data": null}'), id="data null"),
        pytest.param(Answer(200, {}, b'{"success": true, "data": {}}'), id="no id"),
    ],
)
def test_listing_without_a_readable_answer_may_be_there(answer: Answer | None) -> None:
    sent = call("POST", SELLER_LISTINGS, {"walletAddress": SELLER})
    found = created_by(sent, answer, seller=SELLER, workflow="listing", sent=True)
    assert found == Created(Kind.LISTING, None, SELLER, 12.5, "listing")


def test_request_that_never_left_made_nothing() -> None:
    assert created(call("POST", SELLER_LISTINGS), None, was_sent=False) is None


def test_profile_is_known_by_its_wallet_where_it_has_no_id() -> None:
    sent = call("POST", SELLER_PROFILE, {"walletAddress": SELLER})
    assert created(sent, 201, {"walletAddress": SELLER}) == Created(Kind.PROFILE, SELLER, SELLER, 12.5, "listing")


# -- the log -----------------------------------------------------------------------------------------------------------


def load() -> Any:
    return SimpleNamespace(pool="team-a", recorder=SimpleNamespace(process=2, problems=[]))


def entry(kind: Kind = Kind.LISTING, name: str | None = "x1") -> Created:
    return Created(kind, name, SELLER, 1.0, "listing")


def test_entries_reach_the_disk_while_the_load_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_created, "FLUSH_S", 0.01)
    log = CreatedLog(tmp_path, load())
    log.add(entry())
    until = gevent.get_hub().loop.now() + 5
    while not list(tmp_path.iterdir()) and gevent.get_hub().loop.now() < until:
        gevent.sleep(0.01)
    assert read_created(tmp_path)[0].created == (entry(),)
    log.close()


def test_close_writes_what_waits_and_the_pool(tmp_path: Path) -> None:
    log = CreatedLog(tmp_path, load())
    log.add(entry())
    log.close()
    (registry,) = read_created(tmp_path)
    assert (registry.process, registry.pool, registry.created) == (2, "team-a", (entry(),))


def test_conversation_opened_again_is_kept_once(tmp_path: Path) -> None:
    log = CreatedLog(tmp_path, load())
    for each in (entry(Kind.CONVERSATION, "c1"), entry(Kind.CONVERSATION, "c1"), entry(Kind.CONVERSATION, "c2")):
        log.add(each)
    log.close()
    assert [made.id for made in read_created(tmp_path)[0].created] == ["c1", "c2"]


def test_full_disk_is_one_problem_of_the_run_and_no_crash(tmp_path: Path) -> None:
    here = load()
    log = CreatedLog(tmp_path / "gone", here)
    log.add(entry())
    log.close()
    log.close()
    assert here.recorder.problems == ["registry of what was created not written: No such file or directory"]
