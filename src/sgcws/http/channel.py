"""HTTP/1.1 on one socket."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

__all__ = ["Channel", "take_over"]


class Tenant(Protocol):
    """The connection that a channel speaks for, as far as the channel knows it."""

    holder: Any

    def lost(self) -> None:
        """Hear that the socket is closed."""


class Channel(HTTPChannel):
    """
    Twisted's channel, which can be told to come to an end, and tells its connection of it.

    It is made by a `Site` directly: Twisted's generic one would answer HTTP/2 where ``h2`` is installed.
    """

    tenant: Tenant | None = None

    def connectionMade(self) -> None:
        """Hold the socket for its connection."""
        if self.tenant is not None:
            self.tenant.holder = self
        super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the connection that the socket is closed."""
        super().connectionLost(reason)
        if self.tenant is not None:
            self.tenant.lost()

    def shut(self, code: int, reason: str) -> None:
        """Close now, or when the request that is being answered has its answer."""
        if self._handlingRequest:
            self.persistent = 0
        else:
            self.loseConnection()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abortConnection()


def take_over(channel: HTTPChannel) -> tuple[Any, bytes]:
    """
    Take the socket away from a channel, ours or anybody's, whose request asked for an upgrade.

    Returns:
        The transport, and the bytes that came after the request.
    """
    transport, channel.transport = channel.transport, None
    # The channel is the transport's producer from the start on; the next protocol brings its own.
    transport.unregisterProducer()
    channel.setTimeout(None)
    channel.requests.clear()
    rest = b"".join(channel._dataBuffer) + channel.clearLineBuffer()
    channel._dataBuffer = []
    return transport, rest
