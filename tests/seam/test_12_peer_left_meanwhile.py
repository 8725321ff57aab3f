"""Seam 12: a peer that leaves while its upgrade is thought about."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.stock import stock_factory
from tests.web import ServerTestCase, upgrade


class PeerLeftTests(ServerTestCase):
    """A peer that is gone when the answer comes."""

    def test_stock(self) -> None:
        """Autobahn opens the connection after it has closed."""
        waiting: Deferred[Any] = Deferred()
        told: list[str] = []
        hooks = {
            "onConnect": lambda protocol, request: waiting,
            "onOpen": lambda protocol: told.append("open"),
            "onClose": lambda protocol, clean, code, reason: told.append("close"),
        }
        socket = self.server.connect(self.server.listen(stock_factory(self, **hooks)))
        socket.send(upgrade())
        socket.leave()
        waiting.callback(None)
        self.assertEqual(told, ["close", "open"])

    def test_ours(self) -> None:
        """Here it never was connected, whether the handler minds being cancelled or not."""
        for waiting in (Deferred(), Deferred(lambda deferred: deferred.callback(None))):
            handler = self.events.on_handshake(lambda connection, request, headers, waiting=waiting: waiting)
            socket = self.server.connect()
            socket.send(upgrade())
            socket.leave()
            self.events.on_handshake.remove(handler)
            self.assertTrue(waiting.called)
            self.assertEqual((self.server.told, socket.received()), ([], b""))
            self.assertEmpty()

    def test_ours_by_thread(self) -> None:
        """The same with a handler in a thread, which nobody can stop."""
        self.events.on_handshake(threaded=True)(lambda connection, request, headers: None)
        socket = self.server.connect()
        socket.send(upgrade())
        socket.leave()
        self.reactor.pool.run()
        self.assertEqual((self.server.told, socket.received()), ([], b""))
        self.assertEmpty()
