"""Seam 11: a second upgrade request while the first one is thought about."""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import AlreadyCalledError, Deferred

from sgcws.values import Reject
from tests.stock import stock_factory, stock_site
from tests.web import CLOSE, ServerTestCase, read_frames, upgrade


class SecondUpgradeTests(ServerTestCase):
    """Two requests on one connection, the first of them pending."""

    def setUp(self) -> None:
        """Think about each."""
        super().setUp()
        self.asked: list[tuple[str, Deferred[Any]]] = []
        self.events.on_handshake(lambda connection, request, headers: self.ask_about(request.path))

    def ask_about(self, path: str) -> Deferred[Any]:
        """Note a question that waits."""
        self.asked.append((path, Deferred()))
        return self.asked[-1][1]

    def test_stock(self) -> None:
        """Autobahn runs the second as well, and answers both: a refused request gets in by way of another."""
        factory = stock_factory(self, onConnect=lambda protocol, request: self.ask_about(request.path))
        for site in (factory, stock_site(factory, self.reactor)):
            socket = self.server.connect(self.server.listen(site))
            socket.send(upgrade(path="/1"), upgrade(path="/2"))
            for _ in range(2):
                self.asked.pop(0)[1].callback(None)
            self.assertEqual(socket.received().count(b"HTTP/1.1 101 "), 2)
        # The second answer also fails in a Deferred that nobody reads.
        del socket, site, factory
        gc.collect()
        self.assertEqual(len(self.flushLoggedErrors(AlreadyCalledError)), 2)

    def test_ours(self) -> None:
        """Here only the first is asked about, and what came behind it are frames, which these are not."""
        for pieces in ((upgrade(path="/1") + upgrade(path="/2"),), (upgrade(path="/1"), upgrade(path="/2"))):
            socket = self.server.connect()
            socket.send(*pieces)
            ((path, waiting),) = self.asked
            self.asked.clear()
            waiting.callback(None)
            head, _, rest = socket.received().partition(b"\r\n\r\n")
            self.assertEqual((path, head.count(b"HTTP/1.1 101 ")), ("/1", 1))
            self.assertEqual([seen.opcode for seen in read_frames(rest)], [CLOSE])
            self.assertEqual(self.asked, [])

    def test_refused(self) -> None:
        """If the first is refused, the connection ends, and nobody is asked about the second."""
        socket = self.server.connect()
        socket.send(upgrade(path="/1") + upgrade(path="/2"))
        self.asked.pop(0)[1].callback(Reject(401))
        self.assertEqual(socket.received().count(b"HTTP/1.1 "), 1)
        self.assertTrue(socket.closed)
        self.assertEqual((self.asked, self.server.told), ([], []))
