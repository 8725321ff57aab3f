"""HTTP/1.1 on one socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http_headers import Headers
from twisted.web.server import version as TWISTED

__all__ = ["Channel", "expect_nothing_more", "take_over"]

TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

WITHOUT_BODY = (b"204", b"304")
"""Statuses whose answers never have a body (RFC 9110 section 6.4.1)."""


class Tenant(Protocol):
    """The connection that a channel speaks for, as far as the channel knows it."""

    holder: Any

    def lost(self) -> None:
        """Hear that the socket is closed."""


class Channel(HTTPChannel):
    """
    Twisted's channel, with a deadline for the head of a request, and with a graceful end.

    It is made by a `Site` directly: Twisted's generic one would answer HTTP/2 where ``h2`` is installed.

    Attributes:
        tenant: The connection that it speaks for, if it is known.
        head_timeout: Seconds from the first byte of a request to the last of its head.
        first_head_timeout: Seconds for the first head, where some have gone by before the channel was made.
        server_header: What the ``Server`` header says; None sends none. One that a resource sets is left alone.
        leaving: Whether the connection ends after the request that is under way.
        longest_body: Given the method and the path of a request, returns how long its body may be, or None. One whose
            body is longer is answered without it, has ``too_long`` set, and is the last one.
    """

    transport: Any
    tenant: Tenant | None = None
    head_timeout = 10.0
    first_head_timeout: float | None = None
    server_header: bytes | None = None
    leaving = False
    longest_body: Callable[[bytes, bytes], int | None] | None = None
    _head_deadline: IDelayedCall | None = None
    _body_limit: int | None = None

    # What Twisted calls.

    def connectionMade(self) -> None:
        """Hold the socket for its connection."""
        if self.tenant is not None:
            self.tenant.holder = self
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """Take in bytes, and see to it that a head that has begun is whole in time."""
        super().dataReceived(data)
        self._watch_the_head()

    def allHeadersReceived(self) -> None:
        """Note that the head is whole."""
        self.first_head_timeout = None
        self._head_is_over()
        too_long = self._announces_too_much()
        if too_long:
            self._leave_the_body()
        super().allHeadersReceived()
        if too_long:
            self.persistent = 0

    def rawDataReceived(self, data: bytes) -> None:
        """Take in a body, as far as it may go."""
        super().rawDataReceived(data)
        if self._body_limit is None or self.line_mode or self._handlingRequest or self.transport.disconnecting:
            return
        content = self.requests[-1].content
        if content.tell() > self._body_limit:
            content.seek(0)
            content.truncate()
            self._leave_the_body()
            self.persistent = 0
            self.allContentReceived()

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Tell whether another request may follow this one."""
        return not self.leaving and bool(super().checkPersistence(request, version))

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        """Send the head of an answer, as HTTP wants it, whichever resource has filled it."""
        if headers.getRawHeaders(b"Server") == [TWISTED]:
            headers.setRawHeaders(b"Server", [self.server_header] if self.server_header else [])
        if code in WITHOUT_BODY:
            # Twisted announces the length of the empty body; a 304 would have to tell that of the 200.
            headers.removeHeader(b"Content-Length")
        self._agree_on_the_end(headers)
        super().writeHeaders(version, code, reason, headers)

    def requestDone(self, request: Any) -> None:
        """Go on with the next request, if there is one already."""
        super().requestDone(request)
        self._watch_the_head()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the connection that the socket is closed."""
        self._head_is_over()
        super().connectionLost(reason)
        if self.tenant is not None:
            self.tenant.lost()

    # What the connection calls.

    def shut(self, code: int, reason: str) -> None:
        """Close now if no request is under way, or else when it has its answer."""
        self.leaving = True
        if not self.line_mode:
            # Its body is coming, or its answer is being made.
            self.persistent = 0
        elif not self._in_a_head() and not self.transport.disconnecting:
            self.loseConnection()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abortConnection()

    # How it is done.

    def _in_a_head(self) -> bool:
        """Whether a request has begun, and its head is not whole."""
        return bool(self.line_mode and (self._receivedHeaderSize or self._buffer))

    def _watch_the_head(self) -> None:
        transport = self.transport
        if self._head_deadline is None and transport is not None and not transport.disconnecting and self._in_a_head():
            # The idle timer is no deadline: each byte sets it anew.
            left = self.head_timeout if self.first_head_timeout is None else self.first_head_timeout
            self._head_deadline = self.callLater(left, self._head_too_slow)

    def _announces_too_much(self) -> bool:
        """Whether the head that is whole now announces a body that is longer than it may be."""
        path = self._path.partition(b"?")[0]
        self._body_limit = self.longest_body(self._command, path) if self.longest_body is not None else None
        return self._body_limit is not None and (self.length or 0) > self._body_limit

    def _leave_the_body(self) -> None:
        """Let a request be answered as if its body was over."""
        request = self.requests[-1]
        request.too_long = True
        # Else the client would be told to go on.
        request.requestHeaders.removeHeader(b"Expect")
        self.length = 0

    def _head_is_over(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _head_too_slow(self) -> None:
        self._head_deadline = None
        self.setTimeout(None)
        self.transport.write(TOO_SLOW)
        self.timeoutConnection()

    def _agree_on_the_end(self, headers: Headers) -> None:
        """Let the header and the deed be the same: the connection ends after this answer, or it does not."""
        announced = any(b"close" in value.lower() for value in headers.getRawHeaders(b"Connection", ()))
        if announced:
            self.persistent = 0
        elif not self.persistent:
            headers.addRawHeader(b"Connection", b"close")


def expect_nothing_more(channel: Any) -> None:
    """
    Let the request that is under way be the last one, and throw away what still comes.

    What is kept instead would fill up, and then nobody would hear that the client has gone.

    Args:
        channel: The channel, ours or anybody's.
    """
    channel.persistent = 0
    channel.dataReceived = _throw_away
    channel._dataBuffer = []
    # The channel may have paused it, with much waiting.
    channel.transport.resumeProducing()


def _throw_away(data: bytes) -> None:
    """Take in nothing."""


def take_over(channel: Any, heir: object) -> tuple[Any, bytes]:
    """
    Take the socket away from a channel, ours or anybody's, whose request asked for an upgrade.

    Args:
        channel: The channel.
        heir: The connection that the socket goes to.

    Returns:
        The transport, and the bytes that came after the request.
    """
    tenant = getattr(channel, "tenant", None)
    if tenant is not None and tenant is not heir:
        # The channel is another server's, in whose tree a resource of this one stands: there the connection ends.
        tenant.lost()
    transport, channel.transport = channel.transport, None
    # The channel is the transport's producer from the start on; the next protocol brings its own.
    transport.unregisterProducer()
    channel.setTimeout(None)
    channel.requests.clear()
    rest = b"".join(channel._dataBuffer) + channel.clearLineBuffer()
    channel._dataBuffer = []
    return transport, rest
