"""Write the SQL for what a run left that the API cannot take away."""
# ruff: noqa: S608 - statements for a person to read and run; every value in them went through sql.text

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gate import sql
from runlog.created import Created, Kind, Registry

PREFIX = "SG"
"""What store names and titles of test data begin with; locustfiles/_data.py gives it to them."""
_MESSAGES = frozenset({Kind.MESSAGE, Kind.ORDER_MESSAGE})


@dataclass(frozen=True, slots=True)
class Remains:
    """What a run created on its target."""

    run_id: str
    target: str  # name and address
    created: tuple[Created, ...]

    @classmethod
    def of(cls, run_id: str, target: str, registries: Iterable[Registry]) -> "Remains":
        """Return what all processes of a run created."""
        return cls(run_id, target, tuple(made for registry in registries for made in registry.created))

    def ids(self, *kinds: Kind) -> set[str]:
        """Return the ids of what was created; those that cannot be an id are left out."""
        return {made.id for made in self.created if made.kind in kinds and made.id is not None and sql.is_id(made.id)}

    def wallets(self, *kinds: Kind, known: bool | None = None) -> set[str]:
        """Return the wallets for which something was created; `known` says whether its id is."""
        return {
            made.wallet
            for made in self.created
            if made.kind in kinds and (known is None or known == (made.id is not None))
        }

    def count(self, kind: Kind) -> int:
        """Return how many of a kind were created for sure."""
        return sum(1 for made in self.created if made.kind is kind and made.id is not None)


def cleaning_sql(remains: Remains) -> str:
    """Return one transaction that removes what the run created, children before parents.

    Tables and columns are those of the product's schema. Whatever another row still refers to, an order above all,
    makes the database refuse the whole: nothing is removed by halves.
    """
    head = [
        sql.comment(f"sellergate: what run {remains.run_id} created on {remains.target}"),
        sql.comment("Look at it before you run it. A row that an order refers to stops the whole transaction:"),
        sql.comment("orders are yours; remove them first, or leave the listings and users they refer to."),
        "BEGIN;",
    ]
    return "\n".join([*head, *_statements(remains), "COMMIT;", ""])


def _statements(remains: Remains) -> Iterator[str]:
    yield from _by(f"{remains.count(Kind.MESSAGE)} messages, {remains.count(Kind.ORDER_MESSAGE)} about orders",
                   "chat_messages", "id", remains.ids(*_MESSAGES))  # fmt: skip
    yield from _by(f"{remains.count(Kind.CONVERSATION)} conversations", "conversations", "id",
                   remains.ids(Kind.CONVERSATION))  # fmt: skip
    marked = f" AND message LIKE {sql.text(f'%sg-{remains.run_id}-%')}"
    yield from _by(f"{remains.count(Kind.NOTIFICATION)} notifications", "notifications", "user_address",
                   remains.wallets(Kind.NOTIFICATION), marked)  # fmt: skip
    listings = remains.ids(Kind.LISTING)
    yield from _by(f"{len(listings)} listings", "product_tags", "product_id", listings)
    yield from _by(None, "products", "id", listings)
    unnamed = remains.wallets(Kind.LISTING, known=False)
    for names in sql.lists(unnamed):
        yield sql.comment(f"listings that may be there: {len(unnamed)} sellers asked for one and got no answer")
        yield (
            f"DELETE FROM products WHERE title LIKE '{PREFIX} %'"
            f" AND seller_id IN (SELECT id FROM users WHERE wallet_address IN {names});"
        )
    images = remains.ids(Kind.IMAGE)
    if images:
        yield sql.comment(f"{len(images)} uploaded images: rows and files are the image service's; ids:")
        yield from (sql.comment(names) for names in sql.lists(images))
    profiles = remains.wallets(Kind.PROFILE)
    yield from _by(f"{len(profiles)} seller profiles", "sellers", "wallet_address", profiles)
    users = remains.wallets(Kind.USER)
    yield from _by(f"{len(users)} users, among them sellers of the pool that a later run signs in with again",
                   "users", "wallet_address", users)  # fmt: skip


def _by(what: str | None, table: str, column: str, values: set[str], more: str = "") -> Iterator[str]:
    """Yield a comment and the statements that remove rows by a column; nothing when there are none."""
    if values and what is not None:
        yield sql.comment(what)
    for names in sql.lists(values):
        yield f"DELETE FROM {table} WHERE {column} IN {names}{more};"
