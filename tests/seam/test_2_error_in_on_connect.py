"""Seam 2: an exception while a handshake is judged."""

from __future__ import annotations

from typing import Any

from tests.stock import stock_factory
from tests.web import ServerTestCase, upgrade

SECRET = b"the password is 1234"


def broken(*args: Any) -> None:
    """Fail."""
    raise RuntimeError(SECRET.decode())


class OnConnectTests(ServerTestCase):
    """A handler that fails on a handshake."""

    def test_stock(self) -> None:
        """With Autobahn alone the peer reads the exception's text in the status line."""
        port = self.server.listen(stock_factory(self, onConnect=broken))
        socket = self.server.connect(port)
        socket.send(upgrade())
        self.assertTrue(socket.received().startswith(b"HTTP/1.1 500 Internal server error: " + SECRET))

    def test_ours(self) -> None:
        """Here it gets a 500 and nothing of it."""
        self.events.on_handshake(broken)
        socket = self.server.connect()
        socket.send(upgrade())
        data = socket.received()
        self.assertTrue(data.startswith(b"HTTP/1.1 500 Internal Server Error\r\n"))
        self.assertNotIn(SECRET, data)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_stock_offer(self) -> None:
        """With Autobahn alone an odd offer of an extension is answered with an exception's text, too."""
        port = self.server.listen(stock_factory(self))
        socket = self.server.connect(port)
        socket.send(upgrade("Sec-WebSocket-Extensions: permessage-deflate; odd"))
        self.assertIn(b"illegal extension parameter 'odd'", socket.received())

    def test_our_offer(self) -> None:
        """Here it is declined."""
        answer = self.ask(upgrade("Sec-WebSocket-Extensions: permessage-deflate; odd"))
        self.assertEqual((answer.status, answer.header("Sec-WebSocket-Extensions")), (101, None))
