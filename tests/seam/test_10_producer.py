"""Seam 10: a producer that was never registered."""

from __future__ import annotations

import gc
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from twisted.internet.testing import StringTransport

from sgcws.values import Reject
from tests.stock import stock_factory
from tests.web import CLOSE, ServerTestCase, frame, upgrade


def deny(*args: Any) -> None:
    """Refuse."""
    raise ConnectionDeny(403)


class ProducerTests(ServerTestCase):
    """Transports that mind: TCP does not, those for tests do."""

    def setUp(self) -> None:
        """Collect what earlier tests have left."""
        super().setUp()
        gc.collect()
        self.addCleanup(gc.collect)

    def connect(self, factory: Any) -> Any:
        """Connect a transport that minds to what a factory makes."""
        transport: Any = StringTransport()
        transport.protocol = factory.buildProtocol(transport.getPeer())
        transport.protocol.makeConnection(transport)
        return transport

    def test_stock(self) -> None:
        """Refusing a handshake, Autobahn unregisters one; that fails inside a Deferred that nobody reads."""
        transport = self.connect(stock_factory(self, onConnect=deny))
        transport.protocol.dataReceived(upgrade())
        self.assertTrue(transport.value().startswith(b"HTTP/1.1 403 "))
        self.assertFalse(transport.disconnecting)
        del transport
        gc.collect()
        (failure,) = self.flushLoggedErrors(RuntimeError)
        self.assertIn("unregister", str(failure.value))

    def test_our_refusal(self) -> None:
        """Ours refuses before Autobahn is asked."""
        self.events.on_handshake(lambda connection, request, headers: Reject(403))
        transport = self.connect(self.server.factory)
        transport.protocol.dataReceived(upgrade())
        self.assertTrue(transport.value().startswith(b"HTTP/1.1 403 "))
        transport.protocol.connectionLost()

    def test_our_ends(self) -> None:
        """Ours unregisters what is registered, once, in each of its ends."""
        for data in (frame(CLOSE), frame(7), b""):
            transport = self.connect(self.server.factory)
            transport.protocol.dataReceived(upgrade())
            self.assertIsNotNone(transport.producer)
            transport.protocol.dataReceived(data)
            self.assertEqual((transport.disconnecting, transport.producer is None), (bool(data),) * 2)
            transport.protocol.connectionLost()
        self.assertEmpty()
