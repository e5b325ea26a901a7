"""One seller's connection to the target: requests one after the other, each sent once, answers read in the loop.

What comes is taken in a callback of the loop, as sessions do it: a greenlet that reads pays for each wait with a timer,
a watcher and a switch or two more. The same callback sees the server hang up on an idle connection.
"""

import ssl
import time
from typing import Any, Final

import gevent
from gevent import getcurrent

from locustfiles._connections import Way, connected, nothing_came
from locustfiles._http._deadlines import DEADLINES
from locustfiles._http._reading import Reading
from locustfiles._http._told import Broken, Received, Trace, Unanswered

_READ: Final = 1  # as libev has it
_READ_BYTES: Final = 65_536
_LOOK_AFTER_S: Final = 0.02
_NOBODYS: Final = Trace()
_NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection:
    """A connection that is opened when it is needed, and again when it was lost or idle for too long."""

    __slots__ = (
        "_address", "_asked", "_failed", "_hub", "_idle_since", "_reading", "_secure", "_sock", "_trace", "_waiting",
        "_watcher", "_way", "_write",
    )  # fmt: skip

    def __init__(self, address: tuple[str, int], way: Way, *, secure: bool) -> None:
        """Connect to `address` the target's way, with TLS where `secure`."""
        self._address = address
        self._way = way
        self._trace = _NOBODYS
        self._secure = secure
        self._hub = gevent.get_hub()
        self._sock: Any = None
        self._write: Any = None
        self._watcher: Any = None
        self._reading = Reading()
        self._asked = False
        self._waiting: Any = None
        self._failed: BaseException | None = None
        self._idle_since = 0.0

    def exchange(self, request: bytes, trace: Trace, *, to_head: bool = False) -> Received:
        """Send a whole request, once, and return its answer; `trace` is told what happens.

        TimeoutError after the way's `timeout_s`, counted from `trace.started_at`; Unanswered, Broken or AnswerTooLarge
        when there is no answer, any other OSError when there was no connection to send it over (`trace.sent` tells).
        Whatever is thrown into it closes the connection.
        """
        self._trace = trace
        due_at = trace.started_at + self._way.timeout_s
        if self._sock is None or not self._usable(trace.started_at):
            self._open(due_at)
        reading = self._reading
        reading.expect(to_head=to_head)
        self._asked, self._failed = True, None
        trace.request_bytes = len(request)
        try:
            self._send(request, due_at)
            if not reading.whole and self._failed is None:
                self._wait(due_at)
            if self._failed is not None:
                raise self._failed  # noqa: TRY301  # one place closes
            received = reading.take()
        except BaseException:
            self.close()
            raise
        self._asked = False
        self._idle_since = trace.ended_at = time.perf_counter()
        if not reading.keeps:
            self.close()
        return received

    def _usable(self, now: float) -> bool:
        """Return whether the connection there is was not idle for too long, and its end has not come.

        The loop tells of the end; of one that came while something held the loop up it has not told yet.
        """
        idle_s = now - self._idle_since
        return idle_s < self._way.keep_alive_s and (idle_s < _LOOK_AFTER_S or nothing_came(self._sock))

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()
            watcher.close()
        sock, self._sock = self._sock, None
        self._write = None
        if sock is not None:
            sock.close()
        self._asked = False

    def _open(self, due_at: float) -> None:
        self.close()
        began = time.perf_counter()
        host, port = self._address
        with gevent.Timeout(max(0.0, due_at - began), TimeoutError):
            sock = connected(self._way, host, port, secure=self._secure)
        self._trace.connect_ms = (time.perf_counter() - began) * 1000
        self._sock = sock
        self._reading = Reading()
        secured = getattr(sock, "_sslobj", None)
        self._watcher = self._hub.loop.io(sock.fileno(), _READ)
        if secured is None:
            plain = sock._sock  # noqa: SLF001  # the system's: gevent's would wait, and the loop says when there is more
            self._write = plain.send
            self._watcher.start(self._readable, plain.recv)
        else:
            self._write = secured.write
            self._watcher.start(self._readable_tls, secured.read)

    # -- sending -----------------------------------------------------------------------------------------------------

    def _send(self, request: bytes, due_at: float) -> None:
        """Send all of a request; what does not go at once waits for room."""
        trace = self._trace
        try:
            sent = self._write(request)
        except _NOT_NOW:
            sent = 0
        trace.sent = True  # not after an OSError: the server had hung up, and read nothing of this
        if sent != len(request):
            try:
                with gevent.Timeout(max(0.0, due_at - time.perf_counter()), TimeoutError):
                    self._sock.sendall(request[sent:])
            except TimeoutError:
                raise
            except OSError as error:
                if not self._reading.begun:  # it may answer before it has read everything, and hang up
                    raise Unanswered(_why(error)) from error

    # -- waiting -----------------------------------------------------------------------------------------------------

    def _wait(self, due_at: float) -> None:
        """Wait for the answer, or for what becomes of it."""
        DEADLINES.add(self, due_at)
        self._waiting = getcurrent()
        try:
            self._hub.switch()
        finally:
            self._waiting = None
            DEADLINES.drop(self)

    def overdue(self) -> None:
        """End a request whose time is over; runs in the loop."""
        self._end(TimeoutError("no answer in time"))

    # -- reading: all of this runs in the loop -----------------------------------------------------------------------

    def _readable(self, read: Any) -> None:
        try:
            data = read(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._over(error)
            return
        self._take(data)

    def _readable_tls(self, read: Any) -> None:
        """Take what has come until there is no more: the loop does not know what TLS has read and not given yet."""
        try:
            while self._watcher is not None:
                data = read(_READ_BYTES)
                self._take(data)
                if not data:
                    return
        except _NOT_NOW:
            return
        except OSError as error:
            self._over(error)

    def _take(self, data: bytes) -> None:
        """Take in what came; what nobody asked for ends an idle connection, as its end does."""
        if not data:
            self._over(None)
            return
        if not self._asked:
            self.close()
            return
        reading = self._reading
        try:
            reading.feed(data)
        except Exception as error:  # noqa: BLE001  # whoever waits is told, of our own mistakes too
            self._end(error)
            return
        if reading.begun and self._trace.first_byte_at is None:
            self._trace.first_byte_at = time.perf_counter()
        if reading.whole:
            self._answer()

    def _over(self, error: OSError | None) -> None:
        """Note that the connection ended."""
        if not self._asked:
            self.close()
            return
        if self._watcher is not None:
            self._watcher.stop()  # else the loop would tell of the end for ever
        reading = self._reading
        if reading.whole or (error is None and reading.end()):
            self._answer()  # whole before: while a large request was still being sent
        elif reading.came:
            self._end(Broken(f"cut short: {_why(error)}"))
        else:
            self._end(Unanswered(_why(error)))

    def _end(self, error: BaseException) -> None:
        """Tell whoever waits that there is no answer."""
        if self._failed is None:
            self._failed = error
        self._answer()

    def _answer(self) -> None:
        """Wake whoever waits: the answer is whole, or there is none; nothing is read until the next request."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.switch()


def _why(error: OSError | None) -> str:
    if error is None:
        return "the connection was closed"
    return f"{type(error).__name__}: {error.strerror or error}"
