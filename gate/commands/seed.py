"""Speak `sellergate seed`."""

from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import click

from gate.seeding import Seeding, orders_of, seeding_sql, sellers_of
from gate.streams import say
from gate.trial import run_trial, trial_arguments
from settings.problem import UsageProblem
from settings.profile import PROFILES_FILE, load_profile
from settings.target import TARGETS_DIR, load_target

_MOST_BUYERS: Final = 20
_EPILOG: Final = """\b
Examples:
  sellergate seed orders --sql --target staging --load-profile smoke | psql …
  sellergate seed orders --sql --sellers 4 --count 100
"""


class SeedFlags(TypedDict):
    """What click hands to `seed`."""

    what: str
    as_sql: bool
    count: int | None
    load_profile: str | None
    sellers: int | None
    processes: int
    pool: str
    target: str | None
    profiles: Path
    targets: Path


@click.command("seed", epilog=_EPILOG)
@click.argument("what", type=click.Choice(("orders",)))
@click.option("--sql", "as_sql", is_flag=True, help="Write SQL for the operator; there is no other way.")
@click.option("--count", type=click.IntRange(1, 1_000_000), metavar="N", help="Orders; default: what a run takes.")
@click.option("--load-profile", metavar="NAME", help="The run they are for; default: demo.")
@click.option("--sellers", type=click.IntRange(1, 100_000), metavar="N", help="In place of the profile's share.")
@click.option("--processes", type=click.IntRange(1, 1_000), default=1, metavar="N", help="As the run will have.")
@click.option("--pool", default="pool", metavar="NAME", help="Which reusable set of sellers.")
@click.option("--target", metavar="NAME", help="A file of targets/; default: DEPLOYMENT_ENV or sandbox.")
@click.option(
    "--profiles", type=click.Path(path_type=Path), default=PROFILES_FILE, metavar="PATH", help="Load profiles."
)
@click.option("--targets", type=click.Path(path_type=Path), default=TARGETS_DIR, metavar="PATH", help="Target files.")
def command(**flags: Unpack[SeedFlags]) -> int:
    """Write the SQL for paid orders of the sellers a run will have.

    The API makes no order safely, so whoever has the database runs this before the load. The wallets come from the
    target's secret and the pool; keys are in none of it. Nothing is sent.
    """
    if not flags["as_sql"]:
        raise UsageProblem("seed orders: writes SQL for the operator and does nothing itself; accepted: with --sql")
    if flags["sellers"] is not None and flags["load_profile"] is not None:
        raise UsageProblem("seed orders: --sellers stands in place of --load-profile; accepted: one of them")
    profile = load_profile(flags["load_profile"] or "demo", flags["profiles"])
    target = load_target(flags["target"], folder=flags["targets"]).name
    sellers, processes = flags["sellers"] or sellers_of(profile), flags["processes"]
    arguments = ["--mode", "wallets", "--sellers", str(-(-sellers // processes)), "--processes", str(processes)]
    arguments += ["--buyers", str(min(sellers, _MOST_BUYERS))]
    # addresses only: a target that needs a permission to be loaded needs none to be named
    arguments += trial_arguments(target, flags["targets"], flags["pool"], allow_production=True)
    found: dict[str, Any] = {}
    run_trial(arguments, found.update)
    seeding = Seeding(
        target=target,
        pool=flags["pool"],
        sellers=tuple(found["sellers"]),
        buyers=tuple(found["buyers"]),
        count=flags["count"] or orders_of(profile, sellers),
    )
    say(seeding_sql(seeding).rstrip("\n"))
    return 0
