"""Peers in memory, and what the application hears of them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from sgcws.options import ServerOptions, SlowClientPolicy, WebSocketOptions
from sgcws.realtime.connection import Peer
from sgcws.values import WhenFull
from tests.support import FakeFraming, World

__all__ = ["PeerTestCase", "options"]


def options(**policy: Any) -> ServerOptions:
    """Return options of a server with another policy for slow clients, and without a heartbeat."""
    return ServerOptions(websocket=WebSocketOptions(outgoing=SlowClientPolicy(**policy)), heartbeat=None)


class PeerTestCase(SynchronousTestCase):
    """Peers, and what the application hears of them."""

    def setUp(self) -> None:
        """Hear of everything."""
        self.world = World()
        self.world.listen()
        self.told = self.world.told

    def make_open(self) -> tuple[Peer, FakeFraming]:
        """Return an open peer and its framing; that it has connected is forgotten."""
        peer, framing = self.world.open_peer()
        self.told.clear()
        return peer, framing

    def make_full(self, when_full: WhenFull) -> tuple[Peer, FakeFraming]:
        """Return an open peer that takes nothing, and for which one message waits, with room for no other."""
        self.world.shared.options = options(limit=500, when_full=when_full)
        peer, framing = self.make_open()
        peer.write_data("")
        framing.block()
        self.assertTrue(peer.write_data("w" * 100))
        return peer, framing

    def waiting_handler(self) -> Deferred[None]:
        """Register a handler of messages that waits for what is returned, ahead of the one that writes them down."""
        waiting: Deferred[None] = Deferred()
        self.world.listen_last("on_message", lambda connection, text: waiting)
        return waiting
