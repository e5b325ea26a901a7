"""Note what the sellers of this process create on the target, without holding them up."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import gevent

from locustfiles._calls import Call
from locustfiles._checks import Answer
from locustfiles._load import Load
from locustfiles._routes import (
    CONNECT,
    CONVERSATIONS,
    MESSAGES,
    NOTIFY,
    ORDER_MESSAGES,
    SELLER_LISTINGS,
    SELLER_PROFILE,
    UPLOAD,
)
from runlog.created import Created, CreatedWriter, Kind

FLUSH_S: Final = 0.5
"""At most this much is forgotten when the process is killed."""
_FIRST_SUCCESS: Final = 200
_FIRST_OTHER: Final = 300
_CREATED: Final = 201


_KINDS: Final[dict[str, Kind]] = {
    CONNECT: Kind.USER,
    SELLER_PROFILE: Kind.PROFILE,
    SELLER_LISTINGS: Kind.LISTING,
    CONVERSATIONS: Kind.CONVERSATION,
    MESSAGES: Kind.MESSAGE,
    NOTIFY: Kind.NOTIFICATION,
    ORDER_MESSAGES: Kind.ORDER_MESSAGE,
    UPLOAD: Kind.IMAGE,
}
"""What a POST to a route creates. Every other route changes what is there, or only counts."""
_MAY_BE_THERE: Final = frozenset({Kind.PROFILE, Kind.CONVERSATION})
"""What a POST gives back as it is, with another status than 201, when it was there before."""


def created_by(call: Call, answer: Answer | None, *, seller: str, workflow: str, sent: bool) -> Created | None:
    """Return what a request created; None for one that created nothing. `seller` is a wallet in lower case.

    What the checks made of the answer does not matter: a listing that should have been refused is there too. One
    that was sent and got no readable answer may have been carried out, so it is noted without an id.
    """
    kind = _KINDS.get(call.route) if call.method == "POST" else None
    if kind is None or (answer is None and not sent):
        return None
    asked_for = call.body.get("walletAddress") if isinstance(call.body, dict) else None
    wallet = seller if asked_for is None else str(asked_for).lower()
    unknown = Created(kind=kind, id=None, wallet=wallet, at_s=call.sent_at_s, workflow=workflow)
    if answer is None:
        return unknown
    data = answer.about()
    if not _FIRST_SUCCESS <= answer.status < _FIRST_OTHER or (
        data is not None and _was_there(kind, data, answer.status)
    ):
        return None
    made = data.get("user") if data is not None and kind is Kind.USER else data
    found = _id_of(made)
    if found is None and data is not None and kind is Kind.PROFILE:
        found = wallet  # that is how the product knows a profile
    return replace(unknown, id=found)


def _was_there(kind: Kind, data: dict[str, Any], status: int) -> bool:
    """Return whether an answer gives back what was there before."""
    if kind is Kind.USER:
        return data.get("isNewUser") is not True
    return kind in _MAY_BE_THERE and status != _CREATED


def _id_of(made: Any) -> str | None:
    found = made.get("id") if isinstance(made, dict) else None
    return None if found is None else str(found)


class CreatedLog:
    """What this process created; `add` is the seller's path and only appends.

    A disk that refuses it becomes one of `problems`, as with samples: what was created is then not known any more.
    """

    def __init__(self, folder: Path, load: Load) -> None:
        self._writer = CreatedWriter(folder, load.recorder.process)
        self._load = load  # a worker knows the pool from its first seller on
        self._problems = load.recorder.problems
        self._waiting: list[Created] = []
        self._conversations: set[str | None] = {None}
        self._failed = False
        self._greenlet = gevent.spawn(self._flush_for_ever)

    def add(self, created: Created) -> None:
        """Keep one creation until the next flush; a conversation is opened again in every pass, and kept once."""
        if created.kind is Kind.CONVERSATION:
            if created.id in self._conversations:
                return
            self._conversations.add(created.id)
        self._waiting.append(created)

    def close(self) -> None:
        """Write what waits."""
        gevent.kill(self._greenlet)
        self._write(self._take())

    def _take(self) -> list[Created]:
        rows, self._waiting = self._waiting, []
        return rows

    def _write(self, rows: list[Created]) -> None:
        if self._failed:
            return
        try:
            self._writer.write(self._load.pool, rows)
        except OSError as error:
            self._failed = True
            self._problems.append(f"registry of what was created not written: {error.strerror or error}")

    def _flush_for_ever(self) -> None:
        """Hand what waits to a thread: a slow disk must not hold up the sellers."""
        pool = gevent.get_hub().threadpool
        while True:
            gevent.sleep(FLUSH_S)
            if not self._waiting:
                continue
            writing = pool.spawn(self._write, self._take())
            try:
                writing.get()
            except gevent.GreenletExit:  # joined even so, that no two writes ever overlap
                writing.get()
                raise
