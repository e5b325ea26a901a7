"""Answer the messaging routes: conversations, encrypted messages, and what a seller's inbox looks like."""

from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

import orjson

from sandbox.call import Call, checked_wallet
from sandbox.envelopes import RefusalError, Reply, forbidden, invalid, iso
from sandbox.fields import Fields
from sandbox.shop import Shop

_CONTENT_CHARS = 2000


def open_conversation(shop: Shop, call: Call) -> Reply:
    """Return the conversation with another wallet, a new one if there is none."""
    fields = Fields(call.body)
    other = fields.text("participantAddress", 42, required=True)
    fields.one_of("conversationType", ("direct",))
    fields.check()
    first, second = sorted((call.signed_in.wallet, checked_wallet(other)))
    if first == second:
        raise invalid("participantAddress", "participantAddress must be somebody else")
    row = shop.db.row("SELECT * FROM conversations WHERE first = ? AND second = ?", first, second)
    if row is None:
        shop.db.write(
            "INSERT INTO conversations VALUES (?, ?, ?, ?)",
            shop.new_id(), first, second, call.now_ms, touch=(f"messages:{first}", f"messages:{second}"),
        )  # fmt: skip
        row = shop.db.row("SELECT * FROM conversations WHERE first = ? AND second = ?", first, second)
    if row is None:
        raise RefusalError(500, "CONVERSATION_ERROR", "Conversation could not be opened")
    return Reply(_conversation_object(row), 201)


def list_conversations(shop: Shop, call: Call) -> Reply:
    """Return the caller's conversations, newest first."""
    wallet = call.signed_in.wallet
    rows = shop.db.rows(
        "SELECT * FROM conversations WHERE first = ? OR second = ? ORDER BY created_ms DESC LIMIT 100", wallet, wallet
    )
    return Reply({"conversations": [_conversation_object(row) for row in rows]})


@dataclass(frozen=True, slots=True)
class Sent:
    """A stored message and the wallet it is for."""

    message: dict[str, Any]
    recipient: str


def send(shop: Shop, call: Call) -> Reply:
    """Store a message and tell its recipient."""
    sent = store(shop, call)
    push(shop, sent)
    return Reply(sent.message, 201)


def push(shop: Shop, sent: Sent) -> None:
    """Tell the recipient of a message."""
    body = {"conversationId": sent.message["conversationId"], "message": sent.message}
    shop.publisher.publish("new_message", sent.recipient, body)


def store(shop: Shop, call: Call) -> Sent:
    """Store a message and the metadata of its encryption; a message without the metadata is refused."""
    fields = Fields(call.body)
    content = fields.text("content", _CONTENT_CHARS, required=True)
    encryption = fields.mapping("encryptionMetadata")
    if encryption is None:
        fields.refuse("encryptionMetadata", "encryptionMetadata is required")
    fields.check()
    conversation = _own(shop, call)
    message_id, wallet = shop.new_id(), call.signed_in.wallet
    shop.db.write(
        "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)",
        message_id, conversation["id"], wallet, content, orjson.dumps(encryption), call.now_ms,
        touch=(f"messages:{conversation['first']}", f"messages:{conversation['second']}"),
    )  # fmt: skip
    message = {
        "id": message_id,
        "conversationId": conversation["id"],
        "senderAddress": wallet,
        "content": content,
        "encryptionMetadata": encryption,
        "timestamp": iso(call.now_ms),
    }
    recipient = conversation["second"] if wallet == conversation["first"] else conversation["first"]
    return Sent(message, recipient)


def list_messages(shop: Shop, call: Call) -> Reply:
    """Return the latest messages of an own conversation, newest first."""
    conversation = _own(shop, call)
    limit = call.number("limit", 50, 1, 100)
    rows = shop.db.rows(
        "SELECT * FROM messages WHERE conversation = ? ORDER BY created_ms DESC, rowid DESC LIMIT ?",
        conversation["id"], limit,
    )  # fmt: skip
    return Reply({"conversationId": conversation["id"], "messages": [_message_object(row) for row in rows]})


def analytics(shop: Shop, call: Call) -> Reply:
    """Return how much a seller is written to and answers; response time is the mean of answered conversations."""
    wallet = call.wallet
    counts = shop.db.row(
        "SELECT count(DISTINCT c.id) AS conversations, count(m.id) AS messages,"
        " coalesce(sum(m.sender = ?), 0) AS sent FROM conversations c LEFT JOIN messages m ON m.conversation = c.id"
        " WHERE c.first = ? OR c.second = ?",
        wallet, wallet, wallet,
    )  # fmt: skip
    answered = shop.db.rows(
        "SELECT min(CASE WHEN m.sender != ? THEN m.created_ms END) AS asked_ms,"
        " min(CASE WHEN m.sender = ? THEN m.created_ms END) AS answered_ms"
        " FROM conversations c JOIN messages m ON m.conversation = c.id"
        " WHERE c.first = ? OR c.second = ? GROUP BY c.id",
        wallet, wallet, wallet, wallet,
    )  # fmt: skip
    waits_ms = [
        row["answered_ms"] - row["asked_ms"]
        for row in answered
        if row["asked_ms"] is not None and row["answered_ms"] is not None and row["answered_ms"] >= row["asked_ms"]
    ]
    total, sent = (counts["messages"], counts["sent"]) if counts is not None else (0, 0)
    return Reply(
        {
            "walletAddress": wallet,
            "totalConversations": counts["conversations"] if counts is not None else 0,
            "totalMessages": total,
            "sentMessages": sent,
            "receivedMessages": total - sent,
            "responseRate": len(waits_ms) / len(answered) if answered else None,
            "averageResponseTimeMs": sum(waits_ms) / len(waits_ms) if waits_ms else None,
        },
    )


def _own(shop: Shop, call: Call) -> Row:
    row = shop.db.row("SELECT * FROM conversations WHERE id = ?", call.uuid("id").lower())
    if row is None:
        raise RefusalError(404, "CONVERSATION_NOT_FOUND", "Conversation not found")
    if call.signed_in.wallet not in {row["first"], row["second"]}:
        raise forbidden("You are not part of this conversation")
    return row


def _conversation_object(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "conversationType": "direct",
        "participants": [row["first"], row["second"]],
        "createdAt": iso(row["created_ms"]),
    }


def _message_object(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "conversationId": row["conversation"],
        "senderAddress": row["sender"],
        "content": row["content"],
        "encryptionMetadata": orjson.loads(row["encryption"]),
        "timestamp": iso(row["created_ms"]),
    }
