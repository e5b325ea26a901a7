"""Read answers off a stream of bytes: heads, bodies of every framing, interim answers; within bounds."""

from typing import Final

import httptools

from locustfiles._answers import LARGEST_MIB, AnswerTooLarge
from locustfiles._http._fields import Fields
from locustfiles._http._told import Broken, Received

_MOST_HEAD_BYTES: Final = 65_536
_MOST_BODY_BYTES: Final = LARGEST_MIB * 2**20
_INTERIM: Final = 200
"""Answers below say that the real one is still to come."""
_SWITCHING: Final = 101
_BODILESS: Final = (204, 304)
_FRAMING: Final = {len(name): name for name in (b"content-length", b"transfer-encoding")}
_ENCODING: Final = b"content-encoding"


class Reading:
    """The answers of one connection, one after the other. `feed` whatever comes; `take` an answer once it is whole."""

    __slots__ = (
        "_body", "_encoded", "_fields", "_framed", "_head_bytes", "_parser", "_size", "_status", "_to_head", "begun",
        "came", "keeps", "whole",
    )  # fmt: skip

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._to_head = False
        self.expect()

    def expect(self, *, to_head: bool = False) -> None:
        """Make ready for the answer to a request; one to HEAD ends with its head."""
        if self._to_head:  # the parser still waits for a body
            self._parser = httptools.HttpResponseParser(self)
        self._to_head = to_head
        self.came = False
        """Whether anything of the answer is there."""
        self.begun = False
        """Whether the head of the answer is there."""
        self.whole = False
        self.keeps = True
        """Whether the connection can be used again."""
        self._fields: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = self._head_bytes = 0
        self._framed = self._encoded = False

    def feed(self, data: bytes) -> None:
        """Take in what came; Broken when it is no answer or more than one, AnswerTooLarge when it is too long."""
        self.came = True
        if not self.begun:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else None
            if isinstance(cause, (Broken, AnswerTooLarge)):
                raise cause from None
            raise Broken(str(error) or type(error).__name__) from error
        if self._head_bytes > _MOST_HEAD_BYTES and not self.begun:
            raise Broken(f"a head of more than {_MOST_HEAD_BYTES} bytes")

    def end(self) -> bool:
        """Note that nothing more comes; whether that makes the answer whole, because the end was its only mark."""
        self.keeps = False
        if self.begun and not self.whole and not self._framed:
            self.whole = True
        return self.whole

    def take(self) -> Received:
        """Return the answer."""
        body = self._body
        return Received(
            self._status, Fields(self._fields), body[0] if len(body) == 1 else b"".join(body), self._encoded
        )

    # -- of the parser -----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Refuse a second answer to one request."""
        if self.whole:
            raise Broken("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one field."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Note how the body will end."""
        status = self._parser.get_status_code()
        if status == _SWITCHING:
            raise Broken("it changes the protocol, which nobody asked for")
        if status < _INTERIM:
            return
        self.begun = True
        self._status = status
        if self._to_head:
            self.whole, self.keeps = True, self._parser.should_keep_alive()
        self._framed = self._to_head or status in _BODILESS
        for name, _ in self._fields:
            size = len(name)
            if size in _FRAMING and name.lower() == _FRAMING[size]:
                self._framed = True
            elif size == len(_ENCODING) and name.lower() == _ENCODING:
                self._encoded = True

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self._size += len(data)
        if self._size > _MOST_BODY_BYTES:
            raise AnswerTooLarge
        self._body.append(data)

    def on_message_complete(self) -> None:
        """Have an answer; or an interim one, and go on."""
        if not self.begun:
            self._fields, self._head_bytes = [], 0
        elif not self.whole:
            self.whole, self.keeps = True, self._parser.should_keep_alive()
