"""Seam 4: whose clock the timers run on."""

from __future__ import annotations

import txaio
from twisted.internet.testing import MemoryReactorClock

from sgcws.options import WebSocketOptions
from tests.stock import stock_factory
from tests.web import PING, ServerTestCase, frame, upgrade


class TimerTests(ServerTestCase):
    """Timers of a connection."""

    def test_stock(self) -> None:
        """Autobahn's run on the global reactor, as txaio knows it, whatever reactor its factory was given."""
        factory = stock_factory(self)
        factory.setProtocolOptions(autoPingInterval=1)
        socket = self.server.connect(self.server.listen(factory))
        socket.send(upgrade())
        self.assertEqual(factory.reactor.getDelayedCalls(), [])
        self.assertNotEqual(txaio.config.loop.getDelayedCalls(), [])

    def test_ours(self) -> None:
        """Ours run on the reactor that the server was given, and Autobahn sets none."""
        loop = MemoryReactorClock()
        self.patch(txaio.config, "loop", loop)
        self.serve(websocket=WebSocketOptions(close_timeout=3))
        socket, peer = self.server.websocket()
        socket.send(frame(PING))
        peer.close()
        self.assertEqual(loop.getDelayedCalls(), [])
        (deadline,) = self.reactor.getDelayedCalls()
        self.assertEqual(deadline.getTime(), self.reactor.seconds() + 3)
        self.reactor.advance(3)
        self.assertTrue(socket.closed)
        self.assertEqual((loop.getDelayedCalls(), self.reactor.getDelayedCalls()), ([], []))
