"""Read an answer off the wire and decode it, but never more of it than anybody could want."""

import zlib
from typing import Any, Final

import brotli  # type: ignore[import-untyped]  # it has no stubs
from geventhttpclient.response import HTTPSocketPoolResponse

LARGEST_MIB: Final = 16
"""Largest body, as it comes and decoded; the product's own pages have kilobytes."""
_LARGEST_BYTES: Final = LARGEST_MIB * 2**20


class AnswerTooLarge(Exception):
    """A body of more than the largest size, perhaps only once decoded."""

    def __init__(self) -> None:
        super().__init__(f"answer of more than {LARGEST_MIB} MiB")


class BoundedResponse(HTTPSocketPoolResponse):
    """An answer being read; AnswerTooLarge, and the connection closed, as soon as its body is."""

    def _on_body(self, buf: bytearray) -> None:
        self._body_buffer += buf
        if len(self._body_buffer) > _LARGEST_BYTES:
            self.release()  # while the message is incomplete, which closes the connection
            raise AnswerTooLarge


def decoded(body: bytes, *, gzip: bool, br: bool) -> bytes:
    """Return a body decoded (neither: deflate); AnswerTooLarge, or what the decoder raises for a broken one."""
    if br:
        return _unbrotli(body)
    if gzip:
        return _inflated(body, 16 + zlib.MAX_WBITS)
    try:
        return _inflated(body, -zlib.MAX_WBITS)
    except zlib.error:  # servers disagree on what "deflate" is
        return _inflated(body, zlib.MAX_WBITS)


def _inflated(body: bytes, window_bits: int) -> bytes:
    decoder = zlib.decompressobj(window_bits)
    content = decoder.decompress(body, _LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise AnswerTooLarge
    if not decoder.eof:
        raise zlib.error("incomplete or truncated stream")
    return content


def _unbrotli(body: bytes) -> bytes:
    decoder: Any = brotli.Decompressor()
    content: bytes = decoder.process(body, output_buffer_limit=_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise AnswerTooLarge
    if not decoder.is_finished():
        raise brotli.error("incomplete stream")
    return content
