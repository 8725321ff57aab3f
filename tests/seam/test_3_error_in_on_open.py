"""Seam 3: an exception when a connection opens."""

from __future__ import annotations

import gc
from typing import Any

from tests.stock import stock_factory
from tests.web import TEXT, Frame, ServerTestCase, frame, upgrade


def broken(*args: Any) -> None:
    """Fail."""
    raise RuntimeError("broken")


class OnOpenTests(ServerTestCase):
    """A handler that fails on a new connection."""

    def test_stock(self) -> None:
        """With Autobahn alone the connection stays open, and nobody hears of it before garbage is collected."""
        port = self.server.listen(stock_factory(self, onOpen=broken))
        socket = self.server.connect(port)
        socket.send(upgrade())
        self.assertTrue(socket.received().startswith(b"HTTP/1.1 101 "))
        self.assertFalse(socket.closed)
        gc.collect()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_ours(self) -> None:
        """Here it is reported at once, and the connection is as open as it looks."""
        self.events.on_connect(broken)
        self.events.on_message(lambda connection, text: connection.write_data(text))
        socket, _ = self.server.websocket()
        self.assertEqual(self.server.told, ["connect", RuntimeError])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        socket.send(frame(TEXT, b"x"))
        self.assertEqual(socket.frames(), [Frame(TEXT, b"x")])
