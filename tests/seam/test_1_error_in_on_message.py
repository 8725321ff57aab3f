"""Seam 1: an exception in a message's handler."""

from __future__ import annotations

from typing import Any

from tests.stock import stock_factory
from tests.web import TEXT, Frame, ServerTestCase, frame, upgrade


def broken(*args: Any) -> None:
    """Fail."""
    raise RuntimeError("broken")


class OnMessageTests(ServerTestCase):
    """A handler that fails on a message."""

    def test_stock(self) -> None:
        """With Autobahn alone it leaves ``dataReceived``, where Twisted drops TCP; the peer gets no Close frame."""
        port = self.server.listen(stock_factory(self, onMessage=broken))
        socket = self.server.connect(port)
        socket.send(upgrade())
        socket.received()
        self.assertRaises(RuntimeError, socket.send, frame(TEXT, b"x"))
        self.assertEqual(socket.received(), b"")

    def test_ours(self) -> None:
        """Here it is reported, and the peer goes on."""
        self.events.on_message(broken)
        self.events.on_message(lambda connection, text: connection.write_data(text))
        socket, peer = self.server.websocket()
        socket.send(frame(TEXT, b"x"))
        self.assertEqual(socket.frames(), [Frame(TEXT, b"x")])
        self.assertTrue(peer.is_open)
        self.assertEqual(self.server.told, ["connect", RuntimeError])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
