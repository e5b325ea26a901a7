"""Decode what Locust's client has read, but never to more than anybody could want."""

from locust.contrib.fasthttp import FastResponse

from locustfiles._answers import decoded


class BoundedAnswer(FastResponse):
    """An answer of Locust's client whose decoding stops at the largest size: kilobytes can unpack to gigabytes."""

    def unzipped(self, gzip: bool = True, br: bool = False) -> bytes:  # noqa: FBT001, FBT002  # the client's signature
        """Return the body decoded."""
        return decoded(self._response.read(), gzip=gzip, br=br)
