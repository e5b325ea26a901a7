"""Let one run at a time load a target: a lease is a file that its holder renews, and that expires by itself."""

import fcntl
import getpass
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from settings.document import one_line
from settings.hosts import host_of
from settings.problem import UsageProblem

LEASE_S: Final = 60.0
"""A lease nobody renewed for this long is stale: its run is gone, and whoever comes next takes over."""
RENEW_S: Final = 10.0
"""How often a run says that it is still there."""

_PORTS: Final = {"http": 80, "https": 443}
_MAX_BYTES: Final = 10_000  # a file larger than this is no lease of ours


@dataclass(frozen=True, slots=True)
class Lease:
    """Who loads a target; times are Unix seconds of the holder's machine."""

    target_key: str  # host:port
    run_id: str
    holder: str  # user@host pid N
    since_s: float
    renewed_at_s: float
    replaced: str | None = None  # the stale lease it took over, in words; for the record, not in the file


class LeaseHeld(Exception):  # noqa: N818 - a state of the world, not an error of the program
    """Another run loads the target; the message is one line that says which, whose and since when."""

    def __init__(self, lease: Lease) -> None:
        since = datetime.fromtimestamp(lease.since_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        super().__init__(
            one_line(
                f"target {lease.target_key} is being loaded by run {lease.run_id} of {lease.holder} since {since}; "
                f"wait for its end (a lease nobody renews expires after {LEASE_S:g} s)"
            )
        )
        self.lease = lease


def lease_folder(environ: Mapping[str, str]) -> Path:
    """Return where leases are: SELLERGATE_LEASES, else sellergate/leases in the user's state folder."""
    given = environ.get("SELLERGATE_LEASES")
    if given:
        return Path(given).absolute()
    state = environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "sellergate" / "leases"


def take_lease(folder: Path, address: str, run_id: str) -> Lease:
    """Return the lease of `address` for this run, new, taken over from a run that is gone, or renewed.

    LeaseHeld when another run has it; UsageProblem when the folder cannot be written.
    """
    key = target_key(address)
    path = _path(folder, key)
    try:
        with _locked(path):
            held = _read(path)
            if held is not None and held.run_id == run_id:
                return _write(path, held)
            if held is not None and not is_stale(held):
                raise LeaseHeld(held)
            return replace(_write(path, _new(key, run_id)), replaced=None if held is None else _words(held))
    except OSError as error:
        raise UsageProblem(one_line(f"{folder}: leases cannot be kept: {error.strerror or error}")) from error


def renew_lease(folder: Path, lease: Lease) -> Lease:
    """Return the lease as held from now on; LeaseHeld when another run took it over in the meantime.

    OSError when it cannot be written: it then expires, and until it does nobody else takes it.
    """
    path = _path(folder, lease.target_key)
    with _locked(path):
        held = _read(path)
        if held is not None and held.run_id != lease.run_id:
            raise LeaseHeld(held)
        return _write(path, lease)


def release_lease(folder: Path, lease: Lease) -> None:
    """Give the lease back; one that another run took over, or that is gone, is left as it is."""
    path = _path(folder, lease.target_key)
    with _locked(path):
        held = _read(path)
        if held is not None and held.run_id == lease.run_id:
            path.unlink(missing_ok=True)


def read_lease(folder: Path, address: str) -> Lease | None:
    """Return who holds `address`, stale or not; None when nobody does."""
    return _read(_path(folder, target_key(address)))


def is_stale(lease: Lease) -> bool:
    """Return whether nobody renewed the lease for LEASE_S; one from the future is (a clock was set back) as well."""
    return abs(time.time() - lease.renewed_at_s) > LEASE_S


def target_key(address: str) -> str:
    """Return `host:port` of an address, in one spelling: what two runs must not load at the same time."""
    parts = urlsplit(address)
    host = host_of(address)
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def _new(key: str, run_id: str) -> Lease:
    now_s = time.time()
    return Lease(key, run_id, f"{_user()}@{socket.gethostname()} pid {os.getpid()}", now_s, now_s)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return str(os.getuid())


def _path(folder: Path, key: str) -> Path:
    name = "".join(char if char.isalnum() or char in ".-" else "_" for char in key)
    return folder / f"{name[:100]}.{sha256(key.encode()).hexdigest()[:8]}.json"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one at a time look at a lease and change it; a lock ends with its process, whatever kills that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write(path: Path, lease: Lease) -> Lease:
    """Put the lease at `path`, renewed and whole: who reads without the lock never sees half of one."""
    renewed = replace(lease, renewed_at_s=time.time())
    data = {key: value for key, value in asdict(renewed).items() if key != "replaced"}
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(data) + "\n", encoding="utf-8")
    temporary.replace(path)
    return renewed


def _words(stale: Lease) -> str:
    minutes = (time.time() - stale.renewed_at_s) / 60
    return f"run {stale.run_id} of {stale.holder}, silent for {minutes:.0f} min"


def _read(path: Path) -> Lease | None:
    """Return the lease at `path`; None when there is none, or nothing that could be one."""
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_MAX_BYTES))
        return Lease(
            target_key=str(data["target_key"]),
            run_id=str(data["run_id"]),
            holder=str(data["holder"]),
            since_s=float(data["since_s"]),
            renewed_at_s=float(data["renewed_at_s"]),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return None
