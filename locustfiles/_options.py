"""Add sellergate's arguments to Locust's command line."""

from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any, Final

from locust import User

from locustfiles._load import POOL

ROOT: Final = Path(__file__).resolve().parent.parent
"""The checkout: where the settings files and reports are, whatever folder Locust was started in."""


def add_arguments(parser: Any) -> None:
    """Register the arguments; Locust calls this again at every load of its start page, so nothing else happens here.

    Paths stay text: a master sends its options to its workers as msgpack.
    """
    _accept_only_known_classes(parser)
    group = parser.add_argument_group(
        "sellergate",
        "Before anything is sent, host and permission are checked and the target's lease is taken; "
        "`sellergate run` looks at the whole target first (preflight).",
    )
    group.add_argument("--load-profile", help="how hard to push, by a name of profiles.toml", metavar="NAME")
    group.add_argument("--target", help="which deployment, by a file of targets/; default: DEPLOYMENT_ENV or sandbox")
    group.add_argument("--targets", default=str(ROOT / "targets"), metavar="DIR", help="folder of target files")
    group.add_argument("--profiles", default=str(ROOT / "profiles.toml"), metavar="FILE", help="load profiles")
    group.add_argument(
        "--thresholds", default=str(ROOT / "thresholds.toml"), metavar="FILE", help="what a run must show"
    )
    group.add_argument("--reports", default=str(ROOT / "reports"), metavar="DIR", help="where run directories go")
    group.add_argument("--stage", choices=("pre", "post", "watch"), help="where in the release this run stands")
    group.add_argument("--revision", help="revision of the target under test")
    group.add_argument("--seed", type=int, default=1, help="drives data and mix; same seed, same sellers")
    group.add_argument("--strict", action="store_true", help="broken medium and low thresholds fail the run too")
    group.add_argument("--allow-production", action="store_true", help="permit a target marked as production")
    group.add_argument(
        "--allow-throttling", action="store_true", help="send past the target's rate limits instead of waiting for room"
    )
    group.add_argument("--pool", default=POOL, metavar="NAME", help="which reusable set of sellers signs in")
    group.add_argument("--no-gate", action="store_true", help="record only; `sellergate judge` gives the verdict")
    group.add_argument("--run-id", help="name of the run directory; default: time and profile")


def _accept_only_known_classes(parser: Any) -> None:
    """Have argparse refuse a misspelt user class: with code 2; Locust's own check would end with a failure's 1."""
    for action in parser._actions:  # noqa: SLF001  # Locust registers the argument; argparse has no lookup
        if action.dest == "user_classes":
            action.type = _known_class


def _known_class(name: str) -> str:
    """Return the name of a user class that has been loaded and can be run."""
    known = sorted(_known_classes(User))
    if name not in known:
        raise ArgumentTypeError(f"no user class {name!r}; accepted: {', '.join(known)}")
    return name


def _known_classes(parent: type[User]) -> set[str]:
    found: set[str] = set()
    for child in parent.__subclasses__():
        own = set() if child.__dict__.get("abstract", False) else {child.__name__}
        found |= own | _known_classes(child)
    return found
