"""Which connection a request came in on."""

from __future__ import annotations

from typing import Any

from sgcws.realtime.connection import Peer
from sgcws.realtime.shared import Shared

__all__ = ["visitor"]


class ChannelHolder:
    """Holds the socket of a channel that is not ours, in somebody else's `Site`."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def shut(self, code: int, reason: str) -> None:
        """Close it; such a channel knows no graceful end."""
        self._channel.loseConnection()

    def abort(self) -> None:
        """Close it at once."""
        if self._channel.transport is not None:
            self._channel.transport.abortConnection()


def visitor(shared: Shared, request: Any) -> Peer:
    """
    Return the connection that *request* came in on.

    On a channel of somebody else's, another server's of ours too, it is made for this one request, and ends with it
    unless the request upgrades.
    """
    tenant = getattr(request.channel, "tenant", None)
    if isinstance(tenant, Peer) and tenant.belongs_to(shared):
        return tenant
    peer = Peer(shared, request.channel.getPeer(), request.channel.getHost(), ChannelHolder(request.channel))
    request.notifyFinish().addBoth(lambda _: peer.lost())
    return peer
