"""Let one run at a time load a target: a lease is a file that its holder renews, and that expires by itself."""

import getpass
import json
import os
import socket
import time
from collections.abc import Mapping
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
_ATTEMPTS: Final = 20
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
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(_ATTEMPTS):
            held = read_lease(folder, address)
            if held is not None and held.run_id == run_id:
                return renew_lease(folder, held)
            if held is not None and not is_stale(held):
                raise LeaseHeld(held)
            stale = _set_aside(path, held)
            lease = replace(_new(key, run_id), replaced=stale)
            if _write_first(path, lease):
                return lease
    except OSError as error:
        raise UsageProblem(one_line(f"{folder}: leases cannot be kept: {error.strerror or error}")) from error
    raise UsageProblem(one_line(f"{folder}: other runs keep taking the lease of {key}; try again"))


def renew_lease(folder: Path, lease: Lease) -> Lease:
    """Return the lease as held from now on; LeaseHeld when another run took it over in the meantime."""
    path = _path(folder, lease.target_key)
    held = _read(path)
    if held is not None and held.run_id != lease.run_id:
        raise LeaseHeld(held)
    renewed = replace(lease, renewed_at_s=time.time())
    temporary = _temporary(path)
    temporary.write_text(_text(renewed), encoding="utf-8")
    temporary.replace(path)
    return renewed


def release_lease(folder: Path, lease: Lease) -> None:
    """Give the lease back; one that another run took over, or that is gone, is left as it is."""
    path = _path(folder, lease.target_key)
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


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")


def _text(lease: Lease) -> str:
    return json.dumps({key: value for key, value in asdict(lease).items() if key != "replaced"}) + "\n"


def _write_first(path: Path, lease: Lease) -> bool:
    """Put the lease at `path` unless somebody else's is there: whole, and by one of several at most."""
    temporary = _temporary(path)
    temporary.write_text(_text(lease), encoding="utf-8")
    try:
        path.hardlink_to(temporary)  # fails where there is one, unlike a rename
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _set_aside(path: Path, stale: Lease | None) -> str | None:
    """Remove a stale or unreadable lease, and return what it was; of several that try, only one removes it."""
    if stale is None and not path.exists():
        return None
    aside = _temporary(path)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return None
    taken = _read(aside)
    if taken is not None and not is_stale(taken):  # another run was quicker, and this is its new lease
        _put_back(aside, path)
        raise LeaseHeld(taken)
    aside.unlink(missing_ok=True)
    if taken is None:
        return "a lease that could not be read"
    minutes = (time.time() - taken.renewed_at_s) / 60
    return f"run {taken.run_id} of {taken.holder}, silent for {minutes:.0f} min"


def _put_back(aside: Path, path: Path) -> None:
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        pass  # its holder renewed it meanwhile
    finally:
        aside.unlink(missing_ok=True)


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
