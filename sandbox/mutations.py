"""Spoil the body of an answer as a broken deployment would."""

from collections.abc import Iterable

import orjson

from sandbox.call import Caller
from sandbox.shop import Shop

_NOBODY = "0x" + "0" * 36 + "dead"
_UUID_CHARS = 36
_WALLET_CHARS = 42


def without_envelope(body: bytes) -> bytes | None:
    """Return the bare data of an enveloped answer, None if it has no envelope (contract 0.5)."""
    document = orjson.loads(body)
    if not isinstance(document, dict) or "success" not in document or "data" not in document:
        return None
    return orjson.dumps(document["data"])


def of_another(shop: Shop, body: bytes, params: Iterable[str], caller: Caller | None, draw: int) -> bytes | None:
    """Return the answer with every id of this request swapped for another's, as a mis-keyed cache would give it.

    Wallet and user become those of another seller, other ids new ones; None if the answer names none of them.
    """
    wanted = [*params, *((caller.wallet, caller.uid) if caller else ())]
    wallets = {value for value in wanted if len(value) == _WALLET_CHARS}
    mine = [row["uid"] for wallet in wallets for row in shop.db.rows("SELECT uid FROM users WHERE wallet = ?", wallet)]
    other_wallet, other_uid = _another(shop, wallets, draw)
    spoiled = body
    for value in dict.fromkeys([*wanted, *mine]):
        if len(value) == _WALLET_CHARS:
            spoiled = spoiled.replace(value.encode(), other_wallet.encode())
        elif value in mine or (caller is not None and value == caller.uid):
            spoiled = spoiled.replace(value.encode(), other_uid.encode())
        elif len(value) == _UUID_CHARS:
            spoiled = spoiled.replace(value.encode(), shop.new_id().encode())
    return spoiled if spoiled != body else None


def _another(shop: Shop, wallets: set[str], draw: int) -> tuple[str, str]:
    marks = ",".join("?" * len(wallets))
    where = f"WHERE wallet NOT IN ({marks})"
    count = shop.db.number(f"SELECT count(*) FROM sellers {where}", *wallets)  # noqa: S608 - only question marks
    if count == 0:
        return _NOBODY, shop.new_id()
    row = shop.db.row(f"SELECT wallet, uid FROM sellers {where} LIMIT 1 OFFSET ?", *wallets, draw % count)  # noqa: S608 - likewise
    return (row["wallet"], row["uid"]) if row is not None else (_NOBODY, shop.new_id())
