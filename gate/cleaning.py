"""Write the SQL for what a run left that the API cannot take away."""
# ruff: noqa: S608 - statements for a person to read and run; every value in them went through sql.text

from collections.abc import Iterable, Iterator, Sequence
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


def cleaning_sql(runs: Sequence[Remains]) -> str:
    """Return one transaction that removes what runs created, children before parents.

    Tables and columns are those of the product's schema. Users go only where no listing and no order refers to them:
    sellers of a pool come back in every run. Whatever else a row still refers to, an order to a listing above all,
    makes the database refuse the whole: nothing is removed by halves.
    """
    head = [
        *(sql.comment(f"sellergate: what run {run.run_id} created on {run.target}") for run in runs),
        sql.comment("Look at it before you run it. A listing that an order refers to stops the whole transaction:"),
        sql.comment("orders are yours; remove them first, or leave out the listings they refer to."),
        "BEGIN;",
    ]
    return "\n".join([*head, *_statements(runs), "COMMIT;", ""])


def _statements(runs: Sequence[Remains]) -> Iterator[str]:
    everything = Remains("", "", tuple(made for run in runs for made in run.created))
    yield from _by("messages, those about orders too", "chat_messages", "id", everything.ids(*_MESSAGES))
    yield from _by("conversations", "conversations", "id", everything.ids(Kind.CONVERSATION))
    for run in runs:
        marked = f" AND message LIKE {sql.text(f'%sg-{run.run_id}-%')}"
        yield from _by(
            "sellers with notifications", "notifications", "user_address", run.wallets(Kind.NOTIFICATION), marked
        )
    yield from _listings(everything)
    images = everything.ids(Kind.IMAGE)
    if images:
        yield sql.comment(f"{len(images)} images: rows and files are the image service's; their ids:")
        yield from (sql.comment(names) for names in sql.lists(images))
    yield from _by("seller profiles", "sellers", "wallet_address", everything.wallets(Kind.PROFILE))
    unused = " AND id NOT IN (SELECT seller_id FROM products) AND NOT EXISTS (SELECT 1 FROM orders"
    unused += " WHERE orders.seller_id = users.id OR orders.buyer_id = users.id)"
    yield from _by("users", "users", "wallet_address", everything.wallets(Kind.USER), unused)


def _listings(everything: Remains) -> Iterator[str]:
    listings = everything.ids(Kind.LISTING)
    yield from _by("listings", "product_tags", "product_id", listings)
    yield from _by(None, "products", "id", listings)
    unnamed = everything.wallets(Kind.LISTING, known=False)
    of_them = f"title LIKE '{PREFIX} %' AND seller_id IN (SELECT id FROM users WHERE wallet_address IN"
    for names in sql.lists(unnamed):
        yield sql.comment(f"listings of {len(unnamed)} sellers who asked for one and got no answer: it may be there")
        yield f"DELETE FROM product_tags WHERE product_id IN (SELECT id FROM products WHERE {of_them} {names}));"
        yield f"DELETE FROM products WHERE {of_them} {names});"


def _by(what: str | None, table: str, column: str, values: set[str], more: str = "") -> Iterator[str]:
    """Yield a comment and the statements that remove rows by a column; nothing when there are none."""
    if values and what is not None:
        yield sql.comment(f"{len(values)} {what}")
    for names in sql.lists(values):
        yield f"DELETE FROM {table} WHERE {column} IN {names}{more};"
