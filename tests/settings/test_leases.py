import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from settings.document import CHECKOUT
from settings.leases import (
    LEASE_S,
    Lease,
    LeaseHeld,
    is_stale,
    lease_folder,
    read_lease,
    release_lease,
    renew_lease,
    take_lease,
    target_key,
)
from settings.problem import UsageProblem

URL = "http://127.0.0.1:7080"


def aged(folder: Path, seconds: float, **changes: Any) -> None:
    """Make the one lease of a folder look as if nobody had renewed it for so long."""
    (path,) = folder.glob("*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"renewed_at_s": time.time() - seconds} | changes))


def test_lease_is_taken_renewed_and_given_back(tmp_path: Path) -> None:
    began_s = time.time()
    lease = take_lease(tmp_path / "new" / "folder", URL, "run-1")
    folder = tmp_path / "new" / "folder"
    assert (lease.target_key, lease.run_id, lease.replaced) == ("127.0.0.1:7080", "run-1", None)
    assert lease.holder.endswith(f" pid {os.getpid()}")
    assert began_s <= lease.since_s <= lease.renewed_at_s <= time.time()
    renewed = renew_lease(folder, lease)
    assert renewed.since_s == lease.since_s
    assert renewed.renewed_at_s > lease.renewed_at_s
    assert read_lease(folder, URL) == renewed
    release_lease(folder, renewed)
    assert read_lease(folder, URL) is None
    assert [path.suffix for path in folder.iterdir()] == [".lock"]


def test_other_run_is_refused_with_who_and_since_when(tmp_path: Path) -> None:
    lease = take_lease(tmp_path, URL, "run-1")
    with pytest.raises(LeaseHeld) as refusal:
        take_lease(tmp_path, "http://127.0.0.1:7080/", "run-2")
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(lease.since_s))
    assert str(refusal.value) == (
        f"target 127.0.0.1:7080 is being loaded by run run-1 of {lease.holder} since {since}; "
        "wait for its end (a lease nobody renews expires after 60 s)"
    )
    assert refusal.value.lease == lease
    assert read_lease(tmp_path, URL) == lease


def test_other_target_is_free(tmp_path: Path) -> None:
    take_lease(tmp_path, URL, "run-1")
    assert take_lease(tmp_path, "http://127.0.0.1:7081", "run-2").run_id == "run-2"


def test_same_run_takes_its_lease_again(tmp_path: Path) -> None:
    first = take_lease(tmp_path, URL, "run-1")
    again = take_lease(tmp_path, URL, "run-1")
    assert (again.since_s, again.holder) == (first.since_s, first.holder)
    assert again.renewed_at_s > first.renewed_at_s


@pytest.mark.parametrize(
    ("age_s", "stale"),
    [(0.0, False), (LEASE_S - 1, False), (LEASE_S + 1, True), (-LEASE_S - 1, True)],
    ids=["new", "just-alive", "just-stale", "from-the-future"],
)
def test_lease_expires_by_itself(tmp_path: Path, age_s: float, stale: bool) -> None:  # noqa: FBT001 - a table's column
    take_lease(tmp_path, URL, "run-1")
    aged(tmp_path, age_s)
    held = read_lease(tmp_path, URL)
    assert held is not None
    assert is_stale(held) is stale
    if stale:
        assert take_lease(tmp_path, URL, "run-2").run_id == "run-2"
    else:
        with pytest.raises(LeaseHeld):
            take_lease(tmp_path, URL, "run-2")


def test_who_takes_over_says_from_whom(tmp_path: Path) -> None:
    first = take_lease(tmp_path, URL, "run-1")
    aged(tmp_path, 600)
    assert take_lease(tmp_path, URL, "run-2").replaced == f"run run-1 of {first.holder}, silent for 10 min"
    held = read_lease(tmp_path, URL)
    assert held is not None
    assert held.run_id == "run-2"


def test_run_that_was_taken_over_notices_and_takes_nothing_back(tmp_path: Path) -> None:
    first = take_lease(tmp_path, URL, "run-1")
    aged(tmp_path, 600)
    second = take_lease(tmp_path, URL, "run-2")
    with pytest.raises(LeaseHeld, match="by run run-2 of"):
        renew_lease(tmp_path, first)
    release_lease(tmp_path, first)
    assert read_lease(tmp_path, URL) == Lease(*[getattr(second, name) for name in Lease.__slots__[:5]])


def test_lease_that_vanished_is_written_again_by_who_holds_it(tmp_path: Path) -> None:
    lease = take_lease(tmp_path, URL, "run-1")
    for path in tmp_path.glob("*.json"):
        path.unlink()
    assert read_lease(tmp_path, URL) is None
    assert renew_lease(tmp_path, lease) == read_lease(tmp_path, URL)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"run_id": 1}', "[" * 5000, '{"since_s": "x"}'], ids=range(8)
)
def test_file_that_is_no_lease_holds_nobody_up(tmp_path: Path, text: str) -> None:
    take_lease(tmp_path, URL, "run-1")
    (path,) = tmp_path.glob("*.json")
    path.write_text(text)
    assert read_lease(tmp_path, URL) is None
    assert take_lease(tmp_path, URL, "run-2").run_id == "run-2"
    with pytest.raises(LeaseHeld):
        take_lease(tmp_path, URL, "run-3")


def test_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageProblem) as refusal:
        take_lease(tmp_path / "file" / "leases", URL, "run-1")
    assert str(refusal.value) == f"{tmp_path / 'file' / 'leases'}: leases cannot be kept: Not a directory"


def test_of_threads_that_come_at_once_one_gets_the_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(key: str, run_id: str) -> Lease:  # between looking and writing, where others could look too
        time.sleep(0.01)
        return Lease(key, run_id, "me", time.time(), time.time())

    monkeypatch.setattr("settings.leases._new", slowly)
    for age_s in (None, 600.0):  # nobody had it; somebody did who is gone
        for path in tmp_path.glob("*.json"):
            path.unlink()
        if age_s is not None:
            take_lease(tmp_path, URL, "gone")
            aged(tmp_path, age_s)
        assert len(_taken_by_many(tmp_path)) == 1
        assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".lock"}, "something was left behind"


def _taken_by_many(folder: Path) -> list[Lease]:
    start, taken = threading.Barrier(8), list[Lease]()

    def come(name: str) -> None:
        start.wait()
        try:
            taken.append(take_lease(folder, URL, name))
        except LeaseHeld:
            return

    threads = [threading.Thread(target=come, args=(f"run-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


HOLD = """
import sys
from pathlib import Path
from settings.leases import take_lease
print(take_lease(Path(sys.argv[1]), sys.argv[2], "child").holder)
"""


def test_lease_of_another_process_is_seen(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", HOLD, tmp_path, URL], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    holder = child.stdout.strip()
    with pytest.raises(LeaseHeld, match=f"by run child of {re.escape(holder)} since"):
        take_lease(tmp_path, URL, "run-2")


def test_user_without_a_name_is_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError

    monkeypatch.setattr("getpass.getuser", nobody)
    assert take_lease(tmp_path, URL, "run-1").holder.startswith(f"{os.getuid()}@")


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://Example.com", "example.com:80"),
        ("https://example.com/", "example.com:443"),
        ("http://example.com.:8080", "example.com:8080"),
        ("http://[::1]:80", "[::1]:80"),
    ],
)
def test_one_target_has_one_key(url: str, key: str) -> None:
    assert target_key(url) == key


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        pytest.param({"SELLERGATE_LEASES": "/l", "XDG_STATE_HOME": "/s"}, Path("/l"), id="own-variable"),
        pytest.param({"XDG_STATE_HOME": "/s"}, Path("/s/sellergate/leases"), id="xdg"),
        pytest.param({"XDG_STATE_HOME": "s"}, Path.home() / ".local/state/sellergate/leases", id="xdg-not-absolute"),
        pytest.param({}, Path.home() / ".local/state/sellergate/leases", id="home"),
    ],
)
def test_leases_are_where_the_user_s_state_is(environ: dict[str, str], folder: Path) -> None:
    assert lease_folder(environ) == folder
